"""The laws that every label model keeps, as a public check: run it over a model of your own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from weaksup.errors import UsageError

__all__ = ["LAWS", "MakeModel", "check_label_model"]

_Array = NDArray[Any]
_CLOSE = 1e-6


class _Model(Protocol):
    def fit(self, votes: _Array, /) -> object: ...

    def predict_proba(self, votes: _Array, /) -> _Array: ...


MakeModel = Callable[[int], _Model]
"""Cardinality in, a new model that is not fitted out."""


def check_label_model(make_model: MakeModel, *, skip: Collection[str] = (), max_sources: int = 200) -> list[str]:
    """Check every law of `LAWS` on fixed example votes and return the names of those checked.

    Raises `AssertionError` with the law's name and the votes' shape at the first violation. A model that needs more
    sources may refuse votes with a `UsageError`; nothing else may be raised. `skip` names laws that a model does not
    claim; `max_sources` leaves out wider examples.

    >>> from weaksup.label_models import MajorityVote
    >>> check_label_model(MajorityVote)[0]
    'rows are distributions'
    """
    unknown = set(skip) - set(LAWS)
    if unknown:
        raise UsageError(f"check_label_model: expected laws out of {', '.join(LAWS)}; got {', '.join(sorted(unknown))}")
    chosen = [name for name in LAWS if name not in skip]
    for name in chosen:
        for k, votes in _examples():
            if votes.shape[1] > max_sources:
                continue
            try:
                LAWS[name](make_model, k, votes)
            except UsageError:
                continue
            except AssertionError as error:
                shown = f"votes {list(votes.shape)}, {k} classes"
                raise AssertionError(f"label model breaks a law: {name} ({shown}): {error}") from None
    return chosen


def _examples() -> Iterator[tuple[int, _Array]]:
    """Give votes of every shape that has broken a label model: (k, votes [n, m])."""
    rng = np.random.default_rng(0)
    for k, n, m, coverage in ((2, 60, 4, 0.5), (2, 200, 6, 1.0), (3, 120, 5, 0.6), (5, 80, 3, 0.9), (4, 150, 30, 0.3)):
        yield k, _simulate(rng, k, n, m, coverage)
    single = _simulate(rng, 2, 150, 8, 0.4)
    yield 2, np.where(single == np.arange(8) % 2, single, -1)  # each source votes for one label only
    yield 2, np.where(single == 1, 1, -1)  # positive votes only
    yield 2, np.array([[0, 1, -1, 1]])  # one row
    yield 3, np.array([[2]])  # one row, one source
    yield 2, _simulate(rng, 2, 40, 1, 0.7)  # one source
    yield 2, np.full((10, 3), -1)  # nobody votes
    yield 2, np.hstack([np.zeros((50, 1), int), _simulate(rng, 2, 50, 3, 0.8)])  # a constant source
    yield 2, np.zeros((30, 3), int)  # nothing but one label
    yield 2, _simulate(rng, 2, 300, 200, 0.1)  # 200 sources
    yield 2, np.repeat(_simulate(rng, 2, 40, 1, 1.0), 4, axis=1)  # four copies of one source
    yield 2, np.array([[0, 1], [1, 0]] * 10)  # two sources that always disagree
    yield 3, np.empty((0, 3), int)  # no rows


def _simulate(rng: np.random.Generator, k: int, n: int, m: int, coverage: float) -> _Array:
    truth = rng.integers(0, k, n)[:, None]
    right = rng.random((n, m)) < rng.uniform(0.55, 0.9, m)
    votes = np.where(right, truth, (truth + rng.integers(1, k, (n, m))) % k)
    return np.where(rng.random((n, m)) < coverage, votes, -1)


def _proba(make_model: MakeModel, k: int, votes: _Array) -> _Array:
    model = make_model(k)
    model.fit(votes)
    return np.asarray(model.predict_proba(votes))


def _assert_same(left: _Array, right: _Array) -> None:
    assert left.shape == right.shape, f"shape {list(left.shape)} became {list(right.shape)}"
    gap = float(np.abs(left - right).max(initial=0.0))
    assert gap <= _CLOSE, f"a probability moved by {gap:.3g}"


def _rows_are_distributions(make_model: MakeModel, k: int, votes: _Array) -> None:
    proba = _proba(make_model, k, votes)
    assert proba.shape == (len(votes), k), f"expected proba [{len(votes)}, {k}], got {list(proba.shape)}"
    assert np.isfinite(proba).all(), "a probability is not finite"
    assert (proba >= 0).all(), "a probability is below 0"
    assert np.allclose(proba.sum(axis=1), 1.0, atol=1e-9), "a row does not sum to 1"


def _permuting_rows(make_model: MakeModel, k: int, votes: _Array) -> None:
    order = np.random.default_rng(1).permutation(len(votes))
    _assert_same(_proba(make_model, k, votes)[order], _proba(make_model, k, votes[order]))


def _permuting_sources(make_model: MakeModel, k: int, votes: _Array) -> None:
    order = np.random.default_rng(2).permutation(votes.shape[1])
    _assert_same(_proba(make_model, k, votes), _proba(make_model, k, votes[:, order]))


def _permuting_classes(make_model: MakeModel, k: int, votes: _Array) -> None:
    order = np.roll(np.arange(k), 1)
    renamed = np.where(votes >= 0, order[votes], -1)
    _assert_same(_proba(make_model, k, votes), _proba(make_model, k, renamed)[:, order])


def _silent_source(make_model: MakeModel, k: int, votes: _Array) -> None:
    silent = np.full((len(votes), 1), -1)
    _assert_same(_proba(make_model, k, votes), _proba(make_model, k, np.hstack([votes[:, :1], silent, votes[:, 1:]])))


def _equal_rows(make_model: MakeModel, k: int, votes: _Array) -> None:
    if len(votes):
        proba = _proba(make_model, k, np.vstack([votes, votes[:1]]))
        _assert_same(proba[:1], proba[-1:])


def _same_bytes(make_model: MakeModel, k: int, votes: _Array) -> None:
    left, right = _proba(make_model, k, votes), _proba(make_model, k, votes)
    assert left.tobytes() == right.tobytes(), "two runs differ"


def _refit(make_model: MakeModel, k: int, votes: _Array) -> None:
    model = make_model(k)
    model.fit(votes[::2])
    model.fit(votes)
    again = np.asarray(model.predict_proba(votes))
    assert again.tobytes() == _proba(make_model, k, votes).tobytes(), "a model that was fitted before differs"


def _votes_unchanged(make_model: MakeModel, k: int, votes: _Array) -> None:
    before = votes.copy()
    _proba(make_model, k, votes)
    assert (votes == before).all(), "the model wrote to the votes"


LAWS: dict[str, Callable[[MakeModel, int, _Array], None]] = {
    "rows are distributions": _rows_are_distributions,
    "permuting rows permutes results": _permuting_rows,
    "permuting sources changes nothing": _permuting_sources,
    "renaming classes renames results": _permuting_classes,
    "a source that always abstains changes nothing": _silent_source,
    "equal rows get equal results": _equal_rows,
    "same seed, same bytes": _same_bytes,
    "fitting again equals fitting": _refit,
    "votes are not written to": _votes_unchanged,
}
