"""Features of the linear student: which n-grams count, and how much."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.alphabet import Alphabet, find_alphabet
from weaksup.distill.keys import find_keys

__all__ = ["UNIT", "NGrams", "choose_ngrams"]

BLOCK = 4096  # texts at a time: bounds the memory
UNIT = 64  # squared weights are whole numbers of 1/UNIT: sums of whole numbers are the same in any order
LARGEST_BYTES = 4_500_000  # of the model file
LARGEST = 120_000
RARE = 10_000  # an n-gram is left out when fewer than one text in so many has it


@dataclass(frozen=True, slots=True, eq=False)
class NGrams:
    """The vocabulary of a student: `keys` int64 [v], ascending, and `squares` int64 [v], the squared weight of each.

    The features of a text are the weights of its n-grams, each as often as it occurs, divided by the root of the sum
    of their squares: tf-idf, normalised without a look for n-grams that occur twice.
    """

    alphabet: Alphabet
    keys: NDArray[np.int64]
    squares: NDArray[np.int64]
    _codes: NDArray[np.uint16] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_codes", self.alphabet.codes())

    def __len__(self) -> int:
        return len(self.keys)

    def counts(self, texts: Sequence[str]) -> Any:
        """Count the known n-grams of each text: scipy CSR int64 [n, v]."""
        from scipy import sparse

        blocks = [self._count(part) for part in _blocks(texts)]
        return sparse.vstack(blocks, format="csr") if blocks else sparse.csr_array((0, len(self)), dtype=np.int64)

    def _count(self, texts: Sequence[str]) -> Any:
        from scipy import sparse

        rows, keys = find_keys(texts, self.alphabet, self._codes)
        padded = np.append(self.keys, np.iinfo(np.int64).max)  # every search ends at some key
        at = np.searchsorted(self.keys, keys)
        known = padded[at] == keys
        cells = (rows[known], at[known])
        return sparse.coo_array((np.ones(len(cells[0]), np.int64), cells), shape=(len(texts), len(self))).tocsr()

    def scale(self, counts: Any) -> Any:
        """Turn counts [n, v] into features [n, v]: float64 rows as the class describes."""
        weight = np.sqrt(self.squares / UNIT)
        size = np.sqrt(np.maximum(counts @ self.squares, 1) / UNIT)
        features = counts.astype(np.float64)
        features.data *= weight[features.indices] / np.repeat(size, np.diff(features.indptr))
        return features


def choose_ngrams(texts: Sequence[str], *, classes: int) -> tuple[NGrams, Any]:
    """Choose the n-grams that two texts have, and one text in RARE, and count them in the texts.

    Where they do not fit into a model of LARGEST_BYTES, the most frequent are kept. Weights are inverse document
    frequencies. Cost: O(characters) in blocks, and a sort of the n-grams.
    """
    alphabet = find_alphabet(texts)
    keys = _repeated(texts, alphabet)
    counts = NGrams(alphabet, keys, np.zeros(len(keys), np.int64)).counts(texts)
    found = np.bincount(counts.indices, minlength=len(keys))
    limit = min(LARGEST, LARGEST_BYTES // (18 + 2 * classes))
    order = np.argsort(-found, kind="stable")[:limit]
    kept = np.sort(order[found[order] >= max(2, len(texts) / RARE)])
    idf = np.log((1 + len(texts)) / (1 + found[kept])) + 1
    return NGrams(alphabet, keys[kept], np.rint(idf**2 * UNIT).astype(np.int64)), counts[:, kept]


def _repeated(texts: Sequence[str], alphabet: Alphabet) -> NDArray[np.int64]:
    """Return the n-grams that occur at least twice, ascending."""
    codes = alphabet.codes()
    keys, counts = np.empty(0, np.int64), np.empty(0, np.int64)
    for part in _blocks(texts):
        more, times = np.unique(find_keys(part, alphabet, codes)[1], return_counts=True)
        keys, at = np.unique(np.concatenate([keys, more]), return_inverse=True)
        counts = np.bincount(at, weights=np.concatenate([counts, times])).astype(np.int64)
    return keys[counts >= 2]


def _blocks(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    return (texts[start : start + BLOCK] for start in range(0, len(texts), BLOCK))
