"""The plan of a project: what `weaksup run` would ask next, for how much."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from weaksup.corpus import Corpus, open_corpus
from weaksup.errors import ConfigError, UsageError
from weaksup.llm.pricing.prices import budget_cap
from weaksup.pipeline.asking import ask_settings, soft_labels
from weaksup.pipeline.plan.team import plan_team, tight_limits
from weaksup.pipeline.project_campaign import RUN, project_limits, project_policy, project_store, project_team
from weaksup.project import Project
from weaksup.routing.plan import Plan
from weaksup.store import Store
from weaksup.votes import VoteMatrix

__all__ = ["plan_project", "project_rows"]


def plan_project(project: Project, *, budget_usd: float | None = None) -> Plan:
    """Plan what asking would cost and change, from the votes that the project's first steps left. Nothing is sent.

    The caps, the policy and the store are the project's; `budget_usd` replaces its budget, as a question.
    """
    settings = ask_settings(project)
    if not project.tiers:
        raise ConfigError("plan: expected [[tiers]] in weaksup.toml, found none; add one, or there is nobody to ask")
    file = project.out / "votes.parquet"
    if not file.is_file():
        raise UsageError(f"plan: expected the votes in {file}, found none; run `weaksup run` or `weaksup apply` first")
    votes, c = VoteMatrix.load(file), project.corpus
    corpus = open_corpus(project.path(c.path), text=c.text, id=c.id, encoding=c.encoding)
    budget = settings.budget_usd if budget_usd is None else budget_usd
    with ExitStack() as stack:
        there = (settings.store and "://" in settings.store) or _store_file(project)
        return _plan(project, corpus, votes, stack.enter_context(project_store(project)) if there else None, budget)


def project_rows(project: Project, corpus: Corpus, votes: VoteMatrix, store: Store) -> dict[str, Any]:
    """Plan what asking would cost, and how many rows each tier gets where a cap binds; one rung needs no plan."""
    settings = ask_settings(project)
    if len(project_team(project, votes.labels).rungs) < 2:
        return {"limits": {}}
    plan, first = (_plan(project, corpus, votes, kept, settings.budget_usd) for kept in (store, None))
    return {"limits": tight_limits(first, project_limits(settings)), **plan.cost.to_json(), "flips": plan.flips}


def _plan(project: Project, corpus: Corpus, votes: VoteMatrix, store: Store | None, budget: float) -> Plan:
    return plan_team(
        votes,
        soft_labels(project, votes),
        corpus,
        project_team(project, votes.labels),
        store,
        run=RUN,
        budget=budget_cap(budget),
        limits=project_limits(ask_settings(project)),
        policy=project_policy(project, votes.labels),
    )


def _store_file(project: Project) -> bool:
    named = project.ask.store if project.ask else None
    return (project.path(named) if named else project.out / "store.db").is_file()
