"""The command itself: help, exit codes, one line for each expected error."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from weaksup.cli import COMMANDS, cli, main
from weaksup.errors import BudgetError, DiskError, ProviderError, ShortfallError, UsageError


def _code(argv: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert isinstance(caught.value.code, int)
    return caught.value.code, capsys.readouterr().err


@pytest.mark.parametrize("verb", COMMANDS)
def test_every_verb_has_help_with_an_example_and_its_own_name(verb: str) -> None:
    command: click.Command = import_module(f"weaksup.cli.{verb}").command
    assert command.name == verb
    done = CliRunner().invoke(cli, [verb, "--help"])
    assert done.exit_code == 0
    assert "Example" in done.output
    assert f"weaksup {verb}" in done.output


@pytest.mark.parametrize("verb", COMMANDS)
def test_every_verb_can_say_it_in_json(verb: str) -> None:
    assert "--json" in CliRunner().invoke(cli, [verb, "--help"]).output


def test_help_lists_the_verbs_in_the_order_of_the_path() -> None:
    output = CliRunner().invoke(cli, ["--help"]).output
    places = [output.index(f"\n  {verb} ") for verb in COMMANDS]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x"), 2),
        (ShortfallError("x"), 3),
        (BudgetError("x"), 4),
        (DiskError("x"), 74),
        (ProviderError("x"), 75),
        (OSError(28, "No space left on device", "f"), 74),
        (KeyboardInterrupt(), 130),
        (click.UsageError("x"), 2),
    ],
)
def test_each_error_is_one_line_and_its_exit_code(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(cli, "main", fail)
    got, said = _code([], capsys)
    assert got == code
    assert "Traceback" not in said


def test_an_unknown_verb_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    code, said = _code(["nonsense"], capsys)
    assert code == 2
    assert "nonsense" in said


def test_a_reader_that_goes_away_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m weaksup --help | head -1", shell=True, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_ends_with_its_code_and_leaves_nothing_half(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    (tmp_path / "lfs.py").write_text(
        "from weaksup import labeling_function\n@labeling_function\n"
        "def f(x):\n    print('on', flush=True)\n    while True: pass\n"
    )
    (tmp_path / "c.csv").write_text("text\nhello\n")
    command = [sys.executable, "-m", "weaksup", "apply", "lfs.py", "c.csv", "-o", "v.parquet", "--labels", "A,B"]
    handler = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a shell's background jobs ignore it, by inheritance
    process = subprocess.Popen(command, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    signal.signal(signal.SIGINT, handler)
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "on\n"
        os.kill(process.pid, number)
        _, said = process.communicate(timeout=120)
    assert process.returncode == code
    assert "interrupted" in said
    assert not (tmp_path / "v.parquet").exists()
