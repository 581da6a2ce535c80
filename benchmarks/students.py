"""Score students on real texts: trained on labeling functions' votes alone, and on all gold.

A set is a file NAME.parquet with the columns split (train, valid, test), text, label and one column a labeling
function (lf0, lf1, ...; -1 abstains). Students learn from the covered train rows, or from the gold of all train rows;
the test split is scored once: F1 of class 1 on the sets that WRENCH (J. Zhang et al., 2021) scores so, else accuracy.

    default, majority     the student on the default label model's labels, on majority vote's
    gold                  the student on all gold train labels
    self_training         default, and the rows without a vote that it is sure of (an option, off by default)
    student_vote          default, fitted again with the student's out-of-fold opinion as a source (an option)
    sklearn_*             TfidfVectorizer and LogisticRegression as they come, on the same labels, made hard

"calibration" is the expected calibration error of the default student on the test split: as trained, after the
temperature that its own held-out votes suggest, and after that of the gold of the valid split.

    python benchmarks/students.py                    all, writes benchmarks/results/students.json
    python benchmarks/students.py --text DIR --json  prints {student: {set: {"score": ...}}}, writes nothing
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from weaksup.distill import calibrate_by_gold, calibrate_by_votes, load_bundle, save_bundle, train
from weaksup.distill.student_vote import add_student_vote
from weaksup.label_models import create
from weaksup.labels import LabelSpace, SoftLabels
from weaksup.metrics import accuracy, bootstrap, ece, f1
from weaksup.votes import VoteMatrix

RESULTS = Path(__file__).resolve().parent / "results" / "students.json"
F1_SETS = {"cdr", "census", "commercial", "sms", "spouse", "tennis"}
LABELERS = ("default", "majority", "gold")

Predict = Callable[[list[str]], NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class TextSet:
    """One data set: texts and gold by split, votes [n, m] on the train split."""

    name: str
    texts: dict[str, list[str]]
    gold: dict[str, NDArray[np.int64]]
    votes: NDArray[np.int64]
    k: int

    def score(self, split: str, guess: NDArray[Any]) -> dict[str, Any]:
        """Return the score of predicted classes with its 95 % interval."""
        gold = self.gold[split]
        as_f1 = self.name in F1_SETS and self.k == 2
        measure: Callable[..., float] = (lambda truth, said: f1(truth, said, 1)) if as_f1 else accuracy
        low, high = bootstrap(measure, gold, guess)
        return {"score": measure(gold, guess), "low": low, "high": high, "metric": "f1" if as_f1 else "accuracy"}


def read_sets(folder: Path) -> Iterator[TextSet]:
    """Read every Parquet file of a folder, by name."""
    paths = sorted(folder.glob("*.parquet"))
    if not paths:
        sys.exit(f"expected .parquet files of texts in {folder}; set WEAKSUP_DATA, or name the folder with --text")
    for path in paths:
        frame = pd.read_parquet(path)
        parts = {str(split): part for split, part in frame.groupby("split")}
        votes = parts["train"][[c for c in frame.columns if c.startswith("lf")]].to_numpy(np.int64)
        texts = {split: part.text.tolist() for split, part in parts.items()}
        gold = {split: part.label.to_numpy(np.int64) for split, part in parts.items()}
        yield TextSet(path.stem, texts, gold, votes, int(frame.label.max()) + 1)


def label_rows(one: TextSet, labeler: str) -> SoftLabels:
    """Label the train split by a label model, or by its gold."""
    ids = tuple(map(str, range(len(one.votes))))
    space = LabelSpace([f"class {c}" for c in range(one.k)])
    if labeler == "gold":
        return SoftLabels(ids, np.eye(one.k)[one.gold["train"]], np.ones(len(ids), np.bool_), space)
    model = create(labeler, one.k).fit(one.votes)
    covered: NDArray[np.bool_] = np.asarray((one.votes >= 0).any(axis=1))
    return SoftLabels(ids, model.predict_proba(one.votes), covered, space)


def our_student(texts: list[str], soft: SoftLabels) -> Predict:
    """Train the default student and run it from its bundle."""
    with tempfile.TemporaryDirectory() as folder:
        student = load_bundle(save_bundle(train(texts, soft), Path(folder) / "student"))
    return lambda more: student.predict_proba(more).argmax(axis=1)


def sklearn_student(texts: list[str], soft: SoftLabels) -> Predict:
    """Train the usual baseline on hard labels."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    rows = np.flatnonzero(soft.covered)
    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression())
    pipeline.fit([texts[i] for i in rows], soft.proba[rows].argmax(axis=1))
    return lambda more: np.asarray(pipeline.predict(more))


