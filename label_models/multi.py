"""Rows with any number of labels: one label model for each label, behind one fit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weaksup.errors import UsageError
from weaksup.files import write_text
from weaksup.label_models.base import BaseLabelModel
from weaksup.label_models.health import Finding, health
from weaksup.label_models.multi_reading import naming, read_gold_sets, read_shares, read_votes
from weaksup.label_models.present_only import Held, hold_share, present_only
from weaksup.label_models.registry import create, load
from weaksup.label_models.ties import TiePolicy, choose
from weaksup.label_sets import ABSENT, PRESENT, SIDES, SoftLabelSets
from weaksup.labels import LabelSpace
from weaksup.multi_votes import MultiVotes
from weaksup.votes import VoteMatrix

__all__ = ["MultiLabelModel"]

_FORMAT = 1


class MultiLabelModel:
    """Combine multi-label votes: for each label, a registered model over ABSENT and PRESENT learns from its votes.

    Labels are taken for independent: k fits, the same as k models fitted one by one. Where nobody votes ABSENT on a
    label, as is usual, every row with a vote leans to PRESENT, and the others get one half: give its share,
    `class_balance={"billing": 0.1}`. Then rows with a vote keep what the model makes of them without a class balance,
    silent rows get what is left of the share, and the mean probability equals it (`present_only`). Cost: k times the
    model's.

    labels_   the label space; sources_ names the sources
    models_   [k] the fitted models, in the order of the labels
    shares_   the shares that were given, by label
    held_     how the probabilities of a label are held at its share, by label; only where nobody votes ABSENT
    """

    options: ClassVar[tuple[str, ...]] = ("seed",)

    labels_: LabelSpace
    sources_: tuple[str, ...]
    models_: tuple[BaseLabelModel, ...]
    shares_: dict[str, float]
    held_: dict[str, Held]

    def __init__(self, name: str = "default", *, seed: int = 0) -> None:
        create(name, len(SIDES), seed=seed)  # an unknown name is refused now
        self.name = name
        self.seed = seed

    def fit(
        self,
        votes: MultiVotes,
        *,
        class_balance: Mapping[str, float] | Sequence[float] | None = None,
        gold: ArrayLike | None = None,
    ) -> Self:
        """Learn how far each source can be trusted on each label.

        `class_balance` is the share of rows that have each label, [k] or by name; a label that is not named has it
        estimated. `gold` [n, k] is 1 where the row has the label, 0 where not, -1 where not known.
        """
        names = read_votes(votes).labels.names
        shares, known = read_shares(class_balance, names), read_gold_sets(gold, votes)
        self._learn([create(self.name, len(SIDES), seed=self.seed) for _ in names], votes, shares, known)
        return self

    def partial_fit(
        self,
        votes: MultiVotes,
        *,
        class_balance: Mapping[str, float] | Sequence[float] | None = None,
        gold: ArrayLike | None = None,
    ) -> Self:
        """Learn from one more batch of rows; the model is then the one that `fit` on all batches together gives.

        A share that was given holds until another one is.
        """
        if not hasattr(self, "models_"):
            return self.fit(votes, class_balance=class_balance, gold=gold)
        shares, known = read_shares(class_balance, self._check(votes).names), read_gold_sets(gold, votes)
        self._learn(self.models_, votes, self.shares_ | shares, known)
        return self

    def predict_proba(self, votes: MultiVotes) -> NDArray[np.float64]:
        """Return the probability of PRESENT, [n, k]; where nothing is said of a label, its class balance."""
        proba = np.empty((len(votes), len(self._check(votes))))
        for c, name in enumerate(votes.labels.names):
            proba[:, c] = self._sides(name, votes)[:, PRESENT]
        return proba

    def predict(self, votes: MultiVotes, *, tie_break_policy: TiePolicy = "abstain") -> NDArray[np.int8]:
        """Return PRESENT 1, ABSENT 0, or -1 where nothing is said of the label or the two tie, [n, k]."""
        labels = np.empty((len(votes), len(self._check(votes))), np.int8)
        rows, covered = np.arange(len(votes)), votes.covered
        for c, name in enumerate(votes.labels.names):
            labels[:, c] = choose(self._sides(name, votes), rows, covered[:, c], tie_break_policy)
        return labels

    def soft_labels(self, votes: MultiVotes) -> SoftLabelSets:
        """Return the probabilities with the rows' ids and where any source said anything of the label."""
        return SoftLabelSets(votes.ids, self.predict_proba(votes), votes.covered, votes.labels)

    def source_accuracies(self, votes: MultiVotes) -> NDArray[np.float64]:
        """Return, [m, k], the mean probability that the model gives to each source's votes on each label, NaN without.

        It is the model's own opinion, not a measurement: gold alone measures.
        """
        accuracies = np.empty((len(votes.sources), len(self._check(votes))))
        for c, (model, matrix) in enumerate(self._each(votes)):
            accuracies[:, c] = model.source_accuracies(matrix)
        return accuracies

    @property
    def class_balance_(self) -> dict[str, float]:
        """The share of rows that have each label: given, estimated by the model, or one half."""
        names = self._fitted().names
        learned = {name: float(model.class_balance_[1]) for name, model in zip(names, self.models_, strict=True)}
        return learned | self.shares_

    def health(self, votes: MultiVotes, *, gold: ArrayLike | None = None) -> dict[str, list[Finding]]:
        """Check each label's model on the votes it labels; a label without findings is left out.

        A source that is silent on a label is no finding; a label on which nobody votes ABSENT is one finding. `gold`
        [n, k] measures the sources.
        """
        names, known = self._check(votes).names, read_gold_sets(gold, votes)
        found = {}
        for c, (name, (model, matrix)) in enumerate(zip(names, self._each(votes), strict=True)):
            seen = _findings(model, matrix, self.shares_.get(name), None if known is None else known[:, c])
            if seen:
                found[name] = [replace(f, text=f"{name}: {f.text}") for f in seen]
        return found

    def save(self, folder: str | Path) -> None:
        """Write the fitted models to a folder, each to one of its own, and multi.json."""
        labels = self._fitted()
        for c, model in enumerate(self.models_):
            model.save(Path(folder) / f"label_{c}")
        info = {"format": _FORMAT, "model": self.name, "seed": self.seed}
        info |= {"labels": labels.to_json(), "sources": self.sources_, "shares": self.shares_}
        info |= {"held": {name: [held.tilt, held.rest] for name, held in self.held_.items()}}
        write_text(Path(folder) / "multi.json", json.dumps(info, indent=1) + "\n")

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read what `save` wrote."""
        home = Path(folder)
        refusal = f"expected a folder with a saved multi-label model, got {home}, which is not one"
        try:
            info = json.loads((home / "multi.json").read_text(encoding="utf-8"))
            if info["format"] != _FORMAT:
                raise UsageError(f"saved model {home}: expected format {_FORMAT}, got {info['format']}; fit it again")
            model = cls(info["model"], seed=info["seed"])
            model.labels_, model.sources_ = LabelSpace.from_json(info["labels"]), tuple(info["sources"])
            model.shares_, model.held_ = info["shares"], {name: Held(*held) for name, held in info["held"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise UsageError(refusal) from None
        model.models_ = tuple(load(home / f"label_{c}") for c in range(len(model.labels_)))
        return model

    def _learn(
        self,
        models: Sequence[BaseLabelModel],
        votes: MultiVotes,
        shares: dict[str, float],
        gold: NDArray[np.int64] | None,
    ) -> None:
        self._forget()  # half a model must not answer
        held = {}
        for c, (name, model) in enumerate(zip(votes.labels.names, models, strict=True)):
            with naming(name):
                found = _learn_one(model, votes.for_label(name), shares.get(name), None if gold is None else gold[:, c])
            if found is not None:
                held[name] = found
        self.labels_, self.sources_, self.models_ = votes.labels, votes.names, tuple(models)
        self.shares_, self.held_ = shares, held

    def _sides(self, label: str, votes: MultiVotes) -> NDArray[np.float64]:
        """Return the probabilities of ABSENT and PRESENT, [n, 2]."""
        matrix = votes.for_label(label)
        sides = self.models_[votes.labels.names.index(label)].predict_proba(matrix)
        if label in self.held_:
            sides[:, PRESENT] = self.held_[label].move(sides[:, PRESENT], matrix.covered)
            sides[:, ABSENT] = 1 - sides[:, PRESENT]
        return sides

    def _each(self, votes: MultiVotes) -> Iterator[tuple[BaseLabelModel, VoteMatrix]]:
        for name, model in zip(votes.labels.names, self.models_, strict=True):
            yield model, votes.for_label(name)

    def _check(self, votes: MultiVotes) -> LabelSpace:
        labels = self._fitted()
        if read_votes(votes).labels.names != labels.names:
            theirs, ours = ", ".join(labels.names[:6]), ", ".join(votes.labels.names[:6])
            raise UsageError(f"multi-label model: expected votes over the labels of fit ({theirs}), got ({ours})")
        if votes.names != self.sources_:
            raise UsageError(f"multi-label model: expected the {len(self.sources_)} sources of fit in their order")
        return labels

    def _fitted(self) -> LabelSpace:
        if not hasattr(self, "models_"):
            raise UsageError(f'multi-label model "{self.name}": expected a fitted model; call fit(votes) first')
        return self.labels_

    def _forget(self) -> None:
        for field in ("labels_", "sources_", "models_", "shares_", "held_"):
            vars(self).pop(field, None)


def _learn_one(
    model: BaseLabelModel, matrix: VoteMatrix, share: float | None, gold: NDArray[np.int64] | None
) -> Held | None:
    """Fit the model of one label on one more batch; where only PRESENT is voted, hold its mean at the share."""
    before = model._seen.patterns.values if hasattr(model, "_seen") else np.empty(0, np.int16)
    if share is None or (before == ABSENT).any() or (matrix.values == ABSENT).any():
        model.partial_fit(matrix, class_balance=None if share is None else [1 - share, share], gold=gold)
        return None
    model.partial_fit(matrix, gold=gold)
    seen = model._seen.patterns
    return hold_share(model.predict_proba(seen.values)[:, PRESENT], seen.covered, seen.counts, share)


_OF_ONE_SIDE = ("one-sided", "label without votes")  # what health says of it where both classes are named


def _findings(
    model: BaseLabelModel, matrix: VoteMatrix, share: float | None, gold: NDArray[np.int64] | None
) -> list[Finding]:
    findings = [f for f in health(model, matrix, gold=gold) if f.name != "source without votes"]
    if (matrix.values == ABSENT).any() or not matrix.covered.any():
        return findings
    return [present_only(matrix.covered, share), *(f for f in findings if f.name not in _OF_ONE_SIDE)]
