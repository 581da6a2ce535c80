"""The report: no input adds a tag, nothing points outside, every link lands, the same bytes every time."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest
from faults.xss import PAYLOADS
from html_page import Page
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import vote_matrices

from weaksup.analysis import Analysis, analyze
from weaksup.labels import LabelSpace
from weaksup.report import render_report
from weaksup.report.format import breakable, by_label, compact, percent, shown, visible
from weaksup.report.heat import heat_map
from weaksup.report.scale import level, nice_top
from weaksup.votes import Source, VoteMatrix


def _analysis(hostile: str = "word", label: str = "SPAM") -> Analysis:
    """Two sources that fight, one that is silent; the foreign string stands wherever one can stand."""
    votes = VoteMatrix.from_array(
        [[0, 1, -1], [1, -1, -1], [-1, -1, -1]],
        labels=LabelSpace(["HAM", label]),
        sources=[f"a{hostile}", f"b{hostile}", f"c{hostile}"],
        ids=[f"{n}{hostile}" for n in range(3)],
    )
    return analyze(votes, gold=[1, -1, 1], texts=lambda ids: dict.fromkeys(ids, hostile))


def _render(analysis: Analysis, hostile: str = "word") -> str:
    return render_report(analysis, title=hostile, extra={hostile: hostile})


@pytest.mark.parametrize("payload", PAYLOADS)
def test_hostile_strings_add_no_tag_and_no_attribute(payload: str) -> None:
    label = payload if payload.isprintable() else "SPAM"
    page = Page(_render(_analysis(payload, label), payload))
    assert page.shape == Page(_render(_analysis())).shape
    assert visible(payload).replace("⟨", "").replace("⟩", "") in page.text
    assert set(page.values("href")) <= {"data:,", *(f"#{anchor}" for anchor in page.values("id"))}
    assert not page.values("src")
    assert not page.values("style")
    assert not [name for _, found in page.tags for name in found if name.startswith("on")]


def test_there_are_120_payloads() -> None:
    assert len(set(PAYLOADS)) == 120


@given(vote_matrices(max_rows=12), st.booleans(), st.text(max_size=20))
@settings(max_examples=40)
def test_any_votes_render_with_links_that_land(votes: VoteMatrix, judged: bool, text: str) -> None:
    gold = np.zeros(len(votes), np.int16) if judged else None
    page = Page(_render(analyze(votes, gold=gold, texts=lambda ids: dict.fromkeys(ids, text)), text))
    anchors = page.values("id")
    assert len(set(anchors)) == len(anchors)
    assert set(page.values("href")) <= {"data:,", *(f"#{anchor}" for anchor in anchors)}
    assert f"{len(votes):,}" in page.text


@given(st.text())
def test_any_text_encodes_and_shows_no_invisible_character(text: str) -> None:
    for written in (visible(text), str(shown(text)), str(breakable(text))):
        written.encode("utf-8")
        assert all(c.isprintable() or c in "\n\t\u200c\u200d\xa0" or c.isspace() for c in written)
    assert Page(str(shown(text))).text == Page(str(breakable(text))).text


def test_the_same_input_gives_the_same_bytes() -> None:
    assert _render(_analysis()) == _render(_analysis())
    assert _render(_analysis()) != _render(_analysis("other"))


def test_the_policy_allows_nothing_but_the_pages_own_style_and_script() -> None:
    text = _render(_analysis())
    page = Page(text)
    policy = next(found["content"] for tag, found in page.tags if "http-equiv" in found)
    nonce = re.search(r"script-src 'nonce-([^']{20,})'", policy)
    assert nonce is not None
    assert policy.startswith("default-src 'none'; style-src 'nonce-")
    assert [tag for tag, found in page.tags if found.get("nonce") == nonce[1]] == ["style", "script"]
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert "unsafe" not in policy
    assert not re.search(r"https?:|url\(|@import|//[a-z]", text)
    assert text.index("Content-Security-Policy") < text.index("<style")


def test_a_text_cannot_know_the_nonce_of_its_page() -> None:
    first = re.search(r"nonce-([^']+)'", _render(_analysis()))
    assert first is not None
    again = _render(_analysis(f"</script><script nonce={first[1]}>"))
    assert f"nonce-{first[1]}'" not in again


def test_the_page_says_what_the_analysis_holds() -> None:
    page = Page(_render(_analysis("word")))
    for said in ("66.7%", "1 row with votes that differ", "aword", "This source never votes", "differ on 1 of 1 row"):
        assert said in page.text, said
    assert ("th", {"scope": "col", "class": "n"}) in page.tags
    assert any("sortable" in found.get("class", "") for _, found in page.tags)


def test_cut_texts_missing_texts_and_right_to_left_marks_are_told() -> None:
    votes = VoteMatrix.from_array([[0, 1], [-1, -1]], ids=["long", "gone"])
    analysis = analyze(votes, texts=lambda ids: {"long": "x\u202e" + "y" * 1500})
    page = Page(_render(analysis))
    assert "502 more characters" in page.text
    assert "xU+202Eyyy" in page.text
    assert "The text is not at hand." in page.text


def test_every_table_cell_that_sorts_has_a_key() -> None:
    text = _render(_analysis())
    for table in re.findall(r'<table class="sortable.*?</table>', text, re.S):
        body = table.split("<tbody>")[1]
        assert len(re.findall(r"<t[dh][ >]", body)) == len(re.findall("data-key=", body)) > 0


@pytest.mark.parametrize("m", [1, 2, 40, 75])
def test_many_sources_fill_the_heat_map_and_the_worst_are_kept(m: int) -> None:
    values = np.random.default_rng(0).integers(-1, 2, (60, m))
    values[:, 0] = values[:, -1]  # an agreeing pair
    analysis = analyze(VoteMatrix.from_array(values, sources=[f"source_with_a_long_name_{j}" for j in range(m)]))
    heat = heat_map(analysis, {frozenset((f.first, f.second)): at for at, f in enumerate(analysis.fights)})
    assert len(heat.sources) == min(m, 60)
    assert heat.left_out == max(0, m - 60)
    for i, line in zip(heat.sources, heat.lines, strict=True):
        for j, cell in zip(heat.sources, line, strict=True):
            wanted = analysis.overlaps if i <= j else analysis.conflicts
            assert cell.rows == wanted[i][j]
            if cell.fight is not None:
                fight = analysis.fights[cell.fight]
                assert (fight.first, fight.second) == (analysis.sources[j].name, analysis.sources[i].name)
                assert fight.rows == cell.rows
    page = Page(_render(analysis))
    linked = [href for href in page.values("href") if href.startswith("#rows-")]
    assert len(linked) == sum(cell.fight is not None for line in heat.lines for cell in line)


def test_a_source_that_saw_part_of_the_rows_says_so() -> None:
    votes = VoteMatrix.from_array([[0], [1], [0]], ids=["a", "b", "c"]).with_source(Source("tier", "tier"), {"b": 0})
    text = Page(_render(analyze(votes))).text
    assert "Rows seen" in text
    assert "Rows seen" not in Page(_render(analyze(replace(votes, asked=None)))).text


def test_scales_are_round_and_colours_go_from_0_to_5() -> None:
    assert (nice_top(0.0004), nice_top(0.07), nice_top(0.41), nice_top(1.0)) == (0.001, 0.1, 0.6, 1.0)
    assert [level(n, 100) for n in (0, 1, 16, 50, 100)] == [0, 1, 2, 4, 5]
    assert level(0, 0) == 0
    assert (compact(7), compact(99_950), percent(None), percent(0.1234)) == ("7", "100k", "–", "12.3%")
    assert list(by_label([("a", "X"), ("b", "Y"), ("c", "Y")]).items()) == [("Y", ["b", "c"]), ("X", ["a"])]
    assert by_label([("a", "X"), ("b", "X"), ("c", "X")], ["c", "b"]) == {"X": ["b", "c", "a"]}


# --- contrast: WCAG 2.1 AA, in both colour schemes --------------------------------------------------------------------

_STYLE = files("weaksup.report").joinpath("templates/style.css").read_text(encoding="utf-8")
_TEXT = [(ink, ground) for ink in ("ink", "soft", "accent") for ground in ("page", "card", "head")]
_TEXT += [(level, f"{level}-bg") for level in ("problem", "warning", "note")]
_TEXT += [("pale", f"{hue}{n}") for hue in "ox" for n in (1, 2, 3)]
_TEXT += [("deep", f"{hue}{n}") for hue in "ox" for n in (4, 5)]
_MARKS = [("fill", "track"), ("fill", "card"), ("whisk", "card"), *((f"k{n}", "card") for n in range(8))]


def _schemes() -> list[dict[str, str]]:
    light, dark = re.findall(r":root \{(.*?)\}", _STYLE, re.S)
    return [dict(re.findall(r"--([\w-]+): (#\w{6})", block)) for block in (light, dark)]


def _contrast(first: str, second: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_and_marks_stand_out_from_their_ground(scheme: int) -> None:
    colours = _schemes()[scheme]
    for ink, ground in _TEXT:
        assert _contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
    for mark, ground in _MARKS:
        assert _contrast(colours[mark], colours[ground]) >= 3, (mark, ground)
