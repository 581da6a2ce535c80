"""All hypothesis strategies in one place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from weaksup.labels import LabelSpace
from weaksup.multi_votes import MultiVotes
from weaksup.votes import SourceKind, VoteMatrix

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


@st.composite
def told_votes(draw: st.DrawFn, *, max_rows: int = 25, max_sources: int = 5) -> VoteMatrix:
    """Draw a vote matrix with everything a source can come with: kinds, groups, rows not asked, confidences."""
    plain = draw(vote_matrices(max_rows=max_rows, max_sources=max_sources, max_classes=4))
    shape = plain.values.shape
    asked = draw(hnp.arrays(np.bool_, shape)) if draw(st.booleans()) else None
    said = hnp.arrays(np.float32, shape, elements=st.sampled_from([0.0, 0.25, 0.5, 0.9, 1.0, float("nan")]))
    kinds: st.SearchStrategy[SourceKind] = st.sampled_from(["lf", "tier", "student", "person"])
    sources = tuple(
        replace(source, kind=draw(kinds), group=draw(st.sampled_from(["", "", "a", "b"]))) for source in plain.sources
    )
    values = plain.values if asked is None else np.where(asked, plain.values, np.int16(-1))
    confidence = draw(said) if draw(st.booleans()) else None
    return replace(plain, values=values, sources=sources, asked=asked, confidence=confidence)


# Texts as corpora have them and as nobody writes them: case pairs, NUL, half surrogates, emoji, marks, long words.
_WILD_CHARS = st.one_of(
    st.sampled_from("aAbzZ09 \t\n\0.,!?-_'ßẞİıÄé️😀👍犬жЖ\u0301\u200b\ufeff\u2028\ud800\udfff\U000e0061Ａ𝐅"),
    st.characters(),
)
wild_texts = st.one_of(
    st.text(_WILD_CHARS, max_size=40),
    st.lists(st.sampled_from(["the", "quick", "fox!", "DOGS", "Straße", "犬", "👍", "", "a-b", "c_d", "42"])).map(
        " ".join
    ),
    st.builds(lambda text, times: text * times, st.text(_WILD_CHARS, min_size=1, max_size=3), st.integers(1, 200)),
)


@st.composite
def multi_votes(draw: st.DrawFn, *, max_rows: int = 20, max_sources: int = 4, max_labels: int = 4) -> MultiVotes:
    """Draw any multi-label votes [n, m, k], empty ones and labels nobody speaks of among them, some cells not asked."""
    n, m, k = draw(st.integers(0, max_rows)), draw(st.integers(1, max_sources)), draw(st.integers(1, max_labels))
    lowest, highest = draw(st.sampled_from([(-1, 1), (-1, 1), (-1, 0), (0, 1)]))
    values = draw(hnp.arrays(np.int8, (n, m, k), elements=st.integers(lowest, highest)))
    votes = MultiVotes.from_array(values, labels=[f"label {c}" for c in range(k)])
    if not draw(st.booleans()):
        return votes
    asked = draw(hnp.arrays(np.bool_, (n, m)))
    return replace(votes, values=np.where(asked[:, :, None], values, np.int8(-1)), asked=asked)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
"""Whatever JSON can hold, and NaN and infinities, which Python writes too."""
