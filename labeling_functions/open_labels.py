"""A label space that is not known beforehand: it learns its classes from the votes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from weaksup.labels import ABSTAIN, LabelSpace

__all__ = ["OpenLabels"]

_INVALID = -2  # as in LabelSpace.encode
_PLAIN = {str, int, type(None)}
_LIMIT = 2**15  # votes are int16


class OpenLabels(LabelSpace):
    """Take every name and every index as a class.

    `seen` lists the names in the order they came: the code of a name is its position. `top` is the largest index
    seen, or -1. Votes that mix both have no meaning yet; who collects them must refuse that.
    """

    def __init__(self) -> None:
        object.__setattr__(self, "names", ())
        object.__setattr__(self, "descriptions", ())
        object.__setattr__(self, "guideline", "")
        object.__setattr__(self, "version", "1")
        object.__setattr__(self, "multi", False)
        object.__setattr__(self, "_codes", _OpenCodes())

    def __len__(self) -> int:
        """The number of classes that votes can tell apart."""
        return _LIMIT

    @property
    def seen(self) -> tuple[str, ...]:
        """The names seen so far, in the order of their codes."""
        return tuple(v for v in self._codes if isinstance(v, str))

    @property
    def top(self) -> int:
        """The largest class index seen so far; -1 if none."""
        return max((v for v in self._codes if isinstance(v, int)), default=ABSTAIN)

    @property
    def expected(self) -> str:
        """Say what a vote may be, for error messages."""
        return f"a label name, a class index 0 to {_LIMIT - 1}, or None / -1 to abstain"

    def encode(self, values: Sequence[object]) -> NDArray[np.int16]:
        """Turn raw votes into codes; a value that is no vote becomes -2."""
        codes = self._codes
        if set(map(type, values)) <= _PLAIN:
            return np.fromiter((codes[v] for v in values), np.int16, len(values))
        return np.fromiter((self.encode_one(v) for v in values), np.int16, len(values))

    def encode_one(self, value: object) -> int:
        """Return the code of a name or an index, -1 for `None` and -1, -2 for all else."""
        if isinstance(value, (bool, np.bool_)) or not isinstance(value, (str, int, np.integer, type(None))):
            return _INVALID
        return self._codes[str(value) if isinstance(value, str) else None if value is None else int(value)]


class _OpenCodes(dict[object, int]):
    def __init__(self) -> None:
        super().__init__({None: ABSTAIN, ABSTAIN: ABSTAIN})
        self._names = 0

    def __missing__(self, key: object) -> int:
        if isinstance(key, str) and key.strip() and key.isprintable():
            self[key] = self._names
            self._names += 1
        elif isinstance(key, int) and 0 <= key < _LIMIT:
            self[key] = key
        else:
            return _INVALID
        return self[key]
