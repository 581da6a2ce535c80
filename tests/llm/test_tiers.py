from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from weaksup.errors import ConfigError, PriceError, UsageError
from weaksup.llm import OpenAICompatible, make_tier, read_tiers

OPENAI = {"name": "cheap", "provider": "openai", "model": "gpt-4o-mini"}
LOCAL = {"name": "home", "provider": "openai", "model": "qwen3", "base_url": "http://127.0.0.1:1/v1"}


def test_an_openai_tier_needs_a_name_and_a_model_alone() -> None:
    tier = make_tier(OPENAI)
    assert (tier.name, tier.kind, tier.model, tier.concurrency) == ("cheap", "openai", "gpt-4o-mini", 8)
    assert (tier.share, tier.share_alone, tier.items, tier.samples) == (None, 0.1, 1, 1)
    assert isinstance(tier.provider, OpenAICompatible)
    assert tier.provider.api_key_env == "OPENAI_API_KEY"


def test_a_price_in_the_settings_comes_before_the_list() -> None:
    tier = make_tier({**OPENAI, "price": {"input": 7, "output": 9.5}})
    assert (str(tier.price.input), str(tier.price.output)) == ("7", "9.5")
    assert tier.price.source == "the tier's settings"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"price": {"input": 0, "output": 0}}, "free = true"),
        ({"price": {"input": float("nan"), "output": 1}}, "price"),
        ({"price": "cheap"}, "price"),
        ({"free": True}, "on this machine"),
        ({"model": "gpt-99"}, "known price"),
        ({"base_url": "https://llm.example.com/v1"}, "known price"),
    ],
)
def test_without_a_price_there_is_no_tier(change: dict[str, Any], word: str) -> None:
    with pytest.raises(PriceError, match=word):
        make_tier({**OPENAI, **change})


def test_a_model_on_this_machine_may_be_free() -> None:
    assert make_tier({**LOCAL, "free": True}).price.source == "free"
    assert make_tier({**LOCAL, "free": True, "price": {"input": 0, "output": 0.0}}).price.free
    with pytest.raises(PriceError):
        make_tier(LOCAL)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({}, '"name" is missing'),
        ({"name": "x"}, '"provider" is missing'),
        ({"name": "x", "provider": "openai"}, '"model" is missing'),
        ({"name": "x", "provider": "magic"}, "expected one of openai, anthropic, .* simulated"),
        ({**OPENAI, "modle": "x"}, '"modle" is not a setting'),
        ({**OPENAI, "api_key": "sk-1"}, "keys do not belong in a file"),
        ({**OPENAI, "max_tokens": "many"}, "expected a whole number"),
        ({**OPENAI, "max_tokens": True}, "expected a whole number"),
        ({**OPENAI, "max_tokens": 0}, "max_tokens from 1"),
        ({**OPENAI, "timeout": 0}, "a timeout above 0"),
        ({**OPENAI, "timeout": float("inf")}, "a timeout above 0"),
        ({**OPENAI, "max_tokens": 10**18}, "max_tokens from 1"),
        ({**OPENAI, "params": {"temperature": float("nan")}}, "JSON can hold"),
        ({**OPENAI, "concurrency": 0}, "concurrency from 1"),
        ({**OPENAI, "share": 0}, "share above 0"),
        ({**OPENAI, "share": 1.5}, "share above 0"),
        ({**OPENAI, "name": "a\x1b[31m"}, "printable"),
        ({**OPENAI, "params": {"n": 5}}, '"n" is not a parameter'),
        ({**OPENAI, "params": {"stream": True}}, '"stream" is not a parameter'),
        ({**OPENAI, "params": []}, "expected a table"),
        ({**OPENAI, "base_url": "ftp://x/v1"}, "expected a base_url"),
        ({**OPENAI, "base_url": "https://user:secret@x.example/v1"}, "must not hold a user"),
        ({**OPENAI, "base_url": "https://x.example/v1?key=secret"}, "must not hold a user"),
        ({**OPENAI, "base_url": "http://10.0.0.7/v1", "free": True}, "plain http goes to this machine only"),
        ({**OPENAI, "base_url": "http://localhost.evil.example/v1"}, "plain http goes to this machine only"),
        ({"name": "x", "provider": "replay", "path": "p", "model": "m", "join": "both"}, '"id" or "text"'),
    ],
)
def test_a_setting_that_is_wrong_is_named_in_one_line(settings: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigError, match=word) as caught:
        make_tier(settings)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "sk-1" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "http://[::1]:8000/v1", "http://localhost/v1", "http://127.9.9.9/"]
)
def test_plain_http_goes_to_this_machine(url: str) -> None:
    assert make_tier({**LOCAL, "base_url": url, "free": True}).model == "qwen3"


def test_a_key_is_looked_for_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    tier = make_tier(OPENAI)
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        tier.provider.open()
    elsewhere = {**OPENAI, "base_url": "https://llm.example.com/v1", "price": {"input": 1, "output": 1}}
    with pytest.raises(ConfigError, match="api_key_env"):
        make_tier(elsewhere).provider.open()


def test_tiers_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "tiers.toml"
    path.write_text(
        '[[tiers]]\nname="a"\nprovider="openai"\nmodel="gpt-4.1"\n[[tiers]]\nname="b"\nprovider="openai"\nmodel="o3"\n'
    )
    assert [tier.name for tier in read_tiers(path)] == ["a", "b"]
    path.write_text('name="a"\nprovider="openai"\nmodel="gpt-4.1"\n')
    assert [tier.name for tier in read_tiers(path)] == ["a"]


@pytest.mark.parametrize("text", ["", "tiers = 5", "tiers = [1]", "= broken", '[corpus]\npath="x"'])
def test_a_file_without_tiers_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.toml").write_text(text)
    with pytest.raises(UsageError):
        read_tiers(tmp_path / "t.toml")


def test_a_missing_file_of_tiers_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.toml"):
        read_tiers(tmp_path / "gone.toml")
