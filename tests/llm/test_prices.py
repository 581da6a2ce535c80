from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaksup.errors import PriceError, UsageError
from weaksup.llm.pricing.prices import (
    Price,
    Usage,
    budget_cap,
    cost_of_dollars,
    list_price,
    read_price,
    show_dollars,
)

OPENAI = "https://api.openai.com/v1"
prices = st.decimals(Decimal("0.000001"), Decimal(1000), places=6)
tokens = st.integers(0, 10**7)


@given(prices, prices, tokens, tokens)
def test_a_charge_is_the_exact_cost_rounded_up_and_never_nothing(a: Decimal, b: Decimal, i: int, o: int) -> None:
    cost = Price(a, b, "test").charge(Usage(i, o))
    exact = i * a + o * b
    assert cost >= 1
    assert exact <= cost < exact + 1 or cost == 1


@given(prices, prices, tokens, tokens, tokens)
def test_more_tokens_never_cost_less(a: Decimal, b: Decimal, i: int, o: int, more: int) -> None:
    price = Price(a, b, "test")
    assert price.charge(Usage(i + more, o)) >= price.charge(Usage(i, o))


def test_the_price_list_is_read_offline_with_its_source() -> None:
    price = list_price("gpt-5-nano", base_url=OPENAI, where="tier")
    assert (price.input, price.output) == (Decimal("0.05"), Decimal("0.4"))
    assert "openai/gpt-5-nano" in price.source
    assert price.source.startswith("genai-prices ")


def test_a_price_that_ends_at_a_length_says_so() -> None:
    assert list_price("gpt-5.4", base_url=OPENAI, where="tier").flat_to == 272_000


@pytest.mark.parametrize(
    ("model", "url"),
    [("gpt-99", OPENAI), ("gpt-4o-mini", "https://llm.example.com/v1"), ("qwen3", "http://127.0.0.1:1/v1"), ("", None)],
)
def test_an_unknown_model_or_address_has_no_price(model: str, url: str | None) -> None:
    with pytest.raises(PriceError, match=r"write price = \{input"):
        list_price(model, base_url=url, where="tier")


def test_a_misspelled_model_is_refused_with_the_nearest_names_of_its_provider() -> None:
    with pytest.raises(PriceError, match=r"\(nearest: gpt-5-nano, gpt-5"):
        list_price("gpt-5-nanno", base_url=OPENAI, where="tier")
    with pytest.raises(PriceError, match=r"example.com/v1; write price"):
        list_price("gpt-4o-mini", base_url="https://llm.example.com/v1", where="tier")


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        ("gpt-5-nano-2025-08-07", "openai/gpt-5-nano"),
        ("GPT-5-nano", "openai/gpt-5-nano"),
        ("gpt-5-nano-latest", "openai/gpt-5-nano"),
        ("claude-haiku-4-5-20251001", "anthropic/claude-haiku-4-5"),
        ("claude-haiku-4-5@20251001", "anthropic/claude-haiku-4-5"),
        ("claude-haiku-4.5", "anthropic/claude-haiku-4-5"),
        ("claude-3-5-haiku-20241022", "anthropic/claude-3-5-haiku-latest"),
        ("gemini-2.0-flash-lite-001", "google/gemini-2.0-flash-lite"),
        ("mistral-large-2411", "mistral/mistral-large"),
    ],
)
def test_a_model_its_dated_snapshot_and_its_latest_have_its_price(name: str, listed: str) -> None:
    assert list_price(name, base_url=None, where="tier").source.endswith(f": {listed}")


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("gpt-5-nano-foo", "gpt-5-nano"),
        ("gpt-5-nano-", "gpt-5-nano"),
        ("gpt-5-nano-2025-08-07-x", "gpt-5-nano"),
        ("gpt-5-nano-20", "gpt-5-nano"),
        ("claude-haiku-4-55", "claude-haiku-4-5"),
        ("claude-haiku-4-5-turbo", "claude-haiku-4-5"),
        ("gemini-2.5-pro-ultra", "gemini-2.5-pro"),
    ],
)
def test_a_name_that_only_begins_like_a_model_has_no_price_and_the_model_is_offered(name: str, near: str) -> None:
    with pytest.raises(PriceError, match=rf'"{name}".*nearest: .*{near}[,)]') as caught:
        list_price(name, base_url=None, where="tier")
    assert "\n" not in str(caught.value)


