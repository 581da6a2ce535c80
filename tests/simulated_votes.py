"""Votes with known truth, and what crowd-kit makes of the same votes."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

__all__ = ["agreement_with_crowd_kit", "crowd_kit", "simulate"]


def simulate(
    accuracies: list[float], *, k: int = 2, n: int = 2000, coverage: float = 0.6, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Draw votes [n, m] and truth [n]: equal classes, errors spread evenly, sources speak anywhere."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, k, n)
    shape = (n, len(accuracies))
    wrong = (truth[:, None] + rng.integers(1, k, shape)) % k
    votes = np.where(rng.random(shape) < accuracies, truth[:, None], wrong)
    return np.where(rng.random(shape) < coverage, votes, -1), truth


def crowd_kit(name: str, votes: np.ndarray, **options: Any) -> Any:
    """Return crowd-kit's aggregator, fitted on covered rows; skip the test where crowd-kit is not installed."""
    aggregation = pytest.importorskip("crowdkit.aggregation")
    pandas = pytest.importorskip("pandas")
    task, worker = np.nonzero(votes >= 0)
    said = pandas.DataFrame({"task": task, "worker": worker, "label": votes[task, worker]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it calls pandas in ways that pandas will drop
        return getattr(aggregation, name)(**options).fit(said)


def agreement_with_crowd_kit(labels: np.ndarray, name: str, votes: np.ndarray, **options: Any) -> float:
    """Return the share of covered rows to which crowd-kit gives the same label."""
    theirs = crowd_kit(name, votes, **options).labels_
    return float((labels[theirs.index] == theirs.to_numpy()).mean())
