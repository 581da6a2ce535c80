"""What a loaded student takes and refuses, and where it fits in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from weaksup import LabelSpace
from weaksup.corpus import Chunk
from weaksup.distill import Predictor, load_bundle
from weaksup.distill.bundle.predict import _batches
from weaksup.errors import UsageError
from weaksup.labeling_functions import model_vote


@pytest.fixture(scope="module")
def model(bundle: Path) -> Predictor:
    return load_bundle(bundle)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ("one text", "write \\[text\\]"),
        (b"bytes", "write \\[text\\]"),
        (["a", None], "got NoneType at position 1"),
        ([1.5], "got float at position 0"),
        ({"text": "a row"}, "write \\[text\\]"),
        ([{"body": "a row"}], 'expected the field "text", got body at position 0'),
        (pd.DataFrame({"text": ["a"]}), "expected a list of texts, or of rows, got DataFrame"),
        ({"a", "b"}, "got set"),
        (None, "got NoneType"),
        (5, "got int"),
    ],
)
def test_what_is_no_list_of_texts_is_refused(model: Predictor, texts: list[str], expected: str) -> None:
    with pytest.raises(UsageError, match=expected):
        model.predict_proba(texts)


@pytest.mark.parametrize("options", [{"batch_size": 0}, {"threads": 0}])
def test_batches_and_threads_are_at_least_one(model: Predictor, options: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        model.predict_proba(["a"], **options)


def test_arrays_of_texts_are_taken(model: Predictor) -> None:
    texts = ["the invoice", "crash"]
    for same in (tuple(texts), np.array(texts), np.array(texts, object)):
        assert model.predict(same) == ["billing", "bug"]  # type: ignore[arg-type]
    assert model.predict_proba([]).shape == (0, 3)


def test_a_batch_is_never_too_large_for_memory_and_every_row_is_in_one() -> None:
    texts = ["x" * size for size in (0, 3, 10_000, 9_000, 10_000, 5)] + ["y"] * 50
    for size, k in ((1, 2), (7, 2), (64, 2), (64, 500)):
        batches = list(_batches(texts, size, k))
        assert sorted(np.concatenate(batches).tolist()) == list(range(len(texts)))
        for rows in batches:
            assert len(rows) <= size
            cells = len(rows) * (max(len(texts[i]) for i in rows) + 6) * (k + 12)
            assert cells <= 2_000_000 or len(rows) == 1
    assert not list(_batches([], 7, 2))


def test_a_student_votes_on_the_next_corpus(model: Predictor) -> None:
    votes = model_vote(model, name="student", threshold=0.6)
    chunk = Chunk(pa.record_batch({"id": ["a", "b", "c"], "text": ["invoice refund", "crash error", ""]}))
    codes = votes.vote(chunk, LabelSpace(["bug", "billing", "how"])).codes
    assert codes.tolist()[:2] == [1, 0]
