"""What plans say that asking will cost, against what it costs: by recorded answers and by a fault server's log.

python benchmarks/plan.py [--configs 200]       writes benchmarks/results/plan.json

Recorded: tokens as providers counted them (shared answers of three sets); the plan sees texts alone, and 50 answers
that were asked before. (Without these it can only be wrong: which words were sent with the texts is not recorded.)
Random: corpora in six scripts, 2 to 8 labels, one or two tiers, some answers stored before, some without; the rows of
the plan are asked, and the server's log says what that costs. Where a second tier depends on what the first one says,
rows climb by Bayes' rule, as the plan expects them to. Without faults the likely cost is compared, with faults the
highest. Campaigns judge every row again in rounds, and learn: there the plan's arithmetic is only a model.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from plan_campaign import ask_campaign, draw_voted_case
from plan_cases import Case, Config, draw_case, draw_config
from plan_recorded import compare_recorded

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from faults.fakeprov import FakeProvider, fake_provider

from weaksup.llm import Retries, Tier, ask, make_tier
from weaksup.pipeline.plan.making import make_plan
from weaksup.routing.plan import Plan
from weaksup.store import Store

RESULTS = Path(__file__).resolve().parent / "results" / "plan.json"
FAULTS = ("hangup", "reset", "500", "429:0", "truncated", "empty", "html", "503")
STOP_AT = 0.1

Asker = Callable[[Case, Plan, Sequence[Tier], Store], None]
"""Asks what a plan says; what it spends is read off the servers' logs."""


def ask_fixed(case: Case, plan: Plan, tiers: Sequence[Tier], store: Store) -> None:
    """Ask tier by tier the rows of the plan, each while its label is in doubt by Bayes' rule."""
    right = {name: 1 - float(p.max()) for name, p in zip(case.soft.ids, case.soft.proba, strict=True)}
    odds = {name: float(np.log((1 - min(d, 0.5)) / max(min(d, 0.5), 1e-12))) for name, d in right.items()}
    top = dict(zip(case.soft.ids, case.soft.proba.argmax(axis=1).tolist(), strict=True))
    rows = {row["id"]: row for row in case.rows}
    for planned, tier in zip(plan.tiers, tiers, strict=True):
        wanted = [
            name for name in plan.chosen[planned.source] if abs(odds[name]) < np.log((1 - STOP_AT) / STOP_AT) - 1e-9
        ][: planned.limit]
        asked = _buy([rows[name] for name in wanted], case, tier, store, run="ask")
        step = np.log(planned.accuracy / (1 - planned.accuracy))
        for name, code in asked.items():
            odds[name] += step if code == top[name] else -step


def _buy(rows: list[dict[str, str]], case: Case, tier: Tier, store: Store, *, run: str) -> Mapping[str, int]:
    patient = Retries(first_wait=0.001, longest_backoff=0.002, in_a_row=10**6)
    return ask(rows, case.prompt, tier, store, run=run, budget_usd=1000, retries=patient).votes


def play(number: int, *, faults: bool, asker: Asker, make: Callable[[Config], Case] = draw_case) -> dict[str, Any]:
    """Plan and ask one random configuration; dollars are micro-dollars."""
    case = make(draw_config(number, faults=faults))
    config = case.config
    draw = np.random.default_rng([number, 13])
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        servers = [
            stack.enter_context(
                fake_provider(price=config.prices[t], label=lambda body, t=t: case.answer(body, tier=t))
            )
            for t in range(config.tiers)
        ]
        tiers = [_tier(case, t, server) for t, server in enumerate(servers)]
        store = stack.enter_context(Store(Path(folder) / "store.db"))
        before = draw.choice(config.rows, min(config.stored, config.rows), replace=False).tolist()
        for tier in tiers:
            _buy([case.rows[i] for i in sorted(before)], case, tier, store, run="before")
        if faults:
            for t, server in enumerate(servers):
                server.faults = _storm(config.faults, seed=[number, t])
        plan = make_plan(
            case.votes,
            case.soft,
            case.rows,
            case.prompt,
            tiers=tiers,
            store=store,
            accuracy=dict(zip([tier.name for tier in tiers], config.accuracy, strict=True)),
            stop_at=STOP_AT,
        )
        spent = sum(server.billed for server in servers)
        asker(case, plan, tiers, store)
        billed = sum(server.billed for server in servers) - spent
        charged = store.account("ask").spent
    return {
        "config": number,
        "tiers": config.tiers,
        "stored": config.stored,
        "low": plan.cost.low,
        "likely": plan.cost.likely,
        "high": plan.cost.high,
        "billed": billed,
        "charged": charged,
    }


def _tier(case: Case, t: int, server: FakeProvider) -> Tier:
    read, write = case.config.prices[t]
    return make_tier(
        {
            "name": f"tier{t}",
            "provider": "openai",
            "model": f"model-{t}",
            "base_url": server.base_url,
            "price": {"input": read, "output": write},
            "max_tokens": case.config.max_tokens,
            "share": case.config.share,
            "timeout": 10,
        }
    )


def _storm(rate: float, *, seed: list[int]) -> Callable[[int], str]:
    def fault(number: int) -> str:
        draw = np.random.default_rng([*seed, number])
        return str(draw.choice(FAULTS)) if draw.random() < rate else "ok"

    return fault


def summarise(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Say how far the likely cost was off, and whether anything was above high or below low."""
    asked = [one for one in found if one["likely"] > 0]
    off = np.array([one["charged"] / one["likely"] - 1 for one in asked])
    total = sum(one["charged"] for one in asked) / max(1e-9, sum(one["likely"] for one in asked)) - 1
    return {
        "configurations": len(found),
        "that_ask": len(asked),
        "likely_off_mean": float(np.abs(off).mean()) if len(off) else None,
        "likely_off_p95": float(np.quantile(np.abs(off), 0.95)) if len(off) else None,
        "likely_off_worst": float(np.abs(off).max()) if len(off) else None,
        "within_10_percent": float((np.abs(off) <= 0.1).mean()) if len(off) else None,
        "all_together_off": float(total),
        "above_high": sum(max(one["charged"], one["billed"]) > one["high"] for one in found),
        "below_low": sum(one["charged"] < one["low"] for one in found),
        "high_to_charged_median": float(np.median([one["high"] / max(1, one["charged"]) for one in asked])),
    }


def main() -> None:
    """Compare, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--configs", type=int, default=200)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("WEAKSUP_DATA", "../shared/data")))
    args = parser.parse_args()
    calm = [play(number, faults=False, asker=ask_fixed) for number in range(args.configs)]
    rough = [play(number, faults=True, asker=ask_fixed) for number in range(args.configs // 4)]
    two = [number for number in range(args.configs) if draw_config(number, faults=False).tiers == 2]
    adaptive = [play(number, faults=False, asker=ask_campaign, make=draw_voted_case) for number in two]
    groups = {
        "all": calm,
        "one tier, answers stored": [one for one in calm if one["tiers"] == 1 and one["stored"]],
        "one tier, none stored": [one for one in calm if one["tiers"] == 1 and not one["stored"]],
        "two tiers, answers stored": [one for one in calm if one["tiers"] == 2 and one["stored"]],
        "two tiers, none stored": [one for one in calm if one["tiers"] == 2 and not one["stored"]],
    }
    found = {
        "random": {name: summarise(group) for name, group in groups.items() if group},
        "random_with_faults": summarise(rough),
        "campaigns_of_two_tiers": summarise(adaptive),
        "recorded": compare_recorded(args.data / "llm"),
    }
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
