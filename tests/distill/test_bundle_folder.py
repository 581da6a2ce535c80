"""A bundle is written whole or not at all, and replaces nothing but a bundle."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from weaksup.distill import Student, load_bundle, save_bundle
from weaksup.errors import DiskError, UsageError


def test_an_older_bundle_is_replaced_and_nothing_else_is(student: Student, copy: Path, tmp_path: Path) -> None:
    save_bundle(student, copy, metrics={"accuracy": 1})
    assert load_bundle(copy).metrics == {"accuracy": 1}
    empty = tmp_path / "empty"
    empty.mkdir()
    load_bundle(save_bundle(student, empty))
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")
    (tmp_path / "link").symlink_to(copy)
    for name in ("file", "full", "link"):
        with pytest.raises(UsageError, match="expected a"):
            save_bundle(student, tmp_path / name)
    assert (tmp_path / "full" / "mine").read_text() == "mine"
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_a_folder_that_cannot_be_written_is_told(student: Student, tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="cannot write"):
        save_bundle(student, tmp_path / "no" / "student")


def test_a_disk_that_fills_up_leaves_the_old_bundle(
    student: Student, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (copy / "manifest.json").read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskError, match="No space left"):
        save_bundle(student, copy, metrics={"new": 1})
    monkeypatch.undo()
    assert (copy / "manifest.json").read_bytes() == before
    assert [p.name for p in copy.parent.iterdir()] == [copy.name]


def test_a_bundle_that_cannot_be_put_in_place_leaves_the_old_one(
    student: Student, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Path.rename

    def rename(self: Path, target: Path) -> Path:
        if self.suffix == ".part":
            raise OSError(5, "Input/output error")
        return whole(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(DiskError, match="Input/output"):
        save_bundle(student, copy, metrics={"new": 1})
    monkeypatch.undo()
    assert load_bundle(copy).metrics == {"accuracy": 0.5}
    assert [p.name for p in copy.parent.iterdir()] == [copy.name]
