from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faults.asker import Spam, fake_tier
from faults.fakeprov import fake_provider
from hypothesis import given
from hypothesis import strategies as st

from weaksup.corpus.rows import row_type
from weaksup.errors import ConfigError
from weaksup.labeling_functions import few_shot, prompt_function
from weaksup.labels import LabelSpace
from weaksup.llm import Tier, ask, estimate, make_tier, read_tiers
from weaksup.llm.egress import Egress
from weaksup.llm.redaction import KINDS, redact
from weaksup.pipeline.asking import make_tiers
from weaksup.project import Project
from weaksup.store import Store

SPACE = LabelSpace(["HAM", "SPAM"])
SECRETS = {
    "id": "c1",
    "text": "Ann here, ann.lee+x@mail.example.org or +49 (30) 901-820; IBAN DE89 3704 0044 0532 0130 00, "
    "card 4111 1111 1111 1111.",
    "sender": "ann@example.org",
    "thread": ["bob@example.org", {"cc": "eve@example.org"}],
}
LEAKS = re.compile(r"@|901|3704|4111")


@prompt_function(labels=SPACE)
def kind(x: Any) -> str:
    return "What is it?"


@prompt_function(labels=SPACE)
def by_fields(x: Any) -> dict[str, Any]:
    return {"text": x.text, "from": x["sender"], "thread": x.get("thread")}


# What is cut out


@given(st.text(), st.lists(st.sampled_from(KINDS)))
def test_any_text_can_be_redacted_and_twice_is_once(text: str, kinds: list[str]) -> None:
    once = redact(text, kinds)
    assert redact(once, kinds) == once
    assert kinds or once == text


EMAILS = [
    "a@b.io",
    "Ann.Lee+tag@mail.example.co.uk",
    "o'neil@x-y.example",
    "юзер@почта.example",
    "A_1%z@127.example.org",
]
IBANS = [
    "DE89370400440532013000",
    "DE89 3704 0044 0532 0130 00",
    "GB29-NWBK-6016-1331-9268-19",
    "no9386011117947",
    "MT84MALT011000012345MTLCAST001S",
]
CARDS = ["4111111111111111", "4111 1111 1111 1111", "3782-822463-10005", "5555555555554444", "6011 0009 9013 9424"]
PHONES = [
    "+49 30 901820",
    "(030) 90 18 20 77",
    "555-123-4567",
    "+1 (212) 555-0100",
    "0049.30.901820",
    "5551234567",
    "030/901820",
]
# As web pages and word processors write them: spaces that do not break, and other dashes.
IBANS += [IBANS[1].replace(" ", "\u00a0"), IBANS[2].replace("-", "\u2011")]
CARDS += [CARDS[1].replace(" ", "\u202f"), CARDS[2].replace("-", "\u2013")]
PHONES += ["+49\u00a030\u00a0901820", "555\u2011123\u20114567"]
FOUND = [("email", t) for t in EMAILS] + [("iban", t) for t in IBANS] + [("card", t) for t in CARDS]
FOUND += [("phone", t) for t in PHONES]
around = st.sampled_from(["", "call ", "x: ", "(", "\n", "Nr 12 ", "to,", "no "])
after = st.sampled_from(["", " now", ".", ")", "\nThanks", ", or 7", " and", "; 2024-01-31"])


@given(st.sampled_from(FOUND), around, after)
def test_what_points_at_a_person_is_cut_out_wherever_it_stands(case: tuple[str, str], before: str, then: str) -> None:
    what, text = case
    said = redact(before + text + then, [what])
    if what == "phone" and before == "Nr 12 ":  # a number before a number is taken for a part of it
        assert said == f"Nr [PHONE]{then}"
    else:
        assert said == f"{before}[{what.upper()}]{then}"


@given(st.lists(st.sampled_from(FOUND), min_size=1, max_size=4))
def test_all_of_them_are_cut_out_of_one_text(cases: list[tuple[str, str]]) -> None:
    said = redact("; ".join(text for _, text in cases), KINDS)
    assert said == "; ".join(f"[{what.upper()}]" for what, _ in cases)


