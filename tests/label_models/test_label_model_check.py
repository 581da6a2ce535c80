"""The public check: every registered model passes it, and each law catches a model that breaks it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from weaksup.errors import UsageError
from weaksup.label_models import MODELS, BaseLabelModel, MajorityVote, SnorkelLabelModel, WeightedVote
from weaksup.label_models.checks import CLAIMS, check_label_model
from weaksup.label_models.laws import BALANCE, CONFIDENCE, COPY, GOLD, LAWS
from weaksup.patterns import Patterns

KEPT_BY_ALL = [name for name, law in LAWS.items() if not law.claimed]


def make(name: str, k: int) -> BaseLabelModel:
    return SnorkelLabelModel(k, epochs=2) if name == "snorkel" else MODELS[name](k)


@pytest.mark.parametrize("name", MODELS)
def test_every_registered_model_keeps_every_law_that_it_claims(name: str) -> None:
    widest = 30 if name in ("snorkel", "minimax") else 500
    checked = check_label_model(lambda k: make(name, k), max_sources=widest)
    assert checked == [law for law in LAWS if law in KEPT_BY_ALL or law in CLAIMS[name]]


@pytest.mark.parametrize("name", MODELS)
def test_a_model_that_does_not_claim_to_heed_something_says_so(name: str) -> None:
    said = " ".join((MODELS[name].__doc__ or "").split())
    for law, word in ((GOLD, "old"), (BALANCE, "balance"), (CONFIDENCE, "onfidences")):
        assert word in said
        if law not in CLAIMS[name]:
            assert any(no in said for no in ("change nothing", "not heeded", "nothing else", "only fills"))
    assert "seed" in said


def test_every_registered_model_has_its_claims() -> None:
    assert set(CLAIMS) == set(MODELS)


class _Unnormed(MajorityVote):
    def _infer(self, patterns: Patterns) -> NDArray[np.float64]:
        return super()._infer(patterns) * 1.001


class _NotANumber(MajorityVote):
    def _infer(self, patterns: Patterns) -> NDArray[np.float64]:
        proba = super()._infer(patterns)
        return np.where(proba == 0.5, np.nan, proba)


class _Negative(MajorityVote):
    def _infer(self, patterns: Patterns) -> NDArray[np.float64]:
        return np.asarray(2 * super()._infer(patterns) - 1 / self.k_)


class _Narrow(MajorityVote):
    def predict_proba(self, votes: Any) -> NDArray[np.float64]:
        return super().predict_proba(votes)[:, :1]


class _FirstRow(MajorityVote):
    def predict_proba(self, votes: Any) -> NDArray[np.float64]:
        proba = super().predict_proba(votes)
        proba[:1] = 1 / self.k_
        return proba


class _FirstSource(MajorityVote):
    def _infer(self, patterns: Patterns) -> NDArray[np.float64]:
        return np.asarray(np.eye(self.k_)[np.maximum(patterns.values[:, 0], 0)])


class _FirstClass(MajorityVote):
    def _infer(self, patterns: Patterns) -> NDArray[np.float64]:
        return np.asarray(np.eye(self.k_)[super()._infer(patterns).argmax(axis=1)])


class _CountsColumns(MajorityVote):
    def _infer(self, patterns: Patterns) -> NDArray[np.float64]:
        return np.asarray((super()._infer(patterns) + 1 / self.m_) / (1 + self.k_ / self.m_))


class _Drawn(MajorityVote):
    def _infer(self, patterns: Patterns) -> NDArray[np.float64]:
        proba = super()._infer(patterns) + 1e-12 * np.random.default_rng().random((len(patterns), self.k_))
        return np.asarray(proba / proba.sum(axis=1, keepdims=True))


class _CountsThreads(MajorityVote):
    def _infer(self, patterns: Patterns) -> NDArray[np.float64]:
        from threadpoolctl import threadpool_info

        proba = super()._infer(patterns) + 1e-12 * max(pool["num_threads"] for pool in threadpool_info())
        return np.asarray(proba / proba.sum(axis=1, keepdims=True))


class _Remembers(WeightedVote):
    fits = 0

    def _learn(self, patterns: Patterns, **known: Any) -> None:
        super()._learn(patterns, **known)
        self.fits += 1
        self.weights_ = self.weights_**self.fits


class _ForgetsOnDisk(WeightedVote):
    power = 1

    def _learn(self, patterns: Patterns, **known: Any) -> None:
        super()._learn(patterns, **known)
        self.power = 2

    def _infer(self, patterns: Patterns) -> NDArray[np.float64]:
        proba = (super()._infer(patterns) + 0.1) ** self.power
        return np.asarray(proba / proba.sum(axis=1, keepdims=True))


class _LosesAField(WeightedVote):
    def _learn(self, patterns: Patterns, **known: Any) -> None:
        super()._learn(patterns, **known)
        self.note_ = [1, 2]  # JSON gives back a tuple


class _Pickles(MajorityVote):
    def save(self, folder: str | Path) -> None:
        super().save(folder)
        (Path(folder) / "model.pkl").write_bytes(b"\x80\x04.")


class _Writes(MajorityVote):
    def fit(self, votes: Any, **known: Any) -> _Writes:
        votes[votes == 0] = 1
        return super().fit(votes, **known)


class _Raises(MajorityVote):
    def _infer(self, patterns: Patterns) -> NDArray[np.float64]:
        raise ZeroDivisionError("division by zero")


class _CannotBeSaved(MajorityVote):
    def save(self, folder: Any) -> None:
        raise UsageError("it cannot be saved")


class _Refuses(MajorityVote):
    def fit(self, votes: Any, **known: Any) -> _Refuses:
        raise UsageError("expected other votes")


BROKEN: list[tuple[str, type[BaseLabelModel], str]] = [
    ("rows are distributions", _Unnormed, "row 0 sums to 1.001, not to 1"),
    ("rows are distributions", _NotANumber, "not finite, first in row"),
    ("rows are distributions", _Negative, "below 0, first in row"),
    ("rows are distributions", _Narrow, r"expected proba \[60, 2\], got \[60, 1\]"),
    ("rows are distributions", _Raises, r"votes \[60, 4\], 2 classes\): it raises ZeroDivisionError: division by zero"),
    ("rows are distributions", _Refuses, "it refuses all example votes"),
    ("permuting rows permutes results", _FirstRow, "a probability of row"),
    ("permuting sources changes nothing", _FirstSource, "moved by 1"),
    ("renaming classes renames results", _FirstClass, "moved by 1"),
    ("a source that always abstains changes nothing", _CountsColumns, "moved by"),
    ("equal rows get equal results", _FirstRow, "moved by"),
    ("same seed, same bytes", _Drawn, "moved by"),
    ("same bytes for any number of threads", _CountsThreads, "moved by"),
    ("fitting again equals fitting", _Remembers, "moved by"),
    ("saving and loading keeps every bit", _ForgetsOnDisk, "moved by"),
    ("saving and loading keeps every bit", _LosesAField, r"learned field note_ was \[1, 2\] and is now \(1, 2\)"),
    ("saving and loading keeps every bit", _Pickles, "expected JSON and npz, nothing that can run; got model.pkl"),
    ("saving and loading keeps every bit", _CannotBeSaved, "it refuses: it cannot be saved; skip the law"),
    ("votes are not written to", _Writes, "wrote to the votes, first to row 0"),
    (COPY, MODELS["one-coin"], "a copy of source 0 raised row"),
    (GOLD, MajorityVote, "two of three sources always lie, and yet only 0% of rows are right"),
    (BALANCE, MajorityVote, "the last class has share"),
    (CONFIDENCE, MajorityVote, "true labels have mean probability"),
]


@pytest.mark.parametrize(("law", "model", "how"), BROKEN)
def test_each_law_catches_a_model_that_breaks_it(law: str, model: type[BaseLabelModel], how: str) -> None:
    others = [name for name in LAWS if name != law]
    with pytest.raises(AssertionError, match=f"^label model breaks a law: {law}.*{how}"):
        check_label_model(model, skip=others, also=(law,))


def test_every_law_has_a_model_that_breaks_it() -> None:
    assert {law for law, _, _ in BROKEN} == set(LAWS)


class _OfAUser:
    """A model that is nobody's subclass and cannot be saved."""

    instances: ClassVar[list[int]] = []

    def __init__(self, cardinality: int) -> None:
        self.k = cardinality
        self.instances.append(cardinality)

    def fit(self, votes: NDArray[Any]) -> object:
        return self

    def predict_proba(self, votes: NDArray[Any]) -> NDArray[np.float64]:
        shares = (votes[:, :, None] == np.arange(self.k)).sum(axis=1) + 1.0
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def test_a_users_own_model_may_skip_what_it_cannot_do() -> None:
    law = "saving and loading keeps every bit"
    assert check_label_model(_OfAUser, skip=(law,)) == [name for name in KEPT_BY_ALL if name != law]
    assert set(_OfAUser.instances) >= {2, 3, 4, 5}
    with pytest.raises(AssertionError, match=rf"{law} .*expected a method save\(folder\); write it, or skip this law"):
        check_label_model(_OfAUser)


def test_laws_without_an_example_narrow_enough_are_not_said_to_be_checked() -> None:
    make_model: Callable[[int], MajorityVote] = MajorityVote
    assert "same bytes for any number of threads" not in check_label_model(make_model, max_sources=10)


@pytest.mark.parametrize("options", [{"skip": ("gravity",)}, {"also": ("gravity",)}])
def test_a_law_that_does_not_exist_is_refused(options: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(UsageError, match="expected laws out of rows are distributions, .*; got gravity"):
        check_label_model(MajorityVote, **options)  # type: ignore[arg-type]
