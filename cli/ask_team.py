"""`weaksup ask` with several tiers: routing decides whom to ask about which row."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from weaksup.corpus import Corpus
    from weaksup.labels import SoftLabels
    from weaksup.pipeline.team import Team
    from weaksup.routing.policy import Policy
    from weaksup.store import Limits, Store
    from weaksup.votes import VoteMatrix

__all__ = ["ask_team"]


def ask_team(
    votes: VoteMatrix,
    corpus: Corpus,
    team: Team,
    store: Store,
    *,
    run: str,
    budget: str | None,
    limits: Limits,
    policy: Policy,
    gold: str | None,
    output: str | None,
    write_labels: str | None,
    as_json: bool,
) -> None:
    """Show the plan; unless `output` is None, ask, write votes and labels, and tell what came of it."""
    from decimal import Decimal

    from weaksup.cli import render
    from weaksup.cli.ask_text import show_unsettled
    from weaksup.cli.campaign_text import check_ended, note_plan, tell
    from weaksup.cli.plan_text import show_plan
    from weaksup.cli.progress import steps
    from weaksup.llm.pricing.prices import budget_cap
    from weaksup.pipeline.campaign import Campaign
    from weaksup.pipeline.lineage import labels_meta, note_asked
    from weaksup.pipeline.plan.team import plan_team, tight_limits
    from weaksup.pipeline.purchases import Purse

    known = _read_gold(votes, corpus, gold)
    cap = None if budget is None else budget_cap(budget)
    plan, first = (
        plan_team(votes, _fit(votes, None), corpus, team, kept, run=run, budget=cap, limits=limits, policy=policy)
        for kept in (store, None)
    )
    tight = tight_limits(first, limits)
    show_unsettled(store)
    if output is None or budget is None:
        render.emit_json(plan.to_json()) if as_json else show_plan(plan)
        return
    note_plan(plan)
    with steps() as watch:
        outcome = Campaign(
            votes,
            corpus,
            team,
            Purse(store, run, Decimal(budget), limits),
            _fit,
            policy=policy,
            limits=tight,
            gold=known,
            watch=watch,
        ).run()
    more = note_asked(outcome.votes, team.shelf, outcome.asked)
    more.save(output)
    if write_labels is not None:
        outcome.labels.save(write_labels, labels_meta(more, "default", machines=len(team.machines)))
    if as_json:
        render.emit_json({"votes": output, "labels": write_labels, **outcome.to_json()})
    else:
        tell(outcome)
        render.line(f"wrote {' and '.join(name for name in (output, write_labels) if name)}")
    if write_labels is None:
        render.note("the labels after asking are not written; --write-labels FILE writes them")
    if tight and outcome.in_doubt:
        render.note(f"the caps leave {outcome.in_doubt:,} rows in doubt; raise them and run again")
    check_ended(outcome.asked)


def _fit(votes: VoteMatrix, known: NDArray[np.int64] | None) -> SoftLabels:
    from weaksup.label_models import LabelModel

    return LabelModel().fit(votes, gold=known).soft_labels(votes)


def _read_gold(votes: VoteMatrix, corpus: Corpus, column: str | None) -> NDArray[np.int64] | None:
    import numpy as np

    from weaksup.corpus.gold import read_gold

    return None if column is None else read_gold(corpus, column, votes.ids, votes.labels).astype(np.int64)
