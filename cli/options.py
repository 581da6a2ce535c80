"""Options that several verbs share, and how they are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from weaksup.distill import Predictor

__all__ = ["abstaining", "as_json", "corpus_columns", "find_threshold", "parse_balance"]

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

as_json: Decorator = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")


def corpus_columns(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --text, --id and --encoding: how to read a corpus."""
    for option in (
        click.option("--encoding", default="utf-8", show_default=True, help="How text files are encoded."),
        click.option("--id", "id_column", metavar="COLUMN", help='Column of row ids.  [default: "id", or the content]'),
        click.option("--text", default="text", show_default=True, metavar="COLUMN", help="Column of the texts."),
    ):
        function = option(function)
    return function


def abstaining(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --abstain-below and --precision: from which confidence on an answer is given."""
    for option in (
        click.option(
            "--precision",
            type=float,
            metavar="P",
            help="Answer only where the bundle promises so many right answers, 0.95 say; for one label a row.",
        ),
        click.option(
            "--abstain-below",
            type=float,
            metavar="P",
            help="Give no label that is less probable than P. Where a row may have any number of labels, its "
            "confidence is that of the least sure one: the probability that it is there, or that it is not.",
        ),
    ):
        function = option(function)
    return function


def find_threshold(student: Predictor, abstain_below: float | None, precision: float | None) -> float | None:
    """Return the threshold that the two options ask for, and say which one a precision stands for."""
    from weaksup.cli import render
    from weaksup.errors import UsageError

    if precision is None:
        return abstain_below
    if abstain_below is not None:
        raise UsageError("expected --abstain-below or --precision, got both; keep one")
    found = student.threshold_for(precision)
    render.note(f"--precision {precision:g} is --abstain-below {found:g}, as the bundle was measured")
    return found


def parse_balance(text: str | None) -> dict[str, float] | None:
    """Read --class-balance: LABEL=SHARE,LABEL=SHARE."""
    from weaksup.errors import UsageError

    if text is None:
        return None
    shares: dict[str, float] = {}
    for part in text.split(","):
        label, mark, share = (word.strip() for word in part.rpartition("="))
        if mark and label in shares:
            raise UsageError(f'--class-balance: expected each label once, got "{label}" twice')
        try:
            shares[label] = float(share if mark else "none")
        except ValueError:
            raise UsageError(
                f'--class-balance: expected LABEL=SHARE,LABEL=SHARE such as A=0.9,B=0.1, got "{text}"'
            ) from None
    return shares
