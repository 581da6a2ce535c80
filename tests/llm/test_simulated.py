from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from weaksup.errors import PriceError, UsageError
from weaksup.llm import Ambiguous, Asked, Simulated, Tier, ask, make_tier
from weaksup.llm.pricing.prices import Price, read_price
from weaksup.protocols import PromptFunctionProtocol
from weaksup.store import Store

ROWS = [{"id": f"r{i}", "text": f"text {i}"} for i in range(150)]
TRUTH = {f"r{i}": ("ham", "spam")[i % 3 == 0] for i in range(150)}


def tier(name: str = "cheap", concurrency: int = 4, **settings: Any) -> Tier:
    price: Price = read_price({"input": 1, "output": 1}, free=False, where="t")
    return Tier(name, Simulated(TRUTH, **settings), price, concurrency)


def ask_all(tier: Tier, prompt: PromptFunctionProtocol, store: Store, rows: list[dict[str, str]] = ROWS) -> Asked:
    return ask(rows, prompt, tier, store, run="r", budget_usd=10)


def test_without_errors_the_answers_are_the_truth(store: Store, prompt: PromptFunctionProtocol) -> None:
    upper = Simulated({k: v.upper() for k, v in TRUTH.items()}, error_rate=0)
    made = Tier("t", upper, tier().price)
    assert ask_all(made, prompt, store).votes == {k: int(v == "spam") for k, v in TRUTH.items()}


def test_errors_come_at_the_stated_rate_whatever_the_order_and_the_threads(
    tmp_path: Path, prompt: PromptFunctionProtocol
) -> None:
    truth = {k: v.upper() for k, v in TRUTH.items()}
    votes = []
    for n, threads in enumerate((1, 8)):
        rows = Random(n).sample(ROWS, len(ROWS))
        with Store(tmp_path / f"{n}.db") as store:
            made = Tier("t", Simulated(truth, error_rate=0.2), tier().price, threads)
            votes.append(ask_all(made, prompt, store, rows).votes)
    assert votes[0] == votes[1]
    wrong = sum(votes[0][k] != int(v == "SPAM") for k, v in truth.items())
    assert 15 <= wrong <= 45


def test_it_is_named_simulated_in_every_output(store: Store, prompt: PromptFunctionProtocol) -> None:
    asked = ask_all(tier(model="gpt-4"), prompt, store, ROWS[:2])
    assert asked.source.name.startswith("SIMULATED")
    assert asked.source.group.startswith("SIMULATED")
    assert asked.summary
    for row in store.ledger():
        assert str(row["tier"]).startswith("SIMULATED")
        assert str(row["model"]).startswith("SIMULATED")
    assert tier("SIMULATED already").name == "SIMULATED already"


def test_a_row_without_a_true_label_fails_and_costs_nothing(store: Store, prompt: PromptFunctionProtocol) -> None:
    asked = ask_all(tier(), prompt, store, [{"id": "unknown", "text": "x"}])
    assert asked.outcomes.failed == {"no true label to simulate an answer with": 1}
    assert asked.spent == 0


def test_the_truth_may_be_a_file(tmp_path: Path, store: Store, prompt: PromptFunctionProtocol) -> None:
    (tmp_path / "gold.csv").write_text("key,topic\nr1,HAM\nr2,SPAM\nr3,\n", encoding="utf-8")
    settings = {"name": "s", "provider": "simulated", "truth": "gold.csv", "id_column": "key", "truth_column": "topic"}
    made = make_tier({**settings, "error_rate": 0, "price": {"input": 1, "output": 1}}, folder=tmp_path)
    asked = ask_all(made, prompt, store, ROWS[1:4])
    assert asked.votes == {"r1": 0, "r2": 1}
    assert asked.spent > 0


def test_a_simulated_tier_needs_a_price_or_must_be_said_to_be_free() -> None:
    settings = {"name": "s", "provider": "simulated", "truth": "gold.csv"}
    with pytest.raises(PriceError, match="price is missing"):
        make_tier(settings)
    assert make_tier({**settings, "free": True}).price.free


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_an_error_rate_is_a_share(rate: float) -> None:
    with pytest.raises(UsageError, match="error_rate"):
        Simulated({}, error_rate=rate)


def test_a_damaged_body_is_no_answer() -> None:
    with pytest.raises(Ambiguous):
        Simulated({}).read(b"{}")
