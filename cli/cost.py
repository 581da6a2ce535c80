"""`weaksup cost`: what labeling costs, from tokens, shares and prices."""

from __future__ import annotations

import click

from weaksup.cli.options import as_json

__all__ = ["command"]

DEFAULT_LIST = "article-2026"
DEFAULT_ITEMS = 1_000_000

EPILOG = """\b
Examples:
  weaksup cost
  weaksup cost --scenario 3
  weaksup cost --model gpt-5-nano --items 1000000 --input-tokens 700 --output-tokens 40
  weaksup cost --items 20000 --input-tokens 350 --output-tokens 15
  weaksup cost --items 50000 --model gpt-5-nano --input-tokens 700 --output-tokens 40 \\
      --stage claude-haiku-4.5,share=15%,input_tokens=1200,output_tokens=120,batch_discount=50% \\
      --stage people,share=2%,hourly=25,per_hour=300
  weaksup cost --model our-model --price our-model=0.20/0.80 --input-tokens 700 --output-tokens 40 --json
"""


@click.command("cost", epilog=EPILOG)
@click.option("--model", metavar="NAME", help="Who reads every item: the first stage.")
@click.option("--items", metavar="N", help="How many items.  [default: 1,000,000]")
@click.option("--input-tokens", metavar="N", help="Tokens that a model reads an item.")
@click.option("--output-tokens", metavar="N", help="Tokens that a model writes an item.")
@click.option(
    "--stage",
    "stages",
    metavar="MODEL,KEY=VALUE,...",
    multiple=True,
    help="One more stage: share (of all items), input_tokens, output_tokens, batch_discount; tokens and discount "
    "default to the options above and below. People: people,share=,hourly=,per_hour=.",
)
@click.option("--batch-discount", metavar="SHARE", help="What a batch API takes off the price, as 0.5 or 50%.")
@click.option(
    "--prices",
    metavar="NAME|FILE",
    help=f"A price list: {DEFAULT_LIST}, or a TOML file.  [default: genai-prices for models that are named, else "
    f"{DEFAULT_LIST}]",
)
@click.option(
    "--price",
    "own_prices",
    metavar="MODEL=IN/OUT",
    multiple=True,
    help="A price of your own, in dollars per million tokens; or MODEL=free.",
)
@click.option("--scenario", metavar="NAME|all", help="Show a pipeline of the price list step by step.")
@as_json
def command(
    *,
    model: str | None,
    items: str | None,
    input_tokens: str | None,
    output_tokens: str | None,
    stages: tuple[str, ...],
    batch_discount: str | None,
    prices: str | None,
    own_prices: tuple[str, ...],
    scenario: str | None,
    as_json: bool,
) -> None:
    """Compute what a model, or a routed pipeline of models and people, costs. Nothing is sent, no key is needed.

    With --model or --stage: the bill, stage by stage. With neither: every model of a price list at the same tokens an
    item, and the pipelines that the list's source computes, checked against what it prints. A model without a known
    price is refused.
    """
    from weaksup.cli import cost_text
    from weaksup.cli.cost_stages import compare, read_stages
    from weaksup.llm.pricing.cost import bill
    from weaksup.llm.pricing.price_list import load_prices
    from weaksup.llm.pricing.stage_settings import read_number

    given = {"input_tokens": input_tokens, "output_tokens": output_tokens, "batch_discount": batch_discount}
    defaults = {key: value for key, value in given.items() if value is not None}
    if model is not None or stages:
        _refuse("--model and --stage", scenario=scenario)
        listed = load_prices(prices) if prices is not None else None
        read = read_stages(model, stages, defaults, listed, own_prices)
        cost_text.show_bill(bill(read, read_number(items or DEFAULT_ITEMS, "--items")), as_json=as_json)
        return
    _refuse("a price list", price=own_prices)
    listed = load_prices(prices or DEFAULT_LIST)
    if scenario is not None:
        _refuse("--scenario", items=items, **defaults)
        cost_text.show_scenarios(listed, scenario, as_json=as_json)
        return
    bills = compare(listed, read_number(items or DEFAULT_ITEMS, "--items"), defaults)
    pipelines = [] if items or defaults else listed.bills()
    cost_text.show_list(listed, bills, pipelines, as_json=as_json)


def _refuse(beside: str, **options: object) -> None:
    """Refuse options that would change nothing."""
    from weaksup.errors import UsageError

    for name, value in options.items():
        if value:
            raise UsageError(f"--{name.replace('_', '-')} does not go with {beside}; leave one of them out")
