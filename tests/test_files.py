from __future__ import annotations

import os
from pathlib import Path

import pytest

from weaksup.errors import DiskError
from weaksup.files import atomic_path, write_text


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    write_text(target, "before")
    with pytest.raises(RuntimeError), atomic_path(target) as part:
        part.write_text("half")
        raise RuntimeError
    assert target.read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["out.txt"]


def test_text_is_written_byte_for_byte(tmp_path: Path) -> None:
    write_text(tmp_path / "t", "a\r\nb\u2028ü")
    assert (tmp_path / "t").read_bytes() == "a\r\nb\u2028ü".encode()


def test_a_place_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="got a folder"):
        write_text(tmp_path, "x")
    with pytest.raises(DiskError, match="check that its folder exists"):
        write_text(tmp_path / "no" / "x", "x")


def test_a_failing_disk_is_a_disk_error_and_leaves_no_part(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="No space left"), atomic_path(tmp_path / "x"):
        raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_written_through_and_what_is_no_file_is_left_alone(tmp_path: Path) -> None:
    real, link, pipe = tmp_path / "real", tmp_path / "link", tmp_path / "pipe"
    real.write_text("before")
    link.symlink_to(real)
    write_text(link, "after")
    assert link.is_symlink()
    assert real.read_text() == "after"
    os.mkfifo(pipe)
    with pytest.raises(DiskError, match="expected a file, got a device or a pipe"):
        write_text(pipe, "text")
    assert pipe.is_fifo()
