"""Label models: combine votes into probabilities."""

from weaksup.label_models.base import BaseLabelModel
from weaksup.label_models.checks import check_label_model
from weaksup.label_models.dawid_skene_model import DawidSkene
from weaksup.label_models.default import LabelModel
from weaksup.label_models.glad import Glad
from weaksup.label_models.health import Finding, count_differences, health
from weaksup.label_models.mace import Mace
from weaksup.label_models.majority import MajorityVote
from weaksup.label_models.one_coin_model import OneCoinModel
from weaksup.label_models.registry import MODELS, create, load
from weaksup.label_models.snorkel_bridge import SnorkelLabelModel
from weaksup.label_models.triplet import Triplet
from weaksup.label_models.weighted import WeightedVote

__all__ = [
    "MODELS",
    "BaseLabelModel",
    "DawidSkene",
    "Finding",
    "Glad",
    "LabelModel",
    "Mace",
    "MajorityVote",
    "OneCoinModel",
    "SnorkelLabelModel",
    "Triplet",
    "WeightedVote",
    "check_label_model",
    "count_differences",
    "create",
    "health",
    "load",
]
