"""How `weaksup distill` shows a student on a terminal."""

from __future__ import annotations

from typing import Any

from weaksup.cli import render

__all__ = ["tell", "tell_sets", "tell_worth"]

Json = dict[str, Any]
_SHOWN = 12  # slices and sources
_FEW = 50  # rows with gold
_ROWS = {
    "gold": "student",
    "student_on_covered": "student, where votes cover",
    "votes_on_covered": "the votes, where they cover",
    "majority_on_covered": "majority vote, where it covers",
}


def tell(result: Json) -> None:
    """Show what was trained, and how good it is."""
    _trained(result)
    if "gold" in result:
        _scores(result)
        _calibration(result)
        _thresholds(result["thresholds"])
        _tiers(result.get("tiers", []))
        for name in ("slices", "sources"):
            _groups(name, result.get(name, []))
    else:
        render.line("not scored: --gold COLUMN scores it on rows with true labels")
    if "worth" in result:
        tell_worth(result["worth"])
    if "suspects" in result:
        render.line()
        render.line(f"{render.counted(result['suspects'], 'label')} in doubt -> {result['suspects_file']}")


def tell_sets(result: Json) -> None:
    """Show a classifier of any number of labels."""
    _trained(result)
    if "gold" not in result:
        render.line("not scored: --gold COLUMN scores it on rows with true labels")
        return
    lines = []
    for name, key in (("student", "gold"), ("the votes' labels", "votes")):
        score = result[key]
        low, high = score["micro_f1_interval"]
        lines.append(
            (name, score["rows"], score["micro_f1"], f"{low:.3f}-{high:.3f}", score["macro_f1"], score["exact"])
        )
    columns = ["labels of", "rows", "micro F1", "95%", "macro F1", "all labels right"]
    render.table("On rows kept from training", columns, lines)
    told = result["training"]["labels"]
    never = [
        name for name, score in result["gold"]["labels"].items() if score and score["gold"] and not score["predicted"]
    ]
    if never:
        why = "the labels it learned from hardly say it is there: look at their shares and sources (weaksup fit)"
        render.line(f"it never gives {', '.join(never)}: {why}")
    each = []
    for name, score in result["gold"]["labels"].items():
        shown = score or dict.fromkeys(("gold", "precision", "recall", "f1"))
        votes = (result["votes"]["labels"][name] or {}).get("f1")
        each.append((name, told[name]["rows"], *(shown[what] for what in ("gold", "precision", "recall", "f1")), votes))
    render.table(
        "Student by label", ["label", "learned from", "gold", "precision", "recall", "F1", "F1 of votes"], each
    )


def _trained(result: Json) -> None:
    training = result["training"]
    gold = f", {training['gold_rows']:,} with gold" if training["gold_rows"] else ""
    rows = f"{training['rows']:,} rows ({training['distinct_texts']:,} distinct texts{gold})"
    model = training.get("encoder", training.get("model", ""))
    read = f"{training['ngrams']:,} n-grams" if "ngrams" in training else f"the model {model}"
    render.line(f"trained on {rows}, {read} -> {result['student']} ({_size(result['bytes'])})")


def _scores(result: Json) -> None:
    scored = [(name, result[key]) for key, name in _ROWS.items() if key in result]
    lines = [(name, s["rows"], *_shown(s, "accuracy"), *_shown(s, "f1")) for name, s in scored]
    f1 = f"F1 ({result['gold']['f1_of']})"
    render.table("On rows kept from training", ["labels of", "rows", "accuracy", "95%", f1, "95%"], lines)
    if result.get("labels_learned_from_gold"):
        render.line("the labels learned from gold themselves, so they are not scored, and the student may look better")
    classes = [(name, c["gold"], c["precision"], c["recall"], c["f1"]) for name, c in result["gold"]["classes"].items()]
    render.table("Student by label", ["label", "gold", "precision", "recall", "F1"], classes)


def _calibration(result: Json) -> None:
    render.line()
    found = result["calibration"]
    if found["rows"] < _FEW:
        render.line(f"only {found['rows']:,} rows with gold: all figures are rough; some hundred make them firm")
    ece = f"{found['ece_before']:.3f} -> {found['ece_after']:.3f}"
    render.line(f"calibrated by {found['rows']:,} gold rows: temperature {found['temperature']:.2f}, ECE {ece}")
    fidelity = result.get("fidelity")
    if fidelity:
        low, high = fidelity["interval"]
        same = f"{render.percent(fidelity['agreement'])} ({low:.3f}-{high:.3f})"
        render.line(f"says what the votes say on {same} of {fidelity['rows']:,} covered rows")


def _thresholds(found: Json) -> None:
    lines = []
    for wanted in found["wanted"]:
        if wanted["threshold"] is None:
            lines.append((render.percent(wanted["precision"], 0), None, None, None, None))
        else:
            values = (wanted["threshold"], wanted["share"], wanted["accuracy"], wanted["at_least"])
            lines.append((render.percent(wanted["precision"], 0), *values))
    columns = ["wanted", "threshold", "answered", "accuracy", "at least"]
    render.table(f"Answer only where it is sure ({found['bound']}, {found['level']:.0%})", columns, lines)
    if any(wanted["threshold"] is None for wanted in found["wanted"]):
        render.line(f"-: not promised by {found['rows']:,} gold rows, or not reached; more gold rows may")


def _groups(name: str, groups: list[Json]) -> None:
    if not groups:
        return
    # One wrong row of one says little: first what is bad for sure.
    worst = sorted(groups, key=lambda group: group["interval"][1])[:_SHOWN]
    own = "source_accuracy" in worst[0]
    lines = [
        (
            g["name"],
            g["rows"],
            *_shown(g, "accuracy", "interval"),
            g["confidence"],
            *([g["source_accuracy"]] if own else []),
        )
        for g in worst
    ]
    title = f"Student by {name[:-1]}" + (f" (the worst {_SHOWN} of {len(groups)})" if len(groups) > _SHOWN else "")
    more = ["source's own"] if own else []
    render.table(title, [name[:-1], "gold", "accuracy", "95%", "confidence", *more], lines)


def _tiers(tiers: list[Json]) -> None:
    if not tiers:
        return
    lines = [(t["name"], t["rows"], *_shown(t, "source_accuracy", "source_interval"), t["accuracy"]) for t in tiers]
    render.table("Beside those who were asked", ["asked", "gold", "its accuracy", "95%", "student's"], lines)


def tell_worth(worth: Json) -> None:
    """Say what the votes are worth in hand labels."""
    first, last = worth["curve"][0][0], worth["curve"][-1][0]
    low, high = worth["interval"]
    render.line()
    if worth["labels"] is not None:
        between = f"95%: {first if low is None else low:,} to {f'more than {last:,}' if high is None else f'{high:,}'}"
        render.line(f"your votes are worth {worth['labels']:,} hand labels ({between}), by {worth['metric']}")
    elif worth["below"]:
        render.line(f"your votes are worth fewer than {first:,} hand labels, by {worth['metric']}")
    else:
        render.line(
            f"your votes are worth more than {last:,} hand labels, all that could be tried, by {worth['metric']}"
        )
    render.table("Students on hand labels alone", ["hand labels", worth["metric"]], worth["curve"])


def _shown(score: Json, name: str, interval: str | None = None) -> tuple[float, str]:
    low, high = score[interval or f"{name}_interval"]
    return score[name], f"{low:.3f}-{high:.3f}"


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.0f} kB"
