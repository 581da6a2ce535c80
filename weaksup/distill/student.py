"""What every kind of student can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.bundle.predict import Predictor, load_bundle
from weaksup.errors import UsageError

if TYPE_CHECKING:
    from weaksup.labels import LabelSpace

__all__ = ["Student"]


class Student(ABC):
    """A trained classifier of texts; `weaksup.distill.train` makes it, `save_bundle` packs it, `load` runs it.

    `training` says what it was trained on, as JSON; it holds "distinct_texts", and where rows were kept out to choose
    by, "held_out_rows" (what judged: gold or votes), "held_out_texts" (how many) and "held_out_temperature".
    """

    kind: ClassVar[str]
    labels: LabelSpace
    training: dict[str, Any]

    @property
    def classes(self) -> tuple[str, ...]:
        """The label names; probabilities are in this order."""
        return self.labels.names

    @abstractmethod
    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return probabilities [n, k]; rows sum to 1."""

    @abstractmethod
    def cooled(self, temperature: float) -> Self:
        """Return the student with its scores divided by `temperature`; no row's most probable label changes."""

    @abstractmethod
    def files(self) -> dict[str, bytes]:
        """Return what its bundle needs to run it, by file name: "model.onnx", and what its kind reads beside."""

    def predict(self, texts: Sequence[str]) -> list[str]:
        """Return the most probable label of each text; raise UsageError where a text may have any number of labels."""
        if self.labels.multi:
            raise UsageError("predict: this student gives any number of labels; save it, load it and call predict_sets")
        best = self.predict_proba(texts).astype(np.float32).argmax(axis=1)  # as precise as the packed model
        return [self.classes[c] for c in best.tolist()]

    @staticmethod
    def load(path: str | Path) -> Predictor:
        """Open a bundle; the same as `load_bundle`, which needs numpy and onnxruntime alone."""
        return load_bundle(path)
