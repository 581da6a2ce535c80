"""The labels of a row in one cell of CSV, as `label_sets.gold_set` reads them back."""

from __future__ import annotations

import json
from collections.abc import Sequence

__all__ = ["write_cell"]

NO_LABEL = "[]"


def write_cell(names: Sequence[str] | None) -> str | None:
    """Return the names joined by "|"; "[]" for a row without labels, None, an empty cell, for one without an answer.

    Where a name would not be read back from that (it holds "|", say), the cell is a JSON list.
    """
    if names is None:
        return None
    if not names:
        return NO_LABEL
    return "|".join(names) if all(map(_is_plain, names)) else json.dumps(list(names), ensure_ascii=False)


def _is_plain(name: str) -> bool:
    return "|" not in name and name == name.strip() and name[0] not in "[{" and name != "-1"
