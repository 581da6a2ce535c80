"""`weaksup plan`: what asking would cost and change, before a cent is spent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from weaksup.cli.options import as_json

if TYPE_CHECKING:
    from weaksup.routing.plan import Plan

__all__ = ["command"]

EPILOG = """\b
Examples:
  weaksup plan votes.parquet --prompts prompts.py --tiers tiers.toml --budget 5
  weaksup plan votes.parquet --prompts prompts.py --tiers openai:gpt-4o-mini --share 0.2
  weaksup plan tickets                 a project, once `weaksup run` has applied its labeling functions
\b
Tokens and accuracies are assumed until a tier has answered; ask a few rows first, and the plan measures them.
"""


@click.command("plan", epilog=EPILOG)
@click.argument("votes", metavar="VOTES|FOLDER")
@click.argument("corpus", required=False)
@click.option("--prompts", metavar="FILE", help="Python file with a @prompt_function.")
@click.option("--prompt", "prompt_name", metavar="NAME", help="Which one, where the file has several.")
@click.option(
    "--tiers", "--tier", "tiers", metavar="FILE|PROVIDER:MODEL", help="Who may be asked, cheapest first: a TOML file."
)
@click.option("--tier-name", "names", metavar="NAME", multiple=True, help="Which of them, where not all.")
@click.option(
    "--set", "settings", metavar="KEY=VALUE", multiple=True, help="Set or replace a setting of a single tier."
)
@click.option("--budget", metavar="DOLLARS", help="Cap on all that the run spends.  [default: show what budgets buy]")
@click.option("--calls", type=click.IntRange(0), help="Cap on calls.")
@click.option("--tokens", type=click.IntRange(0), help="Cap on tokens, in and out.")
@click.option("--people-minutes", type=click.FloatRange(0), help="Cap on people's time.")
@click.option("--share", "shares", metavar="[TIER=]SHARE", multiple=True, help="Share of the rows at most.")
@click.option("--accuracy", metavar="TIER=SHARE", multiple=True, help="How often a tier is right, if you know.")
@click.option("--accept", type=click.FloatRange(0, 1), default=0.9, show_default=True, help="Labels this sure stay.")
@click.option("--labels", metavar="FILE", help="Labels that `weaksup fit` wrote.  [default: fit the default model]")
@click.option("--store", metavar="FILE|URL", help="Where paid answers are kept.  [default: store.db beside VOTES]")
@click.option("--run", metavar="NAME", default="ask", show_default=True, help="What the budget is for.")
@as_json
def command(votes: str, *, as_json: bool, **options: Any) -> None:
    """Say which rows of VOTES to ask whom, what that costs, and what it changes. Nothing is sent.

    The rows and tiers are those with the largest expected drop in error under all caps. Of the cost you see what is
    likely, what is certain if every call is answered, and what it can at most be; answers that are stored are free.
    With a FOLDER, settings and caps are those of its weaksup.toml.
    """
    from pathlib import Path

    from weaksup.cli import render
    from weaksup.cli.plan_text import show_plan

    plan = _of_project(votes, options) if Path(votes).is_dir() else _of_votes(votes, options)
    if as_json:
        render.emit_json(plan.to_json())
    else:
        show_plan(plan)


def _of_project(folder: str, options: dict[str, Any]) -> Plan:
    from weaksup.errors import UsageError
    from weaksup.llm.pricing.prices import budget_cap
    from weaksup.pipeline.plan.project import plan_project
    from weaksup.project import Project

    source = click.get_current_context().get_parameter_source
    given = [name for name in options if source(name) is click.core.ParameterSource.COMMANDLINE and name != "budget"]
    if given:
        raise UsageError(f"plan: a folder's settings are in its weaksup.toml; leave out --{given[0].replace('_', '-')}")
    budget = options["budget"]
    return plan_project(Project.load(folder), budget_usd=None if budget is None else budget_cap(budget) / 1e6)


def _of_votes(path: str, options: dict[str, Any]) -> Plan:
    from contextlib import ExitStack
    from pathlib import Path

    from weaksup.cli.ask_tiers import choose_tiers
    from weaksup.cli.origin import find_corpus
    from weaksup.errors import UsageError
    from weaksup.label_models import LabelModel
    from weaksup.labels import SoftLabels
    from weaksup.llm.limits import make_caps
    from weaksup.llm.pricing.prices import budget_cap
    from weaksup.pipeline.asking import choose_prompt
    from weaksup.pipeline.plan import make_plan
    from weaksup.store import Caps, Store
    from weaksup.votes import VoteMatrix

    if options["prompts"] is None or options["tiers"] is None:
        raise UsageError("plan: expected --prompts FILE and --tiers FILE, or the folder of a project")
    budget = None if options["budget"] is None else budget_cap(options["budget"])
    votes = VoteMatrix.load(path)
    prompt = choose_prompt(options["prompts"], votes.labels, name=options["prompt_name"])
    tiers = choose_tiers(options["tiers"], options["names"], options["settings"])
    labels, store = options["labels"], options["store"] or str(Path(path).with_name("store.db"))
    soft = SoftLabels.load(labels) if labels is not None else LabelModel().fit(votes).soft_labels(votes)
    rest = make_caps(calls=options["calls"], tokens=options["tokens"], people_minutes=options["people_minutes"])
    names = [tier.name for tier in tiers]
    with ExitStack() as stack:
        there = "://" in store or Path(store).exists()
        return make_plan(
            votes,
            soft,
            find_corpus(votes.origin, options["corpus"]),
            prompt,
            tiers=tiers,
            store=stack.enter_context(Store(store)) if there else None,
            run=options["run"],
            caps=Caps(budget, rest.calls, rest.tokens, rest.seconds),
            shares=_by_tier("--share", options["shares"], names),
            accuracy=_by_tier("--accuracy", options["accuracy"], names),
            stop_at=1 - options["accept"],
        )


def _by_tier(option: str, given: tuple[str, ...], names: list[str]) -> dict[str, float]:
    """Read TIER=SHARE; a share without a name is for every tier."""
    from weaksup.errors import UsageError

    found: dict[str, float] = {}
    for text in given:
        name, _, value = text.rpartition("=")
        try:
            share = float(value)
        except ValueError:
            share = -1.0
        if not 0 <= share <= 1:
            raise UsageError(f'{option}: expected TIER=SHARE with a share from 0 to 1, got "{text}"')
        found |= dict.fromkeys([name] if name else names, share)
    return found
