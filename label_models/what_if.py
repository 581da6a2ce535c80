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
from weaksup.label_models.ties import choose
from weaksup.labels import ABSTAIN
from weaksup.patterns import Patterns, find_patterns
from weaksup.votes import VoteMatrix, Votes

__all__ = ["Rows", "name_votes", "read_rows", "refit", "silence", "unforced", "with_balance", "without_source"]

_T = TypeVar("_T", np.float64, np.int64)


def name_votes(model: BaseLabelModel, votes: VoteMatrix | ArrayLike) -> VoteMatrix:
    """Return votes with ids and names; a bare array gets the names of the sources that the model was fitted on."""
    if isinstance(votes, VoteMatrix):
        return votes
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
        covered = (self.values != ABSTAIN).any(axis=1)
        return choose(self.proba(model), np.arange(len(covered)), covered)

    def spread(self, values: NDArray[_T]) -> NDArray[_T]:
        """Return what was found for these rows for every row of the votes."""
        return values.take(self.patterns.index, axis=0) if self.votes.confidence is None else values

    def without(self, source: int) -> Rows:
        """Return the same rows with this column abstaining."""
        values = self.patterns.values.copy()
        values[:, source] = ABSTAIN
        quiet = self.votes if self.votes.confidence is None else silence(self.votes, np.array([source]))
        return Rows(quiet, replace(self.patterns, values=values))


def read_rows(votes: VoteMatrix) -> Rows:
    """Find the distinct rows of votes."""
    return Rows(votes, find_patterns(votes))


def silence(votes: VoteMatrix, sources: NDArray[np.int64]) -> VoteMatrix:
    """Return the votes with these columns abstaining everywhere."""
    values = votes.values.copy()
    values[:, sources] = ABSTAIN
    return replace(votes, values=values)


def with_balance(model: BaseLabelModel, balance: NDArray[np.float64], patterns: Patterns) -> BaseLabelModel:
    """Return the model as it predicts with another class balance [k] given; nothing else is fitted again.

    The default makes the mean probability of `patterns` equal to it, as `fit` does.
    """
    other = copy.copy(model)
    other.class_balance_, other.balance_given_ = balance, True
    if isinstance(other, LabelModel):
        other.offsets_ = match_balance(balance, other._evidence(patterns), patterns.counts)
    return other


def unforced(model: BaseLabelModel) -> BaseLabelModel:
    """Return the model with the class balance as a prior: the default's, where given, is not made to hold."""
    other = copy.copy(model)
    if isinstance(other, LabelModel):
        other.offsets_ = np.log(model.class_balance_)
    return other


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
