"""`weaksup cost`, as a user calls it, and every figure of the guide that its price list is from."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from weaksup.cli import main
from weaksup.cli.cost_text import dollars

NANO = ("--model", "gpt-5-nano", "--input-tokens", "700", "--output-tokens", "40")

# The guide's table: input and output price, context, cost of 10k and of 1M items at 700 / 40 tokens.
MODELS = {
    "GPT-5 nano": ("$0.05 / $0.40", "128k", "$0.51", "$51.00"),
    "Gemini 2.0 Flash-Lite": ("$0.075 / $0.30", "1M", "$0.65", "$64.50"),
    "Mistral Small 3.2": ("$0.10 / $0.30", "128k", "$0.82", "$82.00"),
    "DeepSeek V4 Flash": ("$0.14 / $0.28", "1M", "$1.09", "$109.20"),
    "GPT-4o mini": ("$0.15 / $0.60", "128k", "$1.29", "$129.00"),
    "GPT-5 mini": ("$0.25 / $2.00", "500k", "$2.55", "$255.00"),
    "Gemini 3 Flash": ("$0.50 / $3.00", "1M", "$4.70", "$470.00"),
    "Claude Haiku 4.5": ("$1.00 / $5.00", "200k", "$9.00", "$900.00"),
    "GPT-5": ("$1.25 / $10.00", "1M", "$12.75", "$1,275.00"),
    "Claude Sonnet 4.6": ("$3.00 / $15.00", "1M", "$27.00", "$2,700.00"),
    "Claude Opus 4.7": ("$5.00 / $25.00", "1M", "$45.00", "$4,500.00"),
    "GPT-5.2 pro": ("$21.00 / $168.00", "1M", "$214.20", "$21,420.00"),
}
# Its pipelines: items, total, and of each stage the share, items, tokens, input, output, dollars an item, cost.
PIPELINES: dict[str, tuple[str, str, list[tuple[str, ...]]]] = {
    "cheap": (
        "1,000,000",
        "$51.00",
        [("gpt-5-nano", "100%", "1,000,000", "700 / 40", "$35.00", "$16.00", "$0.000051", "$51.00")],
    ),
    "routed": (
        "1,000,000",
        "$433.00",
        [
            ("gpt-5-nano", "100%", "1,000,000", "700 / 40", "$35.00", "$16.00", "$0.000051", "$51.00"),
            ("claude-haiku-4.5", "15%", "150,000", "1,200 / 120", "$180.00", "$90.00", "$0.0018", "$270.00"),
            ("gpt-5.2", "2%", "20,000", "1,600 / 200", "$56.00", "$56.00", "$0.0056", "$112.00"),
        ],
    ),
    "premium": (
        "1,000,000",
        "$2,700.00",
        [("claude-sonnet-4.6", "100%", "1,000,000", "700 / 40", "$2,100.00", "$600.00", "$0.0027", "$2,700.00")],
    ),
    "expert": (
        "1,000,000",
        "$21,420.00",
        [("gpt-5.2-pro", "100%", "1,000,000", "700 / 40", "$14,700.00", "$6,720.00", "$0.02142", "$21,420.00")],
    ),
    "qa": (
        "150,000",
        "$270.00",
        [("claude-haiku-4.5", "100%", "150,000", "1,200 / 120", "$180.00", "$90.00", "$0.0018", "$270.00")],
    ),
    "people": ("20,000", "$1,666.67", [("people", "100%", "20,000", "-", "-", "-", "$0.08333", "$1,666.67")]),
    "1": (
        "300,000",
        "$18.27",
        [
            ("gpt-5-nano", "100%", "300,000", "700 / 40", "$10.50", "$4.80", "$0.000051", "$15.30"),
            ("gemini-2.0-flash-lite", "10%", "30,000", "1,000 / 80", "$2.25", "$0.72", "$0.000099", "$2.97"),
        ],
    ),
    "2": (
        "2,000,000",
        "$823.40",
        [
            ("deepseek-v4-flash", "100%", "2,000,000", "700 / 40", "$196.00", "$22.40", "$0.0001092", "$218.40"),
            ("gpt-5-mini", "20%", "400,000", "1,200 / 100", "$120.00", "$80.00", "$0.0005", "$200.00"),
            ("claude-sonnet-4.6", "3%", "60,000", "1,500 / 150", "$270.00", "$135.00", "$0.00675", "$405.00"),
        ],
    ),
    "3": (
        "10,000,000",
        "$15,405.00",
        [
            ("gemini-2.0-flash-lite", "100%", "10,000,000", "700 / 40", "$525.00", "$120.00", "$0.0000645", "$645.00"),
            ("claude-haiku-4.5", "12%", "1,200,000", "1,200 / 120", "$1,440.00", "$720.00", "$0.0018", "$2,160.00"),
            ("gpt-5.2-pro", "1.5%", "150,000", "2,000 / 250", "$6,300.00", "$6,300.00", "$0.084", "$12,600.00"),
        ],
    ),
    "4": (
        "500,000",
        "$4,437.50",
        [
            ("gpt-5-mini", "100%", "500,000", "3,000 / 300", "$375.00", "$300.00", "$0.00135", "$675.00"),
            ("claude-sonnet-4.6", "30%", "150,000", "3,500 / 500", "$1,575.00", "$1,125.00", "$0.018", "$2,700.00"),
            ("claude-opus-4.7", "5%", "25,000", "5,000 / 700", "$625.00", "$437.50", "$0.0425", "$1,062.50"),
        ],
    ),
}


def run(*args: object) -> int:
    with pytest.raises(SystemExit) as done:
        main(["cost", *map(str, args)])
    return int(str(done.value.code))


def told(capsys: pytest.CaptureFixture[str], *args: object) -> str:
    assert run(*args) == 0
    return capsys.readouterr().out


def found(capsys: pytest.CaptureFixture[str], *args: object) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(told(capsys, *args, "--json"))
    return answer


def cells(text: str) -> dict[str, tuple[str, ...]]:
    """Each line of a table as its cells, under the first of them."""
    rows = [re.split(r"  +", line.strip()) for line in text.splitlines()]
    return {row[0]: tuple(row[1:]) for row in rows}


def test_the_table_of_models_is_the_guides_to_the_cent(capsys: pytest.CaptureFixture[str]) -> None:
    rows = cells(told(capsys))
    assert {name: rows[name] for name in MODELS} == MODELS
    assert rows["GPT-5.2"][0] == "$1.75 / $14.00"


def test_every_step_of_every_pipeline_is_the_guides_to_the_cent(capsys: pytest.CaptureFixture[str]) -> None:
    overview = cells(told(capsys))
    for name, (items, total, stages) in PIPELINES.items():
        text = told(capsys, "--scenario", name)
        rows = cells(text)
        assert [(stage[0], *rows[stage[0]]) for stage in stages] == stages
        assert f"Total: {total}  " in text
        assert overview[name][1] == items
        assert overview[name][3] == total


def test_only_scenario_3_differs_from_what_the_guide_prints(capsys: pytest.CaptureFixture[str]) -> None:
    answer = found(capsys)
    assert [p["name"] for p in answer["pipelines"]] == list(PIPELINES)
    assert {p["name"]: (p["usd"], p["printed_usd"]) for p in answer["pipelines"] if not p["agrees"]} == {
        "3": (15_405.0, 15_005.0)
    }
    assert told(capsys).count("add up to") == 1
    assert "its parts add up to $15,405.00, not $15,005" in told(capsys, "--scenario", "3")


def test_the_guides_comparisons_follow_from_its_pipelines(capsys: pytest.CaptureFixture[str]) -> None:
    usd = {p["name"]: p["usd"] for p in found(capsys, "--scenario", "all")["pipelines"]}
    assert round(100 * (1 - usd["routed"] / usd["premium"])) == 84
    assert int(usd["premium"] / usd["routed"]) == 6
    assert int(usd["expert"] / usd["routed"]) == 49
    premium = found(capsys, "--scenario", "3")["stages"][2]
    fewer = premium["usd"] * (0.015 - 0.005) / 0.015
    assert fewer == pytest.approx(8_400)


def test_ten_thousand_items_read_and_write_what_the_guide_says(capsys: pytest.CaptureFixture[str]) -> None:
    answer = found(capsys, *NANO, "--items", 10_000, "--prices", "article-2026")
    stage = answer["stages"][0]
    assert (stage["items"] * stage["input_tokens"], stage["items"] * stage["output_tokens"]) == (7_000_000, 400_000)
    assert (stage["input_usd"], stage["output_usd"], answer["usd"]) == (0.35, 0.16, 0.51)


@pytest.mark.parametrize("prices", [(), ("--prices", "article-2026")])
def test_a_million_items_at_gpt_5_nano_cost_51_dollars(
    prices: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    answer = found(capsys, *NANO, "--items", 1_000_000, *prices)
    assert (answer["usd"], answer["items"], answer["usd_per_10k"]) == (51.0, 1_000_000, 0.51)
    assert answer == found(capsys, *NANO, *prices)


def test_stages_are_added_up_models_and_people(capsys: pytest.CaptureFixture[str]) -> None:
    stages = ["claude-haiku-4.5,share=15%,input_tokens=1200,output_tokens=120", "gpt-5.2,share=0.02"]
    stages += ["people,share=2%,hourly=25,per_hour=300"]
    args = [*NANO, "--items", 1_000_000, "--prices", "article-2026", *(word for s in stages for word in ("--stage", s))]
    answer = found(capsys, *args)
    assert [stage["usd"] for stage in answer["stages"]] == [51, 270, 35.7, pytest.approx(1666.666667)]
    assert answer["usd"] == pytest.approx(2023.366667)
    text = told(capsys, *args)
    assert "Total: $2,023.37  ($0.002023 an item, $20.23 per 10k, $2,023.37 per 1M)" in text
    assert "people: 66.67 hours at $25.00, 300 an hour" in text
    assert "gpt-5.2: $1.75 / $14.00, from price list article-2026" in text


def test_a_batch_discount_is_taken_off_unless_a_stage_has_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    stage = "gpt-5-nano,batch_discount=0,input_tokens=700,output_tokens=40"
    answer = found(capsys, *NANO, "--batch-discount", "50%", "--stage", stage, "--prices", "article-2026")
    assert [line["usd"] for line in answer["stages"]] == [25.5, 51.0]
    text = told(capsys, *NANO, "--batch-discount", "0.5", "--prices", "article-2026")
    assert "$0.05 / $0.40, 50% off" in text


def test_models_are_compared_at_ones_own_tokens_cheapest_first(capsys: pytest.CaptureFixture[str]) -> None:
    args = ("--items", 20_000, "--input-tokens", 350, "--output-tokens", 2000)
    text = told(capsys, *args)
    assert cells(text)["GPT-5 nano"][2:] == ("$8.18", "$817.50", "$16.35")
    assert "Pipelines" not in text
    costs = [model["usd"] for model in found(capsys, *args)["models"]]
    assert costs == sorted(costs)
    assert costs[0] == pytest.approx(20_000 * (350 * 0.14 + 2000 * 0.28) / 1e6)


def test_a_list_of_ones_own_is_compared_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "ours.toml"
    head = 'source = "our contract"\ndate = "2026"\n[models]\n'
    file.write_text(head + 'm = { name = "M", input = 1, output = 2 }\n', encoding="utf-8")
    assert found(capsys, "--prices", file, "--input-tokens", 5, "--output-tokens", 5)["models"][0]["usd"] == 15.0
    assert run("--prices", file) == 2
    assert '"input_tokens" is missing' in capsys.readouterr().err
    people = '[[pipelines]]\nname="p"\ntitle="P"\nitems=2\nstages=[{model="people",hourly=30,per_hour=60}]\n'
    file.write_text(f"input_tokens = 1\noutput_tokens = 1\n{head}{people}", encoding="utf-8")
    text = told(capsys, "--prices", file)
    assert cells(text)["p"] == ("P", "2", "people", "$1.00", "$500,000.00", "-")


def test_own_prices_go_before_lists_and_free_is_free(capsys: pytest.CaptureFixture[str]) -> None:
    args = ("--price", "gpt-5-nano=0.10/0.80", "--stage", "qwen3:8b", "--price", "qwen3:8b=free")
    answer = found(capsys, *NANO, *args)
    assert [line["usd"] for line in answer["stages"]] == [102.0, 0.0]
    assert answer["stages"][0]["price"]["source"] == "--price"


def test_a_provider_may_be_named_before_its_model(capsys: pytest.CaptureFixture[str]) -> None:
    tokens = NANO[2:]
    answer = found(capsys, "--model", "openai/gpt-5-nano", *tokens)
    assert answer["usd"] == 51.0
    assert answer["stages"][0]["price"]["source"].endswith("openai/gpt-5-nano")
    assert run("--model", "llama-3.1-8b-instant", *tokens) == 2
    assert re.search(r"\(nearest: .*groq/llama-3.1-8b-instant", capsys.readouterr().err)


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ("--model gpt-5-nanno --input-tokens 1 --output-tokens 1", r"\(nearest: gpt-5-nano, .*--price MODEL=IN/OUT"),
        ("--model gpt-5-nanno --input-tokens 1 --output-tokens 1 --prices article-2026", "nearest: gpt-5-nano, "),
        ("--model gpt-5-nano", "expected --input-tokens and --output-tokens"),
        (
            "--model gpt-5-nano --input-tokens 1 --output-tokens 1 --items 1,000",
            '--items: expected a number, got "1,000"',
        ),
        ("--model gpt-5-nano --input-tokens 1 --output-tokens 1 --items 1e400", "items: expected a number of items"),
        ("--model gpt-5-nano --input-tokens -1 --output-tokens 1", "--model: input_tokens: expected tokens"),
        ("--model gpt-5.4 --input-tokens 300000 --output-tokens 1", "holds up to 272,000 input tokens"),
        (
            "--model m --input-tokens 1 --output-tokens 1 --price m=1",
            'expected MODEL=IN/OUT.*expected a number, got ""',
        ),
        ("--model m --input-tokens 1 --output-tokens 1 --price m=0/0", "expected MODEL=IN/OUT or MODEL=free"),
        ("--model m --input-tokens 1 --output-tokens 1 --price m=nan/1", "expected MODEL=IN/OUT"),
        ("--model m --input-tokens 1 --output-tokens 1 --price m=1/1 --price n=1/1", "got n, which is in none"),
        ("--stage gpt-5-nano,share=15,input_tokens=1,output_tokens=1", "share: expected a share"),
        ("--stage people,hourly=25 --scenario 1", "--scenario does not go with --model"),
        ("--scenario 9", "expected one of cheap, routed, .*, 4, all, got"),
        ("--scenario 3 --items 5", "--items does not go with --scenario"),
        ("--scenario 3 --input-tokens 5", "--input-tokens does not go with --scenario"),
        ("--price a=1/1", "--price does not go with a price list"),
        ("--prices nope", r"expected a price list \(article-2026\) or a TOML file"),
        ("--batch-discount 1", "batch_discount: expected"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(args: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*args.split()) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.search(told, captured.err)
    assert captured.err.count("\n") == 1


def test_nothing_to_label_costs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    answer = found(capsys, *NANO, "--items", 0)
    assert (answer["usd"], answer["usd_per_item"]) == (0.0, None)
    assert "(- an item, - per 10k, - per 1M)" in told(capsys, *NANO, "--items", 0)


def test_dollars_round_half_a_cent_up_and_keep_what_counts_below() -> None:
    shown = {"0": "$0.00", "0.645": "$0.65", "0.0100": "$0.01", "0.00012345": "$0.0001235", "1234.5": "$1,234.50"}
    assert {value: dollars(Decimal(value)) for value in shown} == shown
    assert dollars(None) == "-"
