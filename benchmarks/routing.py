"""Route recorded answers between a cheap and a premium model, without gold, every answer charged.

Labels are scored against gold once, at the end: where the premium model was asked its answer counts, elsewhere what the
router believes. `recovered` is the share of the accuracy between cheap and premium on everything that is won back,
`cost_fraction` all that was paid as a share of premium on everything. At most a share of the rows is escalated; one
configuration, the default of `weaksup.routing`, for every file.

    python benchmarks/routing.py         all sets and curves, writes benchmarks/results/routing.json and routing.svg
    python benchmarks/routing.py --answers FILE.parquet --cheap MODEL --premium MODEL [--prompt ID]
        [--signals MODEL,...] [--share 0.10] [--seed 0] --json          prints one JSON object, writes nothing
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from recorded_answers import Recording, read_recording
from routing_curves import Curve, Panel, draw

from weaksup.distill.linear.out_of_fold import OutOfFold
from weaksup.labels import ABSTAIN
from weaksup.routing import Rules, Terms, route

RESULTS = Path(__file__).resolve().parent / "results" / "routing.json"
SHARES = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2)
SEEDS = (0, 1, 2)
GPT35, GPT4 = "gpt-3.5-turbo-1106", "gpt-4-1106-preview"
SETS: dict[str, dict[str, Any]] = {
    "sms": {"file": "sms_openai", "cheap": "gpt-4o-mini", "premium": "gpt-4.1"},
    "babe_zero_shot": {"file": "babe_annomatic", "cheap": GPT35, "premium": GPT4, "prompt": "zero-shot"},
    "babe_8_shot": {"file": "babe_annomatic", "cheap": GPT35, "premium": GPT4, "prompt": "8-shot"},
    "mmlu": {"file": "mmlu_zellinger", "cheap": "gpt-4o-mini", "premium": "gpt-4o"},
    "mmlu_middle_tier": {
        "file": "mmlu_zellinger",
        "cheap": "gpt-4o-mini",
        "premium": "gpt-4o",
        "signals": ["qwen2.5-72b-instruct"],
    },
}
BARS = "sms >= .9868 at <= .12; recovered: babe zero-shot >= .68, 8-shot >= .62, mmlu >= .32"


def main() -> None:
    """Score one file, or all sets."""
    args = _arguments()
    if args.answers:
        signals = None if args.signals is None else [name for name in args.signals.split(",") if name]
        recording = read_recording(
            args.answers, cheap=args.cheap, premium=args.premium, prompt=args.prompt, signals=signals
        )
        print(json.dumps(run(recording, share=args.share, seed=args.seed), indent=None if args.json else 1))
        return
    found, panels = {}, []
    for name, spec in SETS.items():
        settings = {key: value for key, value in spec.items() if key != "file"}
        recording = read_recording(args.data / "llm" / f"{spec['file']}.parquet", **settings)
        runs = [run(recording, share=0.1, seed=seed) for seed in SEEDS]
        curves = list(compare(recording))
        found[name] = _mean(runs) | {"curves": {curve.name: curve.points for curve in curves}}
        panels.append(Panel(name.replace("_", " "), curves, found[name]["cheap"], found[name]["premium"]))
        shown = {key: found[name][key] for key in ("accuracy", "recovered", "recovered_sd", "cost_fraction")}
        print(name, {key: round(value, 4) for key, value in shown.items()}, flush=True)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    RESULTS.with_suffix(".svg").write_text(draw(panels), encoding="utf-8")
    print("bars:", BARS)


def run(recording: Recording, *, share: float, seed: int = 0) -> dict[str, Any]:
    """Route one recording with the default configuration, and score it."""
    opinion = OutOfFold(recording.texts, classes=len(recording.labels), seed=seed)
    limit = int(share * len(recording.texts) + 1e-9)
    rules = Rules(seed=seed)
    ladder, terms = recording.ladder, Terms({recording.ladder.teacher: limit})
    routed = route(recording.nothing_asked(), ladder, recording.buy, terms=terms, opinion=opinion, rules=rules)
    asked = dict(zip(routed.votes.names, _asked(routed.votes.asked, recording), strict=True))
    cheap, premium = (_accuracy(r.label, recording.gold) for r in (recording.cheap, recording.premium))
    accuracy = _accuracy(routed.belief.label, recording.gold)
    return {
        "accuracy": accuracy,
        "recovered": (accuracy - cheap) / (premium - cheap) if premium != cheap else None,
        "cost_fraction": recording.cost(routed.votes),
        "cheap": cheap,
        "premium": premium,
        "rows": len(recording.texts),
        "escalated": asked.get(ladder.teacher, 0.0),
        "cheap_asked": asked.get(ladder.first, 0.0),
        "signals": list(ladder.signals),
    }


def compare(recording: Recording) -> list[Curve]:
    """Return accuracy against cost of the default, and of what it is measured by."""
    gold, cheap, premium = recording.gold, recording.cheap, recording.premium
    total = premium.cost.sum()
    base, top = cheap.cost.sum() / total, [_accuracy(r.label, gold) for r in (cheap, premium)]
    runs = [run(recording, share=share) for share in SHARES]
    curves = [Curve("default", [(r["cost_fraction"], r["accuracy"]) for r in runs])]
    curves.append(Curve("random", [(base + s, top[0] + s * (top[1] - top[0])) for s in SHARES]))
    if np.isfinite(cheap.confidence).any():
        order = np.argsort(np.nan_to_num(cheap.confidence, nan=0.0), kind="stable")
        points = []
        for share in SHARES:
            rows, label = order[: int(share * len(gold))], cheap.label.copy()
            label[rows] = premium.label[rows]
            points.append((base + premium.cost[rows].sum() / total, _accuracy(label, gold)))
        curves.append(Curve("confidence cascade", points))
    return [*curves, Curve("student only", _students(recording, base))]


def _students(recording: Recording, base: float) -> list[tuple[float, float]]:
    """Score students that learned from the cheap answers to a random share of the rows; they label all rows."""
    cheap, n = recording.cheap.label, len(recording.texts)
    student = OutOfFold(recording.texts, classes=len(recording.labels))
    target = np.eye(len(recording.labels))[np.maximum(cheap, 0)]
    order = np.random.default_rng(0).permutation(n)
    points = []
    for share in (0.2, 0.5, 1.0):
        taught = np.zeros(n)
        taught[order[: int(share * n)]] = 1.0
        said = student(target, taught * (cheap != ABSTAIN)).argmax(axis=1)
        points.append((share * base, _accuracy(said, recording.gold)))
    return points


def _asked(asked: NDArray[np.bool_] | None, recording: Recording) -> list[float]:
    everywhere = 1 + len(recording.ladder.bought_first)
    return [1.0] * everywhere if asked is None else asked.mean(axis=0).tolist()


def _accuracy(label: NDArray[np.int64], gold: NDArray[np.int64]) -> float:
    known = gold != ABSTAIN
    return float((label == gold)[known].mean())


def _mean(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Average the numbers of several seeds; the spread of what was recovered beside them."""
    found = dict(runs[0])
    for key, value in runs[0].items():
        if isinstance(value, float):
            found[key] = float(np.mean([r[key] for r in runs]))
    return found | {"recovered_sd": float(np.std([r["recovered"] for r in runs])), "seeds": len(runs)}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("WEAKSUP_DATA", "../shared/data")))
    parser.add_argument("--answers", type=Path, help="a Parquet file of recorded answers")
    parser.add_argument("--cheap", help="model that is asked first")
    parser.add_argument("--premium", help="model whose answers are taken for the truth")
    parser.add_argument("--prompt", help="prompt_id that both answer")
    parser.add_argument("--signals", help='models whose answers are bought beside the cheap ones; "" for none')
    parser.add_argument("--share", type=float, default=0.1, help="of the rows, at most, for the premium model")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if args.answers and not (args.cheap and args.premium):
        parser.error("--answers needs --cheap and --premium")
    if not 0 <= args.share <= 1:
        parser.error(f"--share: expected 0 to 1, got {args.share}")
    return args


if __name__ == "__main__":
    main()
