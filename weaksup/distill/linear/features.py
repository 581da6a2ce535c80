"""Features of the linear student: which n-grams count, and how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.linear.alphabet import Alphabet, find_alphabet
from weaksup.distill.linear.keys import MAX_CHARS, PAIR, list_keys
from weaksup.distill.side_by_side import run_parts

__all__ = ["UNIT", "NGrams", "choose_ngrams"]

BLOCK = 300_000  # characters at a time: bounds the memory
CELLS = 2_000_000  # entries of a matrix at a time
LARGEST_BASE = 1000  # of an alphabet whose pairs fit into a table
UNIT = 64  # squared weights are whole numbers of 1/UNIT: sums of whole numbers are the same in any order
LARGEST_BYTES = 4_500_000  # of the model file
LARGEST = 120_000
RARE = 10_000  # an n-gram is left out when fewer than one text in so many has it
SAMPLE = 20_000  # texts that the vocabulary is chosen from; what fewer than two of these have, RARE would drop
COMMON = 0.125  # occurrences of a pair of characters in each text; worth half of the time, .001 of accuracy


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
    _pairs: NDArray[np.int32] = field(init=False, repr=False)
    _own: tuple[slice, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_codes", self.alphabet.codes())
        base = self.alphabet.base
        pairs = np.full(base**2 if base <= LARGEST_BASE else 0, -1, np.int32)
        small = np.flatnonzero((self.keys >= 0) & (self.keys < len(pairs)))
        pairs[self.keys[small]] = small
        object.__setattr__(self, "_pairs", pairs)
        edges = np.searchsorted(self.keys, [-PAIR + 1, 0, base**2]).tolist()
        words = [slice(*edges[:2]), slice(0, edges[0])]
        object.__setattr__(self, "_own", (slice(*edges[1:]), slice(edges[2], len(self.keys)), *words))

    def __len__(self) -> int:
        return len(self.keys)

    def counts(self, texts: Sequence[str]) -> Any:
        """Count the known n-grams of each text: scipy CSR int16 [n, v]."""
        from scipy import sparse

        blocks = run_parts(self._count, _blocks(texts))
        return sparse.vstack(blocks, format="csr") if blocks else sparse.csr_array((0, len(self)), dtype=np.int16)

    def _count(self, texts: Sequence[str]) -> Any:
        from scipy import sparse

        rows, kinds = list_keys(texts, self.alphabet, self._codes)
        cells = []
        for kind, (where, number) in enumerate(kinds):
            at = self._look_up(number, kind)
            known = np.flatnonzero(at >= 0)
            cells.append((rows[where[known]].astype(np.int32), at[known]))
        row, column = (np.concatenate(parts) for parts in zip(*cells, strict=True))
        counts = sparse.coo_array((np.ones(len(row), np.int16), (row, column)), shape=(len(texts), len(self)))
        return counts.tocsc().tocsr()  # a column's rows come ascending: nothing needs to be sorted

    def _look_up(self, numbers: NDArray[np.int64], kind: int) -> NDArray[np.int32]:
        """Find numbers among the keys of their kind (in the order of `list_keys`); -1 where there is none."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if kind == 0 and len(self._pairs):
            return self._pairs[numbers]
        own = self._own[kind]
        # Arrow looks up by hash: a binary search misses the cache at every step.
        found = pc.fill_null(pc.index_in(pa.array(numbers), value_set=pa.array(self.keys[own])), -1).to_numpy()
        shifted: NDArray[np.int32] = np.where(found < 0, -1, found + np.int32(own.start))
        return shifted

    def sizes(self, counts: Any) -> NDArray[np.int64]:
        """Return the sum of squared weights of each row of counts [n, v], at least 1."""
        totals = np.append(0, np.cumsum(counts.data * self.squares[counts.indices]))
        found: NDArray[np.int64] = np.maximum(np.diff(totals[counts.indptr]), 1)
        return found

    def scale(self, counts: Any) -> Any:
        """Turn counts [n, v] into features [n, v]: float32 rows as the class describes."""
        from scipy import sparse

        weight = np.sqrt(self.squares / UNIT).astype(np.float32)
        values = np.empty(len(counts.data), np.float32)
        edges = np.linspace(0, counts.shape[0], 1 + -(-len(values) // CELLS)).astype(np.int64).tolist()

        def fill(rows: tuple[int, int]) -> None:
            part = counts[slice(*rows)]
            shrunk = np.sqrt(UNIT / self.sizes(part)).astype(np.float32)
            found = part.data * weight[part.indices]
            found *= np.repeat(shrunk, np.diff(part.indptr))
            values[slice(*counts.indptr[list(rows)].tolist())] = found

        run_parts(fill, list(pairwise(edges)))
        return sparse.csr_array((values, counts.indices, counts.indptr), shape=counts.shape)


def choose_ngrams(texts: Sequence[str], *, classes: int, seed: int = 0) -> tuple[NGrams, Any]:
    """Choose the n-grams that two texts have, and one text in RARE, and count them in the texts.

    Where they do not fit into a model of LARGEST_BYTES, the most frequent are kept. With more texts than SAMPLE, they
    are those that occur twice in so many of them, less the pairs of characters that are COMMON. Weights are inverse
    document frequencies. Cost: O(characters) in blocks, and a sort of the n-grams of the sample.
    """
    alphabet = find_alphabet([text[:MAX_CHARS] for text in texts])
    limit = min(LARGEST, LARGEST_BYTES // (18 + 2 * classes))
    n = len(texts)
    if n <= SAMPLE:
        ngrams = _unweighted(alphabet, _repeated(texts, alphabet)[0])
        counts = ngrams.counts(texts)
        kept = _most_frequent(_texts_with(counts), limit, at_least=max(2, n / RARE))
        ngrams, counts = _unweighted(alphabet, ngrams.keys[kept]), counts[:, kept]
    else:
        keys, times = _repeated([texts[i] for i in _draw(n, seed).tolist()], alphabet)
        # Half of all entries are pairs of characters that most texts have, and tell classes apart no better without.
        telling = (keys < 0) | (keys >= alphabet.base**2) | (times < COMMON * SAMPLE)
        keys, times = keys[telling], times[telling]
        ngrams = _unweighted(alphabet, keys[_most_frequent(times, limit, at_least=2)])
        counts = ngrams.counts(texts)
    idf = np.log((1 + n) / (1 + _texts_with(counts))) + 1
    return NGrams(alphabet, ngrams.keys, np.rint(idf**2 * UNIT).astype(np.int64)), counts


def _unweighted(alphabet: Alphabet, keys: NDArray[np.int64]) -> NGrams:
    return NGrams(alphabet, keys, np.zeros(len(keys), np.int64))


def _texts_with(counts: Any) -> NDArray[np.int64]:
    """Return how many texts have each n-gram, [v]."""
    parts = np.array_split(counts.indices, 1 + len(counts.indices) // CELLS)
    by_part = run_parts(lambda part: np.bincount(part, minlength=counts.shape[1]), parts)
    found: NDArray[np.int64] = np.sum(by_part, axis=0, dtype=np.int64)
    return found


def _draw(n: int, seed: int) -> NDArray[np.int64]:
    """Return the positions of SAMPLE texts, ascending."""
    return np.sort(np.random.default_rng(seed).choice(n, SAMPLE, replace=False))


def _most_frequent(times: NDArray[np.int64], limit: int, *, at_least: float) -> NDArray[np.int64]:
    """Return the positions to keep, ascending."""
    order = np.argsort(-times, kind="stable")[:limit]
    return np.sort(order[times[order] >= at_least])


_Tally = tuple[NDArray[np.int64], NDArray[np.int64]]  # numbers, ascending, and how often each occurs


def _repeated(texts: Sequence[str], alphabet: Alphabet) -> _Tally:
    """Return the n-grams that occur at least twice."""
    codes = alphabet.codes()

    def tally(part: Sequence[str]) -> _Tally:
        short, long, words, pairs = (number for _, number in list_keys(part, alphabet, codes)[1])
        counted = (_count_small(short) if alphabet.base <= LARGEST_BASE else _tally(short, None), _tally(long, None))
        keys, times = zip(_tally(pairs, None), _tally(words, None), *counted, strict=True)
        return np.concatenate(keys), np.concatenate(times)

    tallies = run_parts(tally, _blocks(texts))
    while len(tallies) > 1:  # two by two: a growing one would be merged as often as there are blocks
        tallies = run_parts(_merge, [tallies[i : i + 2] for i in range(0, len(tallies), 2)])
    keys, times = tallies[0] if tallies else (np.empty(0, np.int64), np.empty(0, np.int64))
    return keys[times >= 2], times[times >= 2]


def _count_small(keys: NDArray[np.int64]) -> _Tally:
    """Add up how often each small number is there."""
    times = np.bincount(keys)
    found = np.flatnonzero(times)
    return found, times[found]


def _tally(keys: NDArray[np.int64], times: NDArray[np.int64] | None) -> _Tally:
    """Add up how often each number is there; a number counts once where there are no times."""
    if times is None:
        ordered = np.sort(keys)  # np.unique hashes whole numbers, and takes ten times as long
    else:
        order = np.argsort(keys, kind="stable")
        ordered, times = keys[order], times[order]
    first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)])
    found = np.diff(first, append=len(ordered)) if times is None else np.add.reduceat(times, first)
    return ordered[first], found


def _merge(some: Sequence[_Tally]) -> _Tally:
    return _tally(np.concatenate([keys for keys, _ in some]), np.concatenate([times for _, times in some]))


def _blocks(texts: Sequence[str]) -> list[Sequence[str]]:
    """Split the texts where BLOCK characters are full."""
    ends = np.cumsum(np.minimum(np.fromiter(map(len, texts), np.int64, len(texts)), MAX_CHARS) + 1)
    cuts = (np.flatnonzero(np.diff(ends // BLOCK)) + 1).tolist()
    edges = [0, *cuts, len(texts)] if len(texts) else []
    return [texts[start:end] for start, end in pairwise(edges)]
