"""`weaksup slices`: where the votes disagree, worst first."""

from __future__ import annotations

import click

from weaksup.cli.options import as_json

__all__ = ["command"]

EPILOG = """\b
Examples:
  weaksup slices votes.parquet
  weaksup slices votes.parquet --labels labels.parquet --top 20
  weaksup slices votes.parquet --json > slices.json
"""


@click.command("slices", epilog=EPILOG)
@click.argument("votes")
@click.option("--labels", metavar="FILE", help="Labels that `weaksup fit` wrote.  [default: fit the default model]")
@click.option("--top", type=click.IntRange(1), default=10, show_default=True, help="How many slices to show.")
@as_json
def command(*, votes: str, labels: str | None, top: int, as_json: bool) -> None:
    """List the slices of VOTES, those with the most errors to expect first: which sources fight, where, how often.

    Every row is in one slice: by the two sources that fight, by the one source that stands alone, by the label on which
    all agree, or uncovered. Expected errors are rows times the mean of 1 - highest probability.
    """
    from weaksup.cli import render
    from weaksup.label_models import LabelModel
    from weaksup.labels import SoftLabels
    from weaksup.slices import find_slices
    from weaksup.votes import VoteMatrix

    matrix = VoteMatrix.load(votes)
    soft = SoftLabels.load(labels) if labels is not None else LabelModel().fit(matrix).soft_labels(matrix)
    slices = find_slices(matrix, soft, max_slices=max(50, top))
    shown = slices[:top]
    total = sum(s.score for s in slices)
    if as_json:
        render.emit_json({"rows": len(matrix), "expected_errors": total, "slices": [s.to_json() for s in shown]})
        return
    rows = [
        (s.name, s.kind, s.size, f"{s.score:,.1f}", render.percent(s.expected_error), f"{s.entropy:.3f}") for s in shown
    ]
    columns = ["slice", "kind", "rows", "expected errors", "of its rows", "entropy (nats)"]
    render.table(f"Slices of {len(matrix):,} rows, {total:,.1f} errors expected", columns, rows)
    if len(slices) > top:
        rest = slices[top:]
        size, score = sum(s.size for s in rest), sum(s.score for s in rest)
        render.line(f"{len(rest)} more slices: {size:,} rows, {score:,.1f} expected errors (--top {len(slices)})")
