"""The laws of label models, one function each: it says by `AssertionError` how a model breaks the law."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from weaksup.label_models.example_votes import Example, dense_votes, every_shape, known_votes, lying_votes
from weaksup.votes import VoteMatrix

__all__ = ["BALANCE", "CONFIDENCE", "COPY", "GOLD", "LAWS", "Law", "MakeModel", "Trial"]

_Array = NDArray[Any]
_CLOSE = 1e-6


class _Model(Protocol):
    def fit(self, votes: _Array, /) -> object: ...

    def predict_proba(self, votes: _Array, /) -> _Array: ...


MakeModel = Callable[[int], _Model]
"""Cardinality in, a new model that is not fitted out."""


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One example, and what a model made of it: votes [n, m] over `k` classes, probabilities [n, k]."""

    make: MakeModel
    k: int
    votes: _Array
    proba: _Array

    @classmethod
    def of(cls, make: MakeModel, k: int, votes: _Array) -> Trial:
        """Fit a new model to the votes and keep its probabilities of them."""
        trial = cls(make, k, votes, np.empty(0))
        return replace(trial, proba=trial.answer(votes))

    def answer(self, votes: Any, **known: Any) -> _Array:
        """Return the probabilities of votes by a new model fitted to them."""
        return np.asarray(self.fit(votes, **known).predict_proba(votes))

    def fit(self, votes: Any, **known: Any) -> Any:
        """Return a new model fitted to votes; what is `known` goes to `fit` as it is."""
        model: Any = self.make(self.k)
        model.fit(votes.copy() if isinstance(votes, np.ndarray) else votes, **known)  # a model may write to them
        return model


@dataclass(frozen=True, slots=True)
class Law:
    """What must hold on each of some examples; one that is `claimed` only for models that say they keep it."""

    check: Callable[[Trial], None]
    examples: Callable[[], Iterator[Example]] = every_shape
    claimed: bool = False


def _rows_are_distributions(trial: Trial) -> None:
    shape = (len(trial.votes), trial.k)
    others = np.roll(trial.votes, 1, axis=1)
    for what, proba in (("", trial.proba), ("votes not seen in fit: ", trial.fit(trial.votes).predict_proba(others))):
        assert proba.shape == shape, f"{what}expected proba {list(shape)}, got {list(proba.shape)}"
        assert np.isfinite(proba).all(), (
            f"{what}a probability is not finite, first in row {_first(~np.isfinite(proba))}"
        )
        assert (proba >= 0).all(), f"{what}a probability is below 0, first in row {_first(proba < 0)}"
        off = np.abs(proba.sum(axis=1) - 1)
        assert (off <= 1e-9).all(), f"{what}row {off.argmax()} sums to {1 + off.max():.9g}, not to 1"


def _permuting_rows(trial: Trial) -> None:
    order = np.random.default_rng(1).permutation(len(trial.votes))
    _assert_same(trial.proba[order], trial.answer(trial.votes[order]))


def _permuting_sources(trial: Trial) -> None:
    order = np.random.default_rng(2).permutation(trial.votes.shape[1])
    _assert_same(trial.proba, trial.answer(trial.votes[:, order]))


def _permuting_classes(trial: Trial) -> None:
    order = np.roll(np.arange(trial.k), 1)
    renamed = np.where(trial.votes >= 0, order[trial.votes], -1)
    _assert_same(trial.proba, trial.answer(renamed)[:, order])


def _silent_source(trial: Trial) -> None:
    silent = np.full((len(trial.votes), 1), -1)
    _assert_same(trial.proba, trial.answer(np.hstack([trial.votes[:, :1], silent, trial.votes[:, 1:]])))


def _equal_rows(trial: Trial) -> None:
    if len(trial.votes):
        proba = trial.answer(np.vstack([trial.votes, trial.votes[:1]]))
        _assert_same(proba[:1], proba[-1:])


def _same_bytes(trial: Trial) -> None:
    _assert_same(trial.proba, trial.answer(trial.votes), within=0)


def _any_number_of_threads(trial: Trial) -> None:
    for threads in (1, 2):
        with _limited(threads):
            _assert_same(trial.proba, trial.answer(trial.votes), within=0)


def _fitting_again(trial: Trial) -> None:
    model = trial.fit(trial.votes[::2])
    model.fit(trial.votes)
    _assert_same(trial.proba, model.predict_proba(trial.votes), within=0)


def _saving_and_loading(trial: Trial) -> None:
    model = trial.fit(trial.votes)
    for method in ("save", "load"):
        assert hasattr(model, method), f"expected a method {method}(folder); write it, or skip this law"
    with TemporaryDirectory() as folder:
        model.save(folder)
        foreign = [p.name for p in Path(folder).iterdir() if p.suffix not in (".json", ".npz")]
        again = type(model).load(folder)
    assert not foreign, f"expected JSON and npz, nothing that can run; got {', '.join(sorted(foreign))}"
    _assert_same(trial.proba, again.predict_proba(trial.votes), within=0)
    for field in [name for name in vars(model) if name.endswith("_")]:
        before, after = getattr(model, field), getattr(again, field, None)
        assert _equal(before, after), f"the learned field {field} was {before!r} and is now {after!r}"


