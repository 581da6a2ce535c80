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
