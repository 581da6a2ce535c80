"""Arithmetic of what labeling costs: exact, additive, and refused where a number makes no sense."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaksup.errors import PriceError, UsageError
from weaksup.llm.pricing.cost import ModelStage, PeopleStage, Stage, bill
from weaksup.llm.pricing.prices import Price, Usage

prices = st.builds(
    Price, *[st.decimals(Decimal("0.0001"), Decimal(1000), places=4)] * 2, source=st.just("test"), free=st.just(False)
)
tokens = st.integers(0, 100_000).map(Decimal)
shares = st.decimals(0, 1, places=4)
discounts = st.decimals(0, Decimal("0.99"), places=2)
model_stages = st.builds(ModelStage, st.just("m"), prices, tokens, tokens, shares, discounts)
people_stages = st.builds(
    PeopleStage, st.decimals(0, 500, places=2), st.decimals(Decimal("0.5"), 5000, places=1), shares
)
stages = st.lists(st.one_of(model_stages, people_stages), max_size=5)
items = st.integers(0, 10**9)

NANO = Price(Decimal("0.05"), Decimal("0.40"), "test")


def exact(stage: Stage, items: int) -> Fraction:
    """The cost as a fraction, written down again from the definition."""
    reach = items * Fraction(stage.share)
    if isinstance(stage, PeopleStage):
        return reach * Fraction(stage.hourly) / Fraction(stage.per_hour)
    millions = Fraction(stage.input_tokens) * Fraction(stage.price.input)
    millions += Fraction(stage.output_tokens) * Fraction(stage.price.output)
    return reach * millions / 1_000_000 * (1 - Fraction(stage.batch_discount))


@given(chosen=stages, n=items)
def test_a_bill_is_the_sum_of_its_stages_to_far_below_a_cent(chosen: list[Stage], n: int) -> None:
    found = bill(chosen, n)
    assert abs(Fraction(found.usd) - sum(exact(stage, n) for stage in chosen)) < Fraction(1, 10**9)
    assert found.usd == sum(line.usd for line in found.lines)
    assert [line.stage for line in found.lines] == chosen
    for line in found.lines:
        assert line.items == n * line.stage.share
        if line.parts is not None:
            assert sum(line.parts) == line.usd


@given(chosen=stages, n=st.integers(0, 10**6), more=st.integers(0, 10**6))
def test_more_items_cost_in_proportion(chosen: list[Stage], n: int, more: int) -> None:
    together, apart = bill(chosen, n + more).usd, bill(chosen, n).usd + bill(chosen, more).usd
    assert abs(together - apart) < Decimal("1e-9")


@given(stage=model_stages, n=items)
def test_half_price_is_half_the_bill(stage: ModelStage, n: int) -> None:
    full, half = (
        ModelStage(stage.model, stage.price, stage.input_tokens, stage.output_tokens, batch_discount=Decimal(d))
        for d in ("0", "0.5")
    )
    assert 2 * bill([half], n).usd == bill([full], n).usd


@given(stage=model_stages)
def test_a_call_in_the_ledger_is_never_below_the_arithmetic(stage: ModelStage) -> None:
    plain = ModelStage(stage.model, stage.price, stage.input_tokens, stage.output_tokens)
    charged = stage.price.charge(Usage(int(stage.input_tokens), int(stage.output_tokens)))
    assert 0 <= charged - bill([plain], 1).usd * 1_000_000 <= 1


@given(chosen=stages, n=items)
def test_what_one_item_costs_times_the_items_is_the_bill(chosen: list[Stage], n: int) -> None:
    found = bill(chosen, n)
    one = found.per(1)
    assert (one is None) == (n == 0)
    if one is not None:
        assert abs(one * n - found.usd) < Decimal("1e-6")


def test_json_holds_plain_numbers() -> None:
    people = PeopleStage(Decimal(25), Decimal(300), Decimal("0.02"))
    found = bill([ModelStage("nano", NANO, Decimal(700), Decimal("40.5"), Decimal("0.5")), people], 3)
    assert found.to_json() == {
        "usd": pytest.approx(0.0050768),
        "items": 3,
        "usd_per_item": pytest.approx(0.00169227, abs=1e-8),
        "usd_per_10k": pytest.approx(16.92266667),
        "usd_per_million": pytest.approx(1692.266667),
        "stages": [
            {
                "model": "nano",
                "share": 0.5,
                "items": 1.5,
                "input_tokens": 700,
                "output_tokens": 40.5,
                "price": {"input": 0.05, "output": 0.4, "source": "test"},
                "batch_discount": 0.0,
                "input_usd": pytest.approx(0.0000525),
                "output_usd": pytest.approx(0.0000243),
                "usd": pytest.approx(0.0000768),
                "usd_per_item": pytest.approx(0.0000512),
            },
            {
                "model": "people",
                "share": 0.02,
                "items": 0.06,
                "hourly": 25.0,
                "per_hour": 300.0,
                "hours": pytest.approx(0.0002),
                "usd": pytest.approx(0.005),
                "usd_per_item": pytest.approx(25 / 300),
            },
        ],
    }


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"share": "1.01"}, "share: expected a share of the items"),
        ({"share": "-0.1"}, "share"),
        ({"share": "NaN"}, "share"),
        ({"input_tokens": "-1"}, "input_tokens: expected tokens an item"),
        ({"output_tokens": "Infinity"}, "output_tokens"),
        ({"output_tokens": "1e10"}, "output_tokens"),
        ({"batch_discount": "1"}, "batch_discount: expected a part of the price below 1"),
        ({"batch_discount": "50"}, "batch_discount: expected a part of the price from 0"),
    ],
)
def test_a_stage_of_a_model_that_cannot_be_is_refused(change: dict[str, str], told: str) -> None:
    good: dict[str, Any] = {"input_tokens": Decimal(700), "output_tokens": Decimal(40)}
    with pytest.raises(UsageError, match=told):
        ModelStage("m", NANO, **{**good, **{key: Decimal(value) for key, value in change.items()}})


@pytest.mark.parametrize(
    ("hourly", "per_hour", "told"),
    [("-1", "300", "hourly"), ("1e7", "300", "hourly"), ("25", "0", "per_hour"), ("25", "NaN", "per_hour")],
)
def test_people_that_cannot_be_are_refused(hourly: str, per_hour: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        PeopleStage(Decimal(hourly), Decimal(per_hour))


@pytest.mark.parametrize("n", ["-1", "1e13", "NaN", "Infinity", "sNaN"])
def test_a_number_of_items_that_cannot_be_is_refused(n: str) -> None:
    with pytest.raises(UsageError, match="items: expected"):
        bill([], Decimal(n))


def test_a_price_for_short_inputs_is_not_used_for_long_ones() -> None:
    short = Price(Decimal(1), Decimal(2), "test", flat_to=1000)
    assert bill([ModelStage("m", short, Decimal(1000), Decimal(1))], 1000).usd == Decimal("1.002")
    with pytest.raises(PriceError, match="holds up to 1,000 input tokens, got 1,001"):
        ModelStage("m", short, Decimal(1001), Decimal(1))


def test_the_largest_bill_is_still_exact() -> None:
    most = ModelStage("m", Price(Decimal(10**5), Decimal(10**5), "test"), Decimal(10**9), Decimal(10**9))
    assert bill([most], 10**12).usd == Decimal(2 * 10**20)
