"""Ask where it is worth it: the rows that are the least certain, worst first, and the answers as one more source."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from weaksup.corpus import Corpus, Row
from weaksup.distill import load_bundle
from weaksup.errors import ConfigError, UsageError
from weaksup.label_models import create
from weaksup.labeling_functions import PromptFunction, load_lf_module
from weaksup.labels import LabelSpace, SoftLabels
from weaksup.llm import Asked, Tier, make_tier
from weaksup.project import AskSettings, Project
from weaksup.slices import find_slices, rows_to_ask
from weaksup.votes import VoteMatrix

__all__ = [
    "add_answers",
    "ask_settings",
    "choose_prompt",
    "choose_rows",
    "make_tiers",
    "read_rows",
    "soft_labels",
    "worst_rows",
]


def make_tiers(project: Project) -> list[Tier]:
    """Return the tiers of the project, checked; nothing is sent."""
    local = {"local_only": True} if project.local_only else {}
    return [make_tier({**table, **local}, folder=project.folder, load_student=load_bundle) for table in project.tiers]


def ask_settings(project: Project) -> AskSettings:
    """Return the [ask] section, which a project with tiers must have."""
    if project.ask is None:
        raise ConfigError("expected an [ask] section with prompts and budget_usd; add one, or remove the [[tiers]]")
    return project.ask


def choose_prompt(path: str | Path, labels: LabelSpace, *, name: str | None = None) -> PromptFunction:
    """Return the prompt function of a module, or the one of that name, bound to the label space."""
    found = {p.name: p for p in load_lf_module(path).prompts if isinstance(p, PromptFunction)}
    there = ", ".join(found) or "none"
    if not found or (name is None and len(found) > 1):
        wanted = "one @prompt_function" if not found else "the name of one (--prompt NAME), as there are several"
        raise ConfigError(f"{path}: expected {wanted}; it has: {there}")
    if name is not None and name not in found:
        raise ConfigError(f'{path}: expected a prompt function "{name}"; it has: {there}')
    return found[name or next(iter(found))].bind(labels)


def soft_labels(project: Project, votes: VoteMatrix, gold: NDArray[np.int64] | None = None) -> SoftLabels:
    """Fit the project's label model and return what it says of the same rows; `gold` [n] are known labels, or -1."""
    model = create(project.label_model.name, len(votes.labels))
    return model.fit(votes, class_balance=project.label_model.class_balance, gold=gold).soft_labels(votes)


def choose_rows(votes: VoteMatrix, soft: SoftLabels, corpus: Corpus, *, share: float, source: str) -> list[Row]:
    """Return the rows to ask, worst first: at most a share of all, this source's earlier answers counted in."""
    return read_rows(corpus, [votes.ids[i] for i in worst_rows(votes, soft, share=share, source=source).tolist()])


def worst_rows(votes: VoteMatrix, soft: SoftLabels, *, share: float, source: str) -> NDArray[np.int64]:
    """Return the positions of the rows to ask, as `choose_rows` does."""
    before = _asked_before(votes, source)
    limit = max(0, int(share * len(votes)) - int(before.sum()))
    return rows_to_ask(find_slices(votes, soft), ids=votes.ids, limit=limit, exclude=before)


def read_rows(corpus: Corpus, ids: Sequence[str]) -> list[Row]:
    """Return the rows with these ids, in their order."""
    wanted, found = set(ids), {}
    for chunk in corpus.scan():
        found.update({name: row for name, row in zip(chunk.ids, chunk.rows, strict=True) if name in wanted})
    lost = wanted - set(found)
    if lost:
        what = f'expected the corpus of these votes, got one without row "{min(lost)}"'
        raise UsageError(f"{what}; name the right CORPUS")
    return [found[name] for name in ids]


def add_answers(votes: VoteMatrix, asked: Asked) -> VoteMatrix:
    """Add the answers as a source, beside what the same source said before."""
    said, sure = dict(asked.votes), dict(asked.confidence)
    if asked.source.name in votes.names:
        before, j = _asked_before(votes, asked.source.name).nonzero()[0], votes.names.index(asked.source.name)
        names = [votes.ids[i] for i in before.tolist()]
        said = dict(zip(names, votes.values[before, j].tolist(), strict=True)) | said
        if votes.confidence is not None:
            told = dict(zip(names, votes.confidence[before, j].tolist(), strict=True))
            sure = {name: value for name, value in told.items() if not math.isnan(value)} | sure
    return votes.with_source(asked.source, said, confidence=sure)


def _asked_before(votes: VoteMatrix, source: str) -> NDArray[np.bool_]:
    """Mark the rows [n] that a source of this name has seen."""
    if source not in votes.names:
        return np.zeros(len(votes), np.bool_)
    return np.ones(len(votes), np.bool_) if votes.asked is None else votes.asked[:, votes.names.index(source)]
