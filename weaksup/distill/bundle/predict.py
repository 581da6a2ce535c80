"""Run a bundle: raw texts in, labels and probabilities out, with numpy and onnxruntime alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.bundle.decide import Decisions, SetDecisions, check_threshold, decide, decide_sets
from weaksup.distill.bundle.fields import FIELDS, Fields
from weaksup.distill.bundle.promises import promised_threshold
from weaksup.distill.bundle.runtimes import Run, open_runtime
from weaksup.distill.bundle.seal import MODEL, bad_bundle, read_sealed
from weaksup.distill.linear.keys import MAX_CHARS
from weaksup.distill.side_by_side import cores
from weaksup.errors import UsageError

__all__ = ["Predictor", "load_bundle"]

Text = str | Mapping[str, Any]  # or a row: its text, and the fields that the bundle reads
BATCH = 256
_NAMED = 6  # labels that a Predictor shows of itself
_MORE = ("calibration", "thresholds", "reference")  # files of JSON that a bundle may have
_CELLS = 2_000_000  # characters of a batch times numbers for each: bounds the memory


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Predictor:
    """A student from a bundle; made by `load_bundle`.

    `classes` are the label names, in the order of the probabilities; `labels` the label space, `metrics` what was
    measured when it was trained, `manifest` where it comes from: all as JSON. It holds no threads of its own, so it
    survives a fork, and many threads may use one. `more` is what else was packed, as JSON by name: "calibration",
    "thresholds", "reference".
    """

    classes: tuple[str, ...]
    labels: dict[str, Any]
    metrics: dict[str, Any]
    manifest: dict[str, Any]
    _run: Run
    fields: Fields = field(default_factory=Fields)
    more: Mapping[str, dict[str, Any]] = field(default_factory=dict)

    def __repr__(self) -> str:
        names = ", ".join(self.classes[:_NAMED]) + (", ..." if len(self.classes) > _NAMED else "")
        kind, seal = self.manifest.get("kind", ""), str(self.manifest.get("seal", ""))
        return f"<Predictor {kind}: {names}; seal {seal[:12]}>"

    @property
    def classes_(self) -> tuple[str, ...]:
        """The label names, under the name that scikit-learn gives them."""
        return self.classes

    def predict_proba(
        self, texts: Sequence[Text], *, batch_size: int = BATCH, threads: int | None = None
    ) -> NDArray[np.float32]:
        """Return probabilities [n, k]; `batch_size` and `threads` (default: all cores) do not change them."""
        clean = _read(texts, self.fields)
        if batch_size < 1 or (threads is not None and threads < 1):
            raise UsageError(f"predict: expected batch_size and threads of at least 1, got {batch_size} and {threads}")
        proba = np.empty((len(clean), len(self.classes)), np.float32)
        batches = list(_batches(clean, batch_size, len(self.classes)))

        def run(rows: NDArray[np.int64]) -> None:
            batch = np.array([clean[i] for i in rows.tolist()], object)
            proba[rows] = self._run(batch)

        workers = min(threads or cores(), len(batches))
        if workers < 2:
            for rows in batches:
                run(rows)
        else:
            with ThreadPoolExecutor(workers) as pool:
                list(pool.map(run, batches))
        return proba

    @overload
    def predict(self, texts: Sequence[Text], *, batch_size: int = ..., threads: int | None = ...) -> list[str]: ...

    @overload
    def predict(
        self, texts: Sequence[Text], *, abstain_below: float | None, batch_size: int = ..., threads: int | None = ...
    ) -> list[str | None]: ...

    def predict(
        self,
        texts: Sequence[Text],
        *,
        abstain_below: float | None = None,
        batch_size: int = BATCH,
        threads: int | None = None,
    ) -> list[str] | list[str | None]:
        """Return the most probable label of each text; None where it is less probable than `abstain_below`."""
        check_threshold(abstain_below)
        if self.multi:
            raise UsageError("predict: this student gives any number of labels; call predict_sets")
        proba = self.predict_proba(texts, batch_size=batch_size, threads=threads)
        return decide(proba, abstain_below).answers(self.classes)

    def predict_sets(
        self,
        texts: Sequence[Text],
        *,
        abstain_below: float | None = None,
        batch_size: int = BATCH,
        threads: int | None = None,
    ) -> list[tuple[str, ...] | None]:
        """Return the labels of each text, of a student that gives any number of them.

        None where max(p, 1 - p) of a label is below `abstain_below`.
        """
        check_threshold(abstain_below)
        if not self.multi:
            raise UsageError("predict_sets: this student gives one label a row; call predict")
        proba = self.predict_proba(texts, batch_size=batch_size, threads=threads)
        return decide_sets(proba, abstain_below).answers(self.classes)

    def decide(self, proba: NDArray[np.float32], abstain_below: float | None = None) -> Decisions | SetDecisions:
        """Turn probabilities [n, k] into answers, as every route does."""
        return (decide_sets if self.multi else decide)(proba, abstain_below)

    def threshold_for(self, precision: float) -> float:
        """Return the `abstain_below` with which at least `precision` of the answers are right, as far as was measured.

        The bound is for new rows of the same source (see `selective`). Raises UsageError where the bundle cannot
        promise it, and of a student that gives any number of labels.
        """
        if self.multi:
            raise UsageError(
                f"precision {precision}: a classifier of any number of labels has no thresholds for it; "
                "use --abstain-below, abstain_below= in Python"
            )
        return promised_threshold(precision, self.more.get("thresholds"), self.metrics)

    @property
    def multi(self) -> bool:
        """Whether a row may have any number of labels."""
        return bool(self.labels.get("multi"))


def load_bundle(path: str | Path) -> Predictor:
    """Read a bundle from its folder, or from the model.onnx in it.

    Raises UsageError where a byte was changed, and where a file is missing, unknown, a link, too large, or a model that
    weaksup did not write. Nothing is unpickled, no code is imported, no other file is opened.
    """
    folder = Path(path).parent if Path(path).name == MODEL else Path(path)
    manifest, files = read_sealed(folder)
    labels = _read_json(folder, "labels.json", files)
    names = labels.get("names")
    least = 1 if labels.get("multi") is True else 2
    if not isinstance(names, list) or len(names) < least or not all(isinstance(name, str) for name in names):
        raise bad_bundle(folder, "expected label names in labels.json")
    run = open_runtime(folder, manifest.get("kind"), files, names)
    metrics = _read_json(folder, "metrics.json", files)
    more = {name: _read_json(folder, f"{name}.json", files) for name in _MORE if f"{name}.json" in files}
    return Predictor(tuple(names), labels, metrics, manifest, run, _read_fields(folder, files), more)


def _read_fields(folder: Path, files: dict[str, bytes]) -> Fields:
    if FIELDS not in files:
        return Fields()
    try:
        return Fields.from_json(_read_json(folder, FIELDS, files))
    except ValueError:
        raise bad_bundle(folder, f"expected names and borders of fields in {FIELDS}") from None


def _read_json(folder: Path, name: str, files: dict[str, bytes]) -> dict[str, Any]:
    try:
        data = json.loads(files[name])
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise bad_bundle(folder, f"expected a JSON object in {name}")
    return data


def _read(texts: Sequence[Text], fields: Fields) -> list[str]:
    if isinstance(texts, (str, bytes, Mapping)):
        raise UsageError("predict: expected a list of texts, got a single one; write [text]")
    if isinstance(texts, Set) or not hasattr(texts, "__iter__") or hasattr(texts, "columns"):
        raise UsageError(f"predict: expected a list of texts, or of rows, got {type(texts).__name__}")
    clean = [_read_one(row, i, fields)[:MAX_CHARS] for i, row in enumerate(texts)]
    try:
        "".join(clean).encode()
    except UnicodeEncodeError:  # half of a surrogate pair: no UTF-8 can hold it
        clean = [text.encode("utf-8", "replace").decode() for text in clean]
    return clean


def _read_one(row: Text, i: int, fields: Fields) -> str:
    if isinstance(row, str):
        return row
    try:
        return fields.read(row)
    except UsageError as error:
        raise UsageError(f"predict: {error} at position {i}") from None


def _batches(texts: Sequence[str], size: int, k: int) -> Iterator[NDArray[np.int64]]:
    """Give positions, texts of like length together: the shorter ones of a batch cost as much as the longest."""
    lengths = np.array([len(text) for text in texts], np.int64)
    order = np.argsort(lengths, kind="stable")
    start = 0
    while start < len(order):
        end = min(start + size, len(order))
        while end > start + 1 and (end - start) * (int(lengths[order[end - 1]]) + 6) * (k + 12) > _CELLS:
            end -= (end - start + 1) // 2
        yield order[start:end]
        start = end
