"""Write votes in blocks of one size, so that the file's bytes do not depend on the size of chunks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.votes import VoteWriter

__all__ = ["BLOCK_ROWS", "Blocks"]

BLOCK_ROWS = 65_536


class Blocks:
    """Collect rows until a block is full."""

    def __init__(self, writer: VoteWriter, rows: int = BLOCK_ROWS) -> None:
        self._writer, self._rows = writer, rows
        self._ids: list[str] = []
        self._values: list[NDArray[Any]] = []
        self._asked: list[NDArray[np.bool_]] = []

    def add(self, ids: Sequence[str], values: NDArray[Any], asked: NDArray[np.bool_]) -> None:
        """Append rows; whole blocks are written."""
        self._ids.extend(ids)
        self._values.append(values)
        self._asked.append(asked)
        if len(self._ids) >= self._rows:
            self._write(len(self._ids) // self._rows * self._rows)

    def close(self) -> None:
        """Write what is left."""
        if self._ids:
            self._write(len(self._ids))

    def _write(self, ready: int) -> None:
        values, asked = np.vstack(self._values), np.vstack(self._asked)
        for at in range(0, ready, self._rows):
            part = slice(at, min(at + self._rows, ready))
            whole = bool(asked[part].all())
            self._writer.write(self._ids[part], values[part], None if whole else asked[part])
        self._ids, self._values, self._asked = self._ids[ready:], [values[ready:]], [asked[ready:]]
