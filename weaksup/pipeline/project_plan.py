"""The plan of a project: what `weaksup run` would ask next, for how much."""

from __future__ import annotations

from contextlib import ExitStack

from weaksup.corpus import open_corpus
from weaksup.errors import ConfigError, UsageError
from weaksup.llm.pricing.prices import budget_cap
from weaksup.pipeline.asking import ask_settings, soft_labels
from weaksup.pipeline.planning import make_plan
from weaksup.pipeline.project_campaign import RUN, project_limits, project_policy, project_store, project_team
from weaksup.project import Project
from weaksup.routing.plan import Plan
from weaksup.store import Caps
from weaksup.votes import VoteMatrix

__all__ = ["plan_project"]


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
    votes = VoteMatrix.load(file)
    team, limits, c = project_team(project, votes.labels), project_limits(settings), project.corpus
    budget = settings.budget_usd if budget_usd is None else budget_usd
    with ExitStack() as stack:
        there = (settings.store and "://" in settings.store) or _store_file(project)
        return make_plan(
            votes,
            soft_labels(project, votes),
            open_corpus(project.path(c.path), text=c.text, id=c.id, encoding=c.encoding),
            team.prompt,
            tiers=team.tiers,
            also=team.also,
            store=stack.enter_context(project_store(project)) if there else None,
            run=RUN,
            caps=Caps(budget_cap(budget), limits.run.calls, limits.run.tokens, limits.run.seconds),
            day=limits.day,
            stop_at=1 - project_policy(project, votes.labels).accept,
        )


def _store_file(project: Project) -> bool:
    named = project.ask.store if project.ask else None
    return (project.path(named) if named else project.out / "store.db").is_file()
