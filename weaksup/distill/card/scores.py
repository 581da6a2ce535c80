"""The parts of a model card that hold numbers: how good it is, how sure, and where that ends."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from weaksup.distill.card.facts import Facts, Json
from weaksup.distill.card.marks import percent, plain, span, table
from weaksup.distill.card.sets import tell_sets

__all__ = ["tell_limits", "tell_scores", "tell_sureness"]

_SCORED = {
    "gold": "this model",
    "student_on_covered": "this model, where votes are",
    "votes_on_covered": "the votes it learned from",
    "majority_on_covered": "majority vote",
}
_GROUPS = 8  # slices, and sources, that are listed
_FEW = 30  # gold rows of a label that say little
_ANY_TEXT = "It gives one of its labels to any text, also to one about something else; a threshold makes it abstain."
_ANY_SET = (
    "A text about something else may get labels, too, and one without labels may be one that it does not understand; "
    "`--abstain-below` leaves rows open where a label is unsure."
)
_SAME_SOURCE = "The figures hold for texts of the same source and time; measure again elsewhere, and later."
_LONG = "Only the first part of very long texts is read."
_HABITS = (
    "Names, words and habits in the training texts may have become signs of a label: look before it judges people."
)


def tell_scores(facts: Facts, pictures: Collection[str]) -> str:
    """Say how good it is, on gold alone."""
    gold, held_out = facts.gold, facts.held_out
    if held_out is not None:
        right = f"{percent(held_out['accuracy'])} (95 %: {span((held_out['low'], held_out['high']))})"
        return f"## How good it is\n\nRight on {right} of {held_out['judged']:,} rows that it was not trained on."
    if gold is None and facts.sets is not None:
        return tell_sets(facts.sets)
    if gold is None:
        return "## How good it is\n\nNot scored: it was trained without gold (rows with a true label) to score it on."
    scored = [(name, facts.metrics[key]) for key, name in _SCORED.items() if isinstance(facts.metrics.get(key), dict)]
    rows = [
        (name, f"{s['rows']:,}", percent(s["accuracy"]), span(s["accuracy_interval"]), *_f1(s)) for name, s in scored
    ]
    head = ["labels of", "rows", "right", "95 %", f"F1 ({plain(gold['f1_of'])})", "95 %"]
    classes = [_class_row(name, score) for name, score in gold["classes"].items()]
    parts = [
        f"## How good it is\n\nMeasured on {gold['rows']:,} rows with a true label that it was not trained on.",
        table(head, rows),
        table(["label", "gold rows", "found (recall)", "95 %", "right when said (precision)", "95 %", "F1"], classes),
        _picture("labels.svg", "Recall and precision by label", pictures),
        _worth(facts.metrics.get("worth")),
        _beside(facts.metrics.get("tiers")),
        _groups(facts, "slices", "rows where the votes say"),
        _groups(facts, "sources", "rows where this source voted"),
    ]
    return "\n\n".join(part for part in parts if part)


def tell_sureness(facts: Facts, pictures: Collection[str]) -> str:
    """Say what its probabilities mean, and from which on to trust it."""
    parts = [_calibrated(facts.calibration)]
    gold = facts.gold
    if gold is not None:
        gap = f"{100 * gold['ece']:.1f}"
        parts.append(
            f"On the rows above, confidence and share of right answers lie {gap} points apart (ECE); no row was "
            "calibrated by its own label."
        )
    parts.append(_picture("reliability.svg", "Share of right answers against confidence", pictures))
    if facts.thresholds and facts.thresholds.get("wanted"):
        parts += [
            *_thresholds(facts.thresholds),
            _picture("selective.svg", "Accuracy against share answered", pictures),
        ]
    text = "\n\n".join(part for part in parts if part)
    return f"## How sure it is\n\n{text}" if text else ""


def _calibrated(found: Json | None) -> str:
    if not found:
        return ""
    by = "rows with a true label" if found["by"] == "gold" else "rows kept out of training, by what the votes say there"
    return f"Calibrated by {found['rows']:,} {by}: temperature {found['temperature']:.2f}, already in the model file."


def _thresholds(found: Json) -> list[str]:
    rows = []
    for one in found["wanted"]:
        wanted = f"{100 * one['precision']:g}%"
        if one["threshold"] is None:
            rows.append((wanted, "not promised", "-", "-", "-"))
        else:
            kept = (percent(one["share"]), percent(one["accuracy"]), percent(one["at_least"]))
            rows.append((wanted, f"{one['threshold']:.6f}".rstrip("0"), *kept))
    level = f"{100 * found['level']:g} %"
    return [
        f"Answering only from a confidence on (`--precision 0.95`, or `--abstain-below` with the number): on "
        f"{found['rows']:,} rows, and at least so often on new rows of the same source, {level} sure "
        f"({plain(found['bound'])}).",
        table(["wanted", "from", "answered", "right", "at least"], rows),
    ]


def tell_limits(facts: Facts) -> str:
    """Say what it is not good for."""
    gold = facts.gold
    found = [_ANY_SET if facts.multi else _ANY_TEXT]
    if not facts.measured:
        found.append("Nobody has measured it: score it on rows with a true label before it decides anything.")
    else:
        found.append(_SAME_SOURCE)
        classes = {} if gold is None else gold["classes"]
        few = [plain(name) for name, score in classes.items() if score["gold"] < _FEW]
        if few:
            found.append(f"Few gold rows (below {_FEW}), so wide intervals: {', '.join(few)}.")
    fidelity = facts.metrics.get("fidelity")
    if isinstance(fidelity, dict) and "agreement" in fidelity:
        same = f"{percent(fidelity['agreement'])} of {fidelity['rows']:,} rows"
        found.append(f"It says what its labels said on {same}: what was wrong with them, it may have learned.")
    else:
        found.append("It learned from the votes of programs and models: their errors and blind spots are in it.")
    found += [_LONG, _HABITS]
    return "## Limits\n\n" + "\n".join(f"- {line}" for line in found)


def _f1(score: Json) -> tuple[str, str]:
    return f"{score['f1']:.3f}", span(score["f1_interval"], share=False)


def _class_row(name: str, score: Json) -> tuple[str, ...]:
    found = (percent(score["recall"]), span(score["recall_interval"])) if score["gold"] else ("-", "-")
    right = (percent(score["precision"]), span(score["precision_interval"])) if score["predicted"] else ("-", "-")
    f1 = "-" if score["f1"] is None else f"{score['f1']:.3f}"
    return (plain(name), f"{score['gold']:,}", *found, *right, f1)


def _groups(facts: Facts, key: str, title: str) -> str:
    groups: list[Any] = facts.metrics.get(key) or []
    if not groups:
        return ""
    worst = sorted(groups, key=lambda group: (group["interval"][1], group["name"]))[:_GROUPS]
    rows = [(plain(g["name"]), f"{g['rows']:,}", percent(g["accuracy"]), span(g["interval"])) for g in worst]
    more = f" (the worst {_GROUPS} of {len(groups)})" if len(groups) > _GROUPS else ""
    return table([f"{title}{more}", "gold rows", "right", "95 %"], rows)


def _beside(groups: Any) -> str:
    """Put the model beside each that was asked, on the rows with gold that it answered."""
    rows = [
        (plain(g["name"]), f"{g['rows']:,}", percent(g["source_accuracy"]), span(g["source_interval"]),
         percent(g["accuracy"]), span(g["interval"]))
        for g in groups or []
    ]  # fmt: skip
    return table(["asked", "gold rows", "it is right", "95 %", "this model is", "95 %"], rows) if rows else ""


def _worth(found: Json | None) -> str:
    if not found:
        return ""
    by = plain(found["metric"])
    if found["labels"] is not None:
        return f"The votes are worth {found['labels']:,} hand labels, by {by}."
    side = "fewer than" if found["below"] else "more than"
    end = found["curve"][0 if found["below"] else -1][0]
    return f"The votes are worth {side} {end:,} hand labels, by {by}."


def _picture(name: str, says: str, pictures: Collection[str]) -> str:
    return f"![{says}]({name})" if name in pictures else ""
