"""Example votes on which the laws of label models are checked: every shape that has broken one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Example", "dense_votes", "every_shape", "known_votes", "lying_votes"]

Example = tuple[int, NDArray[Any]]
"""The number of classes k, and votes [n, m]."""


def every_shape() -> Iterator[Example]:
    """Give votes of ordinary shapes, of extreme ones, and a few tiny ones at random."""
    rng = np.random.default_rng(0)
    for k, n, m, coverage in ((2, 60, 4, 0.5), (2, 200, 6, 1.0), (3, 120, 5, 0.6), (5, 80, 3, 0.9), (4, 150, 30, 0.3)):
        yield k, _simulate(rng, k, n, m, coverage)
    single = _simulate(rng, 2, 150, 8, 0.4)
    yield 2, np.where(single == np.arange(8) % 2, single, -1)  # each source votes for one label only
    yield 2, np.where(single == 1, 1, -1)  # positive votes only
    yield 2, np.array([[0, 1, -1, 1]])  # one row
    yield 3, np.array([[2]])  # one row, one source
    yield 2, _simulate(rng, 2, 40, 1, 0.7)  # one source
    yield 2, np.full((10, 3), -1)  # nobody votes
    yield 2, np.hstack([np.zeros((50, 1), int), _simulate(rng, 2, 50, 3, 0.8)])  # a constant source
    yield 2, np.zeros((30, 3), int)  # nothing but one label
    yield 2, np.repeat(_simulate(rng, 2, 40, 1, 1.0), 4, axis=1)  # four copies of one source
    yield 2, np.array([[0, 1], [1, 0]] * 10)  # two sources that always disagree
    yield 3, np.empty((0, 3), int)  # no rows
    for _ in range(6):
        k, n, m = (int(x) for x in rng.integers((2, 1, 3), (5, 8, 6)))
        yield k, rng.integers(-1, k, (n, m))
    yield 2, _simulate(rng, 2, 300, 500, 0.05)  # 500 sources


def dense_votes() -> Iterator[Example]:
    """Give votes large enough for threads to share the sums."""
    yield 3, _simulate(np.random.default_rng(1), 3, 3000, 24, 0.6)


def known_votes() -> Iterator[Example]:
    """Give votes, right with chance .6 to .85, on rows whose label is their number modulo k."""
    for k in (2, 3):
        rng = np.random.default_rng(k)
        yield k, _vote(rng, np.arange(1200) % k, k, np.linspace(0.6, 0.85, 5), 0.7)


def lying_votes() -> Iterator[Example]:
    """Give votes as `known_votes` does, of one source that is nearly always right and two that never are."""
    yield 2, _vote(np.random.default_rng(0), np.arange(600) % 2, 2, np.array([0.9, 0.0, 0.0]), 1.0)


def _simulate(rng: np.random.Generator, k: int, n: int, m: int, coverage: float) -> NDArray[Any]:
    return _vote(rng, rng.integers(0, k, n), k, rng.uniform(0.55, 0.9, m), coverage)


def _vote(
    rng: np.random.Generator, truth: NDArray[Any], k: int, accuracies: NDArray[np.float64], coverage: float
) -> NDArray[Any]:
    shape = (len(truth), len(accuracies))
    wrong = (truth[:, None] + rng.integers(1, k, shape)) % k
    votes = np.where(rng.random(shape) < accuracies, truth[:, None], wrong)
    return np.where(rng.random(shape) < coverage, votes, -1)
