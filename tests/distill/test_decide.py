"""One rule makes labels of probabilities, wherever they are asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaksup.distill import Predictor, load_bundle
from weaksup.distill.bundle.decide import ABSTAINED, decide
from weaksup.errors import UsageError

rows = st.lists(st.lists(st.floats(0, 1, width=32), min_size=3, max_size=3), max_size=8)


@pytest.fixture(scope="module")
def model(bundle: Path) -> Predictor:
    return load_bundle(bundle)


@given(rows=rows, threshold=st.floats(0, 1))
def test_a_label_is_given_where_the_confidence_that_is_shown_reaches_the_threshold(
    rows: list[list[float]], threshold: float
) -> None:
    proba = np.reshape(np.array(rows, np.float32), (-1, 3))
    found, free = decide(proba, threshold), decide(proba)
    assert (free.codes == proba.argmax(axis=1)).all()
    assert ((found.codes == ABSTAINED) == (found.confidence < threshold)).all()
    given = found.codes != ABSTAINED
    assert (found.codes[given] == free.codes[given]).all()
    assert (found.confidence == found.proba.max(axis=1, initial=0)).all()
    assert np.abs(found.proba - proba).max(initial=0) <= 5.1e-7


@given(rows=rows, low=st.floats(0, 1), high=st.floats(0, 1))
def test_a_higher_threshold_never_gives_more_labels(rows: list[list[float]], low: float, high: float) -> None:
    proba = np.reshape(np.array(rows, np.float32), (-1, 3))
    few, many = decide(proba, max(low, high)).codes, decide(proba, min(low, high)).codes
    assert ((few == ABSTAINED) | (few == many)).all()


@pytest.mark.parametrize("threshold", [-0.01, 1.01, float("nan"), float("inf"), True, "0.5", [0.5]])
def test_what_is_no_probability_is_refused(model: Predictor, threshold: float) -> None:
    with pytest.raises(UsageError, match="expected a probability from 0 to 1"):
        model.predict(["a"], abstain_below=threshold)


def test_the_ends_of_the_scale_give_all_and_nothing(model: Predictor) -> None:
    texts = ["the invoice", "x", ""]
    assert model.predict(texts, abstain_below=0) == model.predict(texts) == model.predict(texts, abstain_below=None)
    assert model.predict(texts, abstain_below=1) == [None] * 3
