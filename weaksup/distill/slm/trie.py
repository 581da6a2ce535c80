"""The answers of a language model as a tree of tokens: what they share is read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Trie", "make_trie"]


@dataclass(frozen=True, slots=True, eq=False)
class Trie:
    """k answers as a tree with e edges, each a token; behind m of its nodes, and behind the prompt, something follows.

    `tokens` [e] are the edges, `source` [e] where each begins: 0 is the end of the prompt, i the inner node i - 1.
    `paths` [k, e] is 1 where an answer goes over an edge. `inner` [m] are the tokens of the inner nodes, `depth` [m]
    how far they stand behind the prompt (from 1), `sees` [m, m] which inner nodes lie on the way to each, itself too.
    """

    tokens: NDArray[np.int64]
    source: NDArray[np.int64]
    paths: NDArray[np.float32]
    inner: NDArray[np.int64]
    depth: NDArray[np.int64]
    sees: NDArray[np.bool_]


def make_trie(answers: Sequence[Sequence[int]]) -> Trie:
    """Build the tree; no answer may be the beginning of another."""
    nodes = sorted({tuple(ids[: i + 1]) for ids in answers for i in range(len(ids))})
    ends = set(map(tuple, answers))
    inner = [node for node in nodes if node not in ends]
    place = {(): 0, **{node: i + 1 for i, node in enumerate(inner)}}
    sees = [[above == node[: len(above)] for above in inner] for node in inner]
    paths = [[node == tuple(ids[: len(node)]) for node in nodes] for ids in answers]
    return Trie(
        tokens=np.array([node[-1] for node in nodes], np.int64),
        source=np.array([place[node[:-1]] for node in nodes], np.int64),
        paths=np.array(paths, np.float32),
        inner=np.array([node[-1] for node in inner], np.int64),
        depth=np.array([len(node) for node in inner], np.int64),
        sees=np.array(sees, np.bool_).reshape(len(inner), len(inner)),
    )
