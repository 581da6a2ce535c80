"""What every label model shares: reading votes, the class balance, uncovered rows, labels from probabilities."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weaksup.errors import UsageError
from weaksup.label_models.reading import read_balance, read_values, read_weights
from weaksup.label_models.saved import read_model, write_model
from weaksup.label_models.seen import Seen, look, pack, unpack
from weaksup.label_models.soft_votes import SoftVotes, read_soft_votes
from weaksup.label_models.ties import TiePolicy, choose
from weaksup.labels import SoftLabels
from weaksup.patterns import Patterns, find_patterns
from weaksup.votes import VoteMatrix

__all__ = ["BaseLabelModel", "Floats1d", "Floats2d"]

Floats1d = NDArray[np.float64]
Floats2d = NDArray[np.float64]


class BaseLabelModel(ABC):
    """Combine votes into probabilities; never sees a document.

    Votes are a `VoteMatrix`, or an array [n, m] of class indices with -1 for abstain. A subclass writes two hooks,
    `_learn` and `_infer`, and both see distinct vote rows only; one that heeds confidences writes `_learn_soft` and
    `_weigh_soft` too. Fields that `fit` learns end in `_`:

    k_              number of classes
    m_              number of sources
    names_          names of the sources, `None` after a bare array; kinds_ likewise what they are, causes_ their groups
    asked_          float64 [m], share of the rows on which each source was asked; `None` where all were asked
    class_balance_  float64 [k], sums to 1: given, estimated by the model, or uniform; also what uncovered rows get
    balance_given_  whether it was given
    """

    name: ClassVar[str]
    options: ClassVar[tuple[str, ...]] = ("cardinality", "seed")

    k_: int
    m_: int
    names_: tuple[str, ...] | None
    kinds_: tuple[str, ...] | None
    causes_: tuple[str, ...] | None
    asked_: Floats1d | None
    class_balance_: Floats1d
    balance_given_: bool
    _seen: Seen

    def __init__(self, cardinality: int | None = None, *, seed: int = 0) -> None:
        if cardinality is not None and cardinality < 2:
            raise UsageError(f"label model: expected a cardinality of at least 2, got {cardinality}")
        self.cardinality = cardinality
        self.seed = seed

    @abstractmethod
    def _learn(self, patterns: Patterns, *, balance: Floats1d | None, gold: Floats2d | None) -> None:
        """Set the learned fields; `balance` [k] if given, `gold` [p, k] counts of known labels by pattern, if any."""

    @abstractmethod
    def _infer(self, patterns: Patterns) -> Floats2d:
        """Return probabilities [p, k]; rows without a vote are overwritten by the base."""

    def fit(
        self,
        votes: VoteMatrix | ArrayLike,
        *,
        class_balance: Sequence[float] | Mapping[str, float] | None = None,
        gold: ArrayLike | None = None,
    ) -> Self:
        """Learn how far each source can be trusted.

        `class_balance` is the share of each class, [k] or by name; `gold` [n] are known labels, -1 where not known.
        Fitting again forgets what was learned before.
        """
        values = read_values(votes)
        k = self._count_classes(votes, values)
        seen = look(votes, find_patterns(votes if isinstance(votes, VoteMatrix) else values, k), k, gold)
        balance = read_balance(class_balance, k, votes.labels.names if isinstance(votes, VoteMatrix) else None)
        self._forget()
        self.k_, self.m_ = k, values.shape[1]
        sources = votes.sources if isinstance(votes, VoteMatrix) else None
        self.names_ = None if sources is None else tuple(s.name for s in sources)
        self.kinds_ = None if sources is None else tuple(s.kind for s in sources)
        self.causes_ = None if sources is None else tuple(s.group for s in sources)
        self._learn_seen(seen, balance)
        return self

    def partial_fit(
        self,
        votes: VoteMatrix | ArrayLike,
        *,
        class_balance: Sequence[float] | Mapping[str, float] | None = None,
        gold: ArrayLike | None = None,
    ) -> Self:
        """Learn from one more batch of rows; the model is then the one that `fit` on all batches together gives.

        What is kept between batches is the distinct vote rows with their counts, so memory grows with those, and so
        does the time. A class balance holds until another one is given.
        """
        if not hasattr(self, "_seen"):
            return self.fit(votes, class_balance=class_balance, gold=gold)
        patterns = self._find_patterns(votes)
        names = votes.labels.names if isinstance(votes, VoteMatrix) else None
        balance = read_balance(class_balance, self.k_, names)
        if balance is None and self.balance_given_:
            balance = self.class_balance_
        self._learn_seen(self._seen.join(look(votes, patterns, self.k_, gold)), balance)
        return self

    def predict_proba(self, votes: VoteMatrix | ArrayLike) -> Floats2d:
        """Return probabilities [n, k]; rows sum to 1; a row without a vote gets the class balance."""
        patterns = self._find_patterns(votes)
        proba = self._pattern_proba(patterns).take(patterns.index, axis=0)  # far faster than [index]
        soft = read_soft_votes(votes)
        return proba if soft is None else self._weigh_soft(proba, soft)

    def predict(
        self,
        votes: VoteMatrix | ArrayLike,
        *,
        tie_break_policy: TiePolicy = "abstain",
        class_weights: Sequence[float] | Mapping[str, float] | None = None,
    ) -> NDArray[np.int64]:
        """Return the most probable class [n]; see `ties.choose` for ties and for rows without a vote.

        `class_weights`, [k] or by name, are what a missed row of each class costs: the class with the highest weight
        times probability is returned.
        """
        patterns = self._find_patterns(votes)
        weights = read_weights(class_weights, self.k_, votes.labels.names if isinstance(votes, VoteMatrix) else None)
        soft = read_soft_votes(votes)
        proba, index, covered = self._pattern_proba(patterns), patterns.index, patterns.covered
        if soft is not None:
            proba, covered = self._weigh_soft(proba.take(index, axis=0), soft), covered[index]
            index = np.arange(len(index))
        if weights is not None:
            proba = proba * weights
            proba /= proba.sum(axis=1, keepdims=True)
        return choose(proba, index, covered, tie_break_policy)

    def soft_labels(self, votes: VoteMatrix | ArrayLike) -> SoftLabels:
        """Return the probabilities with the rows' ids and whether any source voted."""
        named = votes if isinstance(votes, VoteMatrix) else VoteMatrix.from_array(votes, cardinality=self._fitted_k())
        return SoftLabels(named.ids, self.predict_proba(votes), named.covered, named.labels)

    def source_accuracies(self, votes: VoteMatrix | ArrayLike) -> Floats1d:
        """Return, by source [m], the mean probability that the model gives to the source's votes; NaN without a vote.

        It is the model's own opinion, not a measurement: gold alone measures.
        """
        patterns = self._find_patterns(votes)
        values, counts = patterns.values, patterns.counts
        if read_soft_votes(votes) is None:
            proba = self._pattern_proba(patterns)
        else:
            values, counts = read_values(votes), np.ones(len(patterns.index), np.int64)
            proba = self.predict_proba(votes)
        row, source = np.nonzero(values >= 0)
        agreed = proba[row, values[row, source]]
        weight = counts[row].astype(np.float64)
        total = np.bincount(source, weight, minlength=self.m_)
        with np.errstate(invalid="ignore"):
            accuracies: Floats1d = np.bincount(source, weight * agreed, minlength=self.m_) / total
        return accuracies

    def save(self, folder: str | Path) -> None:
        """Write the fitted model to a folder: model.json and arrays.npz."""
        self._fitted_k()
        learned = {name: value for name, value in vars(self).items() if name.endswith("_")} | pack(self._seen)
        write_model(folder, self.name, {name: getattr(self, name) for name in self.options}, learned)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read what `save` wrote; `weaksup.label_models.load` does so for a model of any kind."""
        saved = read_model(folder)
        if saved.model != cls.name:
            raise UsageError(f'label model: expected a saved "{cls.name}" model in {folder}, got a "{saved.model}" one')
        model = cls(**{name: saved.options[name] for name in cls.options})
        vars(model).update(saved.learned)
        model._seen = unpack(vars(model), model.m_)
        return model

    def _learn_soft(self, soft: SoftVotes, patterns: Patterns) -> None:  # noqa: B027
        """Learn from confidences what they are worth, after `_learn`; a model that does not heed them does nothing."""

    def _weigh_soft(self, proba: Floats2d, soft: SoftVotes) -> Floats2d:  # noqa: ARG002
        """Return the probabilities [n, k] of the rows with the confidences heeded; by default they are not."""
        return proba

    def _learn_seen(self, seen: Seen, balance: Floats1d | None) -> None:
        self.class_balance_ = np.full(self.k_, 1.0 / self.k_) if balance is None else balance
        self.balance_given_ = balance is not None
        self.asked_ = seen.asked_shares
        self._seen = seen.without_rows()
        try:
            self._learn(seen.patterns, balance=balance, gold=seen.gold)
            if seen.soft is not None:
                self._learn_soft(seen.soft, seen.patterns)
        except BaseException:
            self._forget()  # half a model must not answer
            raise

    def _pattern_proba(self, patterns: Patterns) -> Floats2d:
        covered = patterns.covered
        proba = self._infer(patterns) if covered.any() else np.empty((len(patterns), self.k_))
        proba[~covered] = self.class_balance_
        return proba

    def _forget(self) -> None:
        for field in [name for name in vars(self) if name.endswith("_") or name == "_seen"]:
            delattr(self, field)

    def _fitted_k(self) -> int:
        if not hasattr(self, "class_balance_"):
            raise UsageError(f'label model "{self.name}": expected a fitted model; call fit(votes) first')
        return self.k_

    def _count_classes(self, votes: VoteMatrix | ArrayLike, values: NDArray[Any]) -> int:
        if isinstance(votes, VoteMatrix):
            k = len(votes.labels)
            if self.cardinality not in (None, k):
                raise UsageError(f"label model: expected votes over {self.cardinality} labels (cardinality), got {k}")
            return k
        return self.cardinality or max(2, int(min(values.max(initial=0), np.iinfo(np.int16).max)) + 1)

    def _find_patterns(self, votes: VoteMatrix | ArrayLike) -> Patterns:
        values = self._read_fitted(votes)
        return find_patterns(votes if isinstance(votes, VoteMatrix) else values, self._fitted_k())

    def _read_fitted(self, votes: VoteMatrix | ArrayLike) -> NDArray[Any]:
        """Return the votes [n, m] if they are of the sources, and over as many labels, as those of fit."""
        k = self._fitted_k()
        values = read_values(votes)
        if isinstance(votes, VoteMatrix) and len(votes.labels) != k:
            raise UsageError(f"label model: expected votes over {k} labels, as in fit, got {len(votes.labels)}")
        if values.shape[1] != self.m_:
            raise UsageError(f"label model: expected votes of {self.m_} sources, as in fit, got {values.shape[1]}")
        if isinstance(votes, VoteMatrix) and self.names_ not in (None, votes.names):
            theirs, ours = next((b, a) for a, b in zip(self.names_ or (), votes.names, strict=True) if a != b)
            raise UsageError(f'label model: expected the sources of fit in their order ("{ours}"), got "{theirs}"')
        return values
