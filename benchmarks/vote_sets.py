"""Vote sets on disk, and how labels are scored on them.

A set is a file NAME.npz with L_train, y_train and so on, any splits, and n_classes; -1 is an abstain, or unknown gold.
Splits are put together, rows and sources without a vote dropped. Score: F1 of class 1 on the sets that WRENCH
(J. Zhang et al., 2021) scores so, else accuracy; ties are broken at random, mean of 10 seeds.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.metrics import accuracy, brier, ece, f1

__all__ = ["VoteSet", "read_sets", "resample", "score"]

F1_SETS = {"basketball", "cdr", "census", "commercial", "sms", "spouse", "tennis"}
TIE_SEEDS = 10
ROUNDS = 1000

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class VoteSet:
    """Covered votes [n, m] of one data set with gold [n]."""

    name: str
    votes: NDArray[np.int64]
    gold: NDArray[np.int64]
    k: int

    @property
    def metric(self) -> str:
        """Return f1 or accuracy."""
        return "f1" if self.name in F1_SETS and self.k == 2 else "accuracy"

    @property
    def group(self) -> str:
        """Return the kind of sets that it is averaged with."""
        return "crowd" if self.name.startswith("crowd_") else "weak supervision"


def read_sets(folder: Path) -> Iterator[VoteSet]:
    """Read every npz file of a folder, by name; one that has no row with votes and gold is told on stderr."""
    paths = sorted(folder.glob("*.npz"))
    if not paths:
        sys.exit(f"expected vote files NAME.npz in {folder}, got none; set WEAKSUP_DATA, or give --votes DIR")
    for path in paths:
        data = _read(path)
        if (data.gold >= 0).any():
            yield data
        else:
            print(f"{data.name}: skipped, no row has a vote and gold", file=sys.stderr)


def _read(path: Path) -> VoteSet:
    with np.load(path, allow_pickle=False) as file:
        splits = [name[2:] for name in file.files if name.startswith("L_")]
        parts = [file[f"L_{split}"].astype(np.int64) for split in splits]
        # A split without gold still has votes to learn from.
        golds = [
            file[f"y_{s}"].astype(np.int64) if f"y_{s}" in file.files else np.full(len(part), -1)
            for s, part in zip(splits, parts, strict=True)
        ]
        k = int(file["n_classes"])
    votes, gold = np.vstack(parts), np.concatenate(golds)
    rows = (votes >= 0).any(axis=1)
    votes = votes[rows]
    return VoteSet(path.stem, votes[:, (votes >= 0).any(axis=0)], gold[rows], k)


def score(data: VoteSet, proba: Floats) -> dict[str, Any]:
    """Score probabilities [n, k] on the rows with gold."""
    gold, proba = data.gold[data.gold >= 0], proba[data.gold >= 0]
    best = _best(proba)
    tied = np.flatnonzero(best.sum(axis=1) > 1)
    scores = []
    for seed in range(TIE_SEEDS):
        labels = best.argmax(axis=1)
        draw = np.random.default_rng(seed).random((len(tied), data.k))
        labels[tied] = np.where(best[tied], draw, -1.0).argmax(axis=1)
        scores.append(f1(gold, labels, 1) if data.metric == "f1" else accuracy(gold, labels))
    return {
        "score": float(np.mean(scores)),
        "metric": data.metric,
        "brier": brier(gold, proba),
        "ece": ece(gold, proba),
    }


def resample(data: VoteSet, probas: list[Floats]) -> Floats:
    """Return the scores [rounds, models] on rows drawn with replacement, the same rows for every model.

    A tie counts as its share, so that no draw of labels is added to the draw of rows (B. Efron, 1979).
    """
    known = data.gold >= 0
    gold, each = data.gold[known], np.arange(int(known.sum()))
    # Twice the hits by guesses and gold rows: F1 of class 1, and accuracy where every row is a guess and a gold row.
    columns = []
    for proba in probas:
        best = _best(proba[known])
        shares = best / best.sum(axis=1, keepdims=True)
        if data.metric == "f1":
            columns += [shares[:, 1] * (gold == 1), shares[:, 1] + (gold == 1)]
        else:
            columns += [shares[each, gold], np.full(len(gold), 2.0)]
    table = np.column_stack(columns)
    rng = np.random.default_rng(0)
    draws = (rng.integers(0, len(gold), len(gold)) for _ in range(ROUNDS))
    sums = np.array([np.bincount(draw, minlength=len(gold)) @ table for draw in draws])
    scores: Floats = 2 * sums[:, ::2] / np.maximum(sums[:, 1::2], 1e-9)
    return scores


def _best(proba: Floats) -> NDArray[np.bool_]:
    best: NDArray[np.bool_] = proba >= proba.max(axis=1, keepdims=True) - 1e-9
    return best
