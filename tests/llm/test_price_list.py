"""Price lists and stages as people write them: read exactly, or refused in one line."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from weaksup.errors import ConfigError, PriceError, UsageError
from weaksup.llm.pricing.cost import ModelStage, PeopleStage
from weaksup.llm.pricing.model_names import nearest
from weaksup.llm.pricing.price_list import load_prices, shipped_lists
from weaksup.llm.pricing.prices import Price
from weaksup.llm.pricing.stage_settings import read_number, read_stage, split_stage

GOOD = """
source = "our contract"
date = "2026-05"
[models]
small = { name = "Small", input = 0.1, output = 0.2 }
home = { name = "At home", input = 0, output = 0, free = true }
[[pipelines]]
name = "both"
title = "Both"
items = 100
stages = [{ model = "small", input_tokens = 1000, output_tokens = 0 }]
"""


def write(tmp_path: Path, text: str) -> str:
    file = tmp_path / "ours.toml"
    file.write_text(text, encoding="utf-8")
    return str(file)


def any_price(model: str) -> Price:
    return Price(Decimal(1), Decimal(2), source=model)


@pytest.mark.parametrize("name", shipped_lists())
def test_every_list_that_comes_along_prices_its_models_and_pipelines_and_says_its_source(name: str) -> None:
    found = load_prices(name)
    assert found.name == name
    assert found.source
    assert found.date
    for model in found.models:
        assert found.price(model).source == f"price list {name}"
        assert found.price(found.models[model].name) == found.price(model)
    assert all(one.usd > 0 for _, one in found.bills())
    assert len({pipeline.name for pipeline in found.pipelines}) == len(found.pipelines)


def test_a_list_of_ones_own_is_a_toml_file(tmp_path: Path) -> None:
    found = load_prices(write(tmp_path, GOOD))
    assert found.name == "ours"
    assert found.price("small") == Price(Decimal("0.1"), Decimal("0.2"), "price list ours")
    assert found.price("AT HOME").free
    ((pipeline, one),) = found.bills()
    assert one.usd == Decimal("0.01")
    assert pipeline.agrees(one.usd)


def test_a_model_is_found_however_its_name_is_written() -> None:
    found = load_prices("article-2026")
    names = ["claude-haiku-4.5", "claude-haiku-4-5", "Claude Haiku 4.5", "CLAUDE_HAIKU_4.5"]
    assert {found.price(name).input for name in names} == {Decimal("1.00")}


def test_a_model_that_is_not_listed_is_refused_with_the_nearest_names() -> None:
    with pytest.raises(PriceError, match=r'got "gpt-5-nanno" \(nearest: gpt-5-nano, '):
        load_prices("article-2026").price("gpt-5-nanno")
    assert nearest("zzz", ["gpt-5"]) == ""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('source = "our contract"', "", 'the setting "source" is missing'),
        ("date =", "when =", '"when" is not a setting|"date" is missing'),
        ("input = 0.1", 'input = "cheap"', "models.small.input"),
        ("items = 100", "items = 1.5", "pipelines.0.items"),
        ("[models]", "[models", "expected TOML"),
        ("our contract", "\udcff", "expected TOML"),
    ],
)
def test_a_file_that_is_no_price_list_is_refused(old: str, new: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "ours.toml"
    file.write_bytes(GOOD.replace(old, new).encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError, match=told) as caught:
        load_prices(str(file))
    assert "\n" not in str(caught.value)


def test_a_price_that_cannot_be_is_refused_when_it_is_used(tmp_path: Path) -> None:
    with pytest.raises(PriceError, match="input price is 0"):
        load_prices(write(tmp_path, GOOD.replace("input = 0.1", "input = 0"))).price("small")
    with pytest.raises(PriceError, match='pipeline "both".*expected a model of the price list ours, got "tall"'):
        load_prices(write(tmp_path, GOOD.replace('model = "small"', 'model = "tall"'))).bills()


def test_an_unknown_list_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    for name in ("article-1999", str(tmp_path), ""):
        with pytest.raises(UsageError, match="article-2026"):
            load_prices(name)


@pytest.mark.parametrize(
    ("printed", "usd", "agrees"),
    [
        ("51", "51.00", True),
        ("51", "51.4", True),
        ("51", "51.6", False),
        ("18.27", "18.275", True),
        ("0.1", "0", False),
    ],
)
def test_a_printed_total_agrees_to_the_digits_that_are_printed(printed: str, usd: str, agrees: bool) -> None:
    pipeline = load_prices("article-2026").pipelines[0].model_copy(update={"printed": Decimal(printed)})
    assert pipeline.agrees(Decimal(usd)) is agrees


def test_a_stage_is_read_from_text_or_from_a_table() -> None:
    text = split_stage(" small , share = 15% ,input-tokens=1200,output_tokens=120,batch_discount=0.5")
    table = {"model": "small", "share": Decimal("0.15"), "input_tokens": 1200, "output_tokens": 120}
    one = read_stage(text, find_price=any_price, where="here")
    two = read_stage({**table, "batch_discount": "50%"}, find_price=any_price, where="here")
    assert one == two
    assert one == ModelStage("small", any_price("small"), *map(Decimal, ("1200", "120", "0.15", "0.5")))
    people = read_stage(split_stage("people,share=0.02,hourly=25,per_hour=300"), find_price=any_price, where="here")
    assert people == PeopleStage(Decimal(25), Decimal(300), Decimal("0.02"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the name of a model"),
        (",input_tokens=1,output_tokens=1", "the name of a model"),
        ("m", '"input_tokens" is missing'),
        ("m,input_tokens=1", '"output_tokens" is missing'),
        ("m,input_tokens=1,output_tokens=x", 'output_tokens: expected a number, got "x"'),
        ("m,input_tokens=1,output_tokens=50%", "output_tokens: expected a number"),
        ("m,input_tokens=1,output_tokens=1,shar=1", '"shar" is not a setting of this stage; expected input_tokens'),
        ("m,input_tokens=1,output_tokens=1,share=15", "share: expected"),
        ("m,share", 'got "share"'),
        ("m,=1", 'got "=1"'),
        ("m,share=1,share=1", "share is there twice"),
        ("people,hourly=25", '"per_hour" is missing'),
        ("people,hourly=25,per_hour=3,input_tokens=1", '"input_tokens" is not a setting'),
    ],
)
def test_a_stage_that_cannot_be_read_is_refused(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        read_stage(split_stage(text), find_price=any_price, where="here")


@pytest.mark.parametrize("value", [True, None, "", "%", [], "1,000", "0x1"])
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(UsageError, match="tokens: expected a number"):
        read_number(value, "tokens", percent=True)
