"""People's confusions: Dawid-Skene where few answers a person are drawn towards that person's own accuracy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weaksup.label_models.cast import CastVotes
from weaksup.label_models.dawid_skene import Confusion, climb
from weaksup.label_models.softmax import row_blocks

__all__ = ["crowd_em", "votes_like_a_crowd"]

_Floats = NDArray[np.float64]
_CROWD_SOURCES = 20
_PERSON = 4.0  # votes of average accuracy that stand before each person's own
_CLASS = 2.0  # votes of the person's accuracy that stand before each row of the confusion


def votes_like_a_crowd(votes: CastVotes) -> bool:
    """Say whether 20 or more sources voted and most votes come from sources that used two or more labels."""
    labels_used = np.bincount(votes.source) if len(votes.source) else np.zeros(0, np.int64)
    if np.count_nonzero(labels_used) < _CROWD_SOURCES:
        return False
    said = votes.cell_rows
    return bool(said[labels_used[votes.source] >= 2].sum() > said.sum() / 2)


def crowd_em(votes: CastVotes, balance: _Floats | None, *, gold: _Floats | None = None) -> Confusion:
    """Fit confusions by EM, and the class balance with them where none is given.

    A person who saw three rows of a class says little about how that class is confused, and much more about how good
    the person is. So the prior of theta_j[c, .] is 2 votes with the person's accuracy a_j on c, the rest spread evenly,
    and that of a_j is 4 votes with the accuracy of everybody (a hierarchical version of Dawid and Skene, 1979; with the
    prior's weight growing it becomes the one-coin model). Both are taken from the same counts in each M-step. Unlike
    the rows on which a function speaks, rows are handed to people without regard to their class, so votes tell the
    balance; a fixed uniform one would turn rows of the larger class into errors of the people who label it.
    """
    k, cells = votes.k, np.arange(len(votes.label))
    starts, person = votes.speakers

    def m_step(counts: _Floats, _: _Floats | None) -> _Floats:
        said = votes.collect(counts)
        support = np.add.reduceat(said, starts, axis=0)
        right = np.bincount(person, said[cells, votes.label])
        given = support.sum(axis=1)
        average = (right.sum() + 1.0) / (given.sum() + k)
        accuracy = (right + _PERSON * average) / (given + _PERSON)
        wrong = _CLASS * (1 - accuracy) / (k - 1)
        said[cells, votes.label] += (_CLASS * accuracy - wrong)[person]
        log_support = np.log(support + _CLASS)
        for run in row_blocks(*said.shape):
            said[run] = np.log(said[run] + wrong[person[run], None]) - log_support[person[run]]
        return said

    start = np.full(k, 1.0 / k) if balance is None else balance
    ended = climb(votes, start, m_step, lambda log: votes.says @ log, gold=gold, prevalence=balance is None)
    return Confusion(ended.learned, ended.balance, ended.iterations, ended.converged)
