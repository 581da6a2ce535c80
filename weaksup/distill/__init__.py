"""Distill labels into a small classifier, pack it, and run it without torch.

Names load on first use: running a bundle needs numpy and onnxruntime alone.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weaksup.distill.bundle import save_bundle
    from weaksup.distill.calibrating import Calibrated, calibrate_by_gold, calibrate_by_votes
    from weaksup.distill.cleaning import Suspect, find_suspects
    from weaksup.distill.evaluation import Evaluation, evaluate, hold_out
    from weaksup.distill.groups import Fidelity, GroupScore, measure_fidelity, score_groups
    from weaksup.distill.predict import Predictor, load_bundle
    from weaksup.distill.selective import Answered, find_threshold, selective_curve
    from weaksup.distill.student import Student, train
    from weaksup.distill.worth import Worth, measure_worth
    from weaksup.distill.writing import Labeled, label_corpus

_HOMES = {
    "GroupScore": "groups",
    "Fidelity": "groups",
    "score_groups": "groups",
    "measure_fidelity": "groups",
    "find_suspects": "cleaning",
    "Suspect": "cleaning",
    "measure_worth": "worth",
    "Worth": "worth",
    "find_threshold": "selective",
    "selective_curve": "selective",
    "Answered": "selective",
    "calibrate_by_votes": "calibrating",
    "calibrate_by_gold": "calibrating",
    "Calibrated": "calibrating",
    "Evaluation": "evaluation",
    "Labeled": "writing",
    "Predictor": "predict",
    "Student": "student",
    "evaluate": "evaluation",
    "hold_out": "evaluation",
    "label_corpus": "writing",
    "load_bundle": "predict",
    "save_bundle": "bundle",
    "train": "student",
}

__all__ = [
    "Answered",
    "Calibrated",
    "Evaluation",
    "Fidelity",
    "GroupScore",
    "Labeled",
    "Predictor",
    "Student",
    "Suspect",
    "Worth",
    "calibrate_by_gold",
    "calibrate_by_votes",
    "evaluate",
    "find_suspects",
    "find_threshold",
    "hold_out",
    "label_corpus",
    "load_bundle",
    "measure_fidelity",
    "measure_worth",
    "save_bundle",
    "score_groups",
    "selective_curve",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'weaksup.distill' has no attribute '{name}'")
    return getattr(import_module(f"weaksup.distill.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
