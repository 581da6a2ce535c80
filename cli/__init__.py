"""The `weaksup` command. Subcommands load when they are called, so `weaksup --help` loads click and nothing else."""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module
from typing import Any

import click

from weaksup import __version__
from weaksup.errors import WeaksupError

__all__ = ["COMMANDS", "cli", "main"]

# One line a verb, in the order of the path; the module of that name holds the command.
COMMANDS = {
    "demo": "Run the whole path on an embedded corpus of support tickets, offline.",
    "init": "Write a small project that runs as it is.",
    "run": "Do every step of weaksup.toml, resuming where it stopped.",
    "apply": "Run labeling functions over a corpus and write their votes.",
    "analyze": "Show coverage, overlaps and conflicts of the votes.",
    "fit": "Fit a label model and write probabilistic labels.",
    "explain": "Say why a row got its label, and which source the labels hang on.",
    "slices": "List where the votes disagree, worst first.",
    "plan": "Show what asking would cost and change, before a cent is spent.",
    "ask": "Ask a model on the worst slices, under a hard budget.",
    "evaluate": "Score tiers, prompt and routing on a golden set before a change is used.",
    "distill": "Train a small classifier on the labels and export it.",
    "export": "Write a distilled classifier in the forms that other programs read.",
    "predict": "Label a corpus with a distilled classifier.",
    "drift": "Say whether a corpus is still like the one a classifier learned from.",
    "serve": "Answer over HTTP with a distilled classifier.",
    "cost": "Compute what a model or a routed pipeline costs.",
}


_KEEPING = {"ask", "demo", "evaluate", "run"}  # verbs that keep what was done when they are interrupted


class _Verbs(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(f"weaksup.cli.{name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs, in the order of the path"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="weaksup")
def cli() -> None:
    """Label a corpus with code, ask a model only where the code disagrees, ship a small model that needs neither.

    \b
    First minute:
      weaksup demo                                   the whole path, offline, in a minute
      weaksup init spam && cd spam && weaksup run    your own project, ready to edit
      weaksup apply lfs.py corpus.csv -o votes.parquet && weaksup analyze votes.parquet

    Exit codes: 0 done; 2 wrong use; 3 done, but rows failed or a gate fell short; 4 budget reached;
    74 disk; 75 provider down; 130 interrupted; 143 terminated.
    """


class _Terminated(KeyboardInterrupt):
    """SIGTERM: like Ctrl-C, what is in flight is settled; the exit code is another."""


def _terminate(_signal: int, _frame: object) -> None:
    raise _Terminated


def _left_behind(argv: list[str]) -> str:
    """Say what an interrupted command leaves."""
    if argv and argv[0] in _KEEPING:
        return "files and answers that were finished are kept, run the same command again"
    return "no file is left half written; run the same command again, it starts from the beginning"


def main(argv: list[str] | None = None) -> None:
    """Run the command line; every expected error becomes one line and its exit code."""
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        code: Any = cli.main(args=argv, prog_name="weaksup", standalone_mode=False)
    except WeaksupError as error:
        click.echo(f"error: {error}", err=True)
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort) as stopped:
        click.echo(f"interrupted; {_left_behind(sys.argv[1:] if argv is None else argv)}", err=True)
        code = 143 if isinstance(stopped.__cause__ or stopped, _Terminated) else 130
    except BrokenPipeError:  # the reader went away (weaksup ... | head); say nothing, as other tools do
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 141
    except OSError as error:
        click.echo(f"error: {error.filename or 'a file'}: {error.strerror or error}", err=True)
        code = 74
    finally:
        signal.signal(signal.SIGTERM, before)
    sys.exit(code if isinstance(code, int) else 0)
