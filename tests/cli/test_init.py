from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from weaksup.cli import cli
from weaksup.demo import LABELS, load_tickets, write_demo
from weaksup.errors import DiskError, UsageError
from weaksup.labeling_functions import check_examples, load_lf_module
from weaksup.project import Project


def test_init_writes_a_project_whose_examples_hold(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["init", str(tmp_path / "new")])
    assert done.exit_code == 0
    assert "weaksup run" in done.output
    project = Project.load(tmp_path / "new")
    module = load_lf_module(project.path(project.labeling.module))
    assert check_examples(module.lfs, module.labels) == []
    assert module.labels is not None
    assert module.labels.names == LABELS.names


def test_init_never_writes_over_a_project_unless_told_to(tmp_path: Path) -> None:
    (tmp_path / "lfs.py").write_text("mine")
    with pytest.raises(UsageError, match="lfs.py.*--force"):
        CliRunner().invoke(cli, ["init", str(tmp_path)], catch_exceptions=False)
    assert (tmp_path / "lfs.py").read_text() == "mine"
    assert CliRunner().invoke(cli, ["init", str(tmp_path), "--force"]).exit_code == 0
    assert (tmp_path / "lfs.py").read_text() != "mine"


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises((DiskError, UsageError)):
        CliRunner().invoke(cli, ["init", str(tmp_path / "file" / "new")], catch_exceptions=False)


def test_the_demo_has_thousands_of_distinct_tickets_and_hides_their_labels(tmp_path: Path) -> None:
    tickets = load_tickets()
    assert len(tickets) > 5_000
    assert len({t.text for t in tickets}) == len({t.id for t in tickets}) == len(tickets)
    assert {t.label for t in tickets} == set(LABELS.names)
    write_demo(tmp_path)
    assert (tmp_path / "data" / "tickets.csv").read_text(encoding="utf-8").startswith("id,text\n")
    assert len(load_lf_module(tmp_path / "lfs.py").lfs) > 15
