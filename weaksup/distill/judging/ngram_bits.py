"""Which n-grams texts are written with, in a few kilobytes and without one of them: a bit for each."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["NGramBits", "find_ngrams"]

SIZE_BITS = 18
SAMPLE = 20_000  # texts at most that n-grams are learned from
LONGEST = 10_000  # characters of a text that are read
_MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64)  # odd: a multiplicative hash

Grams = tuple[NDArray[np.int64], NDArray[np.int64]]  # the text and the hash of each n-gram


def find_ngrams(texts: Sequence[str]) -> Grams:
    """Return every run of three characters, case and width of spaces aside, as text number and hash below 2**18.

    A text of one character has one: spaces stand before and after each text.
    """
    joined = "\0".join(f" {' '.join(text[:LONGEST].replace(chr(0), ' ').casefold().split())} " for text in texts)
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    if len(codes) < 3:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    mixed = codes[:-2] * _MIX[0] + codes[1:-1] * _MIX[1] + codes[2:] * _MIX[2]
    mixed ^= mixed >> np.uint64(29)
    hashes = ((mixed * _MIX[0]) >> np.uint64(64 - SIZE_BITS)).astype(np.int64)
    inside = (codes[:-2] != 0) & (codes[1:-1] != 0) & (codes[2:] != 0)
    row = np.cumsum(codes == 0)[:-2].astype(np.int64)
    return row[inside], hashes[inside]


@dataclass(frozen=True, slots=True, eq=False)
class NGramBits:
    """`known` bool [2**18]: the n-grams that at least two texts have; no text can be read off it."""

    known: NDArray[np.bool_]

    @classmethod
    def learn(cls, texts: Sequence[str], *, seed: int = 0) -> Self:
        """Note the n-grams that two of the texts have, of SAMPLE texts drawn by the seed."""
        some: Sequence[str] = texts
        if len(texts) > SAMPLE:
            drawn = np.random.default_rng(seed).choice(len(texts), SAMPLE, replace=False)
            some = [texts[i] for i in np.sort(drawn).tolist()]
        row, found = find_ngrams(some)
        once = np.unique((row << SIZE_BITS) + found) & ((1 << SIZE_BITS) - 1)
        return cls(np.bincount(once, minlength=1 << SIZE_BITS) >= 2)

    def unknown(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the share [n] of each text's n-grams that are not known; 0 for a text without any."""
        row, found = find_ngrams(texts)
        new = np.bincount(row[~self.known[found]], minlength=len(texts))
        share: NDArray[np.float64] = new / np.maximum(np.bincount(row, minlength=len(texts)), 1)
        return share

    def to_text(self) -> str:
        """Return the bits as base64 of their zlib stream."""
        return base64.b64encode(zlib.compress(np.packbits(self.known).tobytes(), 9)).decode("ascii")

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read what `to_text` wrote; raise ValueError for anything else."""
        size = (1 << SIZE_BITS) // 8
        try:
            unpack = zlib.decompressobj()
            data = unpack.decompress(base64.b64decode(text, validate=True), size)
        except zlib.error as error:
            raise ValueError(str(error)) from None
        if len(data) != size:
            raise ValueError("expected a bit for each n-gram")
        return cls(np.unpackbits(np.frombuffer(data, np.uint8)).astype(np.bool_))
