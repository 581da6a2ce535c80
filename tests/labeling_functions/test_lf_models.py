from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaksup.corpus import Chunk
from weaksup.errors import ConfigError, UsageError, VoteError
from weaksup.labeling_functions import model_vote
from weaksup.labels import LabelSpace

LABELS = LabelSpace(["HAM", "SPAM"])


def chunk(texts: Sequence[str]) -> Chunk:
    ids = pa.array([f"r{i}" for i in range(len(texts))], pa.string())
    return Chunk(pa.RecordBatch.from_pydict({"id": ids, "text": pa.array(texts, pa.string())}))


class Model:
    """Says the probabilities that it was made with, whatever the rows."""

    def __init__(self, proba: Any, classes: Any = ("HAM", "SPAM")) -> None:
        self.proba, self.classes_ = np.asarray(proba, float), classes
        self.asked: list[Any] = []

    def predict_proba(self, values: list[Any]) -> Any:
        self.asked.append(values)
        return self.proba


@given(st.lists(st.integers(0, 10), max_size=20), st.integers(0, 10))
def test_a_model_votes_where_it_is_sure_enough_and_abstains_on_ties(tenths: list[int], threshold: int) -> None:
    proba = [[1 - t / 10, t / 10] for t in tenths]
    lf = model_vote(Model(np.reshape(proba, (-1, 2))), name="m", threshold=threshold / 10)
    codes = lf.vote(chunk(["x"] * len(tenths)), LABELS).codes.tolist()
    assert codes == [-1 if p[0] == p[1] or max(p) < threshold / 10 else int(p[1] > p[0]) for p in proba]


def test_the_whole_chunk_is_asked_at_once() -> None:
    model = Model([[0, 1], [1, 0]])
    assert model_vote(model, name="m").vote(chunk(["a", "b"]), LABELS).codes.tolist() == [1, 0]
    assert model.asked == [["a", "b"]]
    rows = Model([[0, 1], [1, 0]])
    model_vote(rows, name="m", field=None).vote(chunk(["a", "b"]), LABELS)
    assert [row.id for row in rows.asked[0]] == ["r0", "r1"]


def test_a_scikit_learn_pipeline_votes_by_its_own_classes() -> None:
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(CountVectorizer(), MultinomialNB()).fit(["free cash", "see you"], ["SPAM", "HAM"])
    lf = model_vote(model, name="nb", threshold=0.6, examples=[("cash", "SPAM")])
    assert lf.vote(chunk(["free cash now", "see you soon", "zebra"]), LABELS).codes.tolist() == [1, 0, -1]
    assert lf("free cash") == "SPAM"


def test_a_loader_is_called_once_a_process_and_only_when_needed() -> None:
    calls: list[int] = []

    def load() -> Model:
        calls.append(1)
        return Model([[0, 1]])

    lf = model_vote(load, name="m", classes=[None, "SPAM"])
    lf.prepare(LABELS)
    assert not calls
    assert [lf.vote(chunk(["a"]), LABELS).codes.tolist() for _ in range(2)] == [[1], [1]]
    assert len(calls) == 1


def test_what_the_model_raises_is_an_error_of_every_row_of_the_chunk() -> None:
    class Broken:
        classes_ = ("HAM", "SPAM")

        def predict_proba(self, values: list[Any]) -> Any:
            raise RuntimeError("out of memory")

    voted = model_vote(Broken(), name="m").vote(chunk(["a", "b"]), LABELS)
    assert (voted.codes.tolist(), list(voted.errors)) == ([-1, -1], [0, 1])
    with pytest.raises(RuntimeError, match="out of memory"):
        model_vote(Broken(), name="m")("a")


def test_a_probability_that_is_no_number_is_an_error_of_its_row() -> None:
    voted = model_vote(Model([[np.nan, 1], [0, 1]]), name="m").vote(chunk(["a", "b"]), LABELS)
    assert (voted.codes.tolist(), list(voted.errors)) == ([-1, 1], [0])


def test_models_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UsageError, match=r"to return \[2, 2\] for 2 rows and 2 classes, got \[1, 2\]"):
        model_vote(Model([[0, 1]]), name="m").vote(chunk(["a", "b"]), LABELS)
    with pytest.raises(VoteError, match="got 'EGGS'"):
        model_vote(Model([[0, 1]]), name="m", classes=["HAM", "EGGS"]).prepare(LABELS)
    with pytest.raises(ConfigError, match="does not name its classes"):
        model_vote(lambda: Model([[0, 1]]), name="m")
    with pytest.raises(ConfigError, match="a model with predict_proba"):
        model_vote(3, name="m", classes=["HAM", "SPAM"])
    with pytest.raises(ConfigError, match="a threshold from 0 to 1, got 7"):
        model_vote(Model([[0, 1]]), name="m", threshold=7)
