"""The tables of students: how good, how fast, how they are served."""

from __future__ import annotations

from typing import Any

from markdown_table import table

__all__ = ["next_corpus", "serving", "student_kinds", "student_speed", "students"]


def students(r: dict[str, Any]) -> str:
    """Show the scores of students, and how far their probabilities can be believed."""
    sets = [name for name in next(iter(r["scores"].values())) if name != "average"]

    def cell(v: dict[str, float]) -> str:
        return f"{v['score']:.3f} ({v['low']:.3f}-{v['high']:.3f})" if "low" in v else f"{v['score']:.3f}"

    rows = [[name, *(cell(scores[one]) for one in [*sets, "average"])] for name, scores in r["scores"].items()]
    return (
        "## Students\n`benchmarks/students.py`: trained on labeling functions' votes for the covered train rows (through the default label model, or majority vote), "
        "or on the gold of all train rows; the test split scored once, with 95 % intervals (F1 on sms, accuracy elsewhere). `sklearn_*`: TfidfVectorizer and "
        "LogisticRegression as they come, on the same labels made hard.\n\n"
        + table(["trained on", *sets, "average"], rows)
        + "\nExpected calibration error of the default student on the test split: as trained, at the temperature that its held-out votes suggest, and at that of the "
        "gold of the valid split.\n\n"
        + table(["set", "as trained", "by votes", "by gold", "gold rows"], _calibration(r["calibration"]))
    )


def _calibration(r: dict[str, Any]) -> list[list[str]]:
    names = ("as_trained", "by_votes", "by_gold")
    return [[name, *(f"{v[kind]:.3f}" for kind in names), f"{v['gold_rows']:,}"] for name, v in r.items()]


def student_speed(r: dict[str, Any]) -> str:
    """Compare training and predicting with scikit-learn's usual pipeline."""
    seconds, speed = r["train_seconds"], r["predict_texts_a_second"]
    training, predicting = r["times_as_fast_in_training"], r["times_as_fast_in_predicting"]
    rows = [
        ["training, seconds", f"{seconds['weaksup']:.2f}", f"{seconds['sklearn']:.2f}", f"{training:.2f}"],
        ["predicting, texts a second", f"{speed['weaksup']:,.0f}", f"{speed['sklearn']:,.0f}", f"{predicting:.2f}"],
    ]
    return (
        f"## Speed of students\n`benchmarks/student_speed.py`: {r['rows']:,} texts of {r['mean_characters']:.0f} characters, {r['cores']} cores, both in one process "
        "in turn, medians; TfidfVectorizer and LogisticRegression as they come (words alone) beside words, pairs of words and groups of characters, with the choice "
        f"of regularisation included. Packing and loading the bundle takes {r['pack_and_load_seconds']:.2f} s more.\n\n"
        + table(["", "weaksup", "scikit-learn", "times as fast"], rows)
    )


def serving(r: dict[str, Any]) -> str:
    """Show requests a second by connections, and what a bundle weighs."""
    rows = [
        [
            str(v["connections"]),
            str(v["texts"]),
            f"{v['requests_per_second']:,.0f}",
            f"{v['texts_per_second']:,.0f}",
            f"{1000 * v['p50_seconds']:.0f}",
            f"{1000 * v['p99_seconds']:.0f}",
        ]
        for v in r["load"]
    ]
    sizes = "; ".join(
        f"{v['texts']:,} texts: {v['bytes'] / 1e6:.1f} MB, loaded in {v['load_seconds']:.2f} s"
        for v in r["bundles"].values()
    )
    slow = r["with_200_slow_clients"]
    return (
        f"## Serving\n`benchmarks/serving.py`: real HTTP connections on loopback, client and server on {r['cores']} cores. Bundles ({sizes}, beside the import of "
        f"onnxruntime). {r['different_labels']['different']} of {r['different_labels']['texts']:,} texts get another label by command line, Python, HTTP, or in batches "
        f"of 1, 7 or 64. Beside 200 clients that send nothing more, the slowest hundredth takes {slow['p99_ratio']:.1f} times as long.\n\n"
        + table(["connections", "texts a request", "requests/s", "texts/s", "median ms", "99 % ms"], rows)
    )


def next_corpus(r: dict[str, Any]) -> str:
    """Say what it costs to reach an accuracy with and without the student of another corpus."""
    names = {"without_functions": "none", "with_functions": "the gallery's"}
    rows = [
        [
            functions,
            f"{v['accuracy']:.1%}",
            *("not reached" if v[start] is None else f"${v[start]:.4f}" for start in ("cold_usd", "warm_usd")),
            "" if v["saving"] is None else f"{v['saving']:.0%}",
        ]
        for name, functions in names.items()
        for v in r[name]["same_quality"]
    ]
    return (
        f"## The next corpus\n`benchmarks/next_corpus.py`: a student of YouTube comments is tier 0 for {r['rows']:,} text messages of the train split "
        f"(by itself it has {r['student_alone']['accuracy']:.1%} of them right), beside recorded gpt-4o-mini and gpt-4.1. The least spend that gets so many labels right, "
        f"linear between eight limits, means over {r['seeds']} seeds. How the student is heeded was chosen with the gold of these rows in sight.\n\n"
        + table(["labeling functions", "right", "cold", "with the student", "saved"], rows)
    )


def student_kinds(r: dict[str, Any]) -> str:
    """Put the kinds of students side by side."""
    sets = list(next(iter(r.values())))
    rows = []
    for kind, scores in r.items():
        shown = [f"{scores[one]['score']:.3f} ({scores[one]['low']:.3f}-{scores[one]['high']:.3f})" for one in sets]
        rows.append([kind, *shown, f"{max(scores[one]['bytes'] for one in sets) / 1e6:.1f} MB"])
    return (
        "## Kinds of students\n`benchmarks/student_kinds.py`: labels of the default label model, the *valid* splits, on which settings of `embedbag` were compared; accuracy, F1 on sms. "
        "`embedding`: on all-MiniLM-L6-v2. The largest bundle.\n\n" + table(["kind", *sets, "bundle"], rows)
    )
