from __future__ import annotations

from pathlib import Path

import pytest

from weaksup.errors import ConfigError
from weaksup.project import Project


def _write(folder: Path, text: str) -> Path:
    (folder / "weaksup.toml").write_text(text, encoding="utf-8")
    return folder


def test_a_corpus_is_all_that_a_project_must_name(tmp_path: Path) -> None:
    project = Project.load(_write(tmp_path, '[corpus]\npath = "c.csv"'))
    assert project.corpus.text == "text"
    assert project.label_model.name == "default"
    assert project.path(project.corpus.path) == tmp_path / "c.csv"
    assert project.out == tmp_path / "out"
    assert Project.load(tmp_path / "weaksup.toml") == project


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", 'the setting "corpus" is missing'),
        ("[corpus]", '"corpus.path" is missing'),
        ('[corpus]\npath = "c"\ncolour = 1', '"corpus.colour" is not a setting'),
        ('[corpus]\npath = "c"\n[labeling]\nworkers = 0', '"labeling.workers".*greater than or equal to 1, got 0'),
        ('[corpus]\npath = "c"\n[ask]\nbudget_usd = nan', '"ask.budget_usd"'),
        ('[corpus]\npath = "c"\n[ask]\nbudget_usd = -1', '"ask.budget_usd"'),
        ('[corpus]\npath = "c"\n[ask]\nprompts = "p.py"', '"ask.budget_usd" is missing'),
        (
            '[corpus]\npath = "c"\n[student]\nkind = "lineer"',
            r'toml: "student": expected one of linear, embedbag, .*; got "lineer"$',
        ),
        (
            '[corpus]\npath = "c"\n[student]\nkind = "slm"',
            r'toml: "student": expected a kind that labels the rows here',
        ),
        (
            '[corpus]\npath = "c"\n[student.settings]\nmodle = 1',
            r'toml: "student": student of kind "linear": .*"modle"$',
        ),
        ("[corpus", "expected TOML"),
    ],
)
def test_each_mistake_is_one_line_that_names_the_setting(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        Project.load(_write(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_project_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="weaksup init"):
        Project.load(tmp_path)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "weaksup.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="expected TOML"):
        Project.load(tmp_path)
