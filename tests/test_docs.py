"""Documents tell the truth: their Python runs, their commands and options exist, their links resolve."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

from weaksup.cli import COMMANDS

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md")])
SHIPPED = sorted([*PAGES, *ROOT.glob("weaksup/demo/templates/*.md")])


def _blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", [p for p in PAGES if _blocks(p, "python")], ids=lambda p: p.name)
def test_the_python_of_a_page_runs_from_top_to_bottom(page: Path, tmp_path: Path) -> None:
    script = tmp_path / "page.py"
    script.write_text("\n".join(_blocks(page, "python")), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def _commands() -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for page in SHIPPED:
        lines = "\n".join(_blocks(page, "console") + _blocks(page, "")).splitlines()
        for line in lines:
            parts = [part.strip() for part in line.removeprefix("$ ").split("#")[0].split("&&")]
            found += [(page.name, part) for part in parts if part.startswith("weaksup ")]
    return found


@pytest.mark.parametrize(("page", "line"), _commands())
def test_every_command_of_a_page_exists_with_its_options(page: str, line: str) -> None:
    verb, *words = shlex.split(line)[1:]
    assert verb in COMMANDS
    command: click.Command = import_module(f"weaksup.cli.{verb}").command
    known = {name for option in command.params for name in option.opts}
    assert {word for word in words if word.startswith("-")} <= known | {"-"}  # stdin, stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_between_pages_resolve(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_every_verb_is_in_the_readme_or_a_page() -> None:
    told = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert [verb for verb in COMMANDS if f"weaksup {verb}" not in told] == []


def test_the_benchmark_page_is_what_the_results_say() -> None:
    subprocess.run([sys.executable, ROOT / "benchmarks" / "tables.py", "--check"], check=True)
