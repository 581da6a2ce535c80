"""The campaign that a project describes: its tiers, prompts, caps and policy."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from weaksup.corpus import Corpus
from weaksup.labels import LabelSpace
from weaksup.llm.limits import make_caps
from weaksup.pipeline.asking import ask_settings, choose_prompt, make_tiers, soft_labels
from weaksup.pipeline.campaign import Campaign
from weaksup.pipeline.purchases import Purse
from weaksup.pipeline.team import Team
from weaksup.project import AskSettings, Project
from weaksup.routing.policy import Policy
from weaksup.routing.policy_table import read_policy
from weaksup.store import Limits, Store
from weaksup.votes import VoteMatrix

__all__ = [
    "RUN",
    "project_campaign",
    "project_limits",
    "project_policy",
    "project_store",
    "project_team",
]

Watch = Callable[[str, int, int | None], None]

RUN = "project"
"""The run that a project's answers are booked under."""


def project_campaign(
    project: Project, corpus: Corpus, votes: VoteMatrix, store: Store, *, limits: dict[str, int], watch: Watch
) -> Campaign:
    """Return the campaign over the project's votes; `run` it to ask. `limits` are those of `plan.project_rows`."""
    settings = ask_settings(project)
    return Campaign(
        votes,
        corpus,
        project_team(project, votes.labels),
        Purse(store, RUN, Decimal(str(settings.budget_usd)), project_limits(settings)),
        lambda some, gold: soft_labels(project, some, gold),
        policy=project_policy(project, votes.labels),
        limits=limits,
        watch=watch,
    )


def project_team(project: Project, labels: LabelSpace) -> Team:
    """Return the tiers and prompts of a project, checked; nothing is sent."""
    settings = ask_settings(project)
    path = project.path(settings.prompts)
    prompt = choose_prompt(path, labels, name=settings.prompt)
    also = tuple(choose_prompt(path, labels, name=name) for name in settings.also)
    return Team(tuple(make_tiers(project)), prompt, also)


def project_policy(project: Project, labels: LabelSpace) -> Policy:
    """Return what [policy] says."""
    return read_policy(project.policy, tiers=[tier.given_name for tier in make_tiers(project)], labels=labels)


def project_limits(settings: AskSettings) -> Limits:
    """Return the caps beside the budget."""
    run = make_caps(calls=settings.calls, tokens=settings.tokens, people_minutes=settings.people_minutes)
    day = settings.day
    return Limits(run, make_caps(usd=day.usd, calls=day.calls, tokens=day.tokens, people_minutes=day.people_minutes))


def project_store(project: Project) -> Store:
    """Open the project's store: the one that [ask] names, or `store.db` in the output folder."""
    named = project.ask.store if project.ask else None
    if named is not None and "://" in named:
        return Store(named)
    return Store(project.path(named) if named else project.out / "store.db")
