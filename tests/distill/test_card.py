"""A model card says what is known, draws it, and stays text whatever a name holds."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import hypothesis.strategies as st
import numpy as np
import pytest
from distill.scored import score
from distill.toy import make_corpus
from faults.xss import PAYLOADS
from html_page import Page
from hypothesis import given, settings
from markdown_it import MarkdownIt

from weaksup import LabelSpace
from weaksup.distill import Student, load_bundle, save_bundle, train
from weaksup.distill.card.facts import Facts
from weaksup.distill.card.marks import code, plain, shorten, table, xml
from weaksup.distill.card.write import draw_card
from weaksup.distill.judging.sets import evaluate_sets

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
LABELS = {"names": ["a", "b"], "descriptions": ["x", "y"], "guideline": "g", "version": "1"}


@pytest.fixture(scope="module")
def facts(student: Student) -> Facts:
    """What is known of a student that was scored."""
    texts, gold = make_corpus(120, seed=3)
    card = score(student, texts, gold)
    return Facts(
        kind="linear",
        labels=student.labels.to_json(),
        training=student.training,
        version="0.1.0",
        lineage=lineage("lf_one", "ask"),
        metrics=json.loads(json.dumps(card.metrics)),
        calibration=card.calibration,
        thresholds=card.thresholds,
        fields=("sender",),
    )


def lineage(source: str, prompt: str) -> dict[str, Any]:
    asked = {"source": f"{source}/{prompt}", "tier": source, "model": source, "prompt": prompt}
    return {
        "labels": f"/mnt/somebody/{prompt}",
        "labels_sha256": "ab" * 32,
        "corpus": {"files": [f"C:\\secret\\{prompt}"]},
        "labeling_functions": {"module": f"/srv/{prompt}", "sha256": "cd" * 32},
        "made_from": {"model": source, "votes": prompt, "sources": [{"name": source}, {"name": prompt}]},
        "asked": [{**asked, "prompt_sha256": "ef" * 32, "rows": 1200, "answered": 1100}],
        "cost_usd": 1.25,
        "parents": [{"source": source, "seal": "0123456789abcdef" * 4}],
    }


def read(card: dict[str, bytes]) -> str:
    return card["README.md"].decode()


def shape(card: dict[str, bytes]) -> Any:
    """The tags of the page and of the pictures, and the attributes that may ask for something."""
    page = Page(MARKDOWN.render(read(card)))
    kept = [(tag, sorted(a.items()) if tag in {"a", "img"} else sorted(a)) for tag, a in page.tags]
    drawn = {n: Counter(e.tag for e in ET.fromstring(d).iter()) for n, d in card.items() if n.endswith(".svg")}
    return kept, drawn


@given(st.text(max_size=40))
def test_any_text_in_a_cell_is_shown_as_text(text: str) -> None:
    words = "".join(c for c in " ".join(text.split()) if c.isprintable())
    page = Page(MARKDOWN.render(table(["a", "b"], [[plain(text), code(text)]])))
    tags = [tag for tag, _ in page.tags]
    assert tags == ["table", "thead", "tr", "th", "th", "tbody", "tr", "td", "td", "code"]
    shown = "".join(page.text.split())
    assert all(c in shown for c in "".join(words.split()))
    element = ET.fromstring(f"<t a='{xml(text)}'>{xml(text)}</t>")
    assert (element.text or "") == element.get("a")


@pytest.mark.parametrize(
    "attack",
    [
        *PAYLOADS[::7],
        "a|b",
        "`x`",
        "[x](javascript:a)",
        "![x](//evil)",
        "www.evil.example",
        "https://evil.example",
        "| --- |",
        "# x",
        "---",
        "~~x~~",
        "$x$",
        "*x*",
        "_x_",
    ],
)
def test_no_name_becomes_markup(facts: Facts, attack: str) -> None:
    assert shape(draw_card(named(facts, attack))) == shape(draw_card(named(facts, "name")))


def named(facts: Facts, name: str) -> Facts:
    """Put a name wherever somebody else may choose one."""
    classes = dict(zip([f"{name} {i}" for i in range(3)], facts.metrics["gold"]["classes"].values(), strict=True))
    groups = [{"name": name, "rows": 3, "accuracy": 1.0, "interval": [0.4, 1.0]}]
    labels = {"names": list(classes), "descriptions": [name] * 3, "guideline": name, "version": name}
    gold = {**facts.metrics["gold"], "classes": classes, "f1_of": name}
    metrics = {**facts.metrics, "gold": gold, "slices": groups, "sources": groups}
    return replace(facts, labels=labels, metrics=metrics, lineage=lineage(name, name), fields=(name,))


def test_the_same_facts_give_the_same_bytes(facts: Facts) -> None:
    assert draw_card(facts) == draw_card(facts)


def test_it_says_how_good_how_sure_where_from_and_what_not(facts: Facts) -> None:
    card = draw_card(facts)
    text = read(card)
    gold, rows = facts.metrics["gold"], facts.metrics["gold"]["rows"]
    assert f"Measured on {rows:,} rows" in text
    assert f"| this model | {rows} | {100 * gold['accuracy']:.1f}% |" in text
    for wanted in (facts.thresholds or {})["wanted"]:
        assert f"| {100 * wanted['precision']:g}% |" in text
    assert "temperature" in text
    assert "The answers cost $1.2500" in text
    assert "Earlier students voted on its rows: <code>0123456789abcdef</code>" in text
    assert "Beside the text it reads the fields sender" in text
    assert "## Limits" in text
    for name in ("labels.svg", "reliability.svg", "selective.svg"):
        assert f"]({name})" in text
        assert name in card


def test_a_model_of_any_number_of_labels_says_so() -> None:
    gold, proba = (
        np.array([[1, 0], [0, 1], [1, 1], [-1, 0]]),
        np.array([[0.9, 0.2], [0.4, 0.8], [0.7, 0.1], [0.5, 0.1]]),
    )
    scored = json.loads(json.dumps(evaluate_sets(gold, proba, ["a", "b"]).to_json()))
    text = read(draw_card(Facts("linear", {**LABELS, "multi": True}, {}, "1", metrics={"gold": scored})))
    assert "any number of them" in text
    assert "model.predict_sets(" in text
    assert "| rows with all labels right | 66.7% |" in text
    assert "Nobody has measured it" not in text


def test_those_that_were_asked_stand_beside_it(facts: Facts) -> None:
    group = {"name": "big/ask", "rows": 10, "accuracy": 0.8, "interval": [0.5, 0.9]}
    asked = {**group, "source_accuracy": 0.9, "source_interval": [0.6, 1.0]}
    text = read(draw_card(replace(facts, metrics={**facts.metrics, "tiers": [asked]})))
    assert "| big/ask | 10 | 90.0% | 60.0-100.0% | 80.0% | 50.0-90.0% |" in text


def test_folders_of_files_are_left_away(facts: Facts) -> None:
    text = read(draw_card(facts))
    assert not [word for word in ("/mnt", "somebody", "secret", "/srv") if word in text]


def test_without_gold_it_says_that_nobody_measured_it(facts: Facts) -> None:
    card = draw_card(replace(facts, metrics={}, thresholds=None, calibration=None))
    assert list(card) == ["README.md"]
    assert "Not scored" in read(card)
    assert "Nobody has measured it" in read(card)
    card = draw_card(replace(facts, metrics={"held_out": {"accuracy": 0.9, "low": 0.8, "high": 0.95, "judged": 100}}))
    assert "Right on 90.0% (95 %: 80.0-95.0%) of 100 rows" in read(card)
    assert "Nobody has measured it" not in read(card)


def test_a_kind_without_raw_text_in_its_model_is_not_run_by_raw_text(facts: Facts) -> None:
    assert "onnxruntime.InferenceSession" in read(draw_card(facts))
    assert "onnxruntime.InferenceSession" not in read(draw_card(replace(facts, kind="transformer")))


def test_many_labels_are_drawn_the_worst_first(facts: Facts) -> None:
    one = next(iter(facts.metrics["gold"]["classes"].values()))
    classes = {f"label {i:02}": {**one, "f1": 1 - i / 100, "gold": i} for i in range(50)}
    metrics = {**facts.metrics, "gold": {**facts.metrics["gold"], "classes": classes}}
    names = list(classes)
    card = draw_card(replace(facts, labels={**LABELS, "names": names, "descriptions": [""] * 50}, metrics=metrics))
    drawn = card["labels.svg"].decode()
    assert "the 20 worst of 50" in drawn
    assert "label 49" in drawn
    assert "label 10" not in drawn
    assert "and 44 more" in read(card)
    assert "Few gold rows (below 30)" in read(card)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(0, 1) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    training=st.dictionaries(st.sampled_from(["rows", "distinct_texts", "gold_rows"]), JSON), metrics=JSON, more=JSON
)
@settings(max_examples=60, deadline=None)
def test_what_somebody_else_packed_is_passed_over(training: dict[str, Any], metrics: Any, more: Any) -> None:
    keys = ("corpus", "made_from", "labeling_functions", "asked", "parents", "cost_usd")
    told = {"accuracy": metrics, "gold": metrics, "fidelity": metrics, "held_out": None}
    card = draw_card(Facts("linear", LABELS, training, "1", lineage=dict.fromkeys(keys, more), metrics=told))
    assert "Not scored" in read(card)


def test_texts_of_the_corpus_are_in_no_file_of_the_bundle(tmp_path: Path) -> None:
    texts, gold = make_corpus(80)
    secret = [f"{text} zxqj-{i}-secret" for i, text in enumerate(texts)]
    student = train(secret, np.eye(3)[gold], labels=LabelSpace(["a", "b", "c"]), strengths=(10.0,))
    card = score(student, secret, gold)
    folder = save_bundle(student, tmp_path / "s", metrics=card.metrics, thresholds=card.thresholds)
    for path in folder.iterdir():
        assert b"secret" not in path.read_bytes()
    assert "README.md" in load_bundle(folder).manifest["files"]


def test_names_are_cut_and_hidden_characters_shown() -> None:
    assert shorten("a" * 30, 10) == "a" * 9 + "…"
    assert plain("a\u202eb\x00\n c") == "a⟨U+202E⟩b⟨U+0000⟩ c"
