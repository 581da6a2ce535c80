from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from faults.asker import Spam, fake_rows
from faults.fakeprov import CANARY, fake_provider

from weaksup.errors import ConfigError, PriceError
from weaksup.llm import OpenAICompatible, ask, make_tier
from weaksup.llm.providers.api_keys import read_api_key
from weaksup.llm.providers.endpoint import Endpoint
from weaksup.store import Store

OWN_PRICE = {"input": 1, "output": 2}


@pytest.mark.parametrize(
    ("kind", "model", "url", "variable"),
    [
        ("openai", "gpt-4o-mini", "https://api.openai.com/v1", "OPENAI_API_KEY"),
        ("anthropic", "claude-haiku-4-5", "https://api.anthropic.com", "ANTHROPIC_API_KEY"),
        ("google", "gemini-2.0-flash-lite", "https://generativelanguage.googleapis.com", "GEMINI_API_KEY"),
        ("deepseek", "deepseek-chat", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
        ("mistral", "mistral-small-latest", "https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    ],
)
def test_a_provider_is_known_by_its_name_with_its_address_key_and_prices(
    kind: str, model: str, url: str, variable: str
) -> None:
    for settings in ({kind: model}, {"provider": kind, "model": model}):
        tier = make_tier({"name": "x", **settings})
        assert isinstance(tier.provider, Endpoint)
        assert tier.kind == (kind if kind in ("anthropic", "google") else "openai")
        assert (tier.provider.base_url, tier.provider.api_key_env, tier.model) == (url, variable, model)
        assert f": {kind}/" in tier.price.source
        assert tier.price.input > 0


@pytest.mark.parametrize(("kind", "port"), [("vllm", 8000), ("ollama", 11434), ("llamacpp", 8080), ("lmstudio", 1234)])
def test_a_server_on_this_machine_wants_no_key_and_no_price(kind: str, port: int) -> None:
    tier = make_tier({"name": "x", kind: "qwen3"})
    assert isinstance(tier.provider, OpenAICompatible)
    assert (tier.provider.base_url, tier.provider.api_key_env) == (f"http://127.0.0.1:{port}/v1", None)
    assert (tier.price.free, tier.price.source) == (True, "free: a server on this machine")
    assert str(make_tier({"name": "x", kind: "qwen3", "price": OWN_PRICE}).price.input) == "1"


def test_the_same_server_elsewhere_has_a_price_and_a_key() -> None:
    there = {"name": "x", "vllm": "qwen3", "base_url": "https://llm.example.com/v1"}
    with pytest.raises(PriceError, match="known price"):
        make_tier(there)
    with pytest.raises(PriceError, match="on this machine"):
        make_tier({**there, "free": True})
    tier = make_tier({**there, "price": OWN_PRICE})
    with pytest.raises(ConfigError, match="api_key_env"):
        tier.provider.open()


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"ollama": "a", "model": "b"}, '"ollama" names the model'),
        ({"ollama": "a", "vllm": "b"}, '"provider" is missing'),
        ({"ollama": "a", "provider": "vllm", "model": "b"}, '"ollama" is not a setting'),
        ({"openai": "gpt-4o-mini", "params": {"seed": "7"}}, '"seed": expected a whole number'),
        ({"openai": "gpt-4o-mini", "api_key_env": "A", "api_key_file": "b"}, "not both"),
        ({"anthropic": "claude-haiku-4-5", "logprobs": True}, "temperature, top_k, top_p"),
        (
            {"google": "gemini-2.5-flash", "base_url": "https://generativelanguage.googleapis.com/v1beta/openai"},
            'provider = "openai"',
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        make_tier({"name": "x", **settings})


def test_an_address_written_with_a_slash_is_still_the_provider() -> None:
    tier = make_tier({"name": "x", "openai": "gpt-4o-mini", "base_url": "https://api.openai.com/v1/"})
    assert isinstance(tier.provider, OpenAICompatible)
    assert tier.provider.api_key_env == "OPENAI_API_KEY"


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"anthropic": "claude-haiku-4-5", "base_url": "https://api.anthropic.com/v1/"}, "ANTHROPIC_API_KEY"),
        (
            {"google": "gemini-2.5-flash", "base_url": "https://generativelanguage.googleapis.com/v1beta"},
            "GEMINI_API_KEY",
        ),
        ({"anthropic": "claude-haiku-4-5", "base_url": "https://gate.example.com", "price": OWN_PRICE}, None),
    ],
)
def test_a_native_address_is_known_with_its_version_or_without(settings: dict[str, Any], key: str | None) -> None:
    provider = make_tier({"name": "x", **settings}).provider
    assert isinstance(provider, Endpoint)
    assert provider.api_key_env == key
    assert not provider.base_url.endswith(("/v1", "/v1beta", "/"))


