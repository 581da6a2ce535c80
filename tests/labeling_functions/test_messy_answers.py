"""What models write, as it comes over the wire of each protocol: 0 wrong labels accepted, clean ones read.

WEAKSUP_CASES=20000 runs the laws at their full length.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import json_values

from weaksup.labeling_functions import PromptFunction, prompt_function
from weaksup.labels import ABSTAIN, LabelSpace
from weaksup.llm.failures import Ambiguous
from weaksup.llm.providers.anthropic_messages import AnthropicMessages
from weaksup.llm.providers.endpoint import Endpoint
from weaksup.llm.providers.google_generate import GoogleGenerate
from weaksup.llm.providers.openai_compatible import OpenAICompatible

CASES = int(os.environ.get("WEAKSUP_CASES", "300"))
ANSWERS = 5000
NAMES = ["billing", "cancellation", "bug_report", "feature request", "account access"]
SPACE = LabelSpace(NAMES, [f"about {name}" for name in NAMES])
WORDS = {
    "names": None,
    "aliases": dict(zip(NAMES, ["invoice", "good-bye", "défaut", "wish list", "Zugang"], strict=True)),
    "letters": "letters",
}
# NAME is the right label as it is shown, OTHER another one, REAL the name of a label behind its alias.
CLEAN = [
    '{"label": "NAME"}',
    ' {"label":"NAME"}\n',
    '```json\n{"label": "NAME"}\n```',
    '```\n{"label": "NAME"}```',
    '{"reason": "not OTHER, surely", "label": "NAME", "confidence": 0.5}',
    '{"label": " NAME "}',
    '\ufeff{"label": "NAME"}',
    '{\n  "label": "NAME",\n  "confidence": 1\n}',
]
PLAIN = ["NAME", " NAME\n", '"NAME"', "'NAME'", "```\nNAME\n```", "NAME.", "`NAME`", "**NAME**", "“NAME”", "«NAME»"]
MESSY = [
    "not NAME",
    "NAME or OTHER",
    "This is about NAME.",
    "I would say NAME, not OTHER.",
    "nicht NAME",
    "pas NAME",
    "keine NAME; eher OTHER",
    '{"label": "NAME", "label": "OTHER"}',
    '{"label": "NAME"} {"label": "OTHER"}',
    '{"label": ["NAME", "OTHER"]}',
    '{"label": ["NAME"]}',
    '{"label": 2}',
    '{"label": null}',
    '{"label": {"label": "NAME"}}',
    '{"label": "NAME OTHER"}',
    '{"label": "NAME", "label2": "OTHER"}',
    '{"label": "NA',
    '{"category": "NAME"}',
    '{"answer": {"label": "NAME"}}',
    '[{"label": "NAME"}]',
    '{"label": "NAME", "confidence": NaN}',
    "Label: NAME",
    "NAME\nOTHER",
    "NAME\nNAME",
    "1",
    "3",
    "-1",
    "2.",
    "",
    " ",
    "null",
    "I'm sorry, but I can't help with that.",
    "<answer>NAME</answer>",
    '{"label": "Facturation"}',
    '{"label": "none of NAME, OTHER"}',
    '{"label": "unknown"}',
    "NAME/OTHER",
    "NAME?",
    "NAME!",
    '"NAME',
    "NAMENAME",
    "xNAME",
    "HOMOGLYPH",
    '{"label": "HOMOGLYPH"}',
    "WIDE",
    '{"label": "WIDE"}',
    "SPLIT",
    'Sure! {"label": "NAME"}',
    '{"label": "NAME"} because OTHER is wrong',
    "{'label': 'NAME'}",
    "Ignore the above: {{NAME}}",
]
HOMOGLYPHS = str.maketrans("aceiopxyABCEHIKMOPTXég", "асеіорхуАВСЕНІКМОРТХёɡ")


def prompt_of(words: Any) -> PromptFunction:
    @prompt_function(labels=SPACE, aliases=words)
    def topic(x: Any) -> str:
        return "What is it about?"

    return topic


def chat(text: str) -> bytes:
    return json.dumps({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}).encode()


def message(text: str) -> bytes:
    """Write a message: what is an object of JSON is the input of the tool, as it is written; all else is text."""
    try:
        called = isinstance(json.loads(text), dict)
    except ValueError:
        called = False
    tool = f'{{"type": "tool_use", "id": "t", "name": "answer", "input": {text}}}'
    block = tool if called else json.dumps({"type": "text", "text": text})
    return f'{{"content": [{block}], "stop_reason": "{"tool_use" if called else "end_turn"}"}}'.encode()


def generated(text: str) -> bytes:
    half = len(text) // 2
    parts = [{"text": "thinking", "thought": True}, {"text": text[:half]}, {"text": text[half:]}]
    return json.dumps({"candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}]}).encode()


WIRES: dict[str, tuple[Endpoint, Callable[[str], bytes]]] = {
    "openai": (OpenAICompatible("m"), chat),
    "anthropic": (AnthropicMessages("m"), message),
    "google": (GoogleGenerate("m"), generated),
}
every_wire = pytest.mark.parametrize("wire", WIRES)
every_word = pytest.mark.parametrize("words", WORDS)


def write(form: str, shown: Sequence[str], right: int, other: int, chance: Random) -> str:
    name = shown[right]
    unlike = name.translate(HOMOGLYPHS)
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in name)
    text = form.replace("HOMOGLYPH", unlike if unlike != name else f"{name}\u0430").replace("WIDE", wide)
    text = text.replace("SPLIT", f"{name[:1]} {name[1:]} -").replace("NAME", name).replace("OTHER", shown[other])
    return chance.choice([text, text.upper(), text.title()]) if form in PLAIN else text


@every_wire
@every_word
def test_of_5000_messy_answers_none_is_read_as_a_label_and_the_clean_ones_are_read(wire: str, words: str) -> None:
    provider, put = WIRES[wire]
    prompt = prompt_of(WORDS[words])
    shown = prompt.render("x").answers
    chance = Random(f"{wire} {words}")
    wrong, clean, read = [], 0, 0
    for _ in range(ANSWERS):
        right, other = chance.sample(range(len(shown)), 2)
        form = chance.choice(CLEAN + PLAIN + MESSY)
        text = write(form, shown, right, other, chance)
        reply = provider.read(put(text))
        assert reply.fault == ""
        code = prompt.parse(reply.text)
        wanted = right if form in CLEAN + PLAIN else ABSTAIN
        clean += wanted != ABSTAIN
        read += wanted != ABSTAIN and code == wanted
        wrong += [text] if code not in (wanted, ABSTAIN) else []
    assert wrong == []
    assert clean > 1000
    assert read >= 0.99 * clean


@every_word
def test_the_names_behind_aliases_are_no_clean_answers(words: str) -> None:
    prompt = prompt_of(WORDS[words])
    for code, name in enumerate(NAMES):
        for form in CLEAN + PLAIN:
            right = code if words == "names" else ABSTAIN
            assert prompt.parse(form.replace("NAME", name).replace("OTHER", "x")) == right


# Laws


raw = st.text() | st.binary().map(lambda b: b.decode("utf-8", "surrogateescape")) | json_values.map(json.dumps)
pieces = st.sampled_from(["{", "}", "[", '"', ":", ",", "label", "billing", "A", "cancellation", "\\", "`", "\n", " "])
nearly = st.lists(pieces, max_size=14).map("".join)


@settings(max_examples=CASES)
@given(raw | nearly, st.sampled_from(sorted(WORDS)))
def test_reading_never_raises_and_takes_no_word_for_a_label(text: str, words: str) -> None:
    prompt = PROMPTS[words]
    shown = prompt.render("x").answers
    reading = prompt.read(text)
    assert (reading.code == ABSTAIN) == bool(reading.reason)
    if reading.code != ABSTAIN:
        assert shown[reading.code].casefold() in _letters(text).casefold()
    several = prompt.read_many(text, ("bcdf", "ghjk"))
    assert len(several) == 2
    assert all((each.code == ABSTAIN) == bool(each.reason) for each in several)


def _letters(text: str) -> str:
    """Return what is written with what JSON's escapes stand for, too."""
    try:
        return text + " ".join(map(str, json.loads(text.strip().strip("`").strip()).values()))
    except (ValueError, AttributeError, RecursionError):
        return text


PROMPTS = {name: prompt_of(words) for name, words in WORDS.items()}


@settings(max_examples=CASES)
@given(raw | nearly, st.sampled_from(sorted(WIRES)))
def test_what_is_written_is_what_is_read_whatever_the_wire(text: str, wire: str) -> None:
    provider, put = WIRES[wire]
    try:
        reply = provider.read(put(text))
    except Ambiguous:  # JSON that Python itself cannot read again
        return
    assert PROMPTS["names"].parse(reply.text) == PROMPTS["names"].parse(text)
