"""The default label model: one model that is right on every kind of votes and needs no choice."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from weaksup.label_models.answerers import (
    answer_accuracies,
    answer_evidence,
    answering,
    assumed_accuracies,
    how_asked,
    trust_others,
    without_answers,
)
from weaksup.label_models.base import Floats1d, Floats2d
from weaksup.label_models.blend import EQUAL_PARTS, Bend, match_confidence, mix_by_gold
from weaksup.label_models.cast import CastVotes, cast_votes
from weaksup.label_models.class_balance import balance_gap, estimate_balance, match_balance
from weaksup.label_models.crowd import crowd_em, votes_like_a_crowd
from weaksup.label_models.dawid_skene import Prior, leave_one_out_em
from weaksup.label_models.groups import Voices, find_groups, speak_as_one, speak_for
from weaksup.label_models.heeding import HeedingModel
from weaksup.label_models.one_coin import OneCoin, prior_accuracy, row_evidence, toss
from weaksup.label_models.soft_votes import SoftVotes
from weaksup.label_models.softmax import softmax
from weaksup.label_models.tallies import one_coin_worth, weigh
from weaksup.patterns import Patterns

__all__ = ["LabelModel"]

_MOST_VOTES = 2.0  # that one vote may count for
_MET = 1e-6  # a balance that is missed by less is met
_PIN = 20.0  # rows that all unlabeled ones count for beside gold


class LabelModel(HeedingModel):
    """Combine two opinions in equal parts, and be as sure as the agreement between sources allows.

    1. What each source's votes mean: Dawid-Skene confusions by MAP-EM. The shape of the votes decides how, by one rule:
       where at least 20 sources voted and more than half of the votes come from sources that voted for two or more
       labels, the votes are a crowd's and EM is full (`crowd`). Otherwise they are labeling functions', EM leaves out
       the source it counts, runs 3 rounds, and the prior puts 2 k pseudo-counts on the diagonal alone (`dawid_skene`),
       so that a source with one label can never speak against it. (Full EM collapses on such sources.)
    2. What a vote means, whosever it is: one accuracy, read off how often votes on a row agree (`one_coin`).

    EM says which votes are worth more than others, but not how much: its log-likelihoods are stretched until its mean
    confidence equals that of the one-coin opinion, and bent so that no vote counts for more than two votes of unknown
    origin. Then both opinions are averaged and the class balance joins in: the given one, else for a crowd EM's, for
    functions one estimated as far as the sources tell the same (`class_balance`). No randomness: the seed changes
    nothing.

    Sources that share a cause count once (`groups`): those of one `Source.group`, and copies, found by their votes.

    Gold rows are clamped while EM counts; and where gold judges a source, all rows without gold count for 20 judged
    ones, as what agreement says of a source may be wrong however many rows say it. They also correct the one accuracy,
    and the parts in which the two opinions are mixed.

    Tiers, people and sources asked on less than half of the rows are answerers where others vote too (`answerers`):
    they are asked where the others are in doubt. What the others say is combined as above, without them, and each
    answer is added as evidence of an accuracy learned on the rows asked, so answers move those rows alone. A source
    that was not asked on a row is missing there, and an abstaining one says nothing: both leave the row as it is.

    A class balance that is given is a fact: the rows' mean probabilities are made to equal it (`match_balance`), rows
    without a vote included, so that sources which all vote for one label cannot swell it.

    Confidences are a second observation beside each vote, as far as they are found to tell right votes from wrong
    ones (`soft_votes`).

    shape_          "crowd" or "functions"
    accuracy_       of a vote, one number in (0, 1); strength_ is the weight of that belief, in votes
    groups_         [m] first column of each source's group, its own where it stands alone; a group votes there;
                    merges_ [s, m] is how it came to be, in s steps
    voters_, said_  [c] column and label of each cell, a cell being one source or group saying one label
    log_confusion_  [c, k] log P(the source says the label | it votes, class)
    weights_        [c, k] the same as used: relative to the likeliest class, stretched by sharpness_, bent; at most 0
    parts_          [2] by what the opinions of 1. and 2. are multiplied: one half each, or what fits gold (`blend`)
    answerers_      [a] their columns; answer_accuracies_ [a] on the rows where they were asked; trust_, 0 to 1, is by
                    what the others' evidence is multiplied there
    offsets_        [k] what is added to every row's evidence: log class_balance_; matched to it where it was given
    slopes_         [m] how far confidences are believed, 1 at their word, 0 not at all; levels_ [m] (`soft_votes`)
    iterations_     of EM; converged_ is False when full EM still moved at the end, or the balance given is not met
    """

    name = "default"

    shape_: Literal["crowd", "functions"]
    accuracy_: float
    strength_: float
    groups_: NDArray[np.int64]
    merges_: NDArray[np.int64]
    voters_: NDArray[np.int64]
    said_: NDArray[np.int64]
    log_confusion_: Floats2d
    weights_: Floats2d
    sharpness_: float
    parts_: Floats1d
    answerers_: NDArray[np.int64]
    answer_accuracies_: Floats1d
    trust_: float
    offsets_: Floats1d
    iterations_: int
    converged_: bool

    def _learn(self, patterns: Patterns, *, balance: Floats1d | None, gold: Floats2d | None) -> None:
        answerers = answering(self.kinds_, self.asked_, patterns)
        apart = np.zeros(self.m_)  # those that count in one way, and are taken for as good, may be put together
        apart[answerers] = assumed_accuracies(self.kinds_, answerers)
        voices = find_groups(patterns, self.k_, self.causes_, apart, answerers)
        self.merges_, self.groups_ = voices.merges, speak_for(voices.merges)
        self.answerers_ = np.intersect1d(answerers, self.groups_)
        coin = toss(voices.votes, gold)
        self.accuracy_, self.strength_ = coin.accuracy, coin.strength
        by_count = row_evidence(voices.votes.tally, coin)
        self._learn_cells(voices.votes, balance, gold, coin, by_count)
        self._weigh_cells(voices.votes, by_count, gold)
        self.slopes_, self.levels_ = np.zeros(self.m_), np.zeros(self.m_)
        self.answer_accuracies_, self.trust_ = assumed_accuracies(self.kinds_, self.answerers_), 1.0
        if len(self.answerers_):
            self._learn_answers(voices, gold)
        self.offsets_ = np.log(self.class_balance_)
        if balance is not None:
            evidence = self._evidence(patterns)
            self.offsets_ = match_balance(balance, evidence, patterns.counts)
            evidence += self.offsets_
            self.converged_ &= balance_gap(balance, softmax(evidence), patterns.counts) < _MET

    def _learn_answers(self, voices: Voices, gold: Floats2d | None) -> None:
        k, columns, votes = self.k_, self.answerers_, voices.votes
        reliability = voices.pairs.reliabilities((k * self.accuracy_ - 1) / (k - 1))
        accuracy = (1 + (k - 1) * reliability) / k
        opinion = weigh(votes, one_coin_worth(accuracy, k)[votes.source]) + np.log(self.class_balance_)
        others = self._others(votes) + np.log(self.class_balance_)
        choice = how_asked(voices.patterns, columns, others)
        self.answer_accuracies_ = answer_accuracies(
            voices.patterns, columns, self.answer_accuracies_, opinion=opinion, choice=choice, gold=gold
        )
        self.trust_ = trust_others(voices.patterns, columns, self.answer_accuracies_, others, choice)

    def _learn_cells(
        self, votes: CastVotes, balance: Floats1d | None, gold: Floats2d | None, coin: OneCoin, by_count: Floats2d
    ) -> None:
        """Learn confusions, and the class balance if none is given; `by_count` [p, k] is what `coin` says of rows."""
        crowd = votes_like_a_crowd(votes)
        if balance is None and len(votes.label) and not crowd:
            self.class_balance_ = estimate_balance(votes, coin, by_count)
        if crowd:
            learned = crowd_em(votes, balance, gold=gold)
            self.class_balance_ = learned.balance
        else:
            learned = leave_one_out_em(votes, self.class_balance_, Prior(2.0 * self.k_, 0.01), gold=gold)
        self.shape_ = "crowd" if crowd else "functions"
        self.voters_, self.said_ = votes.source, votes.label
        self.log_confusion_ = learned.log if gold is None else _pin(learned.log, votes, gold)
        self.iterations_, self.converged_ = learned.iterations, learned.converged

    def _weigh_cells(self, votes: CastVotes, by_count: Floats2d, gold: Floats2d | None) -> None:
        """Learn what votes are worth, next to the one-coin opinion `by_count` [p, k]."""
        log = self.log_confusion_
        relative = log - log.max(axis=1, keepdims=True, initial=-np.inf)
        trusted = self.accuracy_ if gold is None else max(self.accuracy_, prior_accuracy(self.k_))
        bend = Bend(relative, limit=_MOST_VOTES * float(np.log(trusted * (self.k_ - 1) / (1 - trusted))))
        reference = by_count if gold is None else row_evidence(votes.tally, OneCoin(trusted, self.strength_, 0))
        self.sharpness_ = match_confidence(votes, bend, reference)
        self.weights_ = bend(self.sharpness_)
        self.parts_ = np.full(2, EQUAL_PARTS)
        if gold is not None:
            self.parts_ = mix_by_gold((votes.says @ self.weights_, by_count), np.log(self.class_balance_), gold)

    def _infer(self, patterns: Patterns) -> Floats2d:
        evidence = self._evidence(patterns)
        evidence += self.offsets_
        return softmax(evidence)

    def _evidence(self, patterns: Patterns) -> Floats2d:
        """Return the log-likelihood of each row's votes under each class, [p, k], up to a constant a row."""
        voices = speak_as_one(patterns, self.merges_)
        votes = cast_votes(without_answers(voices, self.answerers_), self.k_, self.voters_ * self.k_ + self.said_)
        evidence = self._others(votes)
        if len(self.answerers_):
            answered = (voices.values[:, self.answerers_] >= 0).any(axis=1)
            evidence[answered] *= self.trust_
            evidence += answer_evidence(voices, self.answerers_, self.answer_accuracies_, self.k_)
        return evidence

    def _others(self, votes: CastVotes) -> Floats2d:
        """Mix the two opinions of the sources that are no answerers."""
        evidence: Floats2d = votes.says @ self.weights_
        evidence *= self.parts_[0]
        by_count = row_evidence(votes.tally, OneCoin(self.accuracy_, self.strength_, 0))
        by_count *= self.parts_[1]
        evidence += by_count
        return evidence

    def _pattern_proba(self, patterns: Patterns) -> Floats2d:
        proba = super()._pattern_proba(patterns)
        if self.balance_given_:
            proba[~patterns.covered] = softmax(self.offsets_[None])
        return proba

    def _soft_evidence(self, soft: SoftVotes) -> Floats1d:
        group = soft.row * self.m_ + self.groups_[soft.source]
        _, place, sharing = np.unique(group, return_inverse=True, return_counts=True)
        shared: Floats1d = (
            super()._soft_evidence(soft) / sharing[place]
        )  # a group's confidences count once, as its votes
        return shared


def _pin(log: Floats2d, votes: CastVotes, gold: Floats2d) -> Floats2d:
    """Let gold outweigh what agreement says: the confusions [c, k] count as 20 rows of each class beside it."""
    judged = votes.collect(gold)
    starts, speaker = votes.speakers
    support = np.add.reduceat(judged, starts, axis=0) if len(starts) else judged
    pinned: Floats2d = np.log(_PIN * np.exp(log) + judged) - np.log(_PIN + support)[speaker]
    return pinned
