"""The page of a fit: no input adds a tag, nothing points outside, and the diagram shows what the bins say."""

from __future__ import annotations

import copy
import re
from typing import Any

import numpy as np
import pytest
from faults.xss import PAYLOADS
from html_page import Page
from hypothesis import given, settings
from strategies import judged_probabilities

from weaksup.label_models.calibration_report import calibration_report
from weaksup.report import render_fit_report
from weaksup.report.diagram import reliability_diagram
from weaksup.report.format import visible


def _result(hostile: str = "word", *, gold: bool = True, told: bool = True) -> dict[str, Any]:
    """What `weaksup fit --json` says of two sources, one of them silent; the foreign string stands wherever it can."""
    score = {"accuracy": 0.8, "low": 0.7, "high": 0.9, "brier": 0.25}
    proba = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.55, 0.45]] * 5)
    result: dict[str, Any] = {
        "labels": hostile,
        "model": hostile,
        "rows": 1234,
        "covered": 1000,
        "undecided": 7,
        "mean_confidence": 0.75,
        "differs_from_majority": 12,
        "majority_ties": 3,
        "class_balance": {"HAM": 0.5, hostile: 0.5},
        "counts": {"HAM": {"model": 600, "majority": 580}, hostile: {"model": 393, "majority": 417}},
        "sources": [
            {"name": f"a{hostile}", "votes": 900, "coverage": 0.9, "accuracy": 0.7, "low": 0.6, "high": 0.8},
            {"name": f"b{hostile}", "votes": 0, "coverage": None, "accuracy": None},
            {"name": f"c{hostile}", "votes": 5, "coverage": 0.01, "accuracy": 0.5},
        ],
        "health": [{"name": "collapse", "text": hostile, "advice": hostile, "numbers": {"label": hostile}}],
    }
    if told:
        pair = {"first": f"t{hostile}", "second": f"p{hostile}", "kinds": ["tier", "person"], "rows": 40, "agreed": 30}
        pair |= {"share": 0.75, "low": 0.6, "high": 0.86, "kappa": 0.5, "kappa_low": 0.2, "kappa_high": 0.7}
        pair["splits"] = [{"first": "HAM", "second": hostile, "rows": 7}]
        silent = {**pair, "kappa": None, "kappa_low": None, "kappa_high": None, "splits": []}
        result["agreement"] = {"pairs": [pair], "final": [silent]}
        result["audit"] = {"rows": 20, "right": 19, "unanswered": 1, "accuracy": 0.95, "low": 0.764, "high": 0.991}
    if gold:
        report = calibration_report(proba, [0, 1, 1, 0, 0] * 4, rounds=20)
        result["gold"] = {"rows": 20, "model": score, "majority": score, "calibration": report.to_json()}
        result["sources"][0]["basis"] = "gold"
        result["sources"][1]["basis"] = result["sources"][2]["basis"] = "opinion"
    return result


def _render(result: dict[str, Any], hostile: str = "word") -> str:
    return render_fit_report(result, title=hostile, extra={hostile: hostile})


@pytest.mark.parametrize("payload", PAYLOADS)
def test_hostile_strings_add_no_tag_and_no_attribute(payload: str) -> None:
    page = Page(_render(_result(payload), payload))
    assert page.shape == Page(_render(_result())).shape
    assert visible(payload).replace("⟨", "").replace("⟩", "") in page.text
    assert set(page.values("href")) <= {"data:,", *(f"#{anchor}" for anchor in page.values("id"))}
    assert not page.values("src")
    assert not page.values("style")
    assert not [name for _, found in page.tags for name in found if name.startswith("on")]


def test_the_policy_allows_nothing_but_the_pages_own_style_and_script() -> None:
    text = _render(_result())
    page = Page(text)
    policy = next(found["content"] for tag, found in page.tags if "http-equiv" in found)
    nonce = re.search(r"script-src 'nonce-([^']{20,})'", policy)
    assert nonce is not None
    assert policy.startswith("default-src 'none'; style-src 'nonce-")
    assert [tag for tag, found in page.tags if found.get("nonce") == nonce[1]] == ["style", "script"]
    assert not re.search(r"https?:|url\(|@import|//[a-z]", text)
    again = _render(_result(f"</script><script nonce={nonce[1]}>"))
    assert f"nonce-{nonce[1]}'" not in again


