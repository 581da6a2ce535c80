"""Distill labels into a small classifier, pack it, and run it without torch.

Names load on first use: running a bundle needs numpy and onnxruntime alone.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weaksup.distill.bundle import save_bundle
    from weaksup.distill.evaluation import Evaluation, evaluate, hold_out
    from weaksup.distill.predict import Predictor, load_bundle
    from weaksup.distill.student import Student, train
    from weaksup.distill.writing import Labeled, label_corpus

_HOMES = {
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
    "Evaluation",
    "Labeled",
    "Predictor",
    "Student",
    "evaluate",
    "hold_out",
    "label_corpus",
    "load_bundle",
    "save_bundle",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'weaksup.distill' has no attribute '{name}'")
    return getattr(import_module(f"weaksup.distill.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
