"""Distill labels into a small classifier, pack it, and run it without torch.

Names load on first use: running a bundle needs numpy and onnxruntime alone.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weaksup.distill.bundle.predict import Predictor, load_bundle
    from weaksup.distill.bundle.save import save_bundle
    from weaksup.distill.bundle.writing import Labeled, label_corpus
    from weaksup.distill.exports.export import Exported, export_bundle
    from weaksup.distill.judging.calibrating import Calibrated, calibrate_by_gold, calibrate_by_votes
    from weaksup.distill.judging.cleaning import Suspect, find_suspects
    from weaksup.distill.judging.drift import Drift
    from weaksup.distill.judging.evaluation import Evaluation, evaluate, hold_out
    from weaksup.distill.judging.groups import Fidelity, GroupScore, measure_fidelity, score_groups
    from weaksup.distill.judging.selective import Answered, find_threshold, selective_curve
    from weaksup.distill.judging.watching import measure_drift
    from weaksup.distill.judging.worth import Worth, measure_worth
    from weaksup.distill.student import Student
    from weaksup.distill.training import train

_HOMES = {
    "Answered": "judging.selective",
    "calibrate_by_gold": "judging.calibrating",
    "calibrate_by_votes": "judging.calibrating",
    "Calibrated": "judging.calibrating",
    "Drift": "judging.drift",
    "evaluate": "judging.evaluation",
    "Evaluation": "judging.evaluation",
    "export_bundle": "exports.export",
    "Exported": "exports.export",
    "Fidelity": "judging.groups",
    "find_suspects": "judging.cleaning",
    "find_threshold": "judging.selective",
    "GroupScore": "judging.groups",
    "hold_out": "judging.evaluation",
    "label_corpus": "bundle.writing",
    "Labeled": "bundle.writing",
    "load_bundle": "bundle.predict",
    "measure_drift": "judging.watching",
    "measure_fidelity": "judging.groups",
    "measure_worth": "judging.worth",
    "Predictor": "bundle.predict",
    "save_bundle": "bundle.save",
    "score_groups": "judging.groups",
    "selective_curve": "judging.selective",
    "Student": "student",
    "Suspect": "judging.cleaning",
    "train": "training",
    "Worth": "judging.worth",
}

__all__ = [
    "Answered",
    "Calibrated",
    "Drift",
    "Evaluation",
    "Exported",
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
    "export_bundle",
    "find_suspects",
    "find_threshold",
    "hold_out",
    "label_corpus",
    "load_bundle",
    "measure_drift",
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
