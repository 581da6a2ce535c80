from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from weaksup.corpus import Chunk
from weaksup.errors import ConfigError, MissingExtra
from weaksup.labeling_functions import (
    labeling_function,
    linguistic,
    preprocessor,
    spacy_doc,
    spacy_entities,
    spacy_phrases,
    spacy_tokens,
)
from weaksup.labels import LabelSpace

LABELS = LabelSpace(["HAM", "SPAM"])


def chunk(*texts: str | None) -> Chunk:
    ids = [f"r{i}" for i in range(len(texts))]
    return Chunk(pa.RecordBatch.from_pydict({"id": ids, "text": pa.array(texts, pa.string())}))


def votes(lf: Any, rows: Chunk) -> list[int]:
    voted = lf.vote(rows, LABELS)
    assert not voted.errors
    codes: list[int] = voted.codes.tolist()
    return codes


def test_token_patterns_vote_where_they_match() -> None:
    one = spacy_tokens("one", [{"LOWER": "free"}, {"IS_PUNCT": True, "OP": "*"}, {"LOWER": "entry"}], label="SPAM")
    two = spacy_tokens("two", [[{"LIKE_URL": True}], [{"LIKE_NUM": True}, {"LOWER": "prizes"}]], label="SPAM")
    rows = chunk("Free - entry now", "see example.com", "two prizes", "freeentry", "", None)
    assert votes(one, rows) == [1, -1, -1, -1, -1, -1]
    assert votes(two, rows) == [-1, 1, 1, -1, -1, -1]
    assert one("FREE entry") == "SPAM"


def test_phrases_are_compared_token_by_token() -> None:
    lf = spacy_phrases("p", ["don't miss out", "Limited Offer"], label="SPAM", examples=[("limited offer", "SPAM")])
    assert votes(lf, chunk("Don't MISS out!", "a limited offer", "unlimited offers")) == [1, 1, -1]


def test_entities_of_a_ruler_vote_by_their_kind_and_stay_out_of_the_shared_doc() -> None:
    patterns: list[dict[str, Any]] = [
        {"label": "PLAN", "pattern": "business plan"},
        {"label": "SUM", "pattern": [{"LIKE_NUM": True}]},
    ]
    plan = spacy_entities("plan", ["PLAN"], patterns=patterns, label="HAM")
    money = spacy_entities("money", "SUM", patterns=patterns, label="SPAM")

    @labeling_function(preprocessors=[spacy_doc()])
    def has_entities(x: Any) -> str | None:
        return "SPAM" if x.doc.ents else None

    rows = chunk("the Business Plan costs 20", "a plan")
    assert votes(plan, rows) == [0, -1]
    assert votes(money, rows) == [1, -1]
    assert votes(has_entities, rows) == [-1, -1]


def test_a_text_is_parsed_once_for_all_functions_of_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    parse = linguistic._parse

    def counted(nlp: Any, texts: Any) -> list[Any]:
        parsed.extend(texts)
        return parse(nlp, texts)

    monkeypatch.setattr(linguistic, "_parse", counted)

    @preprocessor
    def upper(x: Any) -> dict[str, str]:
        return {"text": x.text.upper()}

    first = labeling_function(name="a", preprocessors=[spacy_doc()])(lambda x: (len(x.doc) > 1 and 1) or 0)
    other = labeling_function(name="b", preprocessors=[upper, spacy_doc(into="parsed")])(
        lambda x: 1 if x.parsed.text.isupper() else 0
    )
    rows = chunk("a b", "c", "a b")
    assert votes(spacy_phrases("p", ["a b"], label="SPAM"), rows) == [1, -1, 1]
    assert votes(first, rows) == [1, 0, 1]
    assert parsed == ["a b", "c"]
    assert votes(other, rows) == [1, 1, 1]
    assert first("a b") == 1


def test_a_text_that_spacy_refuses_is_an_error_of_its_row_only() -> None:
    rows = chunk("free", "x" * 1_000_001, "free")
    voted = spacy_phrases("p", ["free"], label="SPAM").vote(rows, LABELS)
    assert voted.codes.tolist() == [1, -1, 1]
    assert list(voted.errors) == [1]
    lf = labeling_function(name="d", preprocessors=[spacy_doc()])(lambda x: 0)
    assert list(lf.vote(rows, LABELS).errors) == [1]


def test_another_language_may_be_named() -> None:
    assert votes(spacy_phrases("p", ["kostenlos"], label="SPAM", lang="de"), chunk("Kostenlos!")) == [1]


def test_a_trained_pipeline_is_used_where_it_is_named(tmp_path: Path) -> None:
    import spacy

    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "ORG", "pattern": "Quillboard"}])
    nlp.to_disk(tmp_path / "trained")
    lf = spacy_entities("org", {"ORG"}, label="HAM", pipeline=str(tmp_path / "trained"))
    assert votes(lf, chunk("we use Quillboard", "we use paper")) == [0, -1]


def test_a_pipeline_that_is_not_installed_gives_one_clear_line() -> None:
    lf = spacy_entities("org", ["ORG"], label="HAM", pipeline="en_core_web_none")
    with pytest.raises(MissingExtra, match='"en_core_web_none" is not installed: run "python -m spacy download'):
        lf.prepare(LABELS)
    with pytest.raises(ConfigError, match='spaCy knows no language "xyz"'):
        spacy_phrases("p", ["a"], label="HAM", lang="xyz").prepare(LABELS)


@pytest.mark.parametrize(
    "make",
    [
        lambda: spacy_tokens("x", [{"POS": "NOUN"}], label="HAM").prepare(LABELS),
        lambda: spacy_tokens("x", [{"NONSENSE": 1}], label="HAM").prepare(LABELS),
        lambda: spacy_phrases("x", ["a"], attr="NONSENSE", label="HAM").prepare(LABELS),
        lambda: spacy_tokens("x", [], label="HAM"),
        lambda: spacy_tokens("x", [[]], label="HAM"),
        lambda: spacy_phrases("x", "free", label="HAM"),
        lambda: spacy_phrases("x", [], label="HAM"),
        lambda: spacy_phrases("x", [" "], label="HAM"),
        lambda: spacy_entities("x", ["ORG"], label="HAM"),
        lambda: spacy_entities("x", ["ORG"], patterns=[{"label": "ORG"}], label="HAM"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_in_one_line_before_any_row(make: Any) -> None:
    with pytest.raises(ConfigError, match='"x"') as error:
        make()
    assert "\n" not in str(error.value)
