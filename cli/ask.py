"""`weaksup ask`: ask models, and people, where the votes disagree, under a hard budget."""

from __future__ import annotations

import click

from weaksup.cli.options import as_json

__all__ = ["command"]

EPILOG = """\b
Examples:
  weaksup ask votes.parquet --prompts prompts.py --tier tiers.toml --share 0.1 --dry-run
  weaksup ask votes.parquet --prompts prompts.py --tier openai:gpt-4o-mini --budget 1.00 -o more.parquet
  weaksup ask votes.parquet --prompts prompts.py --tier ollama:qwen3 --budget 0 -o more.parquet
  weaksup ask votes.parquet --prompts prompts.py --tier tiers.toml --budget 5 -o more.parquet \\
      --write-labels labels.parquet                       several [[tiers]]: routing decides whom to ask
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
@click.option("--write-labels", metavar="FILE", help="Where the labels after asking go (Parquet).")
@click.option("--prompts", metavar="FILE", required=True, help="Python file with a @prompt_function.")
@click.option("--prompt", "prompt_name", metavar="NAME", help="Which one, where the file has several.")
@click.option("--also", metavar="NAME", multiple=True, help="Another prompt for the first of several tiers: a signal.")
@click.option(
    "--tier", metavar="FILE|PROVIDER:MODEL", required=True, help="Who is asked: a TOML file, or in short form."
)
@click.option("--tier-name", "tier_names", metavar="NAME", multiple=True, help="Which of the file's [[tiers]].  [all]")
@click.option("--set", "settings", metavar="KEY=VALUE", multiple=True, help="Set or replace a setting of the tier.")
@click.option("--budget", metavar="DOLLARS", help="Cap on all that this run spends, now and in earlier calls.")
@click.option("--day-budget", metavar="DOLLARS", help="Cap on what all runs of the store spend on one UTC day.")
@click.option("--calls", type=click.IntRange(0), metavar="N", help="Cap on the calls of this run.")
@click.option("--tokens", type=click.IntRange(0), metavar="N", help="Cap on the tokens of this run, in and out.")
@click.option(
    "--people-minutes", type=click.FloatRange(0), metavar="M", help="Cap on people's time; their queue is made to fit."
)
@click.option(
    "--share", type=click.FloatRange(0, 1), help="Share of the rows to ask one tier at most.  [its own, else 0.1]"
)
@click.option("--labels", metavar="FILE", help="Labels that `weaksup fit` wrote.  [default: fit the default model]")
@click.option(
    "--gold", metavar="COLUMN", help="True labels in the corpus, empty where unknown: several tiers use them."
)
@click.option(
    "--store", metavar="FILE|URL", help="Where paid answers are kept; PostgreSQL by URL.  [store.db beside VOTES]"
)
@click.option("--run", metavar="NAME", default="ask", show_default=True, help="What the budget is for.")
@click.option("--dry-run", is_flag=True, help="Show what would be asked and what it would cost; send nothing.")
@as_json
def command(
    *,
    votes: str,
    corpus: str | None,
    output: str | None,
    write_labels: str | None,
    prompts: str,
    prompt_name: str | None,
    also: tuple[str, ...],
    tier: str,
    tier_names: tuple[str, ...],
    settings: tuple[str, ...],
    budget: str | None,
    day_budget: str | None,
    calls: int | None,
    tokens: int | None,
    people_minutes: float | None,
    share: float | None,
    labels: str | None,
    gold: str | None,
    store: str | None,
    run: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Ask a model about the rows of VOTES that are least certain, worst first, and add its answers as a source.

    With several [[tiers]], cheapest first, each row is asked of the cheapest that may settle it, in rounds that learn
    from the answers; people, if there is such a tier, get what is in doubt after that. What it will cost is shown
    before anything is sent. No cap is ever exceeded. Answers are kept in the store: asking again, after Ctrl-C too,
    never pays for one twice. CORPUS is where VOTES came from, if it is elsewhere now.
    """
    from weaksup.cli.ask_tiers import choose_tiers, open_store, read_file_policy, read_limits
    from weaksup.cli.origin import find_corpus
    from weaksup.cli.outputs import keep_apart
    from weaksup.errors import UsageError
    from weaksup.pipeline.asking import choose_prompt
    from weaksup.pipeline.team import Team
    from weaksup.votes import VoteMatrix

    if not dry_run and (output is None or budget is None):
        raise UsageError("expected --budget DOLLARS and -o FILE; --dry-run shows the cost without them")
    limits = read_limits(calls=calls, tokens=tokens, people_minutes=people_minutes, day_budget=day_budget)
    matrix = VoteMatrix.load(votes)
    keep_apart([output, write_labels], [corpus, prompts, labels, tier, store, *matrix.origin.get("paths", [])])
    if not len(matrix):
        raise UsageError(f"{votes}: expected votes on at least one row, got none; is the corpus empty?")
    prompt = choose_prompt(prompts, matrix.labels, name=prompt_name)
    tiers = choose_tiers(tier, tier_names, settings)
    source = find_corpus(matrix.origin, corpus)
    if len(tiers) == 1 and (gold is not None or also):
        raise UsageError("--gold and --also are for several tiers; name a file of two [[tiers]] or more")
    with open_store(store, votes) as kept:
        if len(tiers) == 1:
            from weaksup.cli.ask_one import ask_one

            ask_one(
                matrix,
                source,
                tiers[0],
                prompt,
                kept,
                run=run,
                budget=budget,
                limits=limits,
                share=share,
                labels=labels,
                output=None if dry_run else output,
                write_labels=write_labels,
                as_json=as_json,
            )
            return
        if share is not None or labels is not None:
            raise UsageError(
                "--share and --labels are for one tier; write share = 0.1 into the [[tiers]], or --tier-name"
            )
        from weaksup.cli.ask_team import ask_team

        ask_team(
            matrix,
            source,
            Team(tiers, prompt, tuple(choose_prompt(prompts, matrix.labels, name=name) for name in also)),
            kept,
            run=run,
            budget=budget,
            limits=limits,
            policy=read_file_policy(tier, matrix.labels),
            gold=gold,
            output=None if dry_run else output,
            write_labels=write_labels,
            as_json=as_json,
        )
