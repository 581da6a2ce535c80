"""Label models: combine votes into probabilities."""

from weaksup.label_models.base import BaseLabelModel
from weaksup.label_models.checks import check_label_model
from weaksup.label_models.default import LabelModel
from weaksup.label_models.health import Finding, count_differences, health
from weaksup.label_models.majority import MajorityVote
from weaksup.label_models.registry import MODELS, create, load
from weaksup.label_models.snorkel_bridge import SnorkelLabelModel

__all__ = [
    "MODELS",
    "BaseLabelModel",
    "Finding",
    "LabelModel",
    "MajorityVote",
    "SnorkelLabelModel",
    "check_label_model",
    "count_differences",
    "create",
    "health",
    "load",
]
