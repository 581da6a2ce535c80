"""All hypothesis strategies in one place."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from weaksup.labels import LabelSpace
from weaksup.votes import VoteMatrix

label_names = st.lists(
    st.text(st.characters(categories=("L", "N")), min_size=1, max_size=8), min_size=2, max_size=6, unique=True
)
label_spaces = label_names.map(LabelSpace)


@st.composite
def vote_matrices(draw: st.DrawFn, *, max_rows: int = 30, max_sources: int = 6, max_classes: int = 5) -> VoteMatrix:
    """Draw any vote matrix [n, m] over k classes, empty ones and all-abstain ones among them."""
    k = draw(st.integers(2, max_classes))
    shape = (draw(st.integers(0, max_rows)), draw(st.integers(1, max_sources)))
    values = draw(hnp.arrays(np.int16, shape, elements=st.integers(-1, k - 1)))
    return VoteMatrix.from_array(values, cardinality=k)


# Any text that UTF-8 can hold, without characters that Unicode has not named yet: there libraries differ.
row_texts = st.text(st.characters(exclude_categories=("Cs", "Cn")), max_size=60)


@st.composite
def judged_predictions(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int]:
    """Draw gold [n] and predictions [n] with -1 among both, and k; at least one row has gold."""
    k, n = draw(st.integers(2, 5)), draw(st.integers(1, 40))
    gold = draw(hnp.arrays(np.int16, n, elements=st.integers(-1, k - 1)))
    gold[draw(st.integers(0, n - 1))] = draw(st.integers(0, k - 1))
    return gold, draw(hnp.arrays(np.int16, n, elements=st.integers(-1, k - 1))), k


@st.composite
def judged_probabilities(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Draw gold [n] with -1 among it, and proba [n, k] whose rows sum to 1; at least one row has gold."""
    gold, _, k = draw(judged_predictions())
    weights = draw(hnp.arrays(np.float64, (len(gold), k), elements=st.floats(0, 1)))
    weights += np.eye(k)[draw(st.integers(0, k - 1))] * (weights.sum(axis=1, keepdims=True) < 1e-3)
    return gold, weights / weights.sum(axis=1, keepdims=True)
