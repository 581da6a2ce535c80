"""A fit on a terminal."""

from __future__ import annotations

from typing import Any

from weaksup.cli import render

__all__ = ["tell", "tell_findings"]

_SOURCES = 40


def tell(result: dict[str, Any]) -> None:
    """Write a summary (`summarize`) to stdout."""
    render.line(
        f"{result['rows']:,} rows, {result['covered']:,} with a vote, "
        + (f"{result['known']:,} learned as gold, " if result["known"] else "")
        + f"{result['undecided']:,} undecided -> {result['labels']}"
    )
    sure = result["mean_confidence"]
    if sure is not None:
        render.line(
            f'model "{result["model"]}": mean confidence {sure:.3f}; '
            f"{result['differs_from_majority']:,} labels differ from majority vote, "
            f"which ties on {result['majority_ties']:,} rows"
        )
    _sources(result["sources"])
    balance = result["class_balance"]
    counts = [(name, c["model"], c["majority"], render.percent(balance[name])) for name, c in result["counts"].items()]
    render.table("Labels", ["label", "rows (model)", "rows (majority vote)", "class balance used"], counts)
    if "gold" in result:
        _gold(result["gold"], result["model"])
    tell_findings(result["health"])


def tell_findings(findings: list[dict[str, Any]]) -> None:
    """Write health findings to stdout, each with what to do."""
    for finding in findings:
        render.line(f"\n{finding['name']}: {finding['text']}")
        render.line(f"  {finding['advice']}")


def _sources(sources: list[dict[str, Any]]) -> None:
    measured = any(source["basis"] == "gold" for source in sources)
    shown = sorted(sources, key=lambda source: -source["votes"])[:_SOURCES]
    rows = []
    for source in [source for source in sources if source in shown]:
        interval = "-" if source["low"] is None else f"{source['low']:.3f}-{source['high']:.3f}"
        row = [source["name"], source["votes"], render.percent(source["coverage"]), source["accuracy"], interval]
        rows.append([*row, "gold" if source["basis"] == "gold" else "model's opinion"] if measured else row)
    columns = ["source", "votes", "coverage", "accuracy" if measured else "accuracy (model's opinion)", "95%"]
    title = "Sources" if len(shown) == len(sources) else f"Sources, the {_SOURCES} with most votes of {len(sources):,}"
    render.table(title, [*columns, "by"] if measured else columns, rows)


def _gold(gold: dict[str, Any], model: str) -> None:
    rows = [
        (name, gold[key]["accuracy"], f"{gold[key]['low']:.3f}-{gold[key]['high']:.3f}", gold[key]["brier"])
        for name, key in ((model, "model"), ("majority vote", "majority"))
    ]
    render.table(f"On {gold['rows']:,} covered rows with gold", ["labels of", "accuracy", "95%", "Brier"], rows)
    found = gold["calibration"]
    method = found["method"] + (f" {found['temperature']:.2f}" if found["method"] == "temperature" else "")
    after = f"calibrated ({method})" if gold["calibrated"] else f"would be, with --calibrate ({method})"
    scores = [
        (name, *(found[when][score]["value"] for score in ("brier", "nll", "ece")))
        for name, when in (("as the model gives them", "before"), (after, "after"))
    ]
    render.table("Probabilities; less is better", ["probabilities", "Brier", "NLL", "ECE"], scores)
