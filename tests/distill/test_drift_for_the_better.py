"""Drift counts for the worse alone; rows that cannot be read, or of another kind, are told in a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distill.toy import SPACE, make_corpus
from hypothesis import given, settings
from hypothesis import strategies as st

from weaksup import LabelSpace, SoftLabels, Source, open_corpus
from weaksup.cli import main
from weaksup.distill import load_bundle, measure_drift, save_bundle, train
from weaksup.distill.judging.drift import find_drift
from weaksup.distill.judging.ngram_bits import NGramBits
from weaksup.distill.judging.reference import Reference, make_reference
from weaksup.distill.judging.shifts import LARGE, LEVEL
from weaksup.errors import CorpusError
from weaksup.label_sets import SoftLabelSets
from weaksup.multi_votes import MultiVotes
from weaksup.pipeline.referring import reference_of

SURE = st.lists(st.floats(0.5, 1), min_size=60, max_size=60)


def two_sided(top: np.ndarray) -> np.ndarray:
    return np.column_stack([top, 1 - top])


def words(rng: np.random.Generator, n: int, letters: str) -> list[str]:
    return [" ".join(rng.choice(list(letters), 6)) for _ in range(n)]


# --- laws


@given(SURE, SURE)
def test_confidence_that_did_not_fall_is_no_drift_however_it_is_spread(before: list[float], after: list[float]) -> None:
    """An average of .88 that stays .88 is none."""
    was, now = (np.repeat(np.array(top), 20) for top in (before, after))
    texts = ["the same text"] * len(was)
    reference = make_reference(texts, texts, two_sided(was))
    found = find_drift(reference, reference.look(texts, two_sided(now)), ["A", "B"])
    (shift,) = [one for one in found.shifts if one.what == "confidence"]
    assert shift.found == (shift.effect >= LARGE["confidence"] and shift.p < LEVEL and shift.was - shift.now >= 0.02)
    if now.mean() >= was.mean() - 0.019:
        assert not shift.found


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.floats(0, 1))
def test_surer_rows_with_fewer_unknown_n_grams_are_no_drift(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    learned, shown = words(rng, 200, "abc"), words(rng, 300, "abcdefg")
    top = rng.beta(6, 3, 300) / 2 + 0.5
    reference = make_reference(learned, shown, two_sided(top))
    easier = [text if keep else learned[0] for text, keep in zip(shown, rng.random(300) > share, strict=True)]
    found = find_drift(reference, reference.look(easier, two_sided(top + share * (1 - top))), ["A", "B"])
    effects = {shift.what: shift.effect for shift in found.shifts}
    assert effects["unknown"] == effects["confidence"] == 0
    assert {shift.what for shift in found.found} <= {"length"}


@given(SURE, SURE)
def test_what_is_said_of_a_drift_is_larger_than_its_rounding(before: list[float], after: list[float]) -> None:
    was, now = (np.repeat(np.array(top), 20) for top in (before, after))
    texts = ["the same text"] * len(was)
    reference = make_reference(texts, texts, two_sided(was))
    for shift in find_drift(reference, reference.look(texts, two_sided(now)), ["A", "B"]).found:
        shares = [int(part.split("%")[0]) for part in shift.says.replace(" to ", " from ").split(" from ")[1:3]]
        assert abs(shares[1] - shares[0]) >= 100 * shift.effect - 1 >= 9


# --- the rows that taught a student


def taught(n: int, seed: int = 0) -> tuple[list[str], Reference, object]:
    """Teach a student on texts with words that come once, and note what rows it did not see look like."""
    texts, gold = make_corpus(n, seed)
    rng = np.random.default_rng(seed)
    texts = [f"{text} {''.join(rng.choice(list('abcdefghijklmnop'), 5))}" for text in texts]
    soft = SoftLabels(tuple(map(str, range(n))), np.eye(3)[gold] * 0.9 + 0.1 / 3, np.ones(n, bool), SPACE)
    noted = reference_of(texts, soft, lambda t, s: train(t, s, strengths=(1.0,)))
    assert noted is not None
    return texts, Reference.from_json(noted), train(texts, soft, strengths=(1.0,))


@pytest.mark.parametrize("seed", range(5))
def test_the_corpus_that_taught_a_student_is_no_drift_and_is_said_to_be_that_corpus(seed: int) -> None:
    texts, reference, student = taught(600, seed)
    look = reference.look(texts, student.predict_proba(texts))  # type: ignore[attr-defined]
    found = find_drift(reference, look, SPACE.names)
    assert not found.found
    assert found.advice.startswith("these rows look like those that taught the student (")
    assert found.advice.endswith("compare a later corpus")
    assert found.to_json()["advice"] == found.advice


def test_later_rows_of_the_same_kind_are_not_said_to_have_taught_it() -> None:
    texts, reference, student = taught(600)
    later, _ = make_corpus(600, 99)
    rng = np.random.default_rng(99)
    later = [f"{text} {''.join(rng.choice(list('abcdefghijklmnop'), 5))}" for text in later]
    look = reference.look(later, student.predict_proba(later))  # type: ignore[attr-defined]
    found = find_drift(reference, look, SPACE.names)
    assert (found.found, found.advice) == ((), "")
    assert NGramBits.learn(texts).unknown(later).mean() > NGramBits.learn(texts).unknown(texts).mean()


# --- faults: rows that cannot be read, no rows, votes and students of several labels a row


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts, gold = make_corpus(300)
    soft = SoftLabels(tuple(map(str, range(300))), np.eye(3)[gold] * 0.9 + 0.1 / 3, np.ones(300, bool), SPACE)
    reference = reference_of(texts, soft, lambda t, s: train(t, s, strengths=(10.0,)))
    student = train(texts, soft, strengths=(10.0,))
    return save_bundle(student, tmp_path_factory.mktemp("bundles") / "student", reference=reference)


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def run(*argv: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(part) for part in argv])
    return int(ended.value.code or 0)


def later(n: int) -> list[dict[str, Any]]:
    return [{"id": str(i), "text": text} for i, text in enumerate(make_corpus(n, 7)[0])]


def test_rows_that_were_not_read_are_told_and_many_of_them_fail(
    watched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = later(400)
    few = write(tmp_path / "few.jsonl", [*rows, {"id": "x", "text": None}, rows[3]])
    assert run("drift", watched, few, "--check") == 0
    out, err = capsys.readouterr()
    assert "few.jsonl:401: text is null" in err
    assert "of 402 rows read: 1 rejected, 1 duplicates" in err
    assert "rejected" not in out
    many = write(tmp_path / "many.jsonl", [*rows, *({"id": f"x{i}", "text": None} for i in range(9))])
    assert run("drift", watched, many, "--json") == 3
    out, err = capsys.readouterr()
    assert json.loads(out)["rejected"] == 9
    assert "error: 9 of 409 rows could not be read; " in err


@pytest.mark.parametrize(
    ("rows", "says"),
    [([], "name a corpus with texts"), ([{"id": "1", "text": None}], "1 of 1 rows read were rejected, the first: ")],
)
def test_no_rows_are_refused(
    watched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], rows: list[dict[str, Any]], says: str
) -> None:
    path = tmp_path / "c.csv"
    path.write_text("id,text\n", encoding="utf-8")
    path = write(tmp_path / "c.jsonl", rows) if rows else path
    with pytest.raises(CorpusError, match="drift: expected rows, got none; "):
        measure_drift(load_bundle(watched), open_corpus(path))
    assert run("drift", watched, path, "--check") == 2
    out, err = capsys.readouterr()
    assert not out
    assert says in err


def test_the_verdict_is_said_once(watched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = write(tmp_path / "o.jsonl", [{"id": str(i), "text": f"Ganz etwas anderes {i}"} for i in range(300)])
    for how, code in (((), 0), (("--check",), 3)):
        assert run("drift", watched, other, *how) == code
        out, err = capsys.readouterr()
        assert (out + err).count("label again: ") == 1
        assert ("error: label again: " in err) == bool(how)


def test_several_labels_a_row_are_refused_in_a_line(
    watched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    space = LabelSpace(["a", "b"], multi=True)
    corpus = write(tmp_path / "c.jsonl", later(40))
    ids = tuple(str(i) for i in range(40))
    MultiVotes(np.ones((40, 1, 2), np.int8), ids, (Source("x"),), space).save(tmp_path / "votes.parquet")
    assert run("drift", watched, corpus, "--votes", tmp_path / "votes.parquet") == 2
    err = capsys.readouterr().err
    assert err.startswith("error: drift takes one label a row: got multi-label votes in ")
    assert err.count("\n") == 1
    gold = np.array([[1, 0], [0, 1]] * 20)
    soft = SoftLabelSets(ids, 0.1 + 0.8 * gold, np.ones((40, 2), bool), space)
    save_bundle(train([str(row["text"]) for row in later(40)], soft), tmp_path / "tagger")
    assert run("drift", tmp_path / "tagger", corpus) == 2
    assert capsys.readouterr().err.startswith("error: drift takes one label a row: got a student that gives any number")
    assert run("drift", "--help") == 0
    assert "one label a row" in " ".join(capsys.readouterr().out.split())
