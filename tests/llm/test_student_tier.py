from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distill.toy import SPACE, make_corpus
from faults.asker import Spam

from weaksup.distill import load_bundle, save_bundle, train
from weaksup.errors import ConfigError, UsageError
from weaksup.labeling_functions import prompt_function
from weaksup.labels import LabelSpace
from weaksup.llm import Tier, ask, estimate, make_tier, read_tiers
from weaksup.llm.failures import Ambiguous, NotSent
from weaksup.llm.jobs import make_jobs
from weaksup.llm.providers.student import StudentProvider
from weaksup.store import Caps, Limits, Store

ROWS = [{"id": str(i), "text": text} for i, text in enumerate(["ham", "spam", "ham", ""])]


class Knower:
    """A student that reads the label in the text."""

    classes = ("SPAM", "HAM")

    def __init__(self, version: int = 1) -> None:
        self.manifest = {"files": {"model.onnx": version}}

    def predict_proba(self, texts: Sequence[str], *, threads: int | None = None) -> Any:
        return np.array([[0.9, 0.1] if text == "spam" else [0.25, 0.75] for text in texts], np.float32)


def tier(student: Any = None) -> Tier:
    return make_tier({"name": "own", "student": "bundle"}, load_student=lambda path: student or Knower())


def test_a_student_votes_for_nothing_with_its_probability_as_confidence(store: Store) -> None:
    made = tier()
    assert (made.kind, made.model, made.price.free) == ("student", "own", True)
    assert estimate(ROWS, Spam(), made).most == 0
    asked = ask(ROWS, Spam(), made, store, run="r", budget_usd=0)
    assert asked.votes == {"0": 0, "1": 1, "2": 0, "3": 0}
    assert asked.confidence == {"0": 0.75, "1": pytest.approx(0.9), "2": 0.75, "3": 0.75}
    assert (asked.spent, asked.outcomes.answered) == (0, 4)


def test_nothing_is_reserved_or_stored_for_what_is_free_and_the_same_every_time(store: Store) -> None:
    limits = Limits(Caps(calls=0, tokens=0), Caps(calls=0))
    one, two = (ask(ROWS, Spam(), tier(), store, run="r", budget_usd=0, limits=limits) for _ in range(2))
    assert one == two
    assert (one.outcomes.answered, one.outcomes.cached, store.ledger()) == (4, 0, [])


def test_the_key_of_a_question_names_the_bundle_that_answers() -> None:
    keys = [make_jobs(ROWS, Spam(), tier(Knower(version)).provider).calls[0].key for version in (1, 1, 2)]
    assert keys[0] == keys[1] != keys[2]


def test_rows_where_the_prompt_fails_are_answered_and_ids_must_differ(store: Store) -> None:
    @prompt_function(labels=LabelSpace(["HAM", "SPAM"]))
    def picky(x: Any) -> str:
        return {"spam": "?"}[x.text]

    assert ask(ROWS, picky, tier(), store, run="r", budget_usd=0).votes == {"0": 0, "1": 1, "2": 0, "3": 0}
    with pytest.raises(UsageError, match='two rows have the id "0"'):
        ask([*ROWS, ROWS[0]], Spam(), tier(), store, run="r", budget_usd=0)


def test_progress_is_told_and_no_rows_are_no_error(store: Store) -> None:
    told: list[int] = []
    ask(ROWS, Spam(), tier(), store, run="r", budget_usd=0, on_answer=lambda p: told.append(p.done))
    assert told == [4]
    assert ask([], Spam(), tier(), store, run="r", budget_usd=0).votes == {}


def test_a_bundle_answers_as_it_predicts(tmp_path: Path, store: Store) -> None:
    texts, gold = make_corpus(90)
    save_bundle(train(texts, np.eye(3)[gold], labels=SPACE, strengths=(10.0,)), tmp_path / "student")
    (tmp_path / "t.toml").write_text('[[tiers]]\nname = "own"\nstudent = "student"\n')

    @prompt_function(labels=SPACE)
    def topic(x: Any) -> str:
        return "?"

    (made,) = read_tiers(tmp_path / "t.toml", load_student=load_bundle)
    asked = ask([{"id": str(i), "text": t} for i, t in enumerate(texts)], topic, made, store, run="r", budget_usd=0)
    predicted = load_bundle(tmp_path / "student").predict_proba(texts)
    assert [asked.votes[str(i)] for i in range(90)] == predicted.argmax(axis=1).tolist()
    assert [asked.confidence[str(i)] for i in range(90)] == pytest.approx(predicted.max(axis=1).tolist(), abs=1e-5)


def test_a_student_of_other_labels_is_refused() -> None:
    @prompt_function(labels=SPACE)
    def topic(x: Any) -> str:
        return "?"

    with pytest.raises(UsageError, match="knows SPAM, HAM; the votes have billing, bug, how"):
        estimate(ROWS, topic, tier())


def test_a_student_of_label_sets_is_refused() -> None:
    several = Knower()
    several.multi = True  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="expected a student that gives one label a row"):
        estimate(ROWS, Spam(), tier(several))


def test_a_student_needs_one_who_opens_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="load_student=load_bundle"):
        make_tier({"name": "own", "student": "bundle"})
    gone = make_tier({"name": "own", "student": "gone"}, folder=tmp_path, load_student=load_bundle)
    with pytest.raises(UsageError, match="gone"):
        gone.provider.open()


def test_a_stored_answer_that_is_none_is_not_believed() -> None:
    provider = StudentProvider(Path("x"), lambda path: Knower())
    for body in (b"", b"{}", b"[]", b'{"label": "A", "confidence": null}'):
        with pytest.raises(Ambiguous):
            provider.read(body)
    with pytest.raises(NotSent, match="not open"):
        provider.send({"text": "x"})
