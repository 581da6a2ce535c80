"""Speed of `apply_lfs` against a bare loop over the same functions and against Snorkel's PandasLFApplier.

Run `python benchmarks/apply.py [--rows 50000] [--repeat 3]`. All runners are timed in turn, in one process, and the
medians compared: ratios mean something, seconds only on this machine. Every runner must give the same label matrix.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from snorkel.labeling import LabelingFunction as SnorkelLF
from snorkel.labeling import PandasLFApplier

from weaksup.apply import apply_lfs
from weaksup.labeling_functions import keywords, labeling_function, regex
from weaksup.labels import LabelSpace

HAM, SPAM, ABSTAIN = 0, 1, -1
LABELS = LabelSpace(["HAM", "SPAM"])
RESULT = Path(__file__).parent / "results" / "apply.json"
Function = Callable[[Any], int]

WORDS = """
please call me when you get home i will be late for dinner thanks see you tomorrow love the new board it is great
we need an invoice for march my account is locked again can someone help with this claim your prize now free entry
win cash click here subscribe to our channel urgent offer reply stop text meeting moved to friday ok lol where are
you going what time does it start the file is too large for mail so i put it on the shared drive have a nice day
""".split()  # noqa: SIM905  (a hundred words read better as text)
EXTRAS = ("http://example.com/win", "£1000", "07123456789", "!!!", "WINNER", "?", ":)", "$50", "...", "CALL NOW")

OFFER = re.compile(r"\b(?:win|won|winner|prize|cash|claim)\b", re.IGNORECASE)
MONEY = re.compile(r"[$£]\s?\d+")
PHONE = re.compile(r"\b\d{9,}\b")
LINK = re.compile(r"https?://|www\.")


def make_texts(rows: int, seed: int = 0) -> list[str]:
    """Make short messages of 4 to 40 words, the same for the same seed."""
    rng = random.Random(seed)
    texts = []
    for _ in range(rows):
        words = rng.choices(WORDS, k=rng.randint(4, 40))
        if rng.random() < 0.4:
            words.insert(rng.randint(0, len(words)), rng.choice(EXTRAS))
        texts.append(" ".join(words))
    return texts


def offers(x: Any) -> int:
    return SPAM if OFFER.search(x.text) else ABSTAIN


def names_money(x: Any) -> int:
    return SPAM if MONEY.search(x.text) else ABSTAIN


def has_phone(x: Any) -> int:
    return SPAM if PHONE.search(x.text) else ABSTAIN


def has_link(x: Any) -> int:
    return SPAM if LINK.search(x.text) else ABSTAIN


def asks_to_subscribe(x: Any) -> int:
    text = x.text.lower()
    return SPAM if "subscribe" in text or "click here" in text else ABSTAIN


def is_short(x: Any) -> int:
    return HAM if len(x.text.split()) < 8 else ABSTAIN


def shouts(x: Any) -> int:
    return SPAM if sum(word.isupper() and len(word) > 2 for word in x.text.split()) > 1 else ABSTAIN


def is_excited(x: Any) -> int:
    return SPAM if x.text.count("!") > 2 else ABSTAIN


def is_personal(x: Any) -> int:
    return HAM if {"love", "dinner", "home", "tomorrow"} & set(x.text.lower().split()) else ABSTAIN


def is_work(x: Any) -> int:
    text = x.text.lower()
    return HAM if any(word in text for word in ("meeting", "invoice", "shared drive", "account")) else ABSTAIN


PYTHON: list[Function] = [
    offers,
    names_money,
    has_phone,
    has_link,
    asks_to_subscribe,
    is_short,
    shouts,
    is_excited,
    is_personal,
    is_work,
]

WORD_RULES: dict[str, tuple[int, list[str]]] = {
    "says_prize": (SPAM, ["prize", "winner", "cash", "claim"]),
    "says_free": (SPAM, ["free", "free entry", "no cost"]),
    "says_urgent": (SPAM, ["urgent", "call now", "reply stop"]),
    "says_home": (HAM, ["home", "dinner", "love", "tomorrow"]),
    "says_work": (HAM, ["meeting", "invoice", "account", "shared drive"]),
}
REGEX_RULES: dict[str, tuple[int, str]] = {
    "re_money": (SPAM, r"[$£] ?[0-9]+"),
    "re_phone": (SPAM, r"[0-9]{9,}"),
    "re_link": (SPAM, r"https?://|www\."),
    "re_offer": (SPAM, r"(?i)\b(?:win|won|winner|prize|claim)\b"),
    "re_question": (HAM, r"(?i)^(?:what|where|when|can|does)\b"),
}


def rule(name: str, label: int, pattern: str, flags: int = 0) -> Function:
    """Write a declarative rule the way a Snorkel user does."""
    compiled = re.compile(pattern, flags)

    def function(x: Any) -> int:
        return label if compiled.search(x.text) else ABSTAIN

    function.__name__ = name
    return function


def rules_in_python() -> list[Function]:
    """The declarative rules as Python functions over `re`."""
    words = [
        rule(name, label, r"\b(?:" + "|".join(map(re.escape, listed)) + r")\b", re.IGNORECASE)
        for name, (label, listed) in WORD_RULES.items()
    ]
    return words + [rule(name, label, pattern) for name, (label, pattern) in REGEX_RULES.items()]


def rules_in_columns() -> list[Any]:
    """The same rules as declarative labeling functions."""
    words = [keywords(name, listed, label=label) for name, (label, listed) in WORD_RULES.items()]
    return words + [regex(name, pattern, label=label) for name, (label, pattern) in REGEX_RULES.items()]


def as_snorkel(functions: list[Function]) -> PandasLFApplier:
    return PandasLFApplier([SnorkelLF(name=f.__name__, f=f) for f in functions])


def bare_loop(functions: list[Function], rows: list[Any]) -> list[list[int]]:
    """What no applier can beat by much: call every function on every row."""
    return [[function(row) for function in functions] for row in rows]


def measure(runners: dict[str, Callable[[], Any]], repeat: int) -> dict[str, float]:
    """Time every runner `repeat` times, in turn; return median seconds. Their label matrices must be equal."""
    seconds: dict[str, list[float]] = {name: [] for name in runners}
    for turn in range(repeat):
        matrices = []
        for name, run in runners.items():
            start = time.perf_counter()
            votes = run()
            seconds[name].append(time.perf_counter() - start)
            matrices.append(np.asarray(votes))
        if turn == 0 and not all(np.array_equal(matrices[0], other) for other in matrices[1:]):
            raise SystemExit("the runners disagree: their label matrices differ")
    return {name: statistics.median(times) for name, times in seconds.items()}


def run(rows: int, repeat: int) -> dict[str, Any]:
    """Measure both suites."""
    texts = make_texts(rows)
    frame = pd.DataFrame({"id": [f"m{i}" for i in range(rows)], "text": texts})
    light = [SimpleNamespace(id=i, text=text) for i, text in zip(frame["id"], texts, strict=True)]
    wrapped = [labeling_function(function) for function in PYTHON]
    columns, in_python = rules_in_columns(), rules_in_python()
    python = measure(
        {
            "bare": lambda: bare_loop(PYTHON, light),
            "weaksup": lambda: apply_lfs(wrapped, frame, labels=LABELS),
            "weaksup, 2 workers": lambda: apply_lfs(wrapped, frame, labels=LABELS, workers=2),
            "snorkel": lambda: as_snorkel(PYTHON).apply(frame, progress_bar=False),
        },
        repeat,
    )
    declarative = measure(
        {
            "weaksup": lambda: apply_lfs(columns, frame, labels=LABELS),
            "snorkel": lambda: as_snorkel(in_python).apply(frame, progress_bar=False),
        },
        repeat,
    )
    return {
        "rows": rows,
        "repeat": repeat,
        "python": {**python, "times_bare": python["weaksup"] / python["bare"], **_gain(python)},
        "declarative": {**declarative, **_gain(declarative)},
        "bars": {"python.times_bare": 1.3, "python.gain_over_snorkel": 5, "declarative.gain_over_snorkel": 20},
    }


def _gain(seconds: dict[str, float]) -> dict[str, float]:
    return {"gain_over_snorkel": seconds["snorkel"] / seconds["weaksup"]}


def show(result: dict[str, Any]) -> None:
    """Print a small table."""
    print(f"{result['rows']:,} rows, 10 labeling functions, medians of {result['repeat']}")
    for suite in ("python", "declarative"):
        for name, value in result[suite].items():
            unit = "x" if "gain" in name or "times" in name else "s"
            print(f"  {suite:12} {name:20} {value:8.2f} {unit}")


def main() -> None:
    """Run and write results/apply.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--repeat", type=int, default=3)
    asked = parser.parse_args()
    result = run(asked.rows, asked.repeat)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    show(result)


if __name__ == "__main__":
    main()
