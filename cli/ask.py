"""`weaksup ask`: ask a model where the votes disagree, under a hard budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from weaksup.cli.options import as_json

if TYPE_CHECKING:
    from weaksup.llm import Tier

__all__ = ["command"]

EPILOG = """\b
Examples:
  weaksup ask votes.parquet --prompts prompts.py --tier tiers.toml --share 0.1 --dry-run
  weaksup ask votes.parquet --prompts prompts.py --tier openai:gpt-4o-mini --budget 1.00 -o more.parquet
  weaksup ask votes.parquet --prompts prompts.py --tier openai:qwen3 --budget 0 -o more.parquet \\
      --set base_url=http://127.0.0.1:11434/v1 --set free=true
\b
Short forms: openai, anthropic, google, deepseek, mistral, ollama, vllm, llamacpp, lmstudio, gguf, student, people.
A tier in TOML (dollars per million tokens; listed models may leave the price out):
  name = "cheap"
  provider = "openai"          # docs/asking.md lists all
  model = "gpt-4o-mini"
  price = {input = 0.15, output = 0.6}
"""


@click.command("ask", epilog=EPILOG)
@click.argument("votes")
@click.argument("corpus", required=False)
@click.option("-o", "--output", metavar="FILE", help="Where the votes with the answers go (Parquet).")
@click.option("--prompts", metavar="FILE", required=True, help="Python file with a @prompt_function.")
@click.option("--prompt", "prompt_name", metavar="NAME", help="Which one, where the file has several.")
@click.option(
    "--tier", metavar="FILE|PROVIDER:MODEL", required=True, help="Who is asked: a TOML file, or in short form."
)
@click.option("--tier-name", metavar="NAME", help="Which one, where the file has several [[tiers]].")
@click.option("--set", "settings", metavar="KEY=VALUE", multiple=True, help="Set or replace a setting of the tier.")
@click.option("--budget", metavar="DOLLARS", help="Cap on all that this run spends, now and in earlier calls.")
@click.option(
    "--share", type=click.FloatRange(0, 1), help="Share of the rows to ask at most.  [default: the tier's, else 0.1]"
)
@click.option("--labels", metavar="FILE", help="Labels that `weaksup fit` wrote.  [default: fit the default model]")
@click.option("--store", metavar="FILE", help="Where paid answers are kept.  [default: store.db beside VOTES]")
@click.option("--run", metavar="NAME", default="ask", show_default=True, help="What the budget is for.")
@click.option("--dry-run", is_flag=True, help="Show what would be asked and what it would cost; send nothing.")
@as_json
def command(
    *,
    votes: str,
    corpus: str | None,
    output: str | None,
    prompts: str,
    prompt_name: str | None,
    tier: str,
    tier_name: str | None,
    settings: tuple[str, ...],
    budget: str | None,
    share: float | None,
    labels: str | None,
    store: str | None,
    run: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Ask a model about the rows of VOTES that are least certain, worst first, and add its answers as a source.

    What it will cost is shown before anything is sent. The budget is never exceeded. Answers are kept in the store:
    asking again, after Ctrl-C too, never pays for one twice. CORPUS is where VOTES came from, if it is elsewhere now.
    """
    from decimal import Decimal
    from pathlib import Path

    from weaksup.cli import render
    from weaksup.cli.ask_text import plan_json, report, show_plan
    from weaksup.cli.origin import find_corpus
    from weaksup.cli.outputs import keep_apart
    from weaksup.cli.progress import progress
    from weaksup.errors import UsageError
    from weaksup.label_models import LabelModel
    from weaksup.labels import SoftLabels
    from weaksup.llm import ask, estimate, source_of
    from weaksup.llm.prices import budget_cap
    from weaksup.pipeline.asking import add_answers, choose_prompt, choose_rows
    from weaksup.store import Store
    from weaksup.votes import VoteMatrix

    if not dry_run and (output is None or budget is None):
        raise UsageError("expected --budget DOLLARS and -o FILE; --dry-run shows the cost without them")
    cap = None if budget is None else budget_cap(budget)
    matrix = VoteMatrix.load(votes)
    keep_apart([output], [corpus, prompts, labels, tier, store, *matrix.origin.get("paths", [])])
    prompt = choose_prompt(prompts, matrix.labels, name=prompt_name)
    chosen = _choose_tier(tier, tier_name, settings)
    source = source_of(chosen, prompt)
    soft = SoftLabels.load(labels) if labels is not None else LabelModel().fit(matrix).soft_labels(matrix)
    rows = choose_rows(
        matrix,
        soft,
        find_corpus(matrix.origin, corpus),
        share=chosen.share if share is None else share,
        source=source.name,
    )
    with Store(store or Path(votes).with_name("store.db")) as kept:
        planned = estimate(rows, prompt, chosen, kept)
        show_plan(chosen, planned, kept, cap)
        if dry_run or budget is None or output is None:
            if as_json:
                render.emit_json(plan_json(chosen, planned, kept, cap))
            return
        with progress("ask", total=len(rows)) as watch:
            asked = ask(
                rows, prompt, chosen, kept, run=run, budget_usd=Decimal(budget), on_answer=lambda p: watch(p.done)
            )
    add_answers(matrix, asked).save(output)
    report(asked, output, budget, as_json=as_json)


def _choose_tier(text: str, name: str | None, settings: tuple[str, ...]) -> Tier:
    """Read --tier: a TOML file, or provider:model."""
    from pathlib import Path

    from weaksup.distill import load_bundle
    from weaksup.errors import ConfigError
    from weaksup.llm import make_tier
    from weaksup.llm.tiers import PROVIDERS, read_tables

    changed = dict(_setting(part) for part in settings)
    provider, _, model = text.partition(":")
    if provider in PROVIDERS and model:
        return make_tier({"name": model, "provider": provider, "model": model, **changed}, load_student=load_bundle)
    if text in PROVIDERS:
        raise ConfigError(f"--tier: expected {text}:MODEL or a TOML file with the tier, got {text} without a model")
    tables = [table for table in read_tables(text) if name in (None, table.get("name"))]
    if len(tables) != 1:
        wanted = f'a tier named "{name}"' if name else "one tier, or --tier-name NAME"
        raise ConfigError(f"{text}: expected {wanted}, got {len(tables)}")
    return make_tier({**tables[0], **changed}, folder=Path(text).parent, load_student=load_bundle)


def _setting(text: str) -> tuple[str, Any]:
    """Read KEY=VALUE; a value that is no TOML is a text."""
    import tomllib

    from weaksup.errors import UsageError

    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise UsageError(f'--set: expected KEY=VALUE, got "{text}"')
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value
