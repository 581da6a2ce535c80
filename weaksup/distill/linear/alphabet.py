"""Characters as small numbers: what makes raw text the same text in numpy and inside an ONNX graph.

Everything that is done to a text is done one character at a time, so a table holds it: case and width are folded
(full-width and mathematical letters become plain ones), and white space, control and zero-width characters become
spaces. No step needs a locale.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["OTHER", "SPACE", "Alphabet", "find_alphabet", "fold", "spread"]

SPACE = 1  # code 0 is no character: so numbers written in codes differ where their lengths differ
OTHER = 2  # any character that is not in the alphabet
FIRST = 3
LARGEST = 4000  # characters; four codes below 4,003 make a number far below 2**62
_FOLDED = 0x20000  # beyond it there are no letters with two cases
_CODE_POINTS = 0x110000


@dataclass(frozen=True, slots=True)
class Alphabet:
    """The folded characters that have a code: first those that are in no word, then letters, digits and marks."""

    others: str
    letters: str

    @property
    def chars(self) -> str:
        """All of them; `chars[i]` has the code `i + FIRST`."""
        return self.others + self.letters

    @property
    def base(self) -> int:
        """One more than the largest code."""
        return len(self.chars) + FIRST

    @property
    def first_letter(self) -> int:
        """The least code of a character that is part of words."""
        return len(self.others) + FIRST

    def codes(self) -> NDArray[np.uint16]:
        """Return the code of every code point, [0x110000]."""
        own = np.full(_CODE_POINTS, OTHER, np.uint16)
        own[[ord(c) for c in self.chars]] = np.arange(FIRST, self.base)
        own[ord(" ")] = SPACE
        own[:_FOLDED] = own[_fold_table()]
        own[0xD800:0xE000] = own[ord("?")]  # half a surrogate pair is no text: `clean` makes it "?"
        return own

    def spellings(self) -> dict[str, int]:
        """Return every character whose code is not OTHER, with its code; the empty string is the space after a text."""
        codes = self.codes()
        codes[0xD800:0xE000] = OTHER
        return {"": SPACE, **{chr(point): int(codes[point]) for point in np.flatnonzero(codes != OTHER).tolist()}}


def find_alphabet(texts: Sequence[str]) -> Alphabet:
    """Choose the folded characters that occur at least twice, at most LARGEST of them, the most frequent."""
    counts = np.zeros(_CODE_POINTS, np.int64)
    for start in range(0, len(texts), 4096):
        some = np.bincount(spread(texts[start : start + 4096]))
        counts[: len(some)] += some
    folded = np.bincount(_fold_table(), weights=counts[:_FOLDED], minlength=_CODE_POINTS)
    folded[_FOLDED:] = counts[_FOLDED:]
    folded[ord(" ")] = 0
    folded[0xD800:0xE000] = 0
    known = np.flatnonzero(folded >= 2)
    chosen = known[np.argsort(-folded[known], kind="stable")][:LARGEST]
    chars = [chr(point) for point in np.sort(chosen).tolist()]
    return Alphabet("".join(c for c in chars if not _in_words(c)), "".join(filter(_in_words, chars)))


def spread(texts: Sequence[str]) -> NDArray[np.uint32]:
    """Return the code points of the texts, each after one space, and a space behind the last."""
    joined = "".join([" ", " ".join(texts), " "])
    return np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)


def fold(char: str) -> str:
    """Return the one character that stands for `char`."""
    if char.isspace() or unicodedata.category(char) in {"Cc", "Cf", "Zs", "Zl", "Zp"}:
        return " "
    wide = unicodedata.normalize("NFKC", char)
    return (wide if len(wide) == 1 else char).lower()[0]


@cache
def _fold_table() -> NDArray[np.int64]:
    """The code point that stands for each code point below _FOLDED."""
    return np.array([ord(fold(chr(point))) for point in range(_FOLDED)])


def _in_words(char: str) -> bool:
    return char.isalnum() or char == "_" or unicodedata.category(char).startswith("M")
