"""Speed of the LF summary against Snorkel's, and of the whole analysis.

Run `python benchmarks/analysis.py [--rows 1000000] [--repeat 5]`. Both are timed in turn, in one process, and the
medians compared: ratios mean something, seconds only on this machine. Both must give the same table.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from snorkel.labeling import LFAnalysis as SnorkelAnalysis

from weaksup.analysis import LFAnalysis, analyze
from weaksup.labels import LabelSpace
from weaksup.votes import VoteMatrix

RESULT = Path(__file__).parent / "results" / "analysis.json"
COVERAGE = 0.4
SOURCES = 10


def make_votes(rows: int, k: int, seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Make votes [n, 10] at 40 % coverage by sources that are right 7 times in 10, and gold [n]."""
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, k, rows)
    right = rng.random((rows, SOURCES)) < 0.7
    votes = np.where(right, gold[:, None], rng.integers(0, k, (rows, SOURCES)))
    return np.where(rng.random((rows, SOURCES)) < COVERAGE, votes, -1), gold


def measure(runners: dict[str, Callable[[], Any]], repeat: int) -> dict[str, float]:
    """Time every runner `repeat` times, in turn; return median seconds."""
    seconds: dict[str, list[float]] = {name: [] for name in runners}
    for _ in range(repeat):
        for name, run in runners.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in seconds.items()}


def summaries(values: NDArray[np.int64], votes: VoteMatrix, gold: NDArray[np.int64] | None) -> dict[str, Any]:
    """Make the runners of one comparison; each tool gets the matrix that its own applier makes."""
    return {
        "snorkel": lambda: SnorkelAnalysis(values).lf_summary(gold),
        "weaksup": lambda: LFAnalysis(votes).lf_summary(gold),
        "weaksup, Snorkel's int64 array": lambda: LFAnalysis(values).lf_summary(gold),
    }


def compare(rows: int, k: int, repeat: int) -> dict[str, Any]:
    """Compare the summaries with and without gold, and time `analyze`, on votes for k classes."""
    values, gold = make_votes(rows, k)
    votes = VoteMatrix.from_array(values, labels=LabelSpace([f"label_{c}" for c in range(k)]))
    found: dict[str, Any] = {}
    for name, truth in (("lf_summary", None), ("lf_summary with gold", gold)):
        runners = summaries(values, votes, truth)
        pd.testing.assert_frame_equal(
            runners["snorkel"](), runners["weaksup, Snorkel's int64 array"](), check_exact=True
        )
        seconds = measure(runners, repeat)
        found[name] = {"seconds": seconds, "times faster": seconds["snorkel"] / seconds["weaksup"]}
    found["analyze"] = measure({"plain": lambda: analyze(votes), "gold": lambda: analyze(votes, gold=gold)}, 1)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # Snorkel's sparse matrices are written for an older scipy
    shape = {"rows": options.rows, "sources": SOURCES, "coverage": COVERAGE, "repeat": options.repeat}
    result = {"shape": shape} | {f"{k} classes": compare(options.rows, k, options.repeat) for k in (2, 10)}
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
