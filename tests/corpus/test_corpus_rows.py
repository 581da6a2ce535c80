"""Rows as labeling functions see them."""

from __future__ import annotations

import pyarrow as pa
import pytest

from weaksup.corpus import Chunk, Row


def rows() -> list[Row]:
    tags = pa.array([[{"k": [1]}], None])
    return Chunk(pa.record_batch({"id": ["1", "2"], "text": ["a", "b"], "a b": [1, None], "tags": tags})).rows


def test_a_field_is_found_by_attribute_by_name_and_by_position() -> None:
    row = rows()[0]
    assert (row.text, row["text"], row[1], row["a b"]) == ("a", "a", "a", 1)
    with pytest.raises(AttributeError):
        _ = row.lang
    with pytest.raises(KeyError):
        _ = row["lang"]


def test_get_gives_the_default_for_null_and_for_no_such_column() -> None:
    row = rows()[1]
    assert (row.get("a b", 7), row.get("lang", "en"), row.get("text", "x")) == (7, "en", "b")


def test_a_row_cannot_be_changed_nor_what_it_holds() -> None:
    row = rows()[0]
    with pytest.raises(AttributeError):
        row.text = "changed"  # type: ignore[attr-defined]  # mypy sees it, too
    with pytest.raises(TypeError):
        row.tags[0]["k"] = 1
    assert row.tags[0]["k"] == (1,)


def test_a_copy_with_fields_has_them_and_leaves_the_row_alone() -> None:
    row = rows()[0]
    changed = row.with_fields({"text": "c", "lang": "en"})
    assert (changed.text, changed.lang, changed.id, row.text) == ("c", "en", "1", "a")
    assert list(changed.as_dict()) == ["id", "text", "a b", "tags", "lang"]


def test_columns_named_like_the_methods_of_a_row_are_found_by_name() -> None:
    (row,) = Chunk(pa.record_batch({"id": ["1"], "get": ["g"], "class": ["c"], "_x": ["u"]})).rows
    assert (row["get"], row["class"], row["_x"], row.get("get")) == ("g", "c", "u", "g")
