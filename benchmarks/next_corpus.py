"""What a student saves on the next corpus: trained on YouTube comments, it is tier 0 for text messages.

    python benchmarks/next_corpus.py            # reads $WEAKSUP_DATA (default ../shared/data), writes results

A student learns from the gallery's labeling functions on the train split of YouTube comments. Then the train split of
text messages is labeled by a campaign over recorded answers of gpt-4o-mini and gpt-4.1, charged as recorded: once cold,
once with the student as tier 0, at several limits on asking and with several seeds. Twice: with the gallery's labeling
functions, which were written for both corpora, and without any, as on the first day of a new corpus.

Same quality: the least spend at which each start gets a wanted share of the labels right (means over seeds, linear
between the limits). Gold scores labels of
the train split at the end, and nothing else; no test split is read.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from spam_end_to_end import CHEAP, PREMIUM, PROMPTS, _answers, _key

from weaksup import VoteMatrix, apply_lfs, open_corpus
from weaksup.distill import Predictor, load_bundle, save_bundle, train
from weaksup.label_models import LabelModel
from weaksup.labeling_functions import PromptFunction, load_lf_module
from weaksup.labels import ABSTAIN, SoftLabels
from weaksup.llm import make_tier
from weaksup.metrics import f1
from weaksup.pipeline.asking import choose_prompt
from weaksup.pipeline.campaign import Campaign
from weaksup.pipeline.purchases import Purse
from weaksup.pipeline.starting import Earlier
from weaksup.pipeline.team import Team
from weaksup.store import Store
from weaksup.votes import Source

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "next_corpus.json"
GALLERY = HERE.parent / "labeling_functions" / "gallery" / "spam.py"
SHARES = (
    (0.03, 0.003),
    (0.05, 0.004),
    (0.075, 0.004),
    (0.1, 0.005),
    (0.15, 0.0075),
    (0.2, 0.01),
    (0.3, 0.015),
    (1, 0.02),
)
SEEDS = (0, 1, 2, 3, 4)
WANTED = (0.95, 0.96, 0.97, 0.975, 0.98, 0.985, 0.9875)  # shares of right labels

Json = dict[str, Any]


@dataclass(frozen=True)
class World:
    """Text messages, what each model said of them and for how much, and where tiers read it."""

    rows: pd.DataFrame
    labels: dict[str, NDArray[np.int64]]
    costs: dict[str, NDArray[np.float64]]
    prompt: PromptFunction
    folder: Path


def main() -> None:
    """Train the student, label the messages cold and warm, write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("WEAKSUP_DATA", "../shared/data")))
    data = parser.parse_args().data
    with tempfile.TemporaryDirectory() as temp:
        student = _train_student(data / "text" / "youtube.parquet", Path(temp) / "student")
        world = _read_world(data, Path(temp))
        alone = student.predict_proba(world.rows.text.tolist()).argmax(axis=1)
        found: Json = {
            "rows": len(world.rows),
            "seeds": len(SEEDS),
            "student_alone": _score(alone.astype(np.int64), world.rows.label.to_numpy()),
        }
        for name, functions in (("without_functions", False), ("with_functions", True)):
            found[name] = _compare(world, student, functions=functions)
            for line in found[name]["same_quality"]:
                print(name, line, flush=True)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print("bar: the warm start spends less than the cold start for the same quality")


def _train_student(path: Path, out: Path) -> Predictor:
    frame = pd.read_parquet(path, columns=["split", "text"])
    texts = frame[frame.split == "train"].text.tolist()
    module = load_lf_module(GALLERY)
    votes = apply_lfs(module.lfs, [{"id": str(i), "text": t} for i, t in enumerate(texts)], labels=module.labels)
    soft = LabelModel().fit(votes).soft_labels(votes)
    save_bundle(train(texts, soft), out)
    return load_bundle(out)


def _read_world(data: Path, folder: Path) -> World:
    rows = pd.read_parquet(data / "text" / "sms.parquet", columns=["split", "text", "label"])
    rows = rows[rows.split == "train"].reset_index(drop=True)
    rows["id"] = [f"train-{i}" for i in rows.index]
    rows["key"] = rows.text.map(_key)
    recorded = rows[["id", "key"]].merge(_answers(data / "llm" / "sms_openai.parquet"), on="key")
    recorded = recorded.rename(columns={"id": "item_id"}).drop(columns="key")
    recorded.to_parquet(folder / "answers.parquet", index=False)
    rows[["id", "text"]].to_parquet(folder / "train.parquet", index=False)
    (folder / "prompts.py").write_text(PROMPTS, encoding="utf-8")
    labels: dict[str, NDArray[np.int64]] = {}
    costs: dict[str, NDArray[np.float64]] = {}
    for model in (CHEAP, PREMIUM):
        said = recorded[recorded.model == model].drop_duplicates("item_id").set_index("item_id").reindex(rows.id)
        codes = said.label.astype(str).str.upper().map({"HAM": 0, "SPAM": 1})
        labels[model] = np.asarray(codes.fillna(ABSTAIN), np.int64)
        costs[model] = np.asarray(said.cost_usd.fillna(0.0), np.float64)
    space = load_lf_module(GALLERY).labels
    assert space is not None
    return World(rows, labels, costs, choose_prompt(folder / "prompts.py", space), folder)


