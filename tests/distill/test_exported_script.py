"""The predict.py of an export as a command: help, stdin by name, and one line for what cannot be read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from weaksup.distill import export_bundle
from weaksup.distill.exports import standalone


@pytest.fixture(scope="module")
def script(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_bundle(bundle, tmp_path_factory.mktemp("script") / "out", format="sklearn-free").path / "predict.py"


def called(script: Path, *args: str, given: str = "") -> tuple[int, str, str]:
    done = subprocess.run([sys.executable, script, *args], input=given, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_help_says_what_goes_in_and_what_comes_out(script: Path) -> None:
    code, out, _ = called(script, "--help")
    assert code == 0
    assert "a text a line" in out
    assert "- is stdin" in out


def test_a_dash_is_stdin_among_files_too(script: Path, tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("it is broken\n")
    code, out, _ = called(script, "-", str(tmp_path / "t.txt"), given="the invoice\n")
    assert (code, [line.split("\t")[0] for line in out.splitlines()]) == (0, ["billing", "bug"])
    assert called(script, "-", given="the invoice\n")[1] == called(script, given="the invoice\n")[1]


def test_what_cannot_be_read_is_one_line(script: Path, tmp_path: Path) -> None:
    for wrong in (str(tmp_path / "gone.txt"), str(tmp_path)):
        code, out, told = called(script, wrong)
        assert (code, out, told.count("\n")) == (2, "", 1)
        assert told.startswith(f"error: cannot read {wrong}: ")


def test_a_bare_text_is_refused(script: Path) -> None:
    model = standalone.load(script.with_name("model.safetensors"))
    for bare in ("hello", b"hello", {"text": "hello"}):
        with pytest.raises(TypeError, match=r"expected a list of texts, got a single one; write \[text\]"):
            model.predict(bare)  # type: ignore[arg-type]
