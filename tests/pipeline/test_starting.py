"""A run starts from the student of the corpus before, which never votes on what taught it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaksup import LabelSpace, Source, VoteMatrix
from weaksup.distill import load_bundle, save_bundle, train
from weaksup.distill.bundle.fields import Fields
from weaksup.errors import ConfigError, WeaksupError
from weaksup.label_sets import SoftLabelSets
from weaksup.pipeline import run_project
from weaksup.pipeline.starting import EARLIER, SAW, Earlier, hash_texts, note_seen
from weaksup.project import Project

SPACE = LabelSpace(["HAM", "SPAM"])
LFS = """
from weaksup import LabelSpace
from weaksup.labeling_functions import keywords
LABELS = LabelSpace(["HAM", "SPAM"])
prize = keywords("prize", ["prize", "win"], label="SPAM")
call = keywords("call", ["call now"], label="SPAM")
lunch = keywords("lunch", ["lunch", "noon"], label="HAM")
"""
FIRST = ["see you at lunch", "call now to win a prize", "lunch at noon then", "you win a prize call now"]
SECOND = ["prize draw, win cash", "noon is fine for me", "call now and win it", "lunch with you and me"]


def corpus(folder: Path, texts: Sequence[str], *, times: int = 12) -> None:
    rows = [{"id": f"{i}", "text": f"{texts[i % len(texts)]} {i}"} for i in range(times * len(texts))]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def project(folder: Path, *, start_from: str | None = "last") -> Project:
    chosen = "" if start_from is None else f'start_from = "{start_from}"\n'
    (folder / "lfs.py").write_text(LFS, encoding="utf-8")
    told = f'[corpus]\npath = "corpus.jsonl"\n[label_model]\nname = "majority"\n[student]\n{chosen}'
    (folder / "weaksup.toml").write_text(told, encoding="utf-8")
    return Project.load(folder)


def voted(folder: Path) -> VoteMatrix:
    return VoteMatrix.load(folder / "out" / "votes_started.parquet")


def test_the_first_run_starts_from_nothing_and_the_same_corpus_again_from_nothing_too(tmp_path: Path) -> None:
    corpus(tmp_path, FIRST)
    first = run_project(project(tmp_path))
    assert first.steps["start"] == {"there": False}
    again = run_project(project(tmp_path))
    assert {"start", "fit", "distill"} <= set(again.reused)
    assert EARLIER not in voted(tmp_path).names


@pytest.mark.parametrize("chosen", ["last", "out/student", "out/student/model.onnx"])
def test_a_run_does_not_start_from_its_own_student_under_any_name(tmp_path: Path, chosen: str) -> None:
    corpus(tmp_path, FIRST)
    run_project(project(tmp_path, start_from=chosen))
    corpus(tmp_path, SECOND)
    first = run_project(project(tmp_path, start_from=chosen))
    again = run_project(project(tmp_path, start_from=chosen))
    assert first.steps["start"]["rows"] > 0
    assert {"start", "fit", "distill"} <= set(again.reused)


def test_the_next_corpus_starts_from_the_last_student_on_rows_it_did_not_learn_from(tmp_path: Path) -> None:
    corpus(tmp_path, FIRST)
    run_project(project(tmp_path))
    before = (tmp_path / "out" / "student" / "model.onnx").read_bytes()
    corpus(tmp_path, FIRST + SECOND)  # half of the texts are old
    found = run_project(project(tmp_path)).steps["start"]
    old = sum(f"{(FIRST + SECOND)[i % 8]} {i}" in {f"{FIRST[j % 4]} {j}" for j in range(48)} for i in range(96))
    assert found["seen_before"] == old > 0
    votes = voted(tmp_path)
    said = votes.values[:, votes.names.index(EARLIER)] >= 0
    taught = {f"{FIRST[j % 4]} {j}" for j in range(48)}
    texts = [json.loads(line)["text"] for line in (tmp_path / "corpus.jsonl").read_text().splitlines()]
    assert said.any()
    assert not any(text in taught for text, spoke in zip(texts, said.tolist(), strict=True) if spoke)
    assert (tmp_path / "out" / "started_from" / "bundle" / "model.onnx").read_bytes() == before
    again = run_project(project(tmp_path))  # its own new student does not vote for itself
    assert {"start", "fit", "distill"} <= set(again.reused)


def test_what_an_ancestor_learned_from_counts_as_learned(tmp_path: Path) -> None:
    corpus(tmp_path, FIRST)
    run_project(project(tmp_path))
    corpus(tmp_path, SECOND)
    run_project(project(tmp_path))
    corpus(tmp_path, FIRST)  # back again: the student of SECOND was taught by that of FIRST
    found = run_project(project(tmp_path)).steps["start"]
    assert (found["rows"], found["seen_before"]) == (0, 48)
    assert EARLIER not in voted(tmp_path).names


def test_a_named_bundle_votes_and_says_that_its_rows_are_not_known(tmp_path: Path) -> None:
    proba = np.array([[0.95, 0.05], [0.05, 0.95]] * 30)
    save_bundle(train(["lunch at noon", "win a prize"] * 30, proba, labels=SPACE), tmp_path / "models")
    corpus(tmp_path, SECOND)
    found = run_project(project(tmp_path, start_from="models")).steps["start"]
    assert found["there"]
    assert not found["noted"]
    assert found["rows"] > 0


def test_other_labels_and_a_missing_bundle_are_refused_in_one_line(tmp_path: Path) -> None:
    proba = np.array([[0.9, 0.1], [0.1, 0.9]] * 30)
    save_bundle(train(["aa", "bb"] * 30, proba, labels=LabelSpace(["X", "Y"])), tmp_path / "models")
    corpus(tmp_path, FIRST)
    with pytest.raises(ConfigError, match="the student knows X, Y; the votes have HAM, SPAM"):
        run_project(project(tmp_path, start_from="models"))
    with pytest.raises(Exception, match="there is no folder .*gone"):
        run_project(project(tmp_path, start_from="gone"))


def test_a_record_of_texts_that_is_none_is_refused(tmp_path: Path) -> None:
    corpus(tmp_path, FIRST)
    run_project(project(tmp_path))
    (tmp_path / "out" / SAW).write_bytes(b"nothing of the kind")
    corpus(tmp_path, SECOND)
    with pytest.raises(ConfigError, match="expected hashes of texts"):
        run_project(project(tmp_path))


@given(st.lists(st.text(max_size=20), max_size=20), st.lists(st.text(max_size=20), max_size=20))
def test_a_student_never_votes_on_a_text_that_taught_it(taught: list[str], new: list[str]) -> None:
    class Sure:
        classes = ("HAM", "SPAM")
        multi = False
        fields = type("Fields", (), {"names": ()})()

        def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
            return np.tile(np.array([[0.1, 0.9]], np.float32), (len(texts), 1))

    earlier = Earlier(Sure(), np.unique(hash_texts(taught)))  # type: ignore[arg-type]
    rows = [{"text": text} for text in [*taught, *new]]
    ids = tuple(map(str, range(len(rows))))
    votes, found = earlier.vote(VoteMatrix(np.empty((len(rows), 0), np.int16), ids, (), SPACE), rows, sure=0.0)
    known = set(hash_texts(taught).tolist())
    spoke = votes.values[:, -1] >= 0 if EARLIER in votes.names else np.zeros(len(rows), bool)
    assert spoke.tolist() == [int(h) not in known for h in hash_texts([row["text"] for row in rows])]
    assert found["rows"] == spoke.sum()


def test_case_and_spaces_make_no_new_text() -> None:
    assert len(np.unique(hash_texts(["Win a  prize", "win A prize\n", "win a prize"]))) == 1


def test_what_was_seen_is_kept_without_a_text(tmp_path: Path) -> None:
    note_seen(tmp_path, ["a secret", "another"], started=False)
    assert b"secret" not in (tmp_path / SAW).read_bytes()
    assert np.load(tmp_path / SAW, allow_pickle=False).shape == (2,)


def test_a_vote_matrix_keeps_what_it_had(tmp_path: Path) -> None:
    proba = np.array([[0.95, 0.05], [0.05, 0.95]] * 30)
    save_bundle(train(["lunch at noon", "win a prize"] * 30, proba, labels=SPACE), tmp_path / "m")
    votes = VoteMatrix(np.array([[0], [-1]], np.int16), ("a", "b"), (Source("lf"),), SPACE)
    rows = [{"text": "lunch at noon"}, {"text": "win a prize"}]
    more, found = Earlier(load_bundle(tmp_path / "m"), None).vote(votes, rows, sure=0.0)
    assert more.values.tolist() == [[0, 0], [-1, 1]]
    assert (found["rows"], found["alone"], found["judged"], found["agrees"]) == (2, 1, 1, 1)


def test_a_bundle_named_by_its_model_file_votes_too_and_one_of_label_sets_is_refused(tmp_path: Path) -> None:
    proba = np.array([[0.95, 0.05], [0.05, 0.95]] * 30)
    texts = ["lunch at noon", "win a prize"] * 30
    save_bundle(train(texts, proba, labels=SPACE), tmp_path / "models")
    corpus(tmp_path, SECOND)
    found = run_project(project(tmp_path, start_from="models/model.onnx")).steps["start"]
    assert found["there"]
    assert found["rows"] > 0
    several = LabelSpace(["HAM", "SPAM"], multi=True)
    sets = SoftLabelSets(tuple(map(str, range(60))), proba, np.ones((60, 2), bool), several)
    save_bundle(train(texts, sets), tmp_path / "models")
    with pytest.raises(ConfigError, match="start_from: expected a student that gives one label a row"):
        run_project(project(tmp_path, start_from="models"))


def test_the_student_of_a_run_that_was_cut_does_not_vote_as_nobody_knows_what_it_saw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus(tmp_path, FIRST)
    run_project(project(tmp_path))

    def cut(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    corpus(tmp_path, SECOND)
    with monkeypatch.context() as patch:
        patch.setattr("weaksup.pipeline.distilling.label_corpus", cut)  # after the student was packed
        with pytest.raises(KeyboardInterrupt):
            run_project(project(tmp_path))
    corpus(tmp_path, SECOND + FIRST)
    assert run_project(project(tmp_path)).steps["start"] == {"there": False}
    assert EARLIER not in voted(tmp_path).names


def test_the_student_of_a_run_is_no_labeling_function_and_no_tier_of_it(tmp_path: Path) -> None:
    corpus(tmp_path, FIRST)
    run_project(project(tmp_path, start_from=None))
    made = project(tmp_path, start_from=None)
    tier = '[[tiers]]\nname = "own"\nprovider = "student"\nmodel = "out/student"\n'
    prompts = (
        "from weaksup.labeling_functions import prompt_function\n\n@prompt_function\ndef spam(x):\n    return '?'\n"
    )
    (tmp_path / "prompts.py").write_text(prompts, encoding="utf-8")
    told = (tmp_path / "weaksup.toml").read_text(encoding="utf-8")
    (tmp_path / "weaksup.toml").write_text(f'{told}[ask]\nprompts = "prompts.py"\nbudget_usd = 0\n{tier}')
    with pytest.raises(ConfigError, match='tier "own": expected a student of other rows, got the one that this run'):
        run_project(Project.load(tmp_path))
    (tmp_path / "weaksup.toml").write_text(told, encoding="utf-8")
    voting = LFS + '\nfrom weaksup.labeling_functions import model_vote\nown = model_vote("out/student", name="own")\n'
    (tmp_path / "lfs.py").write_text(voting, encoding="utf-8")
    with pytest.raises(ConfigError, match='labeling function "own": expected a student of other rows'):
        run_project(made)


def test_a_corpus_without_a_field_that_the_earlier_student_reads_is_refused(tmp_path: Path) -> None:
    proba = np.array([[0.95, 0.05], [0.05, 0.95]] * 30)
    student = train(["lunch at noon", "win a prize"] * 30, proba, labels=SPACE)
    save_bundle(student, tmp_path / "models", fields=Fields(("sender",)))
    corpus(tmp_path, SECOND)
    with pytest.raises(WeaksupError, match="sender"):
        run_project(project(tmp_path, start_from="models"))