@pytest.mark.parametrize(
    "text",
    [
        "on 2026-11-22, 22.11.2026 or 11/22/2026",
        "1,234,567.89 dollars",
        "room 12345, order 1234567",
        "4111 1111 1111 1112",
        "DE88",
        "me @ home, @ann, a@b",
        "v1.2.3.4 of 10.0.0.1",
        "",
    ],
)
def test_other_numbers_and_signs_stay(text: str) -> None:
    assert redact(text, ["email", "iban", "card"]) == text
    if "4111" not in text:
        assert redact(text, KINDS) == text


@pytest.mark.parametrize(
    "text", ["a" * 50_000, "1 " * 10_000, "1" * 50_000, "AB12 " * 5_000, "a.b-" * 20_000, "+(" * 20_000]
)
def test_long_texts_that_nearly_match_are_read_through(text: str) -> None:
    assert isinstance(redact(text, KINDS), str)  # hangs where a pattern goes back over what it has read


# What is shown


def test_numbers_and_bytes_are_redacted_like_the_text_that_they_become() -> None:
    shown = {"card": 4111111111111111, "phone": 495551234567.0, "raw": b"to a@b.io", "n": 12345, "share": 0.123456789}
    fields = {"id": "1", "text": "hello", **shown, "inner": {"cards": [4111111111111111]}, "known": True}
    row = row_type(tuple(fields))(fields.values())
    clean = Egress(redact=KINDS).clean(row).as_dict()
    assert (clean["card"], clean["phone"], clean["raw"]) == ("[CARD]", "[PHONE]", "to [EMAIL]")
    assert (clean["n"], clean["share"], clean["known"]) == (12345, 0.123456789, True)
    assert clean["inner"]["cards"] == ("[CARD]",)


def sent_by(tier: Callable[[str], Tier], prompt: Any, store: Store, row: dict[str, Any] = SECRETS) -> str:
    """Return what the server saw of a row."""
    with fake_provider() as server:
        ask([row], prompt, tier(server.base_url), store, run="r", budget_usd=1)
        return json.dumps([dict(served.body) for served in server.log], ensure_ascii=False)


def test_nothing_that_is_redacted_leaves(store: Store) -> None:
    for prompt in (kind, by_fields):
        sent = sent_by(lambda url: fake_tier(url, redact=True), prompt, store)
        assert not LEAKS.search(sent)
        assert "Ann here, [EMAIL] or [PHONE]; IBAN [IBAN], card [CARD]." in sent
    assert "4111" in sent_by(lambda url: fake_tier(url, redact=["email"]), kind, store)
    assert "@" in sent_by(fake_tier, kind, store)


def test_examples_are_redacted_like_the_document(store: Store) -> None:
    shown = kind.with_examples(few_shot([SECRETS], ["SPAM"]))
    sent = sent_by(lambda url: fake_tier(url, redact=True), shown, store, {"id": "2", "text": "hello"})
    assert "IBAN [IBAN]" in sent
    assert not LEAKS.search(sent)


def test_a_field_that_may_not_leave_stops_the_prompt_that_reads_it(store: Store) -> None:
    with pytest.raises(ConfigError, match=r'tier "cheap": the prompt reads the field "sender", which may not leave'):
        sent_by(lambda url: fake_tier(url, fields=["text", "thread"]), by_fields, store)
    with pytest.raises(ConfigError, match='"thread"'):
        sent_by(lambda url: fake_tier(url, fields=["text", "sender"]), by_fields, store)
    with pytest.raises(ConfigError, match='"text"'):
        estimate([SECRETS], kind, fake_tier("http://127.0.0.1:1/v1", fields=["id"]))
    sent = sent_by(lambda url: fake_tier(url, fields=["text", "sender", "thread"]), by_fields, store)
    assert "ann@example.org" in sent


