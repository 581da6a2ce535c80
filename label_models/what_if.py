"""What a fitted model would be, or say, without a source, or with another class balance."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weaksup.label_models.base import BaseLabelModel
from weaksup.label_models.class_balance import match_balance
from weaksup.label_models.default import LabelModel
from weaksup.label_models.seen import Seen
from weaksup.label_models.soft_votes import read_soft_votes
from weaksup.label_models.softmax import softmax
from weaksup.label_models.ties import choose
from weaksup.labels import ABSTAIN
from weaksup.patterns import Patterns, find_patterns
from weaksup.votes import VoteMatrix, Votes

__all__ = ["Balances", "Rows", "name_votes", "read_rows", "refit", "silence", "without_source"]

_T = TypeVar("_T", np.float64, np.int64)
_RAREST = 1e-6  # share of a class


def name_votes(model: BaseLabelModel, votes: VoteMatrix | ArrayLike) -> VoteMatrix:
    """Return votes with ids and names; a bare array gets the names of the sources that the model was fitted on.

    Votes of other sources or labels than the model's are refused as `predict_proba` refuses them.
    """
    if isinstance(votes, VoteMatrix):
        model._read_fitted(votes)
        return votes
    model._find_patterns(votes)
    return VoteMatrix.from_array(votes, cardinality=model.k_, sources=model.names_)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The rows to predict: one of each pattern, or every row where confidences may tell rows of a pattern apart."""

    votes: VoteMatrix
    patterns: Patterns

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many rows each stands for."""
        return self.patterns.counts if self.votes.confidence is None else np.ones(len(self.votes), np.int64)

    @property
    def values(self) -> Votes:
        """The votes."""
        return self.patterns.values if self.votes.confidence is None else self.votes.values

    def proba(self, model: BaseLabelModel) -> NDArray[np.float64]:
        """Return the probabilities that a model gives."""
        plain = self.votes.confidence is None
        return model._pattern_proba(self.patterns) if plain else model.predict_proba(self.votes)

    def labels(self, model: BaseLabelModel) -> NDArray[np.int64]:
        """Return the labels that a model gives; -1 for ties and rows without a vote."""
        return self.choose(self.proba(model))

    @property
    def covered(self) -> NDArray[np.bool_]:
        """Which have a vote."""
        covered: NDArray[np.bool_] = (self.values != ABSTAIN).any(axis=1)
        return covered

    def choose(self, proba: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the labels of probabilities; -1 for ties and rows without a vote."""
        return choose(proba, np.arange(len(proba)), self.covered)

    def sample(self, most: int) -> Rows:
        """Return at most so many of these rows, evenly drawn over all that they stand for; all where they are fewer."""
        counts = self.counts
        if len(counts) <= most:
            return self
        drawn = (np.arange(most) + 0.5) * (counts.sum() / most)
        rows, hits = np.unique(np.searchsorted(counts.cumsum(), drawn, side="right"), return_counts=True)
        if self.votes.confidence is None:
            return Rows(self.votes, Patterns(self.values[rows], hits, np.repeat(np.arange(len(rows)), hits)))
        votes = self.votes.take(rows)
        return Rows(votes, find_patterns(votes))

    def spread(self, values: NDArray[_T]) -> NDArray[_T]:
        """Return what was found for these rows for every row of the votes."""
        return values.take(self.patterns.index, axis=0) if self.votes.confidence is None else values

    def without(self, source: int) -> Rows:
        """Return the same rows with this column abstaining."""
        values = self.patterns.values.copy()
        values[:, source] = ABSTAIN
        quiet = self.votes if self.votes.confidence is None else silence(self.votes, np.array([source]))
        return Rows(quiet, replace(self.patterns, values=values))


@dataclass(frozen=True, slots=True, eq=False)
class Balances:
    """What a fitted model says of rows under other class balances; nothing is fitted, and votes are weighed once."""

    model: BaseLabelModel
    rows: Rows
    evidence: NDArray[np.float64] | None  # [p, k], of the default

    @classmethod
    def of(cls, model: BaseLabelModel, rows: Rows) -> Balances:
        """Weigh the votes of the rows."""
        return cls(model, rows, model._evidence(rows.patterns) if isinstance(model, LabelModel) else None)

    def as_prior(self, balance: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probabilities with this prior [k]; the mean probability may be any other."""
        return self._proba(balance, np.log(balance))

    def given(self, balance: NDArray[np.float64], now: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probabilities as if `fit` were given this balance [k]; `now` [k] is what the model holds.

        The default makes the mean probability of the rows equal to it, here nearly, as is enough to tell labels.
        """
        if self.evidence is None or not isinstance(self.model, LabelModel):
            return self._proba(balance, balance)
        start = self.model.offsets_ + np.log(balance / np.maximum(now, _RAREST))
        counts = self.rows.patterns.counts
        return self._proba(balance, match_balance(balance, self.evidence, counts, start=start, rough=True))

    def _proba(self, balance: NDArray[np.float64], offsets: NDArray[np.float64]) -> NDArray[np.float64]:
        other = copy.copy(self.model)
        other.class_balance_, other.balance_given_ = balance, True
        if self.evidence is None:
            return self.rows.proba(other)
        proba, soft = softmax(self.evidence + offsets), read_soft_votes(self.rows.votes)
        return proba if soft is None else other._weigh_soft(proba.take(self.rows.patterns.index, axis=0), soft)


def read_rows(model: BaseLabelModel, votes: VoteMatrix) -> Rows:
    """Find the distinct rows of votes for a model."""
    return Rows(votes, model._find_patterns(votes))


def silence(votes: VoteMatrix, sources: NDArray[np.int64]) -> VoteMatrix:
    """Return the votes with these columns abstaining everywhere."""
    values = votes.values.copy()
    values[:, sources] = ABSTAIN
    return replace(votes, values=values)


def refit(model: BaseLabelModel, seen: Seen) -> BaseLabelModel:
    """Return a model of the same kind, options and class balance, fitted on what `seen` holds."""
    other = copy.copy(model)
    other._learn_seen(seen, model.class_balance_ if model.balance_given_ else None)
    return other


def without_source(seen: Seen, source: int) -> Seen:
    """Return what would have been seen had this column abstained everywhere."""
    values = seen.patterns.values.copy()
    values[:, source] = ABSTAIN
    merged = find_patterns(values)
    place, p = merged.index, len(merged)
    counts = np.bincount(place, seen.patterns.counts, minlength=p).astype(np.int64)
    gold = soft = None
    if seen.gold is not None:
        gold = np.zeros((p, seen.gold.shape[1]))
        np.add.at(gold, place, seen.gold)
    if seen.soft is not None:
        soft = seen.soft.take(seen.soft.source != source).by_pattern(place)
    patterns = Patterns(merged.values, counts, np.repeat(np.arange(p), counts))
    return Seen(patterns, gold, seen.asked, soft)
