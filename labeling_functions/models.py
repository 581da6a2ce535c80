"""Let any model with `predict_proba` vote."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.corpus.rows import Chunk
from weaksup.errors import ConfigError, UsageError
from weaksup.labeling_functions.base import check_name
from weaksup.labeling_functions.bundles import Bundle, find_bundle
from weaksup.labeling_functions.column import ColumnLF, column_of
from weaksup.labeling_functions.examples import read_examples
from weaksup.labels import ABSTAIN, LabelSpace
from weaksup.protocols import ChunkVotes

__all__ = ["model_vote"]

_SHOWN = 6  # digits of a bundle's probability, by which every other route decides


def model_vote(
    model: Any,
    *,
    name: str | None = None,
    classes: Sequence[object] | None = None,
    threshold: float | None = None,
    field: str | None = "text",
    examples: Iterable[object] = (),
    labels: LabelSpace | None = None,
) -> ColumnLF:
    """Vote for the most probable class where its probability is at least `threshold`; abstain on ties.

    `model.predict_proba` gets the values of `field` (or, with `field=None`, the rows) of a whole chunk as a list and
    returns [n, k]; `classes` [k] are the votes, `model.classes_` by default. Nulls are left out, and get no vote. A
    model that does not survive a fork (one with its own threads) is given as a function that loads it: it is called
    once in each process.

    A path is the folder of a bundle that `weaksup distill` wrote, as seen from the file that names it, else from the
    working folder. It brings its name (the folder's), its classes, the fields that it reads, and its threshold: that
    of the lowest precision that its gold promised. Others vote from .5 on. A bundle that changed votes anew.
    """
    bundle = None
    if isinstance(model, (str, Path)):
        bundle = find_bundle(model, beside=sys._getframe(1).f_globals.get("__file__"))
        field = None if bundle.fields else field
    name = check_name(name if name is not None else _own_name(bundle))
    threshold = threshold if threshold is not None else bundle.threshold if bundle else 0.5
    if not isinstance(threshold, (int, float)) or not 0 <= threshold <= 1:
        raise ConfigError(f'model_vote "{name}": expected a threshold from 0 to 1, got {threshold!r}')
    load = _loader(name, bundle or model)
    found = classes if classes is not None else bundle.classes if bundle else getattr(model, "classes_", None)
    if found is None:
        raise ConfigError(f'model_vote "{name}": the model does not name its classes; give classes=[...], one a column')
    choices = tuple(found)

    def pick(chunk: Chunk) -> ChunkVotes:
        for needed in bundle.fields if bundle else ():
            column_of(chunk, needed, name=name)
        values = list(chunk.rows) if field is None else column_of(chunk, field, name=name).to_pylist()
        there = np.flatnonzero([value is not None for value in values])
        if not there.size:
            return ChunkVotes(np.full(len(values), ABSTAIN))
        try:
            said = load().predict_proba([values[i] for i in there.tolist()])
        except Exception as error:  # noqa: BLE001  (user code: the whole chunk failed)
            return ChunkVotes(np.full(len(values), ABSTAIN), dict.fromkeys(there.tolist(), error))
        proba = np.full((len(values), len(choices)), -1.0)  # below any threshold
        proba[there] = _as_matrix(name, said, (len(there), len(choices)))
        return _decide(proba, threshold, digits=_SHOWN if bundle else None)

    seal, folder = (bundle.seal, bundle.folder) if bundle else ("", None)
    return ColumnLF(name, pick, choices, read_examples(name, examples), labels, made_from=seal, folder=folder)


def _own_name(bundle: Bundle | None) -> str:
    if bundle is None:
        raise ConfigError('model_vote: expected a name: name="..."; only a bundle, given by its path, has one')
    return bundle.name


def _loader(name: str, model: Any) -> Callable[[], Any]:
    if hasattr(model, "predict_proba") and not isinstance(model, type):
        return lambda: model
    if not callable(model):
        got = type(model).__name__
        raise ConfigError(
            f'model_vote "{name}": expected a model with predict_proba, or a function that loads one, got {got}'
        )
    loaded: dict[int, Any] = {}  # by process

    def load() -> Any:
        if os.getpid() not in loaded:
            loaded[os.getpid()] = model()
        return loaded[os.getpid()]

    return load


def _as_matrix(name: str, said: Any, shape: tuple[int, int]) -> NDArray[np.float64]:
    proba = np.asarray(said, np.float64)
    if proba.shape != shape:
        raise UsageError(
            f'model_vote "{name}": expected predict_proba to return {list(shape)} for {shape[0]} rows and {shape[1]} '
            f"classes, got {list(proba.shape)}"
        )
    return proba


def _decide(proba: NDArray[np.float64], threshold: float, *, digits: int | None) -> ChunkVotes:
    """Vote where the largest probability, as it is shown, is at least `threshold`, and no other is as large."""
    best = proba.argmax(axis=1)
    top = proba.max(axis=1)
    alone = (proba == top[:, None]).sum(axis=1) == 1
    broken = ~np.isfinite(proba).all(axis=1)
    with np.errstate(invalid="ignore"):
        sure = ((top if digits is None else top.round(digits)) >= threshold) & alone & ~broken
    error = ValueError("predict_proba gave a probability that is not finite")
    return ChunkVotes(np.where(sure, best, ABSTAIN), dict.fromkeys(np.flatnonzero(broken).tolist(), error))
