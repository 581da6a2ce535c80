"""`weaksup distill --kind`, and [student] of a project, as a user writes them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from distill.tiny_encoder import make_encoder
from distill.toy import SPACE, make_corpus

from weaksup import SoftLabels
from weaksup.cli import main
from weaksup.distill import load_bundle
from weaksup.errors import ConfigError
from weaksup.project import Project

TEXTS, GOLD = make_corpus(120)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A corpus with gold, and labels of it."""
    monkeypatch.chdir(tmp_path)
    lines = [f"r{i},{text},{SPACE.names[c]}" for i, (text, c) in enumerate(zip(TEXTS, GOLD, strict=True))]
    Path("c.csv").write_text("id,text,label\n" + "\n".join(lines) + "\n", encoding="utf-8")
    origin = {"paths": [str(tmp_path / "c.csv")], "text": "text", "id": "id", "encoding": "utf-8"}
    ids = tuple(f"r{i}" for i in range(120))
    soft = SoftLabels(ids, 0.7 * np.eye(3)[GOLD] + 0.1, np.ones(120, np.bool_), SPACE)
    soft.save("l.parquet", {"origin": origin, "lineage": {"model": "default"}})
    make_encoder(Path("tiny"))
    return tmp_path


def run(*args: object) -> int:
    with pytest.raises(SystemExit) as done:
        main([str(a) for a in args])
    return int(str(done.value.code))


@pytest.mark.parametrize(
    ("kind", "pairs", "told"),
    [
        ("embedbag", ["dim=8", "epochs=3"], "n-grams -> student"),
        ("embedding", ["model=tiny", "strengths=[10]"], "the model tiny -> student"),
        ("transformer", ["model=tiny", "epochs=1", "rate=1e-3"], "the model tiny -> student"),
    ],
)
def test_a_student_of_any_kind_is_trained_scored_and_used(
    here: Path, capsys: pytest.CaptureFixture[str], kind: str, pairs: list[str], told: str
) -> None:
    options = [part for pair in pairs for part in ("--set", pair)]
    assert run("distill", "l.parquet", "-o", "student", "--kind", kind, "--gold", "label", *options) == 0
    out = capsys.readouterr().out
    assert told in out
    assert "Student by label" in out
    assert run("predict", "student", "c.csv", "-o", "p.csv") == 0
    said = [line.split(",")[1] for line in Path("p.csv").read_text().splitlines()[1:]]
    assert said == load_bundle("student").predict(TEXTS)
    assert json.loads(Path("student/manifest.json").read_text())["kind"] == kind


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--kind", "forest"], 'got "forest"'),
        (["--kind", "embedbag", "--set", "depth=3"], "dim, epochs, hidden"),
        (["--set", "seed=3"], "settings among strengths"),
        (["--kind", "embedbag", "--set", "dim"], "NAME=VALUE"),
        (["--kind", "embedbag", "--set", "dim=2", "--set", "dim=3"], "each name once"),
        (["--kind", "embedbag", "--set", "dim=many"], "dim to be a whole number"),
        (["--kind", "embedding", "--set", "model=nowhere"], "there is no folder nowhere"),
        (["--kind", "embedding", "--set", "model=5"], "got 5"),
        (["--set", "strengths=[0]"], "expected strengths of"),
        (["--set", "strengths=ten"], "expected strengths of"),
        (["--set", "strengths=[]"], "expected strengths of"),
    ],
)
def test_what_is_not_known_is_told_in_one_line(
    here: Path, capsys: pytest.CaptureFixture[str], options: list[str], told: str
) -> None:
    assert run("distill", "l.parquet", "-o", "student", *options) == 2
    err = capsys.readouterr().err
    assert told in err
    assert len(err.strip().splitlines()) == 1
    assert not Path("student").exists()


def project(text: str) -> Project:
    Path("weaksup.toml").write_text('[corpus]\npath = "c.csv"\n[student]\n' + text)
    return Project.load(".")


def test_a_project_names_the_kind_and_its_settings(here: Path) -> None:
    found = project('kind = "embedding"\nsettings = {model = "tiny", max_tokens = 32}\n').student_settings
    assert found == {"kind": "embedding", "model": str(here / "tiny"), "max_tokens": 32}
    assert project("").student_settings == {"kind": "linear"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('kind = "forest"', "forest"),
        ('kind = "embedbag"\nsettings = {depth = 3}', "dim, epochs, hidden"),
        ("kind = 3", "kind"),
        ("seed = -1", "seed"),
    ],
)
def test_a_project_with_an_unknown_student_is_refused_when_it_is_read(here: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        project(text)
