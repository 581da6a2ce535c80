"""A bundle on disk as a model that votes: found beside the module that names it, opened once in a process."""

from __future__ import annotations

import multiprocessing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weaksup.errors import ConfigError

if TYPE_CHECKING:
    from weaksup.distill.bundle.predict import Predictor

__all__ = ["Bundle", "find_bundle"]

_USUAL = 0.5  # threshold of a bundle that promises nothing of its own
_MODEL = "model.onnx"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle as `model_vote` needs it: `seal` is the hash of all that is in it, and `fields` are read beside text."""

    folder: Path
    classes: tuple[str, ...]
    seal: str
    fields: tuple[str, ...]
    threshold: float

    @property
    def name(self) -> str:
        """The name of the folder."""
        return self.folder.name

    def predict_proba(self, rows: Sequence[Any]) -> Any:
        """Return probabilities [n, k] of texts, or of rows where it reads fields; a worker process uses one core."""
        student = _open(self.folder, self.seal)
        return student.predict_proba(rows, threads=1 if multiprocessing.parent_process() else None)


def find_bundle(path: str | Path, *, beside: str | None = None) -> Bundle:
    """Open the bundle at `path`: as seen from the folder of the file `beside`, else from the working folder.

    Raises UsageError where there is none or a byte was changed, ConfigError where it gives several labels a row.
    """
    seen = Path(path).expanduser()
    folder = Path(beside).resolve().parent / seen if beside else seen
    folder = (folder if folder.exists() else seen).resolve()
    folder = folder.parent if folder.name == _MODEL else folder
    student = _load(folder)
    if student.labels.get("multi"):
        raise ConfigError(f"model_vote: expected a student that gives one label a row; {folder} gives any number")
    seal, threshold = str(student.manifest["seal"]), _own_threshold(student.more.get("thresholds", {}))
    return Bundle(folder, student.classes, seal, tuple(student.fields.names), threshold)


@lru_cache(maxsize=16)
def _open(folder: Path, seal: str) -> Predictor:
    """Return the bundle, which a process reads once; one that was replaced meanwhile is refused."""
    student = _load(folder)
    if student.manifest["seal"] != seal:
        raise ConfigError(f"model_vote: expected the bundle {folder} as it was when it was named; run again")
    return student


def _load(folder: Path) -> Predictor:
    # The one step up in the house: a bundle is opened by what wrote it, and needs numpy and onnxruntime alone.
    from weaksup.distill.bundle.predict import load_bundle

    return load_bundle(folder)


def _own_threshold(packed: Mapping[str, Any]) -> float:
    """Return the threshold of the lowest precision that was promised when the student was packed."""
    wanted = [(one["precision"], one["threshold"]) for one in packed.get("wanted", []) if one["threshold"] is not None]
    return float(min(wanted)[1]) if wanted else _USUAL
