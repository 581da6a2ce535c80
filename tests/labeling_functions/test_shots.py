from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaksup.errors import ConfigError, UsageError
from weaksup.labeling_functions import few_shot, prompt_function
from weaksup.labels import LabelSpace

TEXTS = ["win a free prize", "lunch at noon?", "free money now", "see you at eight", "cheap pills", "call me later"]
LABELS = ["SPAM", "HAM", "SPAM", "HAM", "SPAM", "HAM"]
GOLD = [{"id": f"g{i}", "text": text} for i, text in enumerate(TEXTS)]


@prompt_function(labels=LabelSpace(["HAM", "SPAM"]))
def kind(x: Any) -> str:
    return "What is it?"


def shown(user: str) -> list[tuple[str, str]]:
    """Read texts and answers of the examples back out of a prompt."""
    lines = user.splitlines()
    documents = [json.loads(x.removeprefix("Document: "))["text"] for x in lines if x.startswith("Document: ")]
    answers = [json.loads(x.removeprefix("Answer: "))["label"] for x in lines if x.startswith("Answer: ")]
    return list(zip(documents[:-1], answers, strict=True))


hows = st.sampled_from(["fixed", "balanced", "similar"])


@given(hows, st.integers(1, 8), st.integers(0, 5), st.sampled_from([*GOLD, {"id": "new", "text": "free lunch"}]))
def test_examples_carry_their_true_answer_and_never_the_document_itself(
    how: Any, k: int, seed: int, row: dict[str, str]
) -> None:
    prompt = kind.with_examples(few_shot(GOLD, LABELS, k=k, how=how, seed=seed)).render(row)
    found = shown(prompt.user)
    assert len(found) == min(k, len(GOLD) - (row in GOLD))
    assert all(LABELS[TEXTS.index(text)] == label for text, label in found)
    assert row["text"] not in dict(found)
    assert prompt.user.splitlines()[-1] == f'Document: {{"text": {json.dumps(row["text"])}}}'


@given(st.sampled_from(["fixed", "balanced"]), st.integers(0, 5), st.text(max_size=10), st.text(max_size=10))
def test_fixed_and_balanced_examples_are_the_same_for_every_document(how: Any, seed: int, one: str, two: str) -> None:
    prompt = kind.with_examples(few_shot(GOLD, LABELS, how=how, seed=seed))
    assert shown(prompt.render(one).user) == shown(prompt.render(two).user)


@given(st.integers(0, 9), st.integers(1, 6))
def test_balanced_examples_take_the_labels_in_turn(seed: int, k: int) -> None:
    labels = ["SPAM", *["HAM"] * 5]
    count = Counter(answer for _, answer in few_shot(GOLD, labels, k=k, seed=seed).pick(None))
    assert count["SPAM"] == (1 if k > 1 else count["SPAM"])
    even = Counter(answer for _, answer in few_shot(GOLD, LABELS, k=k, seed=seed).pick(None))
    assert abs(even["SPAM"] - even["HAM"]) <= 1


def test_similar_examples_are_like_the_document_the_nearest_last() -> None:
    prompt = kind.with_examples(few_shot(GOLD, LABELS, k=2, how="similar"))
    assert [text for text, _ in shown(prompt.render("a free prize to win").user)][-1] == "win a free prize"
    assert [text for text, _ in shown(prompt.render("see you then, at eight").user)][-1] == "see you at eight"


def test_another_seed_draws_others() -> None:
    drawn = {tuple(few_shot(GOLD, LABELS, k=2, how="fixed", seed=seed).answers) for seed in range(5)}
    assert len(drawn) > 1


def test_rows_without_a_text_are_told_apart_by_their_fields() -> None:
    @prompt_function(labels=LabelSpace(["HAM", "SPAM"]))
    def by_sender(x: Any) -> dict[str, Any]:
        return {"from": x.sender}

    shots = few_shot([{"sender": "a"}, {"sender": "b"}], ["HAM", "SPAM"], k=2)
    user = by_sender.with_examples(shots).render({"sender": "b"}).user
    assert user.count('{"from": "a"}') == 1
    assert user.count('{"from": "b"}') == 1


@pytest.mark.parametrize(
    ("rows", "answers", "k", "how"),
    [
        ([], [], 1, "fixed"),
        (["a"], ["HAM"], 0, "fixed"),
        (["a"], ["HAM", "SPAM"], 1, "fixed"),
        (["a"], ["HAM"], 1, "x"),
    ],
)
def test_examples_that_do_not_fit_are_refused(rows: Any, answers: Any, k: int, how: Any) -> None:
    with pytest.raises(UsageError, match="examples: expected"):
        few_shot(rows, answers, k=k, how=how)


def test_an_answer_that_is_no_label_is_named() -> None:
    with pytest.raises(ConfigError, match='expected examples of HAM, SPAM, got one of "spam"'):
        kind.with_examples(few_shot(["a"], ["spam"]))


# What is asked for beside a label


def test_a_reason_and_a_confidence_are_asked_for_only_where_they_are_wanted() -> None:
    plain = kind.render("x")
    assert (plain.wants, "reason" in plain.system, "confidence" in plain.system) == ((), False, False)
    both = kind.fitted(clean=None, wants=("confidence", "reason")).render("x")
    assert '{"reason": R, "label": L, "confidence": C}, where R is one short sentence' in both.system
    assert both.user == plain.user
    reading = kind.read('{"reason": "it  offers\\nmoney", "label": "SPAM", "confidence": 0.8}')
    assert (reading.code, reading.confidence, reading.because) == (1, 0.8, "it offers money")
    assert kind.read('{"reason": 5, "label": "SPAM"}').because == ""


def test_a_sample_is_the_same_question_in_the_same_words() -> None:
    one, two = (kind.sampled(number).render("x") for number in (0, 1))
    assert (one.system, one.user, one.sample) == (two.system, two.user, 0)
    assert (two.sample, kind.render("x")) == (1, one)
