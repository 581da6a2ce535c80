from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaksup.errors import PriceError
from weaksup.llm.pricing.prices import Price, Usage, list_price, read_price

dollars = st.decimals(Decimal("0.001"), Decimal(1000), places=3)
tokens = st.integers(0, 10**6)


@given(a=dollars, b=dollars, off=st.decimals(Decimal(0), Decimal("0.99"), places=2), i=tokens, o=tokens)
def test_a_batch_costs_its_part_of_the_price_and_never_less(
    a: Decimal, b: Decimal, off: Decimal, i: int, o: int
) -> None:
    price = Price(a, b, "test", batch_discount=off)
    exact = (i * a + o * b) * (1 - off)
    assert exact <= price.batched().charge(Usage(i, o)) <= exact + 1
    assert price.batched().batched() == price.batched()


def test_the_listed_models_of_both_makers_cost_half_in_a_batch_and_the_source_says_so() -> None:
    for model in ("gpt-4o-mini", "claude-haiku-4-5"):
        price = list_price(model, base_url=None, where="t")
        half = price.batched()
        assert (2 * half.input, 2 * half.output) == (price.input, price.output)
        assert half.source == f"{price.source}, less 50 % in a batch (its maker's guide to batches)"
    mistral = list_price("mistral/mistral-small-latest", base_url=None, where="t")
    assert mistral.batched() == mistral


def test_a_discount_is_read_from_the_settings() -> None:
    price = read_price({"input": 1, "output": 2, "batch_discount": 0.25}, free=False, where="t")
    assert price.batched().source == "the tier's settings, less 25 % in a batch"
    assert read_price({"input": 1, "output": 2}, free=False, where="t").batched().input == 1


@pytest.mark.parametrize("off", [1, -0.1, "nan", "x", True])
def test_a_discount_that_is_none_is_refused(off: object) -> None:
    with pytest.raises(PriceError):
        read_price({"input": 1, "output": 2, "batch_discount": off}, free=False, where="t")
