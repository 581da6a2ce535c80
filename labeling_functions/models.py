"""Let any model with `predict_proba` vote."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.corpus.rows import Chunk
from weaksup.errors import ConfigError, UsageError
from weaksup.labeling_functions.base import check_name
from weaksup.labeling_functions.column import ColumnLF, column_of
from weaksup.labeling_functions.examples import read_examples
from weaksup.labels import ABSTAIN, LabelSpace
from weaksup.protocols import ChunkVotes

__all__ = ["model_vote"]


def model_vote(
    model: Any,
    *,
    name: str,
    classes: Sequence[object] | None = None,
    threshold: float = 0.5,
    field: str | None = "text",
    examples: Iterable[object] = (),
    labels: LabelSpace | None = None,
) -> ColumnLF:
    """Vote for the most probable class where its probability is at least `threshold`; abstain on ties.

    `model.predict_proba` gets the values of `field` (or, with `field=None`, the rows) of a whole chunk as a list and
    returns [n, k]; `classes` [k] are the votes, `model.classes_` by default. A model that does not survive a fork (one
    with its own threads) is given as a function that loads it: it is called once in each process.
    """
    name = check_name(name)
    if not 0 <= threshold <= 1:
        raise ConfigError(f'model_vote "{name}": expected a threshold from 0 to 1, got {threshold}')
    load = _loader(name, model)
    found = classes if classes is not None else getattr(model, "classes_", None)
    if found is None:
        raise ConfigError(f'model_vote "{name}": the model does not name its classes; give classes=[...], one a column')
    choices = tuple(found)

    def pick(chunk: Chunk) -> ChunkVotes:
        values = list(chunk.rows) if field is None else column_of(chunk, field, name=name).to_pylist()
        if not values:
            return ChunkVotes(np.empty(0, np.int64))
        try:
            said = load().predict_proba(values)
        except Exception as error:  # noqa: BLE001  (user code: the whole chunk failed)
            return ChunkVotes(np.full(len(values), ABSTAIN), dict.fromkeys(range(len(values)), error))
        return _decide(_as_matrix(name, said, (len(values), len(choices))), threshold)

    return ColumnLF(name, pick, choices, read_examples(name, examples), labels)


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


def _decide(proba: NDArray[np.float64], threshold: float) -> ChunkVotes:
    best = proba.argmax(axis=1)
    top = proba.max(axis=1)
    alone = (proba == top[:, None]).sum(axis=1) == 1
    broken = ~np.isfinite(proba).all(axis=1)
    with np.errstate(invalid="ignore"):
        sure = (top >= threshold) & alone & ~broken
    error = ValueError("predict_proba gave a probability that is not finite")
    return ChunkVotes(np.where(sure, best, ABSTAIN), dict.fromkeys(np.flatnonzero(broken).tolist(), error))
