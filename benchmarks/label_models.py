"""Score label models on real votes: accuracy or F1, Brier, ECE, seconds, memory; and race the default with Snorkel's.

Protocol "transductive covered": rows and sources without a vote are dropped, models fit without labels (`vote_sets`).
Models take turns on a set, each fit in a process of its own (`one_fit`), stopped after 20 s unless it is that of the
default, of majority vote or of Snorkel; what has no result is told on stderr. Others' models are in `peers`. Sets named
crowd_* are averaged apart. Intervals are 95 %, over rows drawn anew within each set; the sets stay.

    python benchmarks/label_models.py                                      all, writes benchmarks/results
    python benchmarks/label_models.py --votes DIR --models default --json  prints one JSON object, writes nothing
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from one_fit import Fit, NoFitError, fit_alone, fit_predict, prepare, timed, warm_up
from peers import PEERS, snorkel, snorkel_as_installed
from vote_sets import VoteSet, read_sets, resample, score

from weaksup import VoteMatrix
from weaksup.label_models.registry import model_names

ROOT = Path(__file__).resolve().parent
RESULTS = ROOT / "results" / "label_models.json"
LIMIT = 20.0  # seconds for one fit, of any model but those that every comparison needs
UNLIMITED = {"default", "majority", "snorkel"}
MANY_CLASSES_LIMIT = 60.0
SNORKEL_MOST_CELLS = 1000  # sources x classes; beyond it Snorkel takes minutes for one set
MEANS = ("score", "brier", "ece", "seconds")

Result = dict[str, Any]
Draws = dict[str, NDArray[np.float64]]  # by set, the scores of a model on the drawn rows


def run(folder: Path, names: list[str]) -> Iterator[tuple[VoteSet, dict[str, Fit]]]:
    """Fit every model to every set; one that gives no result is told on stderr."""
    for data in read_sets(folder):
        fits = {}
        for name in names:
            try:
                fits[name] = fit_one(name, data)
            except NoFitError as error:
                print(f"{name} on {data.name}: no result, {error}", file=sys.stderr, flush=True)
        yield data, fits


def fit_one(name: str, data: VoteSet) -> Fit:
    """Fit a model to a set, unless it is known to take minutes."""
    m = data.votes.shape[1]
    if name == "snorkel" and m < 3:
        raise NoFitError(f"it needs 3 sources, got {m}")
    if name == "snorkel" and m * data.k > SNORKEL_MOST_CELLS:
        raise NoFitError(f"it takes minutes on {m} sources x {data.k} classes")
    return fit_alone(name, data.votes, data.k, None if name in UNLIMITED else LIMIT)


def result(data: VoteSet, fit: Fit) -> Result:
    """Return what is told of one model on one set."""
    return score(data, fit.proba) | {"seconds": fit.seconds, "peak_mib": fit.peak_mib}


def average(results: dict[str, Result], draws: Draws, majority: dict[str, Result], least: Draws) -> Result:
    """Average a model's measures over sets, and how far its scores lie from those of majority vote on the same sets."""
    found = {
        "sets": len(results),
        **{m: float(np.mean([r[m] for r in results.values()])) for m in MEANS},
        "interval": interval(np.mean([draws[name] for name in results], axis=0)),
        "peak_mib": max(r["peak_mib"] for r in results.values()),
    }
    shared = [name for name in results if name in majority]
    if shared:
        gaps = {name: results[name]["score"] - majority[name]["score"] for name in shared}
        worst = min(gaps, key=lambda name: gaps[name])
        found["minus majority"] = {
            "score": float(np.mean(list(gaps.values()))),
            "interval": interval(np.mean([draws[name] - least[name] for name in shared], axis=0)),
            "worst": gaps[worst],
            "worst set": worst,
            "worst interval": interval(draws[worst] - least[worst]),
        }
    return found


def interval(draws: NDArray[np.float64]) -> list[float]:
    """Return the ends of the middle 95 %."""
    return [float(end) for end in np.quantile(draws, [0.025, 0.975])]


