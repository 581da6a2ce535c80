"""Measure on simulated votes what the default label model promises: class balance, hard rows, copies, no NaN.

Every number is over the seeds; truth is known because it was drawn.

    python benchmarks/label_model_laws.py            all, writes benchmarks/results
    python benchmarks/label_model_laws.py --seeds 2  fewer seeds, prints and writes nothing
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from any_votes import fuzz
from numpy.typing import NDArray

from weaksup import LabelSpace, Source, VoteMatrix
from weaksup.label_models import LabelModel, MajorityVote, health

RESULTS = Path(__file__).resolve().parent / "results" / "label_model_laws.json"
SEEDS = 30
MATRICES = 20_000  # of any kind, with all seeds
FIRST_SEED = 100  # the priors were chosen with seeds 0 to 9 in sight
DENSE = (0.75, 0.78, 0.8, 0.82, 0.85, 0.88)
MIXED = (0.6, 0.65, 0.7, 0.75, 0.8, 0.85)

Ints = NDArray[np.int64]


def draw(
    rng: np.random.Generator,
    n: int,
    accuracies: Sequence[float],
    coverage: float,
    balance: Sequence[float] = (0.5, 0.5),
) -> tuple[Ints, Ints]:
    """Draw truth [n] and votes [n, m] of sources that err on their own."""
    k, m = len(balance), len(accuracies)
    truth = rng.choice(k, n, p=balance)
    wrong = (truth[:, None] + rng.integers(1, k, (n, m))) % k
    votes = np.where(rng.random((n, m)) < accuracies, truth[:, None], wrong)
    return truth, np.where(rng.random((n, m)) < coverage, votes, -1)


def matrix(votes: Ints, k: int, kinds: Sequence[str] | None = None, **more: Any) -> VoteMatrix:
    """Name the rows, sources and classes of votes [n, m]."""
    sources = tuple(Source(f"s{j}", kinds[j] if kinds else "lf") for j in range(votes.shape[1]))  # type: ignore[arg-type]
    ids = tuple(map(str, range(len(votes))))
    return VoteMatrix(votes.astype(np.int16), ids, sources, LabelSpace([f"c{c}" for c in range(k)]), **more)


def skewed_classes(seed: int) -> dict[str, float]:
    """80 to 20, six dense sources, no balance given."""
    truth, votes = draw(np.random.default_rng(seed), 5000, DENSE, 1.0, (0.8, 0.2))
    return {
        name: float((model.fit(votes).predict(votes, tie_break_policy="random") == truth).mean())
        for name, model in (("default", LabelModel(2)), ("majority", MajorityVote(2)))
    }


def positive_only(seed: int) -> dict[str, float]:
    """10 % positives, five sources that find positives (recall .3 to .7, 2 to 6 % false alarms), nothing else."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(5000) < 0.1).astype(np.int64)
    recall, alarm = rng.uniform(0.3, 0.7, 5), rng.uniform(0.02, 0.06, 5)
    votes = np.where(rng.random((5000, 5)) < np.where(truth[:, None] == 1, recall, alarm), 1, -1)
    model = LabelModel(2).fit(votes, class_balance=[0.9, 0.1])
    labels = model.predict(votes, tie_break_policy="random")
    alone = LabelModel(2).fit(votes)
    return {
        "share of positives": float(truth.mean()),
        "mean probability": float(model.predict_proba(votes)[:, 1].mean()),
        "share of labels": float((labels == 1).mean()),
        "found without a balance": float("one-sided" in {finding.name for finding in health(alone, votes)}),
    }


