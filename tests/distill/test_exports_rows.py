"""A student that reads fields reads them in an export, too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from distill.test_exports import exported
from hypothesis import given

from weaksup.distill import Student, export_bundle, load_bundle, save_bundle
from weaksup.distill.bundle.fields import Fields
from weaksup.distill.exports import standalone

VALUES = st.none() | st.text(max_size=9) | st.integers() | st.floats() | st.booleans() | st.lists(st.text(max_size=3))
ROWS = st.fixed_dictionaries({"text": st.none() | st.text(max_size=9)}, optional={"sender": VALUES, "amount": VALUES})
READS = Fields(("sender", "amount"), {"amount": (-5.0, 0.0, 0.5, 1e9)})


@pytest.fixture(scope="module")
def fielded(student: Student, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_bundle(student, tmp_path_factory.mktemp("fielded") / "student", fields=READS)


@given(st.lists(ROWS, max_size=6))
def test_numpy_alone_reads_rows_as_the_bundle_reads_them(
    fielded: Path, tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]
) -> None:
    file = tmp_path_factory.getbasetemp() / "fielded.safetensors"
    if not file.exists():
        export_bundle(fielded, file, format="safetensors")
    found = standalone.load(file)
    assert [found.read(row) for row in rows] == [READS.read(row) for row in rows]
    assert found.predict(rows) == load_bundle(fielded).predict(rows)


@pytest.mark.parametrize("form", ["sklearn-free", "hf"])
def test_a_card_says_how_rows_are_written_as_text(fielded: Path, tmp_path: Path, form: str) -> None:
    for folder in (fielded, exported(fielded, tmp_path, form).path):
        told = (folder / "README.md").read_text(encoding="utf-8")
        assert "mappings with `text` and <code>sender</code>, <code>amount</code>" in told
        assert "`amount: tenth 3`" not in told
        assert "`name: tenth 3`" in told