def _votes_unchanged(trial: Trial) -> None:
    votes, model = trial.votes.copy(), trial.make(trial.k)
    model.fit(votes)
    model.predict_proba(votes)
    changed = votes != trial.votes
    assert not changed.any(), f"the model wrote to the votes, first to row {_first(changed)}"


def _copies(trial: Trial) -> None:
    for source in range(trial.votes.shape[1]):
        twice = np.hstack([trial.votes, trial.votes[:, [source]]])
        rise = trial.answer(twice).max(axis=1) - trial.proba.max(axis=1)
        assert (rise <= _CLOSE).all(), f"a copy of source {source} raised row {rise.argmax()} by {rise.max():.3g}"


def _gold_is_heeded(trial: Trial) -> None:
    truth, half = np.arange(len(trial.votes)) % trial.k, len(trial.votes) // 2
    gold = np.where(np.arange(len(truth)) < half, truth, -1)
    right = float((trial.answer(trial.votes, gold=gold)[half:].argmax(axis=1) == truth[half:]).mean())
    assert right >= 0.8, f"gold says that two of three sources always lie, and yet only {right:.0%} of rows are right"


def _balance_is_heeded(trial: Trial) -> None:
    shares = np.arange(1, trial.k + 1) / np.arange(1, trial.k + 1).sum()
    up, down = (trial.answer(trial.votes, class_balance=list(s))[:, -1].mean() for s in (shares, shares[::-1]))
    assert up > down + 0.01, f"the last class has share {down:.3f} when it is said to be rare, {up:.3f} when frequent"


def _confidence_is_heeded(trial: Trial) -> None:
    truth = np.arange(len(trial.votes)) % trial.k
    chance = np.random.default_rng(0).beta(np.where(trial.votes == truth[:, None], 6, 3), 2)  # right votes are surer
    named = VoteMatrix.from_array(trial.votes, cardinality=trial.k)
    said = replace(named, confidence=np.where(trial.votes >= 0, chance, np.nan).astype(np.float32))
    without, heard = (float(p[np.arange(len(truth)), truth].mean()) for p in (trial.proba, trial.answer(said)))
    assert heard > without + 0.01, f"true labels have mean probability {without:.3f}, with confidences {heard:.3f}"


def _assert_same(left: _Array, right: _Array, *, within: float = _CLOSE) -> None:
    assert left.shape == right.shape, f"shape {list(left.shape)} became {list(right.shape)}"
    gaps = np.abs(left - right).max(axis=1, initial=0.0)
    worst = int(gaps.argmax()) if len(gaps) else 0
    assert (gaps <= within).all(), f"a probability of row {worst} moved by {gaps[worst]:.3g}"
    assert within or left.tobytes() == right.tobytes(), "the numbers are equal, their bytes are not"


def _equal(left: object, right: object) -> bool:
    if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
        return left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()
    return type(left) is type(right) and left == right


def _first(wrong: NDArray[np.bool_]) -> int:
    return int(np.argwhere(wrong)[0, 0])


@contextmanager
def _limited(threads: int) -> Iterator[None]:
    """Let BLAS, OpenMP and torch, where they are loaded, use so many threads."""
    from threadpoolctl import threadpool_limits

    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else 0
    with threadpool_limits(threads):
        if torch:
            torch.set_num_threads(threads)
        try:
            yield
        finally:
            if torch:
                torch.set_num_threads(before)


COPY = "a copy of a source never raises confidence"
GOLD = "gold outweighs sources that agree on a lie"
BALANCE = "a class balance that is given moves its classes"
CONFIDENCE = "confidences that tell right votes from wrong ones help"

LAWS: dict[str, Law] = {
    "rows are distributions": Law(_rows_are_distributions),
    "permuting rows permutes results": Law(_permuting_rows),
    "permuting sources changes nothing": Law(_permuting_sources),
    "renaming classes renames results": Law(_permuting_classes),
    "a source that always abstains changes nothing": Law(_silent_source),
    "equal rows get equal results": Law(_equal_rows),
    "same seed, same bytes": Law(_same_bytes),
    "same bytes for any number of threads": Law(_any_number_of_threads, dense_votes),
    "fitting again equals fitting": Law(_fitting_again),
    "saving and loading keeps every bit": Law(_saving_and_loading),
    "votes are not written to": Law(_votes_unchanged),
    COPY: Law(_copies, known_votes, claimed=True),
    GOLD: Law(_gold_is_heeded, lying_votes, claimed=True),
    BALANCE: Law(_balance_is_heeded, known_votes, claimed=True),
    CONFIDENCE: Law(_confidence_is_heeded, known_votes, claimed=True),
}
"""Every law by its name."""
