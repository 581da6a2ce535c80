"""Label models: combine votes into probabilities."""

from weaksup.label_models.base import BaseLabelModel
from weaksup.label_models.calibration import Calibration, calibrate, cross_calibrated
from weaksup.label_models.calibration_report import CalibrationReport, calibration_report
from weaksup.label_models.checks import check_label_model
from weaksup.label_models.compare import Comparison, compare
from weaksup.label_models.dawid_skene_model import DawidSkene
from weaksup.label_models.default import LabelModel
from weaksup.label_models.explain import Explanation, explain
from weaksup.label_models.fitting import Fitted, fit_labels
from weaksup.label_models.flatten import calibrate_by_agreement
from weaksup.label_models.generative import Generative
from weaksup.label_models.glad import Glad
from weaksup.label_models.health import BalanceShift, Finding, balance_sensitivity, count_differences, health
from weaksup.label_models.influence import SourceInfluence, influence
from weaksup.label_models.mace import Mace
from weaksup.label_models.majority import MajorityVote
from weaksup.label_models.minimax import Minimax
from weaksup.label_models.multi import MultiLabelModel
from weaksup.label_models.one_coin_model import OneCoinModel
from weaksup.label_models.registry import MODELS, create, load, model_names
from weaksup.label_models.snorkel_bridge import SnorkelLabelModel
from weaksup.label_models.source_accuracy import SourceAccuracy, accuracy_intervals
from weaksup.label_models.summary import summarize
from weaksup.label_models.triplet import Triplet
from weaksup.label_models.weighted import WeightedVote

__all__ = [
    "MODELS",
    "BalanceShift",
    "BaseLabelModel",
    "Calibration",
    "CalibrationReport",
    "Comparison",
    "DawidSkene",
    "Explanation",
    "Finding",
    "Fitted",
    "Generative",
    "Glad",
    "LabelModel",
    "Mace",
    "MajorityVote",
    "Minimax",
    "MultiLabelModel",
    "OneCoinModel",
    "SnorkelLabelModel",
    "SourceAccuracy",
    "SourceInfluence",
    "Triplet",
    "WeightedVote",
    "accuracy_intervals",
    "balance_sensitivity",
    "calibrate",
    "calibrate_by_agreement",
    "calibration_report",
    "check_label_model",
    "compare",
    "count_differences",
    "create",
    "cross_calibrated",
    "explain",
    "fit_labels",
    "health",
    "influence",
    "load",
    "model_names",
    "summarize",
]