def test_a_label_is_asked_for_without_thoughts_unless_the_tier_says_how_many() -> None:
    def thoughts(**params: Any) -> Any:
        tier = make_tier({"name": "x", "google": "gemini-2.5-flash", "params": params})
        assert isinstance(tier.provider, Endpoint)
        request = tier.provider.request(Spam().render({"text": "t"}), None)
        return request["body"]["generationConfig"].get("thinkingConfig")

    assert thoughts() == {"thinkingBudget": 0}
    assert thoughts(thinking_budget=512) == {"thinkingBudget": 512}
    assert thoughts(thinking_level="low") == {"thinkingLevel": "low"}


def test_the_compatible_address_of_a_native_provider_is_still_there() -> None:
    url = "https://generativelanguage.googleapis.com/v1beta/openai"
    tier = make_tier({"name": "x", "openai": "gemini-2.0-flash-lite", "base_url": url, "api_key_env": "GEMINI_API_KEY"})
    assert isinstance(tier.provider, OpenAICompatible)
    assert (tier.provider.base_url, tier.price.input > 0) == (url, True)


# Keys


def test_a_key_comes_from_a_file_that_nobody_else_can_read(tmp_path: Path, store: Store) -> None:
    (tmp_path / "key").write_text(f"{CANARY}\n")
    (tmp_path / "key").chmod(0o600)
    with fake_provider(faults=lambda n: "400" if n == 2 else "echo") as server:
        settings = {"name": "x", "openai": "m", "base_url": server.base_url, "price": OWN_PRICE, "api_key_file": "key"}
        tier = make_tier(settings, folder=tmp_path)
        asked = ask(fake_rows(3), Spam(), tier, store, run="r", budget_usd=1)
        assert {served.authorization for served in server.log} == {f"Bearer {CANARY}"}
    assert sum(asked.outcomes.failed.values()) == 1
    assert CANARY not in repr((asked, tier, tier.provider))
    assert CANARY.encode() not in b"".join(p.read_bytes() for p in tmp_path.iterdir() if p.name != "key")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o666])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    (tmp_path / "key").write_text(CANARY)
    (tmp_path / "key").chmod(mode)
    with pytest.raises(ConfigError, match="chmod 600") as caught:
        read_api_key(env=None, file=tmp_path / "key", where="t")
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("text", ["", " \n", "two words", f"{CANARY}\n{CANARY}", "ключ", "a\x00b", "x" * 20_000])
def test_what_is_no_key_is_refused_and_not_shown(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text(text, encoding="utf-8")
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(ConfigError) as caught:
        read_api_key(env=None, file=tmp_path / "key", where="t")
    assert not text.strip() or text not in str(caught.value)
    assert "\n" not in str(caught.value)
    if "\x00" not in text and len(text) < 100:
        monkeypatch.setenv("SOME_KEY", text)
        with pytest.raises(ConfigError) as caught:
            read_api_key(env="SOME_KEY", file=None, where="t")
        assert not text.strip() or text not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the key"):
        read_api_key(env=None, file=tmp_path / "gone", where="t")
    with pytest.raises(ConfigError, match="write api_key_env"):
        read_api_key(env=None, file=None, where="t")
