"""Time the default student against scikit-learn, side by side: training on many short texts, and predicting them.

The peer is TfidfVectorizer and LogisticRegression as they come (words alone, one weight a word). Both learn from the
same texts with the same labels, in turn, in one process that has imported everything and trained both once on a few
texts; what is compared is the ratio within a round, by the median over rounds. A "student" trains, chooses its
regularisation, and predicts from its bundle (`load_bundle`) on all cores; packing and loading it are timed apart.

    python benchmarks/student_speed.py [--rows 100000] [--rounds 5]     writes benchmarks/results/student_speed.json
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from students import make_texts

from weaksup.distill import load_bundle, save_bundle, train
from weaksup.distill.side_by_side import cores
from weaksup.labels import LabelSpace

RESULT = Path(__file__).resolve().parent / "results" / "student_speed.json"
WARM = 2_000  # texts
BAR = 50_000  # texts a second

Json = dict[str, Any]
Fitted = Callable[[list[str]], object]


def train_ours(texts: list[str], gold: NDArray[np.int64]) -> tuple[Fitted, Json]:
    """Train the default student on one-hot labels; return its predictor from a bundle, and the seconds."""
    start = time.perf_counter(), time.process_time()
    student = train(texts, np.eye(2)[gold], labels=LabelSpace(["a", "b"]))
    trained = _since(start)
    start = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        bundle = load_bundle(save_bundle(student, Path(folder) / "student"))
    return bundle.predict_proba, {"train": trained, "pack_and_load": _since(start)}


def train_peer(texts: list[str], gold: NDArray[np.int64]) -> tuple[Fitted, Json]:
    """Train the peer; return its predictor and the seconds."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    start = time.perf_counter(), time.process_time()
    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression())
    pipeline.fit(texts, gold)
    return pipeline.predict_proba, {"train": _since(start)}


def one_round(texts: list[str], gold: NDArray[np.int64], *, ours_first: bool) -> Json:
    """Train both, then let both predict three times in turn; return seconds (wall, processor) by name."""
    makers = {"weaksup": train_ours, "sklearn": train_peer}
    names = sorted(makers, reverse=ours_first)
    found: Json = {}
    fitted: dict[str, Fitted] = {}
    for name in names:
        fitted[name], found[name] = makers[name](texts, gold)
        found[name]["predict"] = []
    for name in names * 3:
        start = time.perf_counter(), time.process_time()
        fitted[name](texts)
        found[name]["predict"].append(_since(start))
    return found


def summarise(rounds: list[Json], n: int) -> Json:
    """Return medians over rounds, and the median of the ratios within rounds: above 1 where weaksup is faster."""

    def wall(one: Json, name: str, what: str) -> float:
        seconds = one[name][what]
        return float(median(s["wall"] for s in seconds) if isinstance(seconds, list) else seconds["wall"])

    def middle(name: str, what: str) -> float:
        return median(wall(one, name, what) for one in rounds)

    def ratio(what: str) -> float:
        return median(wall(one, "sklearn", what) / wall(one, "weaksup", what) for one in rounds)

    return {
        "train_seconds": {name: middle(name, "train") for name in ("weaksup", "sklearn")},
        "pack_and_load_seconds": middle("weaksup", "pack_and_load"),
        "predict_texts_a_second": {name: n / middle(name, "predict") for name in ("weaksup", "sklearn")},
        "times_as_fast_in_training": ratio("train"),
        "times_as_fast_in_predicting": ratio("predict"),
        "bars": {"train": 1.0, "predict": 1.0, "predict_texts_a_second": BAR},
    }


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    texts, gold = make_texts(Path(os.environ.get("WEAKSUP_DATA", "../shared/data")) / "text", options.rows)
    one_round(texts[:WARM], gold[:WARM], ours_first=True)
    rounds = []
    for i in range(options.rounds):
        rounds.append(one_round(texts, gold, ours_first=i % 2 == 0))
        print(json.dumps(rounds[-1]), flush=True)
    about = {"rows": options.rows, "cores": cores(), "mean_characters": float(np.mean([len(text) for text in texts]))}
    found = {**about, **summarise(rounds, options.rows), "rounds": rounds}
    print(json.dumps({name: value for name, value in found.items() if name != "rounds"}, indent=1))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(found, indent=1) + "\n")


def _since(start: tuple[float, float]) -> Json:
    return {"wall": round(time.perf_counter() - start[0], 4), "processor": round(time.process_time() - start[1], 4)}


if __name__ == "__main__":
    main()
