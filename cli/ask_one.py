"""`weaksup ask` with one tier: the rows in most doubt, worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weaksup.corpus import Corpus
    from weaksup.labeling_functions import PromptFunction
    from weaksup.llm import Tier
    from weaksup.store import Limits, Store
    from weaksup.votes import VoteMatrix

__all__ = ["ask_one"]


def ask_one(
    votes: VoteMatrix,
    corpus: Corpus,
    tier: Tier,
    prompt: PromptFunction,
    store: Store,
    *,
    run: str,
    budget: str | None,
    limits: Limits,
    share: float | None,
    labels: str | None,
    output: str | None,
    write_labels: str | None,
    as_json: bool,
) -> None:
    """Show the cost; unless `output` is None, ask, write votes and labels, and tell what came of it."""
    from decimal import Decimal

    from weaksup.cli import render
    from weaksup.cli.ask_text import plan_json, report, show_plan
    from weaksup.cli.progress import progress
    from weaksup.label_models import LabelModel
    from weaksup.labels import SoftLabels
    from weaksup.llm import ask, estimate, source_of
    from weaksup.llm.pricing.prices import budget_cap
    from weaksup.pipeline.asking import add_answers, choose_rows
    from weaksup.pipeline.lineage import labels_meta, note_asked

    cap = None if budget is None else budget_cap(budget)
    soft = SoftLabels.load(labels) if labels is not None else LabelModel().fit(votes).soft_labels(votes)
    most = tier.share_alone if share is None else share
    rows = choose_rows(votes, soft, corpus, share=most, source=source_of(tier, prompt).name)
    planned = estimate(rows, prompt, tier, store)
    show_plan(tier, planned, store, cap)
    if output is None or budget is None:
        if as_json:
            render.emit_json(plan_json(tier, planned, store, cap))
        return
    with progress("ask", total=len(rows)) as watch:
        asked = ask(
            rows,
            prompt,
            tier,
            store,
            run=run,
            budget_usd=Decimal(budget),
            limits=limits,
            on_answer=lambda p: watch(p.done),
        )
    more = note_asked(add_answers(votes, asked), {asked.source.name: (tier, prompt)}, [asked])
    more.save(output)
    if write_labels is not None:
        LabelModel().fit(more).soft_labels(more).save(write_labels, labels_meta(more, "default"))
    report(asked, output, budget, as_json=as_json)
