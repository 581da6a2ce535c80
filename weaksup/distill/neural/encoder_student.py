"""A student that reads tokens: an encoder with a softmax at its end, run as it will be run from its bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.bundle.predict import Predictor
from weaksup.distill.bundle.runtimes import open_runtime
from weaksup.distill.bundle.seal import MODEL
from weaksup.distill.bundle.token_graph import TOKENIZER
from weaksup.distill.neural.encoder_folder import Encoder
from weaksup.distill.neural.token_model import Head
from weaksup.distill.student import Student
from weaksup.labels import LabelSpace

__all__ = ["EmbeddingStudent", "EncoderStudent", "TransformerStudent"]


@dataclass(frozen=True, eq=False)
class EncoderStudent(Student):
    """An encoder and a softmax; what it says is what its bundle says, to the last bit."""

    labels: LabelSpace
    encoder: Encoder = field(repr=False)
    head: Head = field(repr=False)
    training: dict[str, Any]

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return probabilities [n, k]; each text is run alone."""
        return self._predictor.predict_proba(texts).astype(np.float64)

    def cooled(self, temperature: float) -> Self:
        """Return the student with its scores divided by `temperature`."""
        return replace(self, head=self.head.cooled(temperature))

    def files(self) -> dict[str, bytes]:
        """Return the model file and its tokenizer."""
        return {MODEL: self.encoder.to_onnx(self.head), TOKENIZER: self.encoder.tokenizer.encode()}

    @cached_property
    def _predictor(self) -> Predictor:
        run = open_runtime(Path("(not saved)"), self.kind, self.files(), self.classes)
        return Predictor(self.classes, {}, {}, {}, run)


@dataclass(frozen=True, eq=False)
class EmbeddingStudent(EncoderStudent):
    """The encoder is as it came."""

    kind: ClassVar[str] = "embedding"


@dataclass(frozen=True, eq=False)
class TransformerStudent(EncoderStudent):
    """The encoder was trained, too."""

    kind: ClassVar[str] = "transformer"
