"""Drift: no alarm on more of the same, one on something else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from distill.toy import SPACE, make_corpus
from hypothesis import given, settings
from hypothesis import strategies as st

from weaksup import Source, VoteMatrix, open_corpus
from weaksup.cli import main
from weaksup.distill import load_bundle, measure_drift, save_bundle, train
from weaksup.distill.judging.drift import Right, find_drift
from weaksup.distill.judging.ngram_bits import NGramBits, find_ngrams
from weaksup.distill.judging.reference import MEASURES, Look, Reference, make_reference
from weaksup.distill.judging.shifts import LARGE
from weaksup.errors import UsageError
from weaksup.labels import LabelSpace, SoftLabels
from weaksup.pipeline.referring import reference_of

TEXTS = st.lists(st.text(max_size=30), min_size=1, max_size=30)


def proba_of(texts: Sequence[str], seed: int = 0) -> np.ndarray:
    raw = np.random.default_rng([seed, len(texts)]).random((len(texts), 2)) + 0.01
    return np.asarray(raw / raw.sum(axis=1, keepdims=True))


def drawn(rng: np.random.Generator, n: int, *, sure: float = 0.8, words: int = 8) -> tuple[list[str], np.ndarray]:
    """Draw texts of a few words, and probabilities of two classes."""
    texts = [" ".join(rng.choice(list("abcdefgh"), rng.integers(1, words))) for _ in range(n)]
    top = rng.beta(sure * 10, (1 - sure) * 10, n)
    return texts, np.column_stack([top, 1 - top])


# --- laws


@given(TEXTS)
def test_texts_that_were_learned_twice_have_nothing_unknown(texts: list[str]) -> None:
    bits = NGramBits.learn([*texts, *texts])
    assert (bits.unknown(texts) == 0).all()
    assert np.array_equal(NGramBits.from_text(bits.to_text()).known, bits.known)


@given(TEXTS)
def test_n_grams_of_a_text_do_not_depend_on_the_texts_beside_it(texts: list[str]) -> None:
    row, found = find_ngrams(texts)
    for i, text in enumerate(texts):
        assert found[row == i].tolist() == find_ngrams([text])[1].tolist()


@given(TEXTS, TEXTS)
def test_a_look_at_two_parts_is_the_look_at_both(one: list[str], two: list[str]) -> None:
    reference = make_reference(one, one, proba_of(one))
    parts = [reference.look(texts, proba_of(texts)) for texts in (one, two)]
    both = reference.look([*one, *two], np.vstack([proba_of(one), proba_of(two)]))
    added = parts[0] + parts[1]
    assert added.rows == both.rows
    assert all(np.array_equal(added.counts[name], both.counts[name]) for name in MEASURES)
    assert added.classes.tolist() == both.classes.tolist()


@given(TEXTS)
def test_the_same_rows_again_show_no_drift(texts: list[str]) -> None:
    reference = make_reference(texts, texts, proba_of(texts))
    found = find_drift(reference, reference.look(texts, proba_of(texts)), ["A", "B"])
    assert not found.found
    assert all(shift.effect == 0 and shift.p == 1 for shift in found.shifts)


@given(TEXTS)
def test_a_reference_survives_json_and_holds_no_text(texts: list[str]) -> None:
    reference = make_reference(texts, texts, proba_of(texts))
    again = Reference.from_json(reference.to_json())
    assert again.to_json() == reference.to_json()
    assert set(reference.to_json()) == {"rows", "measures", "classes", "votes", "ngrams"}


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(30, 300), st.integers(1, 300))
def test_effects_and_p_values_are_shares(seed: int, n: int, m: int) -> None:
    rng = np.random.default_rng(seed)
    (a, p), (b, q) = drawn(rng, n), drawn(rng, m, sure=rng.random() * 0.9 + 0.05)
    found = find_drift(make_reference(a, a, p), make_reference(a, a, p).look(b, q), ["A", "B"])
    assert all(0 <= s.effect <= 1 and 0 <= s.p <= 1 for s in found.shifts)


def test_a_fresh_draw_of_the_same_source_is_an_alarm_once_in_twenty_times_at_most() -> None:
    alarms, significant = 0, 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        learned, (shown, p), (fresh, q) = drawn(rng, 100)[0], drawn(rng, 120), drawn(rng, 150)
        reference = make_reference(learned, shown, p)
        found = find_drift(reference, reference.look(fresh, q), ["A", "B"])
        alarms += bool(found.found)
        significant += any(shift.p < 0.05 for shift in found.shifts)
    assert alarms <= 5
    assert significant <= 9  # of 100: 5 % and two standard deviations


@pytest.mark.parametrize(
    ("what", "changed"), [("length", {"words": 20}), ("confidence", {"sure": 0.6}), ("classes", {"sure": 0.45})]
)
def test_what_changed_is_named(what: str, changed: dict[str, float]) -> None:
    rng = np.random.default_rng(1)
    (a, p), (b, q) = drawn(rng, 500), drawn(rng, 500, **changed)  # type: ignore[arg-type]
    found = find_drift(make_reference(a, a, p), make_reference(a, a, p).look(b, q), ["A", "B"])
    assert what in [shift.what for shift in found.found]
    assert found.verdict.startswith("label again: ")


def test_among_many_rows_a_small_difference_is_more_than_chance_and_no_drift() -> None:
    rng = np.random.default_rng(0)
    (a, p), (b, q) = drawn(rng, 6_000), drawn(rng, 6_000, sure=0.79)
    found = find_drift(make_reference(a[:500], a, p), make_reference(a[:500], a, p).look(b, q), ["A", "B"])
    (shift,) = [one for one in found.shifts if one.what == "confidence"]
    assert shift.p < 0.001
    assert shift.effect < LARGE["confidence"]
    assert not found.found


def test_few_rows_are_said_to_be_too_few() -> None:
    (a, p), (b, q) = drawn(np.random.default_rng(0), 200), drawn(np.random.default_rng(1), 8)
    reference = make_reference(a, a, p)
    assert "too few rows" in find_drift(reference, reference.look(b, q), ["A", "B"]).verdict
    nothing = find_drift(reference, reference.look([], np.empty((0, 2))), ["A", "B"])
    assert (nothing.rows, nothing.found, nothing.smallest) == (0, (), 1.0)


def test_accuracy_counts_where_it_fell() -> None:
    a, p = drawn(np.random.default_rng(0), 500)
    reference = make_reference(a, a, p)
    look = reference.look(a, p)
    fell = find_drift(reference, look, ["A", "B"], right=(Right(500, 480), Right(500, 430)))
    rose = find_drift(reference, look, ["A", "B"], right=(Right(500, 430), Right(500, 480)))
    assert [shift.what for shift in fell.found] == ["accuracy"]
    assert "accuracy on gold fell from 96% to 86%" in fell.verdict
    assert not rose.found


# --- a bundle, and the command


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts, gold = make_corpus(600)
    soft = SoftLabels(tuple(map(str, range(600))), np.eye(3)[gold] * 0.9 + 0.1 / 3, np.ones(600, bool), SPACE)
    reference = reference_of(texts, soft, lambda t, s: train(t, s, strengths=(10.0,)), votes=votes_of(texts))
    student = train(texts, soft, strengths=(10.0,))
    path = tmp_path_factory.mktemp("bundles") / "student"
    return save_bundle(student, path, reference=reference, metrics={"gold": {"rows": 100, "accuracy": 0.97}})


def votes_of(texts: Sequence[str]) -> VoteMatrix:
    words = ("invoice", "crash", "where")
    values = np.array([[c if word in text else -1 for c, word in enumerate(words)] for text in texts], np.int16)
    return VoteMatrix(values, tuple(map(str, range(len(texts)))), tuple(map(Source, words)), SPACE)


def write(folder: Path, texts: Sequence[str], gold: np.ndarray | None = None) -> Path:
    rows = {"id": [str(i) for i in range(len(texts))], "text": list(texts)}
    if gold is not None:
        rows["topic"] = [SPACE.names[c] for c in gold.tolist()]
    import pyarrow.parquet as pq

    pq.write_table(pa.table(rows), folder / "corpus.parquet")
    return folder / "corpus.parquet"


def test_a_bundle_says_no_drift_of_its_own_kind_of_texts(watched: Path, tmp_path: Path) -> None:
    texts, gold = make_corpus(500, seed=9)
    found = measure_drift(
        load_bundle(watched), open_corpus(write(tmp_path, texts, gold)), votes=votes_of(texts), gold="topic"
    )
    assert not found.found
    assert [s.what for s in found.shifts][-3:] == ["coverage", "agreement", "accuracy"]


def run(*argv: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(argv))
    return int(ended.value.code or 0)


def test_the_command_checks_for_ci(watched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    same = write(tmp_path, make_corpus(400, seed=5)[0])
    assert run("drift", str(watched), str(same), "--check") == 0
    assert "no drift found" in capsys.readouterr().out
    other = write(tmp_path, ["Das ist ganz etwas anderes, und viel laenger als zuvor " * 3] * 300)
    assert run("drift", str(watched), str(other)) == 0
    assert run("drift", str(watched), str(other), "--check", "--json") == 3
    out, err = capsys.readouterr()
    assert '"label_again": true' in out
    assert err.startswith("error: label again: ")


def test_a_bundle_without_a_reference_and_other_votes_are_refused(watched: Path, bundle: Path, tmp_path: Path) -> None:
    corpus = open_corpus(write(tmp_path, ["a", "b"]))
    with pytest.raises(UsageError, match="expected a bundle with a reference"):
        measure_drift(load_bundle(bundle), corpus)
    with pytest.raises(UsageError, match="one label a row"):
        measure_drift(replace(load_bundle(watched), labels={"names": list(SPACE.names), "multi": True}), corpus)
    student = load_bundle(watched)
    alien = VoteMatrix(np.zeros((1, 1), np.int16), ("0",), (Source("x"),), LabelSpace(["X", "Y"]))
    with pytest.raises(UsageError, match="expected votes with the labels billing, bug, how, got X, Y"):
        measure_drift(student, corpus, votes=alien)
    for ids in (("z",), ("0", "z")):  # another corpus may number its rows alike
        elsewhere = VoteMatrix(np.zeros((len(ids), 1), np.int16), ids, (Source("x"),), SPACE)
        with pytest.raises(UsageError, match='it has no row "z"'):
            measure_drift(student, corpus, votes=elsewhere)


@pytest.mark.parametrize("broken", [{}, {"rows": 3}, {"measures": 7}, {"ngrams": "!"}, {"rows": 0}, {"classes": ["a"]}])
def test_a_reference_that_is_none_is_refused_in_one_line(broken: dict[str, object]) -> None:
    whole = make_reference(["a"], ["a"], [[0.5, 0.5]]).to_json()
    data = {} if not broken else {**whole, **broken}
    if broken == {"rows": 3}:
        Reference.from_json(data)  # a count may be any whole number
        return
    with pytest.raises(ValueError, match=r".+"):
        Reference.from_json(data)


def test_too_few_rows_leave_no_reference() -> None:
    soft = SoftLabels(("a", "b"), np.eye(2), np.ones(2, bool), LabelSpace(["A", "B"]))
    assert reference_of(["x", "y"], soft, train) is None


def test_the_command_says_what_it_does() -> None:
    from weaksup.cli import cli

    assert "label again" in CliRunner().invoke(cli, ["drift", "--help"]).output.replace("\n  ", " ")


def test_a_look_may_be_empty() -> None:
    reference = make_reference(["a b c"], ["a b c"], [[0.5, 0.5]])
    look = reference.look([], np.empty((0, 2)))
    assert isinstance(look, Look)
    assert look.rows == 0
    assert np.isnan(look.mean("length"))
