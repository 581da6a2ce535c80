"""The tables of what asks for money: routing, planning, asking."""

from __future__ import annotations

from typing import Any

from markdown_table import table

__all__ = ["asking", "plan", "routing"]


def routing(r: dict[str, Any]) -> str:
    """Say what routing wins back, and at which cost."""
    rows = [
        [
            name.replace("_", " "),
            f"{v['cheap']:.4f}",
            f"{v['premium']:.4f}",
            f"{v['accuracy']:.4f}",
            f"{v['recovered']:.3f} ± {v['recovered_sd']:.3f}",
            f"{v['escalated']:.1%}",
            f"{v['cheap_asked']:.0%}",
            f"{v['cost_fraction']:.1%}",
        ]
        for name, v in r.items()
    ]
    head = [
        "set",
        "cheap",
        "premium",
        "routed",
        "of the distance won back",
        "premium asked",
        "cheap asked",
        "of premium's cost",
    ]
    return (
        "## Routing between recorded models\n`benchmarks/routing.py`: one default configuration, no gold, every answer charged, at most 10 % of the rows escalated, "
        "mean of three seeds (± their standard deviation). Accuracy of the labels in the end on all rows; a null answer is wrong. Where a cheap answer is free or "
        "costs a tenth of premium's at most, other prompts and models are bought as signals; `mmlu middle tier` buys qwen2.5-72b instead. About 45 configurations "
        "were compared with these sets in sight.\n\n"
        + table(head, rows)
        + "\n![Accuracy against cost](../benchmarks/results/routing.svg)\n"
    )


def plan(r: dict[str, Any]) -> str:
    """Say how far plans are from what was charged."""
    rows = [
        [name, v["configurations"], f"{v['likely_off_mean']:.1%}", f"{v['within_10_percent']:.1%}", v["above_high"]]
        for name, v in r["random"].items()
    ]
    faults = r["random_with_faults"]
    rows.append(["with faults", faults["configurations"], "", "", faults["above_high"]])
    recorded = [
        [
            f"{one['set']}, {one['model']}",
            one["tokens_are"],
            f"{one['likely_off']:+.1%}",
            "yes" if one["above_high"] else "no",
        ]
        for one in r["recorded"]
    ]
    return (
        "## Plans against bills\n`benchmarks/plan.py`: random corpora, prices, labels and limits against a server that bills what it counts; the rows of the plan "
        "are asked. *Off* is the distance of the likely cost from the bill.\n\n"
        + table(["configurations", "number", "off on average", "within 10 %", "above high"], rows)
        + "\nRecorded answers, billed by their recorded tokens:\n\n"
        + table(["answers", "tokens were", "likely cost off", "above high"], recorded)
    )


def asking(r: dict[str, Any]) -> str:
    """Say how close asking comes to what the server can do."""
    rows = [
        ["16 connections, 50 ms", f"{r['ideal_per_second']:.0f}"],
        ["a bare client", f"{r['bare_per_second']:.0f}"],
        ["weaksup, every answer on disk", f"{r['kept_per_second']:.0f} ({r['kept_to_ideal']:.0%} of the ideal)"],
    ]
    return (
        f"## Asking a local server\n`benchmarks/asking.py`: {r['rows']:,} rows, median of {r['rounds']} rounds, bare client and weaksup in turn. "
        f"10,000 rows whose answers are stored take {r['cached_seconds']:.2f} s.\n\n"
        + table(["", "answers a second"], rows)
    )
