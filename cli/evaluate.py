"""`weaksup evaluate`: score tiers, prompt and routing on a golden set before a change may replace what is in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from weaksup.cli.options import as_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from weaksup.llm import Estimate
    from weaksup.pipeline.golden import Evaluation

__all__ = ["command"]

EPILOG = """\b
Examples:
  weaksup evaluate --golden golden.csv --budget 0.50      score the project in this folder
  weaksup evaluate tickets --golden golden.jsonl --label category --json
  weaksup evaluate                                        with [golden] in weaksup.toml
\b
In weaksup.toml:
  [golden]
  path = "golden.csv"      # rows as in the corpus, with their true labels
  label = "label"          # the column of the true labels
  budget_usd = 1.00        # for all evaluations together; answers are kept, so only changes cost
  tolerance = 0.0          # how much accuracy a change may lose
"""


@click.command("evaluate", epilog=EPILOG)
@click.argument("folder", type=click.Path(), default=".")
@click.option("--golden", metavar="FILE", help="Rows with their true labels.  [default: [golden] of weaksup.toml]")
@click.option("--label", metavar="COLUMN", help='Column of the true labels.  [default: [golden], else "label"]')
@click.option("--id", "id_column", metavar="COLUMN", help="Column of row ids.  [default: [golden], else the corpus']")
@click.option("--budget", metavar="DOLLARS", help="Cap on all that evaluations spend, now and in earlier ones.")
@click.option("--accept-worse", is_flag=True, help="Record what is there now, even where it is worse.")
@as_json
def command(
    *,
    folder: str,
    golden: str | None,
    label: str | None,
    id_column: str | None,
    budget: str | None,
    accept_worse: bool,
    as_json: bool,
) -> None:
    """Ask every tier of the project in FOLDER about the golden set, and score the tiers and their routing.

    The scores are recorded in golden.json. After a change of a prompt, a model or the routing they are compared on the
    same rows: what is worse is refused with the numbers, nothing is recorded, and the exit code is 3. Where [golden]
    names another file than --golden, the scores are shown, and no more.

    What it will cost is shown before anything is sent; the budget is never exceeded. Answers are kept: what did not
    change costs nothing. People are not asked.
    """
    from weaksup.cli.evaluate_text import finish, show_plan, show_report
    from weaksup.cli.outputs import keep_apart
    from weaksup.cli.progress import steps
    from weaksup.pipeline.golden import open_store, prepare_evaluation
    from weaksup.project import Project

    project = Project.load(folder)
    keep_apart([str(project.folder / "golden.json")], [golden])
    evaluation = prepare_evaluation(project, golden, label=label, id=id_column)
    if not accept_worse:
        evaluation.check_comparable()
    with open_store(project) as store:
        planned = evaluation.estimates(store)
        cap = _budget(evaluation, budget, planned)
        show_plan(evaluation, planned, cap, spent=evaluation.spent(store))
        with steps() as watch:
            report = evaluation.run(store, budget_usd=cap, accept_worse=accept_worse, watch=watch)
    show_report(report, evaluation, as_json=as_json)
    finish(report)


def _budget(evaluation: Evaluation, text: str | None, planned: Mapping[str, Estimate]) -> Decimal:
    """Return the budget in dollars; none is needed where nothing is to be paid."""
    from decimal import Decimal

    from weaksup.errors import UsageError
    from weaksup.llm import show_dollars
    from weaksup.llm.pricing.prices import budget_cap

    settings = evaluation.project.golden
    if text is None and settings is not None and settings.budget_usd is not None:
        text = str(settings.budget_usd)
    likely, most = (sum(getattr(one, name) for one in planned.values()) for name in ("likely", "most"))
    if text is None and most:
        costs = f"asking is likely to cost {show_dollars(likely)}, at most {show_dollars(most)} without retries"
        raise UsageError(f"evaluate: expected --budget DOLLARS or budget_usd in [golden]; {costs}")
    budget_cap(text or "0")
    return Decimal(text or "0")