def test_the_same_result_gives_the_same_bytes_and_stays_as_it_was() -> None:
    result = _result()
    before = copy.deepcopy(result)
    assert _render(result) == _render(before)
    assert result == before
    assert _render(result) != _render(_result("other"))


def test_the_page_says_what_the_fit_found() -> None:
    page = Page(_render(_result()))
    for said in (
        "1,234",
        "1,000 with a vote",
        "collapse",
        "75.0%",
        "aword",
        "0.250",
        "60.0% to 80.0%",
        "ECE",
        "sure on",
    ):
        assert said in page.text, said
    assert page.text.count("the model") > 2
    assert [tag for tag, found in page.tags if found.get("class") == "reliability"] == ["svg", "svg"]


def test_without_gold_it_says_what_gold_would_tell_and_draws_nothing() -> None:
    page = Page(_render(_result(gold=False)))
    assert "--gold" in page.text
    assert "the model's own opinion: gold alone measures" in page.text
    assert not [found for _, found in page.tags if found.get("class") == "reliability"]
    assert "#gold" not in page.values("href")
    plain = _result()
    del plain["gold"]["calibration"]
    assert "--gold" in Page(_render(plain)).text


def test_agreement_and_the_audit_are_shown_where_there_are_any() -> None:
    page = Page(_render(_result()))
    for said in (
        "tword",
        "pword",
        "60.0% to 86.0%",
        "0.20 to 0.70",
        "7 rows",
        "95.0% of the labels left alone are right",
    ):
        assert said in page.text, said
    assert "#agreement" in page.values("href")
    assert "#agreement" not in Page(_render(_result(told=False))).values("href")
    waiting = _result(told=False) | {"audit": {"rows": 0, "right": 0, "unanswered": 3, "accuracy": None}}
    assert "no row of the audit yet" in Page(_render(waiting)).text


def test_a_fit_without_rows_or_findings_renders() -> None:
    result = _result(gold=False)
    empty: dict[str, Any] = {"rows": 0, "covered": 0, "mean_confidence": None, "health": [], "sources": []}
    none = {label: {"model": 0, "majority": 0} for label in result["counts"]}
    page = Page(_render(result | empty | {"counts": none}))
    assert "Nothing odd" in page.text


def test_every_table_cell_that_sorts_has_a_key() -> None:
    for text in (_render(_result()), _render(_result(gold=False))):
        for table in re.findall(r'<table class="sortable.*?</table>', text, re.S):
            head, body = table.split("<tbody>")
            assert len(re.findall(r"<t[dh][ >]", body)) == len(re.findall("data-key=", body)) > 0
            assert len(re.findall(r"<t[dh][ >]", body)) % len(re.findall(r"<th[ >]", head)) == 0


@given(judged_probabilities())
@settings(max_examples=30)
def test_the_diagram_lies_within_its_square_and_has_a_mark_for_each_bin_with_rows(
    case: tuple[np.ndarray, np.ndarray],
) -> None:
    gold, proba = case
    report = calibration_report(proba, gold, rounds=5).to_json()
    bins = report["before"]["bins"]
    picture = reliability_diagram(bins, report["after"]["bins"])
    assert [mark.bin for mark in picture.marks] == [b for b in bins if b["rows"]]
    for mark in picture.marks:
        assert 0 <= mark.top <= mark.y <= mark.bottom <= picture.side
        assert -0.01 <= mark.left <= mark.x + 0.76
        assert mark.x - 0.76 <= mark.left + mark.width <= picture.side
        on_diagonal = mark.bin["accuracy"] == pytest.approx(mark.bin["confidence"], abs=1e-3)
        assert (mark.y == pytest.approx(mark.fair, abs=0.3)) == on_diagonal
    assert (picture.across[-1].at, picture.up[-1].at) == (picture.side, 0)
    assert len(picture.across) in {4, 6}


def test_a_better_model_lies_nearer_the_diagonal_and_the_fullest_bin_has_the_tallest_bar() -> None:
    bins = calibration_report([[0.9, 0.1]] * 10 + [[0.7, 0.3]] * 4, [0] * 9 + [1] + [0, 0, 1, 1], rounds=5).to_json()
    few, many = reliability_diagram(bins["before"]["bins"]).marks
    assert (many.height, few.height) == (56, 22.4)
    assert abs(many.y - many.fair) < abs(few.y - few.fair)
    assert many.x > few.x
    assert reliability_diagram([]).marks == ()
