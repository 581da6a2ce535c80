from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from weaksup.llm.keys import request_key
from weaksup.llm.providers.chat import chat_body
from weaksup.protocols import Prompt


def key(request: dict[str, Any], name: str = "p", version: str = "1", answers: tuple[str, ...] = ("A", "B")) -> str:
    return request_key(request, prompt_name=name, prompt_version=version, answers=answers)


requests = st.fixed_dictionaries(
    {"url": st.text(max_size=4), "system": st.text(max_size=4), "user": st.text(max_size=4)}
)


@given(requests, requests)
def test_keys_are_equal_only_for_equal_requests(one: dict[str, str], other: dict[str, str]) -> None:
    assert (key(one) == key(other)) == (one == other)


@given(st.tuples(st.text(), st.text(), st.lists(st.text())), st.tuples(st.text(), st.text(), st.lists(st.text())))
def test_no_shift_between_fields_gives_the_same_key(
    one: tuple[str, str, list[str]], other: tuple[str, str, list[str]]
) -> None:
    keys = [key({}, name, version, tuple(answers)) for name, version, answers in (one, other)]
    assert (keys[0] == keys[1]) == (one == other)


def test_each_part_of_a_request_changes_the_key() -> None:
    def body(system: str = "s", user: str = "u", model: str = "m", limit: int = 9, heat: float = 0) -> dict[str, Any]:
        prompt = Prompt(system, user, ("A", "B"))
        return {"url": "u", "body": chat_body(prompt, model=model, max_tokens=limit, params={"temperature": heat})}

    def asked(**more: Any) -> dict[str, Any]:
        return {"url": "u", "body": chat_body(Prompt("s", "u", ("A", "B"), **more), model="m", max_tokens=9, params={})}

    variants = [
        key(asked()),
        key(asked(wants=("reason",))),
        key(asked(items=("x", "y"))),
        key(body()),
        key(body(system="t")),
        key(body(user="v")),
        key(body(model="n")),
        key(body(limit=8)),
        key(body(heat=1)),
        key({**body(), "url": "w"}),
        key(body(), name="q"),
        key(body(), version="2"),
        key(body(), answers=("B", "A")),
        key(body(), answers=("A",)),
    ]
    assert len(set(variants)) == len(variants)


def test_keys_stay_as_they_were() -> None:
    """Another encoding would make every answer that people have paid for unreachable."""
    assert key({"url": "u", "user": "é"}) == "f4fd8b7980240df124fc48e5042d1371ea3dd7d777877be30166500f4f58e66b"


def test_a_lone_surrogate_has_a_key() -> None:
    assert key({"user": "\ud800"}) != key({"user": "\ud801"})
