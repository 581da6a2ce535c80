"""A small corpus whose texts tell the label of most rows, and campaigns that ask simulated tiers about it."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from weaksup.corpus import open_corpus
from weaksup.label_models import LabelModel
from weaksup.labeling_functions import prompt_function
from weaksup.labels import LabelSpace, SoftLabels
from weaksup.llm import Tier, make_tier
from weaksup.pipeline.campaign import Campaign, Outcome
from weaksup.pipeline.purchases import Purse
from weaksup.pipeline.team import Team
from weaksup.store import Limits, Store
from weaksup.votes import VoteMatrix

LABELS = LabelSpace(["HAM", "SPAM"])
N = 300


@prompt_function(labels=LABELS)
def kind(x: Any) -> str:
    return "What kind of message is this?"


@prompt_function(labels=LABELS)
def again(x: Any) -> str:
    return "Is this message wanted?"


def write_corpus(folder: Path) -> None:
    """Write the corpus and its truth."""
    random = np.random.default_rng(0)
    spam = random.random(N) < 0.4
    words = (
        ["see you at home", "lunch at noon", "call me later"],
        ["win a free prize", "claim your cash", "cheap pills"],
    )
    rows = [
        (f"r{i}", f"{words[int(s)][int(random.integers(3))]} {i}", LABELS.names[int(s)]) for i, s in enumerate(spam)
    ]
    with (folder / "corpus.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("id", "text", "label"), *rows])


def machine(folder: Path, name: str, error: float, price: float, **more: Any) -> Tier:
    settings = {"name": name, "provider": "simulated", "truth": str(folder / "corpus.csv"), "error_rate": error}
    return make_tier({**settings, "price": {"input": price, "output": price}, **more})


def desk(folder: Path, **more: Any) -> Tier:
    settings = {"name": "desk", "people": str(folder / "questions.csv"), "hourly_rate": 30.0, "items_per_hour": 60}
    return make_tier({**settings, **more})


def fit(votes: VoteMatrix, gold: Any) -> SoftLabels:
    return LabelModel().fit(votes, gold=gold).soft_labels(votes)


def campaign(folder: Path, store: Store, *tiers: Tier, budget: float = 100.0, **how: Any) -> Campaign:
    ids = tuple(f"r{i}" for i in range(N))
    votes = VoteMatrix(np.empty((N, 0), np.int16), ids, (), LABELS)
    corpus = open_corpus(folder / "corpus.csv", id="id")
    team = Team(tiers, kind, how.pop("also", ()))
    purse = Purse(store, "run", Decimal(str(budget)), how.pop("limits", Limits()))
    return Campaign(votes, corpus, team, purse, fit, **how)


def truth(folder: Path) -> np.ndarray:
    with (folder / "corpus.csv").open(newline="") as file:
        return np.array([LABELS.names.index(row["label"]) for row in csv.DictReader(file)])


def accuracy(found: Outcome, folder: Path) -> float:
    return float((found.labels.hard() == truth(folder)).mean())


def answer(folder: Path) -> int:
    """Let people answer all that waits for them, rightly."""
    table, right = folder / "questions.csv", truth(folder)
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["label"] = LABELS.names[right[int(row["id"][1:])]]
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return len(rows)


def three(folder: Path) -> tuple[Tier, ...]:
    return machine(folder, "cheap", 0.2, 1), machine(folder, "middle", 0.1, 10), machine(folder, "premium", 0.0, 100)


def by_name(found: Outcome) -> dict[str, Any]:
    return {asked.source.name: asked for asked in found.asked}
