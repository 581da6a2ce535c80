"""Aliases: the model sees and writes other words for the labels, and nothing but these is read back."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scripted_model import scripted
from strategies import label_names

from weaksup.errors import ConfigError
from weaksup.labeling_functions import PromptFunction, few_shot, prompt_function
from weaksup.labeling_functions.aliases import label_words
from weaksup.labels import ABSTAIN, LabelSpace
from weaksup.llm import ask, make_tier
from weaksup.llm.jobs import make_request
from weaksup.store import Store

SPACE = LabelSpace({"HAM": "a message from a person", "SPAM": "an unwanted offer"})
GIVEN = {"HAM": "personal", "SPAM": "advert"}


def made(aliases: Any, space: LabelSpace = SPACE) -> PromptFunction:
    @prompt_function(labels=space, aliases=aliases)
    def kind(x: Any) -> str:
        return "What kind of message is this?"

    return kind


@given(label_names, st.data())
def test_an_alias_reads_as_its_label_and_a_label_that_is_no_alias_reads_as_nothing(
    names: list[str], data: st.DataObject
) -> None:
    words = data.draw(st.lists(st.text("abcdefxyz123", min_size=1, max_size=6), min_size=len(names), unique=True))
    given_words = dict(zip(names, words, strict=False))
    try:
        prompt = made(given_words, LabelSpace(names))
    except ConfigError:
        assume(False)
    assert prompt.render("x").answers == tuple(given_words.values())
    for code, (name, word) in enumerate(given_words.items()):
        assert prompt.parse(json.dumps({"label": word})) == prompt.parse(word) == code
        if name.casefold() not in {other.casefold() for other in given_words.values()}:
            assert prompt.parse(json.dumps({"label": name})) == prompt.parse(name) == ABSTAIN
    items = ("bcdf", "ghjk")
    said = json.dumps({items[0]: {"label": words[0]}, items[1]: {"label": words[1]}})
    assert [reading.code for reading in prompt.read_many(said, items)] == [0, 1]


@given(st.integers(2, 800))
def test_letters_are_as_many_as_there_are_labels_and_all_differ(n: int) -> None:
    space = LabelSpace({f"label {i}": "some text" for i in range(n)})
    words = label_words("letters", space, where="p")
    assert len(set(words)) == n
    assert words[:2] == ("A", "B")
    assert list(words) == sorted(words, key=lambda word: (len(word), word))


@pytest.mark.parametrize("aliases", [GIVEN, "letters"])
def test_the_model_sees_the_aliases_and_never_the_names(aliases: Any) -> None:
    gold = ["lunch?", "free prize", "see you", "cheap pills"]
    prompt = made(aliases).with_examples(few_shot(gold, ["HAM", "SPAM", "HAM", "SPAM"], k=2))
    shown = [prompt.render("call me"), prompt.render_many(["call me", "win"])]
    for each in shown:
        assert "HAM" not in each.system + each.user
        assert "SPAM" not in each.system + each.user
    ham, spam = shown[0].answers
    assert f'"{ham}": a message from a person' in shown[0].system
    assert f'Document: {{"text": "free prize"}}\nAnswer: {{"label": "{spam}"}}' in shown[0].user
    assert f'{{"example1": {{"label": "{spam}"}}}}' in shown[1].user.replace("example2", "example1")


def test_labels_that_come_later_get_their_aliases_then() -> None:
    @prompt_function(aliases="letters")
    def bare(x: Any) -> str:
        return ""

    assert bare.bind(SPACE).parse("B") == 1
    with pytest.raises(ConfigError, match="has no description"):
        bare.bind(LabelSpace(["HAM", "SPAM"]))


@pytest.mark.parametrize(
    ("aliases", "word"),
    [
        ({"HAM": "personal"}, 'see "SPAM"'),
        ({**GIVEN, "EGGS": "x"}, 'see "EGGS"'),
        ({"HAM": "one", "SPAM": "One"}, "the same word"),
        ({"HAM": "fi", "SPAM": "\ufb01"}, "the same word"),  # a ligature
        ({"HAM": "straße", "SPAM": "STRASSE"}, "the same word"),
        ({"HAM": "spam", "SPAM": "advert"}, 'name of another label, "SPAM"'),
        ({"HAM": "SPAM", "SPAM": "HAM"}, "name of another label"),
        ({"HAM": "", "SPAM": "x"}, "printable aliases"),
        ({"HAM": " a", "SPAM": "x"}, "printable aliases"),
        ({"HAM": "a\nb", "SPAM": "x"}, "printable aliases"),
        ({"HAM": 1, "SPAM": 2}, "printable aliases"),
        ("numbers", 'or "letters"'),
        (["a", "b"], 'or "letters"'),
    ],
)
def test_aliases_that_could_be_mistaken_are_refused_in_one_line(aliases: Any, word: str) -> None:
    with pytest.raises(ConfigError, match=word) as caught:
        made(aliases)
    assert str(caught.value).startswith('prompt "kind"')
    assert "\n" not in str(caught.value)


def test_letters_that_are_names_of_other_labels_are_refused() -> None:
    assert made("letters", LabelSpace({"A": "x", "B": "y"})).parse("B") == 1
    with pytest.raises(ConfigError, match="name of another label"):
        made("letters", LabelSpace({"B": "x", "A": "y"}))


def test_a_label_may_keep_its_name() -> None:
    prompt = made({"HAM": "HAM", "SPAM": "advert"})
    assert [prompt.parse(word) for word in ("ham", "advert", "SPAM")] == [0, 1, ABSTAIN]


def test_other_aliases_are_another_question() -> None:
    _, tier = scripted(lambda body: {"label": "A"})
    prompts = [made(aliases) for aliases in (None, GIVEN, "letters", {"HAM": "advert", "SPAM": "personal"})]
    keys = {make_request({"id": "1", "text": "x"}, prompt, tier.provider)[0] for prompt in prompts}
    assert len(keys) == 4


# With tiers

ROWS = [{"id": "a", "text": "lunch at noon?"}, {"id": "b", "text": "win a prize"}, {"id": "c", "text": "see you"}]


def test_a_model_answers_with_aliases_and_the_votes_are_labels(tmp_path: Path) -> None:
    said = iter(["A", "B", "SPAM"])
    provider, tier = scripted(lambda body: {"label": next(said)})
    with Store(tmp_path / "s.db") as store:
        asked = ask(ROWS, made("letters"), tier, store, run="r", budget_usd=1)
    assert sorted(asked.votes.values()) == [-1, 0, 1]
    assert asked.outcomes.abstained == {"the answer is not a label": 1}
    for body in provider.sent:
        schema = body["response_format"]["json_schema"]["schema"]
        assert schema["properties"]["label"]["enum"] == ["A", "B"]
        assert "SPAM" not in json.dumps(body)


def test_several_items_and_samples_are_read_by_alias(tmp_path: Path) -> None:
    def many(body: Any) -> Any:
        names = body["response_format"]["json_schema"]["schema"]["required"]
        return {name: {"label": "B"} for name in names} if "label" not in names else {"label": "B"}

    _, tier = scripted(many, temperature=0.7)
    with Store(tmp_path / "s.db") as store:
        shared: dict[str, Any] = {"run": "r", "budget_usd": 1}
        grouped = ask(ROWS, made("letters"), replace(tier, items=3), store, **shared)
        sampled = ask(ROWS, made("letters"), replace(tier, samples=2), store, **shared)
    assert set(grouped.votes.values()) == set(sampled.votes.values()) == {1}


def test_people_see_the_names_of_the_labels_and_answer_with_them(tmp_path: Path) -> None:
    desk = {"name": "desk", "people": "q.csv", "hourly_rate": 30, "items_per_hour": 60}
    tier = make_tier(desk, folder=tmp_path)
    file = tmp_path / "q.csv"
    with Store(tmp_path / "s.db") as store:
        ask(ROWS, made("letters"), tier, store, run="r", budget_usd=2)
        with file.open(encoding="utf-8", newline="") as opened:
            rows = list(csv.DictReader(opened))
        assert {row["choices"] for row in rows} == {"HAM | SPAM"}
        with file.open("w", encoding="utf-8", newline="") as opened:
            writer = csv.DictWriter(opened, list(rows[0]))
            writer.writeheader()
            writer.writerows({**row, "label": "SPAM"} for row in rows)
        again = ask(ROWS, made("letters"), make_tier(desk, folder=tmp_path), store, run="r", budget_usd=2)
    assert again.votes == {"a": 1, "b": 1, "c": 1}


def test_records_and_stand_ins_answer_with_the_names_too(tmp_path: Path) -> None:
    (tmp_path / "gold.csv").write_text("id,label\na,HAM\nb,SPAM\nc,HAM\n")
    tier = make_tier(
        {"name": "x", "simulated": "m", "truth": "gold.csv", "error_rate": 0.0, "price": {"input": 1, "output": 1}},
        folder=tmp_path,
    )
    with Store(tmp_path / "s.db") as store:
        assert ask(ROWS, made(GIVEN), tier, store, run="r", budget_usd=1).votes == {"a": 0, "b": 1, "c": 0}
