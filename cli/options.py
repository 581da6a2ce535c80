"""Options that several verbs share, and how they are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

__all__ = ["as_json", "corpus_columns", "parse_balance"]

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
