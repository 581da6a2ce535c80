"""Score label models on real votes: accuracy or F1, Brier, seconds; and against Snorkel's speed, in one run.

Protocol "transductive covered": splits are put together, rows and sources without a vote dropped, models fit without
labels. Score: F1 of class 1 on the sets that WRENCH (J. Zhang et al., 2021) scores so, else accuracy; ties are broken
at random, mean of 10 seeds. Rows whose gold is -1 do not count. A set is a file NAME.npz with L_train, y_train, ... and
n_classes; sets named crowd_* are averaged apart.

    python benchmarks/label_models.py                                      all, writes benchmarks/results
    python benchmarks/label_models.py --votes DIR --models default --json  prints one JSON object, writes nothing
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.label_models import MODELS, create
from weaksup.metrics import accuracy, brier, ece, f1

ROOT = Path(__file__).resolve().parent
RESULTS = ROOT / "results" / "label_models.json"
F1_SETS = {"basketball", "cdr", "census", "commercial", "sms", "spouse", "tennis"}
TIE_SEEDS = 10
SNORKEL_EPOCHS = 500
SNORKEL_MOST_CELLS = 1000  # sources x classes; beyond it Snorkel takes minutes for one set
MEASURES = ("score", "brier", "ece", "seconds")

Result = dict[str, Any]
FitPredict = Callable[[NDArray[np.int64], int], NDArray[np.float64]]


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


def read_sets(folder: Path) -> Iterator[VoteSet]:
    """Read every npz file of a folder, by name."""
    paths = sorted(folder.glob("*.npz"))
    if not paths:
        sys.exit(f"expected vote files NAME.npz in {folder}, got none; set WEAKSUP_DATA, or give --votes DIR")
    for path in paths:
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
        yield VoteSet(path.stem, votes[:, (votes >= 0).any(axis=0)], gold[rows], k)


def score(data: VoteSet, proba: NDArray[np.float64], seconds: float) -> Result:
    """Score probabilities against gold."""
    tied = proba >= proba.max(axis=1, keepdims=True) - 1e-9
    scores = []
    for seed in range(TIE_SEEDS):
        draw = np.random.default_rng(seed).random(proba.shape)
        labels = np.where(tied, draw, -1.0).argmax(axis=1)
        scores.append(f1(data.gold, labels, 1) if data.metric == "f1" else accuracy(data.gold, labels))
    return {
        "score": float(np.mean(scores)),
        "metric": data.metric,
        "brier": brier(data.gold, proba),
        "ece": ece(data.gold, proba),
        "seconds": seconds,
    }


def snorkel(votes: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Fit and ask Snorkel's model on one thread, where its small matrices are fastest."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return snorkel_as_installed(votes, k)
    finally:
        torch.set_num_threads(threads)


def snorkel_as_installed(votes: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Fit and ask Snorkel's model as its users do, with torch's own choice of threads."""
    from snorkel.labeling.model import LabelModel

    model = LabelModel(cardinality=k, verbose=False)
    model.fit(votes, n_epochs=SNORKEL_EPOCHS, seed=0, progress_bar=False)
    proba: NDArray[np.float64] = model.predict_proba(votes)
    return proba


def fit_predict(name: str) -> FitPredict:
    """Return the function that fits a model and gives probabilities."""
    if name == "snorkel":
        return snorkel
    return lambda votes, k: create(name, k).fit(votes).predict_proba(votes)


def timed(function: FitPredict, votes: NDArray[np.int64], k: int) -> tuple[NDArray[np.float64], float]:
    """Return the probabilities and the seconds they took."""
    start = time.perf_counter()
    proba = function(votes, k)
    return proba, time.perf_counter() - start


def run(folder: Path, names: list[str]) -> dict[str, dict[str, Result]]:
    """Score every model on every set; models take turns on a set, so that a busy machine slows all alike."""
    warm = np.array([[0, 0, 1], [1, 1, -1], [0, 1, 0], [1, 1, 1]] * 5)
    for name in names:
        fit_predict(name)(warm, 2)  # imports do not count
    results: dict[str, dict[str, Result]] = {name: {} for name in names}
    for data in read_sets(folder):
        for name in names:
            if name == "snorkel" and (data.votes.shape[1] < 3 or data.votes.shape[1] * data.k > SNORKEL_MOST_CELLS):
                continue
            results[name][data.name] = score(data, *timed(fit_predict(name), data.votes, data.k))
    return results


def average(results: dict[str, Result]) -> dict[str, Any]:
    """Average a model's measures over the weak-supervision sets and over the crowd sets."""
    groups = {"weak supervision": [], "crowd": []}  # type: dict[str, list[Result]]
    for name, result in results.items():
        groups["crowd" if name.startswith("crowd_") else "weak supervision"].append(result)
    return {
        group: {"sets": len(found), **{m: float(np.mean([r[m] for r in found])) for m in MEASURES}}
        for group, found in groups.items()
        if found
    }


def race(sets: Iterable[tuple[NDArray[np.int64], int]]) -> Result:
    """Time fit and predict in turns: ours as the median of 3 runs, Snorkel as installed and on one thread once each."""
    ours = one_thread = as_installed = 0.0
    for votes, k in sets:
        ours += float(np.median([timed(fit_predict("default"), votes, k)[1] for _ in range(3)]))
        one_thread += timed(snorkel, votes, k)[1]
        as_installed += timed(snorkel_as_installed, votes, k)[1]
    return {
        "default": ours,
        "snorkel": as_installed,
        "snorkel on one thread": one_thread,
        "ratio": as_installed / ours,
        "ratio on one thread": one_thread / ours,
    }


def synthetic(n: int = 1_000_000, m: int = 10) -> NDArray[np.int64]:
    """Draw votes of two classes: 40 % coverage, 75 % right."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, n)[:, None]
    votes = np.where(rng.random((n, m)) < 0.75, truth, 1 - truth)
    return np.where(rng.random((n, m)) < 0.4, votes, -1)


def main() -> None:
    """Read the command line and run."""
    data = Path(os.environ.get("WEAKSUP_DATA", ROOT.parent.parent / "shared" / "data"))
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--votes", type=Path, default=data / "votes", help="folder of npz files")
    parser.add_argument("--models", default=",".join(MODELS), help="names, separated by commas")
    parser.add_argument("--json", action="store_true", help="print one JSON object and write nothing")
    options = parser.parse_args()
    names = options.models.split(",")
    if unknown := [name for name in names if name not in MODELS]:
        sys.exit(f"expected models out of {', '.join(MODELS)}; got {', '.join(unknown)}")
    results = run(options.votes, names)
    if options.json:
        print(json.dumps(results))
        return
    report: dict[str, Any] = {"averages": {name: average(found) for name, found in results.items()}}
    if {"default", "snorkel"} <= set(names):
        weak = [data for data in read_sets(options.votes) if not data.name.startswith("crowd_")]
        report["speed"] = {
            "weak-supervision sets": race((data.votes, data.k) for data in weak if data.votes.shape[1] >= 3),
            "1,000,000 x 10": race([(synthetic(), 2)]),
        }
    report["sets"] = results
    RESULTS.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({key: value for key, value in report.items() if key != "sets"}, indent=1))


if __name__ == "__main__":
    main()
