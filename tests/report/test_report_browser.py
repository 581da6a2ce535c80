"""The report in a real browser: it asks for nothing, runs nothing foreign, and works with and without scripts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from faults.xss import PAYLOADS

from weaksup.analysis import Analysis, analyze
from weaksup.label_models.calibration_report import calibration_report
from weaksup.labels import LabelSpace
from weaksup.report import render_fit_report, render_report
from weaksup.votes import VoteMatrix

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium")
NEEDED = bool(os.environ.get("WEAKSUP_REQUIRE_ALL"))

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None and not NEEDED, reason="needs Chromium: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    assert CHROMIUM is not None, "WEAKSUP_REQUIRE_ALL is set, but there is no Chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Seen:
    """What happened on a page."""

    page: Page
    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)


def _open(browser: Browser, html: str, path: Path, *, scripts: bool = True, width: int = 900) -> Seen:
    path.write_text(html, encoding="utf-8")
    page = browser.new_page(java_script_enabled=scripts, viewport={"width": width, "height": 800})
    seen = Seen(page)
    page.on("request", lambda request: seen.requests.append(request.url))
    page.on("dialog", lambda dialog: seen.dialogs.append(dialog.message))
    page.on("console", lambda message: seen.console.append(message.text))
    page.on("pageerror", lambda error: seen.console.append(str(error)))
    page.goto(path.as_uri())
    return seen


def _analysis(texts: list[str]) -> Analysis:
    """One source a text, named by it; the text is also a row's id and its text."""
    m = len(texts)
    rng = np.random.default_rng(0)
    values = np.where(rng.random((m, m)) < 0.1, rng.integers(0, 2, (m, m)), -1)
    values[0], values[0, 0], values[0, 1] = -1, 0, 1
    names = [f"{n} {text}" for n, text in enumerate(texts)]
    votes = VoteMatrix.from_array(values, labels=LabelSpace(["HAM", "SPAM"]), sources=names, ids=names)
    return analyze(votes, gold=rng.integers(0, 2, m), texts=lambda ids: {i: i for i in ids}, examples=3)


_ELEMENTS = "[...document.querySelectorAll('*')].map((e) => [e.tagName, ...e.getAttributeNames().sort()].join(' '))"


def test_hostile_text_runs_nothing_and_asks_for_nothing(browser: Browser, tmp_path: Path) -> None:
    pages = []
    for name, texts in (("hostile", PAYLOADS), ("plain", ["word"] * len(PAYLOADS))):
        html = render_report(_analysis(texts), title=texts[0], extra={"Corpus": texts[1]})
        seen = _open(browser, html, tmp_path / f"{name}.html")
        seen.page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
        seen.page.wait_for_timeout(200)
        assert seen.requests == [(tmp_path / f"{name}.html").as_uri()]
        assert seen.dialogs == []
        assert seen.console == []
        assert seen.page.evaluate("document.querySelectorAll('script').length") == 1
        pages.append(set(seen.page.evaluate(_ELEMENTS)))
        seen.page.close()
    assert pages[0] - pages[1] <= {"SPAN class"}  # the mark around an invisible character


def test_a_click_on_a_header_sorts_and_says_so(browser: Browser, tmp_path: Path) -> None:
    seen = _open(browser, render_report(_analysis(["b", "a", "c", "d"] * 3), title="t"), tmp_path / "r.html")
    head = seen.page.locator("#sources th", has_text="Coverage")

    def keys() -> list[float]:
        column = "[...document.querySelectorAll('#sources tbody tr')].map((row) => +row.cells[3].dataset.key)"
        values: list[float] = seen.page.evaluate(column)
        return values

    before = keys()
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert keys() == sorted(before, reverse=True) != before
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert keys() == sorted(before)
    seen.page.locator("#sources th button", has_text="Source").click()
    assert head.get_attribute("aria-sort") is None
    assert seen.console == []


def test_a_click_on_a_red_cell_opens_the_rows_where_the_two_fight(browser: Browser, tmp_path: Path) -> None:
    seen = _open(browser, render_report(_analysis(["a", "b", "c", "d"] * 3), title="t"), tmp_path / "r.html")
    cell = seen.page.locator("table.heat td a").first
    target = seen.page.locator((cell.get_attribute("href") or "").replace("#rows", "#fight"))
    assert target.get_attribute("open") is None
    cell.click()
    assert target.get_attribute("open") is not None
    assert target.locator(".text").first.is_visible()
    target.locator("summary").click()
    cell.click()  # the address is the same, yet it opens again
    assert target.get_attribute("open") is not None


