"""People in a campaign: what they answered before, whom to ask next, and what they found in the audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from weaksup.corpus import Corpus, Row
from weaksup.errors import WeaksupError
from weaksup.labeling_functions import PromptFunction
from weaksup.labels import ABSTAIN, SoftLabels
from weaksup.llm import People, Tier
from weaksup.pipeline.purchases import Purse
from weaksup.protocols import PromptFunctionProtocol
from weaksup.routing import Belief
from weaksup.routing.agreement import people_labels
from weaksup.routing.audit import AuditScore, audited_accuracy
from weaksup.routing.people_queue import Candidates, Queue, audited_rows, people_queue
from weaksup.routing.policy import Policy
from weaksup.routing.tuner import tune_people
from weaksup.slices import find_slices
from weaksup.votes import VoteMatrix

__all__ = ["Desk", "answered_before", "without_people"]


def answered_before(tier: Tier, prompt: PromptFunction, rows: Sequence[Row]) -> NDArray[np.int64]:
    """Return the positions of the rows whose question has an answer in the people's table."""
    assert isinstance(tier.provider, People)
    tier.provider.open()
    try:
        fitted = tier.fitted(prompt)
        answered = [_is_answered(tier.provider, fitted, row) for row in rows]
    finally:
        tier.provider.close()
    return np.flatnonzero(answered).astype(np.int64)


def _is_answered(provider: People, prompt: PromptFunctionProtocol, row: Row) -> bool:
    try:
        shown = prompt.render(row)
    except WeaksupError:
        raise
    except Exception:  # noqa: BLE001  (user code: such a row cannot have been asked, and `ask` says so)
        return False
    return bool(provider.request(shown, row)["answer"])


@dataclass(frozen=True, slots=True, eq=False)
class Desk:
    """The people tier, the policy that says which rows come to it, and the minutes that it has."""

    tier: Tier
    policy: Policy
    purse: Purse
    corpus: Corpus

    def queue(
        self,
        votes: VoteMatrix,
        belief: Belief,
        answered: NDArray[np.int64],
        *,
        denied: NDArray[np.bool_] | None = None,
    ) -> Queue:
        """Choose the rows to ask people about; where minutes are capped, as many as fit.

        `denied` [n] marks the labels that a student is sure are wrong: they come first, where people are asked at all.

        `answered` are the positions of the rows that have something in the table: a word that is no label waits to be
        mended, and keeps its place.
        """
        given = people_labels(votes) != ABSTAIN
        taken = given.copy()
        taken[answered] = True
        name, minutes = self.tier.given_name, self._minutes()
        rows = self._candidates(votes, belief, taken)
        if denied is not None:
            rows = replace(rows, denied=denied & (self.policy.thresholds([name], votes.labels)[0][belief.label] > 0))
        share = int(self.tier.share_alone * len(votes) + 1e-9)
        limit = max(0, share - int(taken.sum()))
        if minutes is None:
            return people_queue(rows, self.policy, tier=name, limit=limit)
        assert isinstance(self.tier.provider, People)
        pace = float(self.tier.provider.items_per_hour)
        minutes = max(0.0, minutes - int((taken & ~given).sum()) * 60 / pace)
        if self.tier.share is not None:
            minutes = min(minutes, limit * 60 / pace)
        return tune_people(rows, self.policy, minutes=minutes, items_per_hour=pace, tier=name).queue

    def _minutes(self) -> float | None:
        """Return what the caps of the run and of the day leave of people's time; None where there is none."""
        store, limits = self.purse.store, self.purse.limits
        caps = ((limits.run.seconds, store.account(self.purse.run)), (limits.day.seconds, store.day_account()))
        left = [cap - account.seconds for cap, account in caps if cap is not None]
        return max(0, min(left)) / 60 if left else None

    def audit(self, votes: VoteMatrix, machines: Belief) -> AuditScore | None:
        """Say how many of the labels that `machines` left alone people found right; None without an audit."""
        if not self.policy.audit:
            return None
        nobody = np.zeros(len(votes), np.bool_)
        audited = audited_rows(self._candidates(without_people(votes), machines, nobody), self.policy)
        return audited_accuracy(machines.label, people_labels(votes), audited, labels=votes.labels)

    def _candidates(self, votes: VoteMatrix, belief: Belief, asked: NDArray[np.bool_]) -> Candidates:
        covered = (votes.values != ABSTAIN).any(axis=1)
        soft = SoftLabels(votes.ids, belief.proba, covered, votes.labels)
        found = self.corpus.lookup(votes.ids, self.policy.fields) if self.policy.fields else {}
        fields = {name: [found[i][name] for i in votes.ids] for name in self.policy.fields}
        slices = find_slices(votes, soft, max_slices=max(1, len(votes)))
        return Candidates(belief, votes.labels, votes.ids, fields, slices, asked)


def without_people(votes: VoteMatrix) -> VoteMatrix:
    """Return the votes without those of people."""
    kept = [j for j, source in enumerate(votes.sources) if source.kind != "person"]
    return replace(
        votes,
        values=votes.values[:, kept],
        sources=tuple(votes.sources[j] for j in kept),
        asked=None if votes.asked is None else votes.asked[:, kept],
        confidence=None if votes.confidence is None else votes.confidence[:, kept],
    )
