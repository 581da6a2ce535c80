"""Examples beside a labeling function: a text, or fields, and the vote that is expected there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from weaksup.corpus.rows import Row
from weaksup.errors import ConfigError
from weaksup.labeling_functions.one_row import as_row

__all__ = ["Example", "read_examples"]


@dataclass(frozen=True, slots=True)
class Example:
    """A row and the raw vote expected on it (`None`: abstain)."""

    row: Row
    expected: object


def read_examples(name: str, examples: Iterable[object]) -> tuple[Example, ...]:
    """Read `[("text", "LABEL"), ({"text": ..., "lang": ...}, None)]`; raise `ConfigError` for any other form."""
    return tuple(_read_one(name, number, item) for number, item in enumerate(examples, 1))


def _read_one(name: str, number: int, item: object) -> Example:
    if not isinstance(item, (tuple, list)) or len(item) != 2 or not isinstance(item[0], (str, Mapping)):
        raise ConfigError(
            f'labeling function "{name}", example {number}: expected ("text", "LABEL") or ({{"text": ...}}, "LABEL"), '
            f"got {str(item)[:60]}"
        )
    source, expected = item
    if isinstance(source, Mapping):
        source = {"id": f"example {number}", "text": "", **source}
    else:
        source = {"id": f"example {number}", "text": source}
    return Example(as_row(source), expected)
