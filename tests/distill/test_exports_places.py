"""An export is written over nothing but an older one of the same form."""

from __future__ import annotations

from pathlib import Path

import pytest
from distill.test_exports import FORMATS, exported, packed, refused

from weaksup.distill import Student, save_bundle

__all__ = ["packed"]  # a fixture


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_bundle_gives_the_same_bytes_and_replaces_its_own_export(
    packed: Path, tmp_path: Path, form: str
) -> None:
    first = {path.name: path.read_bytes() for path in exported(packed, tmp_path, form).path.iterdir()}
    again = exported(packed, tmp_path, form)
    assert {path.name: path.read_bytes() for path in again.path.iterdir()} == first
    assert again.files == {name: len(data) for name, data in first.items()}


@pytest.mark.parametrize("form", FORMATS)
def test_files_of_others_under_the_same_names_are_never_written_over(packed: Path, tmp_path: Path, form: str) -> None:
    names = exported(packed, tmp_path, form).files
    for name, kept in (("new", ["README.md"]), ("other", [*names])):  # repositories for the Hub, one with a model
        theirs = tmp_path / name
        theirs.mkdir()
        for part in kept:
            (theirs / part).write_text("mine")
        refused("holds other files", packed, theirs, format=form)
        assert {path.read_text() for path in theirs.iterdir()} == {"mine"}


@pytest.mark.parametrize("form", FORMATS)
def test_an_export_replaces_one_with_pictures_that_it_does_not_have(
    packed: Path, student: Student, tmp_path: Path, form: str
) -> None:
    exported(packed, tmp_path, form)
    unscored = save_bundle(student, tmp_path / "unscored")
    (tmp_path / "new").mkdir()
    assert sorted(path.name for path in exported(unscored, tmp_path, form).path.iterdir()) == sorted(
        exported(unscored, tmp_path / "new", form).files
    )


@pytest.mark.parametrize("form", FORMATS)
def test_other_files_are_never_written_over(packed: Path, tmp_path: Path, form: str) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    for name in ("mine", "file", "link"):
        refused("expected a (new )?folder", packed, tmp_path / name, format=form)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]
    before = sorted(path.name for path in packed.iterdir())
    for inside in (packed, packed / "more", packed / "x.onnx", packed / "model.onnx"):
        refused("outside the bundle", packed, inside, format=form)
    assert sorted(path.name for path in packed.iterdir()) == before