def test_without_scripts_all_of_it_can_be_read(browser: Browser, tmp_path: Path) -> None:
    seen = _open(browser, render_report(_analysis(["a", "b", "c"]), title="t"), tmp_path / "r.html", scripts=False)
    assert seen.page.locator("#sources tbody tr").count() == 3
    fight = seen.page.locator("details.fight").first
    fight.locator("summary").click()
    assert fight.locator(".text").first.is_visible()
    assert not seen.page.locator(".js").is_visible()
    assert seen.page.locator("th button").count() == 0


@pytest.mark.parametrize("width", [390, 900, 1400])
def test_forty_sources_with_long_names_fit_any_width(browser: Browser, tmp_path: Path, width: int) -> None:
    texts = ["a_source_with_quite_a_long_name_that_says_it_all_" * 2] * 40
    seen = _open(browser, render_report(_analysis(texts), title="t" * 200), tmp_path / "r.html", width=width)
    seen.page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width


# --- the page of a fit ------------------------------------------------------------------------------------------------


def _fit_page(texts: list[str]) -> str:
    """One source and one label a text, named by it."""
    names = [f"{n} {text}" for n, text in enumerate(texts)]
    rng = np.random.default_rng(0)
    proba = rng.dirichlet([1, 1, 1], 300)
    gold = (proba.cumsum(axis=1) > rng.random((300, 1))).argmax(axis=1)
    score = {"accuracy": 0.8, "low": 0.7, "high": 0.9, "brier": 0.25}
    result = {
        "model": texts[0],
        "rows": 300,
        "covered": 300,
        "undecided": 0,
        "mean_confidence": 0.7,
        "differs_from_majority": 1,
        "majority_ties": 0,
        "class_balance": dict.fromkeys(names, 1 / len(names)),
        "counts": {name: {"model": 1, "majority": 2} for name in names},
        "sources": [
            {"name": name, "votes": at + 1, "coverage": 0.5, "accuracy": 0.7, "low": 0.6, "high": 0.8, "basis": "gold"}
            for at, name in enumerate(names)
        ],
        "health": [{"name": "collapse", "text": text, "advice": text} for text in texts],
        "gold": {"rows": 300, "model": score, "majority": score},
    }
    result["gold"] |= {"calibration": calibration_report(proba, gold, rounds=10).to_json()}  # type: ignore[operator]
    return render_fit_report(result, title=texts[0], extra={"Votes": texts[-1]})


def test_hostile_names_run_nothing_on_the_page_of_a_fit(browser: Browser, tmp_path: Path) -> None:
    pages = []
    for name, texts in (("hostile", PAYLOADS), ("plain", ["word"] * len(PAYLOADS))):
        seen = _open(browser, _fit_page(texts), tmp_path / f"{name}.html")
        seen.page.wait_for_timeout(200)
        assert seen.requests == [(tmp_path / f"{name}.html").as_uri()]
        assert (seen.dialogs, seen.console) == ([], [])
        pages.append(set(seen.page.evaluate(_ELEMENTS)))
        seen.page.close()
    assert pages[0] - pages[1] <= {"SPAN class"}


def test_the_sources_of_a_fit_sort_and_its_diagrams_are_seen_without_scripts(browser: Browser, tmp_path: Path) -> None:
    seen = _open(browser, _fit_page(["a", "b", "c"]), tmp_path / "f.html")
    seen.page.locator("#sources th button", has_text="Votes").click()
    votes = "[...document.querySelectorAll('#sources tbody tr')].map((row) => row.cells[2].textContent)"
    assert seen.page.evaluate(votes) == ["3", "2", "1"]
    still = _open(browser, _fit_page(["a", "b", "c"]), tmp_path / "f.html", scripts=False)
    assert still.page.locator("svg.reliability").count() == 2
    assert still.page.locator("svg.reliability circle").first.is_visible()
    assert still.page.locator("#sources tbody tr").count() == 3


@pytest.mark.parametrize("width", [390, 900, 1400])
def test_a_fit_with_forty_long_names_fits_any_width(browser: Browser, tmp_path: Path, width: int) -> None:
    texts = ["a_name_with_quite_a_few_letters_that_says_it_all_" * 2] * 40
    seen = _open(browser, _fit_page(texts), tmp_path / "f.html", width=width)
    seen.page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
