"""The labels that the project would give to the golden rows, without gold, from answers that are bought already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from weaksup.corpus import Corpus
from weaksup.labels import ABSTAIN
from weaksup.pipeline.asking import add_answers, soft_labels
from weaksup.pipeline.campaign import Campaign
from weaksup.pipeline.golden.answers import RUN, TierAnswers
from weaksup.pipeline.golden.state import Scored
from weaksup.pipeline.purchases import Purse
from weaksup.project import Project
from weaksup.store import Store
from weaksup.votes import VoteMatrix

__all__ = ["RoutedGold", "label_by_routing"]

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class RoutedGold:
    """`labels` [n], ABSTAIN where there is none; what they would have cost, in micro-dollars; rows asked, by name."""

    labels: Rows
    cost: float
    asked: Mapping[str, int]


def label_by_routing(
    project: Project,
    scored: Scored,
    votes: VoteMatrix,
    corpus: Corpus,
    answers: Mapping[str, TierAnswers],
    *,
    store: Store,
) -> RoutedGold:
    """Label rows by the votes of labeling functions [n, m] and the answers that the project's campaign would buy.

    `answers` [n] are there by name already, and nothing is sent: a row that has none where routing asks for it stays
    without.
    """
    shop = _Shop(answers, np.zeros(len(votes)))
    campaign = Campaign(
        votes,
        corpus,
        scored.team,
        Purse(store, RUN, Decimal(0)),
        lambda some, gold: soft_labels(project, some, gold),
        policy=scored.policy,
    )
    soft = campaign.label_by_machines(shop.buy)
    labels = np.where(soft.covered, soft.proba.argmax(axis=1), ABSTAIN).astype(np.int64)
    return RoutedGold(labels, float(shop.spent.sum()), {name: len(shop.sold.get(name, ())) for name in answers})


@dataclass(slots=True)
class _Shop:
    """Hands out answers that are bought already, and notes what they would have cost."""

    answers: Mapping[str, TierAnswers]
    spent: NDArray[np.float64]
    sold: dict[str, set[str]] = field(default_factory=dict)

    def buy(self, votes: VoteMatrix, source: str, rows: Rows) -> VoteMatrix:
        """Add what a source says of some rows."""
        name, one = next((name, one) for name, one in self.answers.items() if one.asked.source.name == source)
        before = self.sold.setdefault(name, set())
        new = [i for i in rows.tolist() if votes.ids[i] not in before]
        self.spent[new] += one.costs[new]
        before.update(votes.ids[i] for i in new)
        said = {i: one.asked.votes[i] for i in before if i in one.asked.votes}
        sure = {i: one.asked.confidence[i] for i in said if i in one.asked.confidence}
        return add_answers(votes, replace(one.asked, votes=said, confidence=sure))