def report(folder: Path, names: list[str]) -> Result:
    """Score every model and average over the weak-supervision sets and over the crowd sets."""
    results: dict[str, dict[str, dict[str, Result]]] = {"weak supervision": {}, "crowd": {}}
    draws: dict[str, Draws] = {name: {} for name in names}
    for data, fits in run(folder, names):
        for (name, fit), drawn in zip(fits.items(), resample(data, [f.proba for f in fits.values()]).T, strict=True):
            found = result(data, fit) | {"interval": interval(drawn)}
            results[data.group].setdefault(name, {})[data.name] = found
            draws[name][data.name] = drawn
    averages: Result = {name: {} for name in names}
    for group, models in results.items():
        for name, found in models.items():
            majority = models.get("majority", {})
            averages[name][group] = average(found, draws[name], majority, draws.get("majority", {}))
    sets = {name: results["weak supervision"].get(name, {}) | results["crowd"].get(name, {}) for name in names}
    return {"limit_s": LIMIT, "averages": averages, "sets": sets}


def race(sets: Iterable[tuple[NDArray[np.int64], int]]) -> Result:
    """Time fit and predict in turns: ours as the median of 5 runs, Snorkel as installed and on one thread once each.

    Ours gets a new `VoteMatrix` in every run, as `weaksup apply` gives it; Snorkel gets the int16 array in it.
    """
    ours = one_thread = as_installed = 0.0
    for wide, k in sets:
        votes = wide.astype(np.int16)
        matrices = [VoteMatrix.from_array(votes, cardinality=k) for _ in range(5)]
        ours += float(np.median([timed(fit_predict("default"), matrix, k)[1] for matrix in matrices]))
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


def many_classes(n: int = 100_000, m: int = 20, k: int = 50) -> Result:
    """Time one fit on votes of many classes, 40 % coverage and 75 % right, by the default and by Snorkel's model."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, k, n)[:, None]
    votes = np.where(rng.random((n, m)) < 0.75, truth, rng.integers(0, k, (n, m)))
    votes = np.where(rng.random((n, m)) < 0.4, votes, -1)
    found: Result = {"limit_s": MANY_CLASSES_LIMIT}
    for name in ("default", "snorkel"):
        try:
            fit = fit_alone(name, votes, k, MANY_CLASSES_LIMIT)
            found[name] = {"seconds": fit.seconds, "peak_mib": fit.peak_mib}
        except NoFitError as error:
            found[name] = {"no result": str(error)}
    return found


def speed(folder: Path) -> Result:
    """Race the default against Snorkel's model."""
    for name in ("default", "snorkel"):
        warm_up(name)
    weak = [data for data in read_sets(folder) if data.group == "weak supervision" and data.votes.shape[1] >= 3]
    return {
        "weak-supervision sets": race((data.votes, data.k) for data in weak),
        "1,000,000 x 10": race([(synthetic(), 2)]),
    }


def main() -> None:
    """Read the command line and run."""
    data = Path(os.environ.get("WEAKSUP_DATA", ROOT.parent.parent / "shared" / "data"))
    known = list(dict.fromkeys([*model_names(), *PEERS]))
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--votes", type=Path, default=data / "votes", help="folder of npz files")
    parser.add_argument("--models", default=",".join(known), help="names, separated by commas; all if not given")
    parser.add_argument("--json", action="store_true", help="print one JSON object and write nothing")
    options = parser.parse_args()
    names = list(dict.fromkeys(name.strip() for name in options.models.split(",")))
    if unknown := [name for name in names if name not in known]:
        sys.exit(f"expected models out of {', '.join(known)}; got {', '.join(unknown)}")
    prepare(names)
    if options.json:
        results: dict[str, dict[str, Result]] = {name: {} for name in names}
        for one, fits in run(options.votes, names):
            for name, fit in fits.items():
                results[name][one.name] = result(one, fit)
        print(json.dumps(results))
        return
    found = report(options.votes, names)
    if {"default", "snorkel"} <= set(names):
        found |= {"speed": speed(options.votes), "100,000 x 20, 50 classes": many_classes()}
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({key: value for key, value in found.items() if key != "sets"}, indent=1))


if __name__ == "__main__":
    main()