def test_a_row_is_shown_as_it_may_be_seen() -> None:
    row = row_type(("id", "text", "secret"))(("1", "a@b.io", "x"))
    seen = Egress(("id", "text"), ("email",)).clean(row)
    assert (seen.text, seen["text"], seen.get("text"), seen[1], seen.as_dict()) == (
        *["[EMAIL]"] * 4,
        {"id": "1", "text": "[EMAIL]"},
    )
    reads: list[Callable[[], Any]] = [lambda: seen.secret, lambda: seen["secret"], lambda: seen.get("secret")]
    for read in reads:
        with pytest.raises(ConfigError, match="secret"):
            read()
    assert (seen.get("other"), seen.get("other", 5)) == (None, 5)
    with pytest.raises(AttributeError):
        _ = seen.other
    with pytest.raises(KeyError):
        _ = seen["other"]


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"fields": "text"}, '"fields": expected a list'),
        ({"fields": [1]}, '"fields": expected a list of names'),
        ({"redact": "email"}, '"redact": expected a list'),
        ({"redact": ["name"]}, "expected some of email, iban, card, phone"),
        ({"local_only": 1}, "true or false"),
    ],
)
def test_a_setting_of_egress_that_is_wrong_is_named(settings: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        make_tier({"name": "x", "ollama": "m", **settings})


def test_a_prompt_that_cannot_hold_back_is_not_asked() -> None:
    for settings in ({"redact": True}, {"fields": ["text"]}, {"reason": True}):
        tier = make_tier({"name": "x", "ollama": "m", **settings})
        with pytest.raises(ConfigError, match="@prompt_function"):
            estimate([{"id": "1", "text": "a"}], Spam(), tier)


# What stays on this machine

REMOTE = {"name": "far", "openai": "gpt-4o-mini"}
NEAR = {"name": "near", "ollama": "qwen3"}


def test_a_local_tier_goes_nowhere_else() -> None:
    assert make_tier({**NEAR, "local_only": True}).name == "near"
    assert make_tier({**NEAR, "base_url": "http://[::1]:1/v1", "local_only": True}).name == "near"
    with pytest.raises(ConfigError, match=r"local_only = true, and https://api\.openai\.com/v1 is another machine"):
        make_tier({**REMOTE, "local_only": True})


@pytest.mark.parametrize(("value", "refused"), [("1", True), ("true", True), ("yes", True), ("0", False), ("", False)])
def test_the_environment_can_forbid_to_send_elsewhere(
    value: str, refused: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    remote = make_tier(REMOTE)
    monkeypatch.setenv("WEAKSUP_LOCAL_ONLY", value)
    people = {"name": "desk", "people": "q.csv", "hourly_rate": 1, "items_per_hour": 1}
    for local in (NEAR, people):
        assert make_tier(local, folder=tmp_path)
    if not refused:
        assert make_tier(REMOTE)
        return
    with pytest.raises(ConfigError, match="WEAKSUP_LOCAL_ONLY is set"):
        make_tier(REMOTE)
    with pytest.raises(ConfigError, match="WEAKSUP_LOCAL_ONLY is set"):
        Tier("far", remote.provider, remote.price)


def test_a_whole_file_can_be_local(tmp_path: Path) -> None:
    path = tmp_path / "weaksup.toml"
    tier = '[[tiers]]\nname = "a"\nollama = "m"\n'
    remote = '[[tiers]]\nname = "b"\nopenai = "gpt-4.1"\n'
    path.write_text(f'local_only = true\n[corpus]\npath = "c.csv"\n{tier}')
    assert [t.name for t in read_tiers(path)] == [t.name for t in make_tiers(Project.load(path))] == ["a"]
    path.write_text(f'local_only = true\n[corpus]\npath = "c.csv"\n{tier}{remote}')
    for read in (lambda: read_tiers(path), lambda: make_tiers(Project.load(path))):
        with pytest.raises(ConfigError, match='tier "b": local_only = true'):
            read()