@given(st.text(st.characters(codec="ascii"), max_size=6))
def test_what_follows_a_models_name_is_a_date_or_it_is_another_model(rest: str) -> None:
    try:
        list_price(f"gpt-5-nano{rest}", base_url=OPENAI, where="tier")
    except PriceError:
        return
    assert re.fullmatch(r"|[-@](latest|00\d|\d{4})", rest.lower())


def test_every_model_of_the_list_is_itself() -> None:
    from genai_prices.data_snapshot import get_snapshot

    from weaksup.llm.pricing.model_names import is_that_model

    found = [(model.id, model) for provider in get_snapshot().providers for model in provider.models]
    assert len(found) > 1000
    assert [name for name, model in found if not name.endswith("-") and not is_that_model(name, model)] == []


def test_a_model_that_others_serve_is_named_with_its_provider() -> None:
    with pytest.raises(PriceError, match=r"\(nearest: .*groq/llama-3.1-8b-instant"):
        list_price("llama-3.1-8b-instant", base_url=None, where="tier")
    found = list_price("groq/llama-3.1-8b-instant", base_url=None, where="tier")
    assert found.source.endswith(": groq/llama-3.1-8b-instant")


def test_a_model_that_is_not_priced_by_token_is_refused() -> None:
    with pytest.raises(PriceError, match="no price per token; give one"):
        list_price("openai/text-embedding-3-small", base_url=None, where="tier", advice="give one")


@pytest.mark.parametrize(
    "price",
    [
        {"input": 0, "output": 1},
        {"input": 1, "output": 0},
        {"input": -1, "output": 1},
        {"input": float("nan"), "output": 1},
        {"input": 1, "output": float("inf")},
        {"input": True, "output": 1},
        {"input": "cheap", "output": 1},
        {"input": None, "output": 1},
        {"input": 10**9, "output": 1},
        {"input": 1},
        {"input": 1, "output": 1, "cache": 1},
        5,
        None,
        "1",
    ],
)
def test_a_price_that_is_none_is_refused(price: Any) -> None:
    with pytest.raises(PriceError, match="tier"):
        read_price(price, free=False, where="tier")


def test_zero_is_allowed_only_where_it_is_said_to_be_free() -> None:
    assert read_price({"input": 0, "output": 0}, free=True, where="t").charge(Usage(10, 10)) == 0
    assert read_price(None, free=True, where="t").source == "free"
    with pytest.raises(PriceError, match="keep one"):
        read_price({"input": 1, "output": 1}, free=True, where="t")


def test_a_tenth_is_a_tenth() -> None:
    assert read_price({"input": 0.1, "output": 0.2}, free=False, where="t").charge(Usage(10, 10)) == 3


@pytest.mark.parametrize(
    ("dollars", "micro"), [(1, 10**6), ("0.1", 10**5), (0.0000019, 1), (Decimal("2.5"), 2_500_000)]
)
def test_a_budget_is_rounded_down(dollars: object, micro: int) -> None:
    assert budget_cap(dollars) == micro


@pytest.mark.parametrize("dollars", [-1, float("nan"), float("inf"), "abc", None, True, 10**12])
def test_a_budget_that_is_none_is_refused(dollars: object) -> None:
    with pytest.raises(UsageError, match="budget"):
        budget_cap(dollars)


@pytest.mark.parametrize(("dollars", "micro"), [(5.35e-05, 54), (0.000104, 104), (0, 0), ("0.0000001", 1)])
def test_a_recorded_cost_is_rounded_up(dollars: object, micro: int) -> None:
    assert cost_of_dollars(dollars, what="cost") == micro


@pytest.mark.parametrize("dollars", [-1e-9, float("inf"), "x"])
def test_a_recorded_cost_that_is_none_is_refused(dollars: object) -> None:
    with pytest.raises(PriceError):
        cost_of_dollars(dollars, what="cost")


def test_dollars_are_shown_with_the_digits_that_count() -> None:
    assert [show_dollars(m) for m in (0, 16, 10_000, 999_999, 1_000_000, 1_234_567_891)] == [
        "$0.00",
        "$0.000016",
        "$0.01",
        "$0.999999",
        "$1.00",
        "$1,234.57",
    ]