def _compare(world: World, student: Predictor, *, functions: bool) -> Json:
    """Label cold and warm at every limit, and say what the same quality costs."""
    module = load_lf_module(GALLERY)
    assert module.labels is not None
    rows = [{"id": name, "text": text} for name, text in zip(world.rows.id, world.rows.text, strict=True)]
    nobody = VoteMatrix(np.empty((len(rows), 0), np.int16), tuple(world.rows.id), (), module.labels)
    votes = apply_lfs(module.lfs, rows, labels=module.labels) if functions else nobody
    assert isinstance(votes, VoteMatrix)
    starts = {"cold": votes, "warm": Earlier(student, None).vote(votes, rows, sure=0.0)[0]}
    curves = {
        name: [_mean([_label(world, start, shares, seed) for seed in SEEDS]) for shares in SHARES]
        for name, start in starts.items()
    }
    return {"curves": curves, "same_quality": [_same_quality(wanted, curves) for wanted in WANTED]}


def _same_quality(wanted: float, curves: Mapping[str, list[Json]]) -> Json:
    cold, warm = (_spend_for(wanted, curves[name]) for name in ("cold", "warm"))
    saving = None if cold is None or warm is None else round(1 - warm / cold, 4)
    return {"accuracy": wanted, "cold_usd": cold, "warm_usd": warm, "saving": saving}


def _spend_for(accuracy: float, curve: list[Json]) -> float | None:
    """Return the least spend at which a curve, linear between its points, is as accurate; None where it never is."""
    points = sorted((float(point["usd"]), float(point["accuracy"])) for point in curve)
    if points[0][1] >= accuracy:
        return points[0][0]  # less was not tried
    for (x, low), (z, high) in pairwise(points):
        if low < accuracy <= high:
            return round(x + (z - x) * (accuracy - low) / (high - low), 6)
    return None


def _label(world: World, start: VoteMatrix, shares: tuple[float, float], seed: int) -> Json:
    """Run one campaign over the recorded answers; return what it spent and how good its labels are."""
    common = {"provider": "replay", "path": "answers.parquet"}
    tiers = tuple(
        make_tier({"name": model, "model": model, "share": share, **common}, folder=world.folder)
        for model, share in zip((CHEAP, PREMIUM), shares, strict=True)
    )
    asked = {model: np.zeros(len(start), np.bool_) for model in world.labels}

    def buy(votes: VoteMatrix, name: str, rows: NDArray[np.int64]) -> VoteMatrix:
        model = name.partition("/")[0]
        asked[model][rows] = True
        where = np.flatnonzero(asked[model]).tolist()
        return votes.with_source(
            Source(name, "tier", model), {start.ids[i]: int(world.labels[model][i]) for i in where}
        )

    with Store(world.folder / "unused.db") as store:
        corpus = open_corpus(world.folder / "train.parquet")
        team, purse = Team(tiers, world.prompt), Purse(store, "none", Decimal(0))
        soft = Campaign(start, corpus, team, purse, _fit, seed=seed).label_by_machines(buy)
    spent = sum(float(world.costs[model][rows].sum()) for model, rows in asked.items())
    return {"usd": spent, **_score(soft.proba.argmax(axis=1), world.rows.label.to_numpy())}


def _fit(votes: VoteMatrix, known: NDArray[np.int64] | None) -> SoftLabels:
    return LabelModel().fit(votes, gold=known).soft_labels(votes)


def _score(said: NDArray[np.int64], gold: NDArray[np.int64]) -> Json:
    return {"accuracy": float((said == gold).mean()), "f1": f1(gold, said, positive=1)}


def _mean(runs: list[Json]) -> Json:
    found = {key: round(float(np.mean([one[key] for one in runs])), 6) for key in runs[0]}
    return found | {"accuracy_sd": round(float(np.std([one["accuracy"] for one in runs])), 6)}


if __name__ == "__main__":
    main()
