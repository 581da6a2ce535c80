"""n-grams as 64-bit numbers: one rule, written here in numpy and in `graph` for ONNX.

A character n-gram (2 or 4 characters, a space only at its ends) is the number whose digits are its codes, so no two
share a number. A word is hashed: the sum over its characters of the code times a fixed random number of the place,
modulo a prime (multilinear hashing; Carter and Wegman, 1979), so two given words meet with probability 2**-31. Words
and pairs of neighbouring words have negative numbers, n-grams of characters positive ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.linear.alphabet import SPACE, Alphabet, spread

__all__ = ["MAX_CHARS", "ORDERS", "PAIR", "PLACES", "PRIME", "find_keys", "list_keys", "place_factors"]

Found = tuple[NDArray[np.int64], NDArray[np.int64]]  # where [e] and number [e], one entry for each n-gram in each text

ORDERS = (2, 4)  # as good as all of 2 to 5, at half the cost
MAX_CHARS = 10_000  # of a text are read; the rest is left out, in training as in use
PRIME = 2**31 - 1
PLACES = 64  # places in a word are counted modulo this; the 64th character of a word is not seen
PAIR = 2**32  # single words lie above -PAIR, pairs of words below


def find_keys(texts: Sequence[str], alphabet: Alphabet, codes: NDArray[np.uint16]) -> Found:
    """List the n-grams of the texts as (row [e], number [e]); `codes` is `alphabet.codes()`, made once."""
    rows, found = list_keys(texts, alphabet, codes)
    return rows[np.concatenate([where for where, _ in found])], np.concatenate([number for _, number in found])


def list_keys(
    texts: Sequence[str], alphabet: Alphabet, codes: NDArray[np.uint16]
) -> tuple[NDArray[np.int64], list[Found]]:
    """List the n-grams by kind: those of characters by ORDERS, words, pairs of words; and the row of each place.

    A kind is (place [e], number [e]), places ascending.
    """
    cut = [text[:MAX_CHARS] for text in texts]
    # A text's row also holds the space before it; the space after it begins the next row, or ends the last.
    sizes = np.fromiter(map(len, cut), np.int64, len(cut)) + 1
    rows = np.repeat(np.arange(len(cut) + 1), np.append(sizes, 1))
    letters = codes[spread(cut)].astype(np.int64)
    return rows, [*_characters(letters, alphabet.base), *_words(letters, rows, alphabet.first_letter)]


def _characters(letters: NDArray[np.int64], base: int) -> Iterator[Found]:
    """Give the n-grams of characters, order by order: each grows from one that is a character shorter."""
    space = letters == SPACE
    number, broken = letters, space  # broken: a space inside, or nothing but spaces
    for order in range(2, ORDERS[-1] + 1):
        size = max(len(letters) - order + 1, 0)
        number = number[:size] * base + letters[order - 1 :]
        inner = space[order - 2 : order - 2 + size]
        broken = inner & space[1:] if order == 2 else broken[:size] | inner
        if order in ORDERS:
            where = np.flatnonzero(~broken)
            yield where, number[where]


def _words(letters: NDArray[np.int64], rows: NDArray[np.int64], first_letter: int) -> Iterator[Found]:
    """Give the words and the pairs of neighbouring words of one text."""
    gaps = np.flatnonzero(letters < first_letter)
    place = np.arange(len(letters)) - np.repeat(gaps, np.diff(gaps, append=len(letters)))
    value = letters * place_factors()[place & (PLACES - 1)]
    value = (value & PRIME) + (value >> 31)  # the same modulo PRIME, which is 2**31 - 1, and small enough to add up
    word = np.flatnonzero(np.diff(gaps) > 1)
    number, where = np.diff(np.cumsum(value)[gaps])[word] % PRIME, gaps[word]
    yield where, -1 - number
    together = np.flatnonzero(rows[where[1:]] == rows[where[:-1]])
    yield where[together], -PAIR - (number[together] * 2**31 + number[together + 1])


@cache
def place_factors() -> NDArray[np.int64]:
    """Return a number for each place in a word, [PLACES]: 0 for the gap before it, else fixed and in 1 .. PRIME - 1.

    They come from a hash, so they are the same with every version of everything.
    """
    digests = (sha256(f"place {place}".encode()).digest() for place in range(1, PLACES))
    return np.array([0, *(1 + int.from_bytes(digest[:8]) % (PRIME - 1) for digest in digests)], np.int64)
