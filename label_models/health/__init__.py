"""When a label model should not be trusted: named findings, with the numbers and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike

from weaksup.label_models.base import BaseLabelModel
from weaksup.label_models.health.answers import poor_answers
from weaksup.label_models.health.balance import BalanceShift, balance_matters, balance_sensitivity, prior_mismatch
from weaksup.label_models.health.beside_gold import majority_better
from weaksup.label_models.health.case import Case, Finding, count_differences
from weaksup.label_models.health.fit import collapse, far_from_majority, few_sources, not_converged
from weaksup.label_models.health.sources import copies, silent_sources, twin_groups, worse_than_chance
from weaksup.label_models.health.votes import label_without_votes, no_votes, one_sided
from weaksup.label_models.majority import tally
from weaksup.label_models.reading import read_gold
from weaksup.label_models.ties import choose
from weaksup.label_models.what_if import name_votes, read_rows
from weaksup.labels import ABSTAIN
from weaksup.votes import VoteMatrix

__all__ = ["BalanceShift", "Finding", "balance_sensitivity", "count_differences", "health"]

_MOST_ROWS, _LEAST_ROWS, _MOST_NUMBERS = 20_000, 500, 500_000  # of the sample; numbers are rows times classes

_CHECKS: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    few_sources,
    one_sided,
    label_without_votes,
    silent_sources,
    collapse,
    far_from_majority,
    majority_better,
    prior_mismatch,
    balance_matters,
    worse_than_chance,
    poor_answers,
    copies,
    not_converged,
)


def health(
    model: BaseLabelModel,
    votes: VoteMatrix | ArrayLike,
    *,
    gold: ArrayLike | None = None,
    disagreement: float = 0.1,
) -> list[Finding]:
    """Check a fitted model on the votes it labels; an empty list says that nothing was noticed.

    `gold` [n], -1 where not known, measures the sources that voted there; without it findings rest on the model's own
    opinion. `disagreement` is the share of labels that may differ from majority vote before it is a finding. Nothing is
    fitted again: cost of a few predictions, and of about 20 more on a sample of the rows, at most 20,000 and drawn the
    same way each time, on which other class balances are tried.
    """
    matrix = name_votes(model, votes)
    k, m = model.k_, len(matrix.sources)
    row, source = np.nonzero(matrix.values != ABSTAIN)
    rows = read_rows(model, matrix)
    proba, patterns = rows.proba(model), rows.patterns
    majority = choose(tally(patterns, k), np.arange(len(patterns)), patterns.covered)
    case = Case(
        model=model,
        votes=matrix,
        rows=rows,
        sample=rows.sample(min(_MOST_ROWS, max(_MOST_NUMBERS // k, _LEAST_ROWS))),
        said=np.bincount(source * k + matrix.values[row, source], minlength=m * k).reshape(m, k),
        covered=matrix.covered,
        proba=rows.spread(proba),
        labels=rows.spread(rows.choose(proba)),
        majority=majority.take(patterns.index),
        gold=np.full(len(matrix), ABSTAIN, np.int64) if gold is None else read_gold(gold, len(matrix), k),
        twins=twin_groups(model, patterns),
        disagreement=disagreement,
    )
    checks = _CHECKS if case.covered.any() else (no_votes,)
    return [finding for check in checks for finding in check(case)]
