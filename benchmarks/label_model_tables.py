"""The sections of docs/benchmarks.md about label models."""
# ruff: noqa: E501  (prose)

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markdown_table import table

__all__ = ["label_models", "laws"]


def label_models(r: dict[str, Any]) -> str:
    """Write the section on real votes."""
    averages = r["averages"]
    wanted = [
        (kind, max(v[kind]["sets"] for v in averages.values() if kind in v)) for kind in ("weak supervision", "crowd")
    ]
    return (
        "## Label models\n`benchmarks/label_models.py`: fitted without labels on the rows and sources that have votes; F1 on sms and basketball, accuracy elsewhere; "
        "ties random over 10 seeds. Seconds are for fit and predict, a set on average; memory is the most that it rose during them, on any set. Intervals are 95 %, over rows "
        "drawn anew within each set. Where a model has no result on a set (it refuses it, fails, or "
        f"takes more than {r['limit_s']:.0f} s), its averages are over the other sets, and say so in the second column.\n\n"
        + "\n".join(_averages(averages, kind, sets) for kind, sets in wanted)
        + "\n"
        + _race(r)
    )


def _averages(averages: dict[str, Any], kind: str, sets: int) -> str:
    """Write one table: the models on one kind of sets."""
    head = [
        f"{kind}, {sets} sets",
        "on",
        "score",
        "95 %",
        "against majority vote",
        "95 %",
        "worst set",
        "Brier",
        "ECE",
        "seconds",
        "MiB",
    ]
    rows = []
    for name, kinds in averages.items():
        if kind not in kinds:
            rows.append([name, 0, *["-"] * (len(head) - 2)])
            continue
        v = kinds[kind]
        gap = v.get("minus majority")
        beside = (
            ["-"] * 3
            if gap is None or name == "majority"
            else [f"{gap['score']:+.3f}", _ends(gap["interval"], "+.3f"), f"{gap['worst']:+.3f} ({gap['worst set']})"]
        )
        about = [f"{v['brier']:.3f}", f"{v['ece']:.3f}", f"{v['seconds']:.3f}", f"{v['peak_mib']:.0f}"]
        rows.append([name, v["sets"], f"{v['score']:.3f}", _ends(v["interval"], ".3f"), *beside, *about])
    return table(head, rows)


def _ends(interval: Sequence[float], form: str) -> str:
    low, high = interval
    return f"{low:{form}} to {high:{form}}"


def _race(r: dict[str, Any]) -> str:
    speed = [[name, f"{v['ratio']:.0f}", f"{v['ratio on one thread']:.0f}"] for name, v in r["speed"].items()]
    name = "100,000 x 20, 50 classes"
    many = [
        f"{who}: " + (v["no result"] if "no result" in v else f"{v['seconds']:.1f} s")
        for who, v in r[name].items()
        if who != "limit_s"
    ]
    head = ["fit + predict", "default: times faster than Snorkel's", "than Snorkel's on one thread"]
    return table(head, speed) + f"\nFit and predict on {name}: {'; '.join(many)}.\n"


def laws(r: dict[str, Any]) -> str:
    """Write the section on simulated votes."""
    skewed, positive, copies, fuzz = (
        r[k]
        for k in ("80 / 20, dense, no balance given", "positive only, balance given", "copy, largest move", "any votes")
    )
    alarm = f"{positive['found without a balance']:.0%} of the seeds"
    rows = [
        [
            "80 / 20 classes, 6 dense functions, no balance given",
            "accuracy of the default",
            f"{skewed['default']:.3f}, lowest {skewed['lowest default']:.3f}",
        ],
        ["", "accuracy of majority vote", f"{skewed['majority']:.3f}"],
        [
            f"positive-only functions, {positive['share of positives']:.1%} positives, balance given",
            "mean probability of positive",
            _share(positive, "mean probability"),
        ],
        ["", "share of rows labeled positive", _share(positive, "share of labels")],
        ["the same, no balance given", "a health finding says so", alarm],
        *[line for name, tier in r["hard tier"].items() for line in _tier(name, tier)],
        *[
            [f"one function twice: {name}", "largest move of a posterior", f"{move:.4f}"]
            for name, move in copies.items()
        ],
        [
            f"{fuzz['matrices']:,} vote matrices of any kind",
            "exceptions and warnings; results that are no distributions",
            f"{fuzz['exceptions']}; {fuzz['not a distribution']}",
        ],
    ]
    return (
        "## What the default label model promises\n`benchmarks/label_model_laws.py`: simulated votes whose truth is known, "
        f"seeds {r['first seed']} to {r['first seed'] + r['seeds'] - 1}; means over them, and the worst.\n\n"
        + table(["votes", "measure", "result"], rows)
    )


def _share(found: dict[str, float], what: str) -> str:
    return f"{found[what]:.1%}, at most {100 * found[f'largest error of {what}']:.1f} points off"


def _tier(name: str, tier: dict[str, float]) -> list[list[str]]:
    """Write what a tier that is asked on the hardest tenth of the rows does."""
    learned = f"{tier['learned']:.3f} ({tier['lowest learned']:.3f} to {tier['highest learned']:.3f}) of {tier['said right']:.3f}"
    return [
        [f"a tier asked on the hardest tenth: {name}", "its learned accuracy (range), of the true one", learned],
        ["", "accuracy on the rows asked, before and after", f"{tier['asked before']:.3f}, {tier['asked after']:.3f}"],
        [
            "",
            "change elsewhere, mean and worst",
            f"{100 * tier['elsewhere']:+.2f}, {100 * tier['worst elsewhere']:+.2f} points",
        ],
    ]
