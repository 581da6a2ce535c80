"""The stretch that makes one opinion as sure as another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import vote_matrices

from weaksup import VoteMatrix
from weaksup.label_models.blend import Bend, match_confidence
from weaksup.label_models.cast import cast_votes
from weaksup.label_models.softmax import softmax
from weaksup.patterns import find_patterns


@given(vote_matrices(max_classes=4), st.floats(0.05, 3.0), st.integers(0, 9))
def test_mean_confidence_becomes_that_of_the_reference_as_far_as_a_factor_can(
    votes: VoteMatrix, scale: float, seed: int
) -> None:
    sparse = cast_votes(find_patterns(votes), len(votes.labels))
    rng = np.random.default_rng(seed)
    relative = -rng.random((len(sparse.label), sparse.k)) * 3
    bend = Bend(relative - relative.max(axis=1, keepdims=True, initial=-np.inf), limit=4.0)
    reference = scale * sparse.tally.astype(float)
    factor = match_confidence(sparse, bend, reference)

    def confidence(logits: np.ndarray) -> float:
        return float((softmax(logits).max(axis=1) * sparse.rows)[sparse.given > 0].sum())

    if not len(sparse.label):
        assert factor == 1.0
        return
    assert 1e-3 * (1 - 1e-9) <= factor <= 1e4 * (1 + 1e-9)
    excess = confidence(sparse.says @ bend(factor)) - confidence(reference)
    if factor < 1.001e-3:
        assert excess >= -1e-6
    elif factor > 0.999e4:
        assert excess <= 1e-6
    else:
        assert excess == pytest.approx(0.0, abs=1e-6 * len(votes))