def hard_tier(seed: int, accuracy: float, *, n: int = 6000, hidden: bool = False) -> dict[str, float]:
    """A tier asked on the tenth of the rows where the model is least sure, or (hidden) where all sources do badly."""
    rng = np.random.default_rng(seed)
    truth, votes = draw(rng, n, MIXED, 0.5)
    if hidden:
        hard = np.arange(n) < n // 10
        _, poor = truth, np.where(rng.random(votes.shape) < 0.55, truth[:, None], 1 - truth[:, None])
        votes = np.where(hard[:, None] & (votes >= 0), poor, votes)
        asked = np.flatnonzero(hard)
    before = LabelModel(2).fit(votes)
    proba = before.predict_proba(votes)
    if not hidden:
        asked = np.argsort(proba.max(axis=1), kind="stable")[: n // 10]
    said = np.where(rng.random(len(asked)) < accuracy, truth[asked], 1 - truth[asked])
    base = matrix(votes, 2)
    more = base.with_source(Source("tier", "tier"), {base.ids[i]: int(v) for i, v in zip(asked, said, strict=True)})
    after = LabelModel().fit(more)
    new, old = (p.argmax(axis=1) == truth for p in (after.predict_proba(more), proba))
    elsewhere = np.setdiff1d(np.arange(n), asked)
    return {
        "learned": float(after.answer_accuracies_[0]),
        "said right": float((said == truth[asked]).mean()),
        "asked before": float(old[asked].mean()),
        "asked after": float(new[asked].mean()),
        "elsewhere": float(new[elsewhere].mean() - old[elsewhere].mean()),
    }


def two_tiers(seed: int, second: float) -> dict[str, float]:
    """Two tiers of different models, asked on the same hardest tenth, one .9 right."""
    rng = np.random.default_rng(seed)
    truth, votes = draw(rng, 6000, MIXED, 0.5)
    asked = np.argsort(LabelModel(2).fit(votes).predict_proba(votes).max(axis=1), kind="stable")[:600]
    more = matrix(votes, 2)
    for name, accuracy in (("one", 0.9), ("two", 0.9), ("third", second)):
        said = np.where(rng.random(600) < accuracy, truth[asked], 1 - truth[asked])
        more = more.with_source(Source(name, "tier"), {more.ids[i]: int(v) for i, v in zip(asked, said, strict=True)})
    learned = LabelModel().fit(more).answer_accuracies_
    return {"one": float(learned[0]), "two": float(learned[1]), "third": float(learned[2])}


def copied(seed: int, coverage: float, changed: float, *, one_sided: bool = False) -> float:
    """Return how far a posterior moves when the first source is there twice, a share of its votes changed."""
    rng = np.random.default_rng(seed)
    _, votes = draw(rng, 3000, MIXED, coverage)
    if one_sided:
        votes = np.where(votes == np.arange(6) % 2, votes, -1)
    copy = np.where((rng.random(3000) < changed) & (votes[:, 0] >= 0), 1 - votes[:, 0], votes[:, 0])
    twice = np.column_stack([votes, copy])
    same = copy == votes[:, 0]
    gap = np.abs(LabelModel(2).fit(votes).predict_proba(votes) - LabelModel(2).fit(twice).predict_proba(twice))
    return float(gap[same].max())


def soft_votes(seed: int, *, informed: bool) -> dict[str, float]:
    """Confidences that are the chance that the vote is right, or that are drawn without regard to it."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, 4000)
    chance = np.clip(rng.beta(6, 2.5, (4000, 5)), 0.05, 0.99)
    votes = np.where(rng.random((4000, 5)) < chance, truth[:, None], 1 - truth[:, None])
    spoken = rng.random((4000, 5)) < 0.6
    votes = np.where(spoken, votes, -1)
    stated = chance if informed else rng.permuted(chance, axis=0)
    soft = matrix(votes, 2, confidence=np.where(spoken, stated, np.nan).astype(np.float32))
    plain, heeded = (LabelModel().fit(v).predict_proba(v) for v in (matrix(votes, 2), soft))
    covered = spoken.any(axis=1)
    right = [float((p.argmax(axis=1) == truth)[covered].mean()) for p in (plain, heeded)]
    return {"plain": right[0], "heeded": right[1], "mean move": float(np.abs(heeded - plain)[:, 0].mean())}


def mean(results: Sequence[dict[str, float]]) -> dict[str, float]:
    """Average measures over seeds."""
    return {name: float(np.mean([r[name] for r in results])) for name in results[0]}


def measure(seeds: int) -> dict[str, Any]:
    """Run everything."""
    every = range(FIRST_SEED, FIRST_SEED + seeds)
    tiers = {
        f"accuracy {a}{', hidden' if hidden else ''}, {n:,} rows": [hard_tier(s, a, n=n, hidden=hidden) for s in every]
        for a, n, hidden in (
            (0.9, 6000, False),
            (0.6, 6000, False),
            (0.9, 60000, False),
            (0.6, 60000, False),
            (0.9, 6000, True),
        )
    }
    skewed, positives = [skewed_classes(s) for s in every], [positive_only(s) for s in every]
    return {
        "seeds": seeds,
        "first seed": FIRST_SEED,
        "80 / 20, dense, no balance given": mean(skewed) | {"lowest default": min(r["default"] for r in skewed)},
        "positive only, balance given": mean(positives)
        | {
            f"largest error of {what}": max(abs(r[what] - r["share of positives"]) for r in positives)
            for what in ("mean probability", "share of labels")
        },
        "hard tier": {
            name: mean(found)
            | {"lowest learned": min(f["learned"] for f in found), "highest learned": max(f["learned"] for f in found)}
            | {"within .03 of .9": float(np.mean([abs(f["learned"] - 0.9) <= 0.03 for f in found]))}
            | {"lowest asked after": min(f["asked after"] for f in found)}
            | {"worst elsewhere": min(f["elsewhere"] for f in found)}
            for name, found in tiers.items()
        },
        "three tiers, the third .6": mean([two_tiers(s, 0.6) for s in every]),
        "copy, largest move": {
            "dense": max(copied(s, 1.0, 0.0) for s in every),
            "half covered": max(copied(s, 0.5, 0.0) for s in every),
            "half covered, 3 % changed": max(copied(s, 0.5, 0.03) for s in every),
            "one label each": max(copied(s, 0.2, 0.0, one_sided=True) for s in every),
        },
        "soft votes": {
            "informed": mean([soft_votes(s, informed=True) for s in every]),
            "uninformed": mean([soft_votes(s, informed=False) for s in every]),
        },
        "any votes": fuzz(MATRICES if seeds >= SEEDS else 200),
    }


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, help="number of seeds; nothing is written then")
    options = parser.parse_args()
    report = measure(options.seeds or SEEDS)
    text = json.dumps(report, indent=1)
    if options.seeds is None:
        RESULTS.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