def self_trained(texts: list[str], soft: SoftLabels) -> Predict:
    """Train twice: the second time with rows that no source voted on."""
    student = train(texts, soft, self_training=0.5)
    return lambda more: student.predict_proba(more).argmax(axis=1)


def with_student_vote(one: TextSet, soft: SoftLabels) -> SoftLabels:
    """Fit the label model again, with the student's out-of-fold opinion beside the labeling functions."""
    votes = VoteMatrix.from_array(one.votes.astype(np.int16), labels=soft.labels, ids=soft.ids)
    more = add_student_vote(votes, one.texts["train"], soft)
    return create("default", one.k).fit(more).soft_labels(more)


def run_variants(one: TextSet, split: str) -> dict[str, dict[str, Any]]:
    """Score what is offered beside the default."""
    soft, texts = label_rows(one, "default"), one.texts["train"]
    made = {
        "self_training": self_trained(texts, soft),
        "student_vote": our_student(texts, with_student_vote(one, soft)),
    }
    return {name: one.score(split, predict(one.texts[split])) for name, predict in made.items()}


def run_sets(folder: Path, split: str) -> dict[str, dict[str, Any]]:
    """Score every student on every set."""
    found: dict[str, dict[str, Any]] = {}
    for one in read_sets(folder):
        for labeler in LABELERS:
            soft = label_rows(one, labeler)
            for prefix, make in (("", our_student), ("sklearn_", sklearn_student)):
                start = time.perf_counter()
                predict = make(one.texts["train"], soft)
                seconds = time.perf_counter() - start
                scored = one.score(split, predict(one.texts[split]))
                found.setdefault(prefix + labeler, {})[one.name] = {**scored, "seconds": round(seconds, 2)}
        for name, scored in run_variants(one, split).items():
            found.setdefault(name, {})[one.name] = scored
    for scores in found.values():
        scores["average"] = {"score": float(np.mean([s["score"] for s in scores.values()]))}
    return found


def run_calibration(folder: Path) -> dict[str, dict[str, float]]:
    """Measure how far the default student's probabilities are from what they say, on the test split."""
    found = {}
    for one in read_sets(folder):
        student = train(one.texts["train"], label_rows(one, "default"))
        by_gold = calibrate_by_gold(student, one.texts["valid"], one.gold["valid"])
        students = {"as_trained": student, "by_votes": calibrate_by_votes(student).student, "by_gold": by_gold.student}
        found[one.name] = {
            **{name: ece(one.gold["test"], some.predict_proba(one.texts["test"])) for name, some in students.items()},
            "temperature_by_gold": by_gold.temperature,
            "gold_rows": by_gold.rows,
        }
    return found


def make_texts(folder: Path, n: int) -> tuple[list[str], NDArray[np.int64]]:
    """Make n texts of two classes from the words of the sets; a third of a text's words come from its class's texts."""
    words: dict[int, list[str]] = {0: [], 1: []}
    for one in read_sets(folder):
        for text, c in zip(one.texts["train"], one.gold["train"].tolist(), strict=True):
            words[c % 2] += text.split()
    own, everything = {c: np.array(some) for c, some in words.items()}, np.array(words[0] + words[1])
    rng = np.random.default_rng(0)
    gold = rng.integers(0, 2, n)
    parts = (
        (rng.choice(everything, 2 * size), rng.choice(own[c], size))
        for c, size in zip(gold.tolist(), rng.integers(2, 9, n), strict=True)
    )
    return [" ".join(rng.permutation(np.concatenate(pair))) for pair in parts], gold


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(os.environ.get("WEAKSUP_DATA", "../shared/data")) / "text"
    parser.add_argument("--text", type=Path, default=default, help="folder of .parquet files")
    parser.add_argument("--split", default="test", choices=["valid", "test"], help="what is scored")
    parser.add_argument("--json", action="store_true", help="print scores as JSON and write nothing")
    options = parser.parse_args()
    scores = run_sets(options.text, options.split)
    if options.json:
        print(json.dumps(scores))
        return
    for name, sets in scores.items():
        print(f"{name:18}" + "  ".join(f"{s} {found['score']:.3f}" for s, found in sets.items()))
    calibration = run_calibration(options.text)
    print(json.dumps(calibration, indent=1))
    found = {"split": options.split, "scores": scores, "calibration": calibration}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
