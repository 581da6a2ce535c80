"""Draw small vote matrices of any kind and count those on which the default label model fails."""

from __future__ import annotations

import warnings
from typing import get_args

import numpy as np

from weaksup import LabelSpace, Source, VoteMatrix
from weaksup.label_models import LabelModel
from weaksup.votes import SourceKind

__all__ = ["any_votes", "fuzz"]

KINDS: tuple[SourceKind, ...] = get_args(SourceKind)
GROUPS = ("", "", "a", "b")


def any_votes(rng: np.random.Generator) -> VoteMatrix:
    """Draw a small vote matrix of any kind, with what sources can come with: rows not asked, confidences, groups."""
    n, m, k = (int(rng.integers(*ends)) for ends in ((0, 30), (1, 8), (2, 6)))
    votes = rng.integers(-1, k, (n, m))
    shape = rng.integers(0, 5)
    if shape == 1:
        votes = np.where(votes == np.arange(m) % k, votes, -1)  # one label a source
    elif shape == 2:
        votes = np.repeat(votes[:, :1], m, axis=1)  # copies
    elif shape == 3:
        votes = np.where(rng.random((n, m)) < 0.1, votes, -1)  # hardly any
    asked = rng.random((n, m)) < 0.7 if rng.random() < 0.5 else None
    if asked is not None:
        votes = np.where(asked, votes, -1)
    said = rng.choice([0.0, 0.5, 0.9, 1.0, np.nan], (n, m)).astype(np.float32) if rng.random() < 0.5 else None
    kinds, groups = rng.integers(0, len(KINDS), m).tolist(), rng.integers(0, len(GROUPS), m).tolist()
    sources = [Source(f"s{j}", KINDS[a], GROUPS[b]) for j, (a, b) in enumerate(zip(kinds, groups, strict=True))]
    space = LabelSpace([f"c{c}" for c in range(k)])
    return VoteMatrix(votes.astype(np.int16), tuple(map(str, range(n))), tuple(sources), space, asked, said)


def fuzz(matrices: int) -> dict[str, int]:
    """Count the matrices that give NaN, rows that do not sum to 1, or an exception, a warning being one."""
    found = {"matrices": matrices, "not a distribution": 0, "exceptions": 0}
    for seed in range(matrices):
        rng = np.random.default_rng(seed)
        votes = any_votes(rng)
        k, n = len(votes.labels), len(votes)
        gold = rng.integers(-1, k, n) if rng.random() < 0.3 else None
        balance = (rng.dirichlet(np.full(k, 0.5)) * 0.99 + 0.01 / k).tolist() if rng.random() < 0.3 else None
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                proba = LabelModel().fit(votes, gold=gold, class_balance=balance).predict_proba(votes)
            except Exception:  # noqa: BLE001  (they are what is counted)
                found["exceptions"] += 1
                continue
        found["not a distribution"] += not (proba.shape == (n, k) and np.allclose(proba.sum(axis=1), 1.0, atol=1e-9))
    return found
