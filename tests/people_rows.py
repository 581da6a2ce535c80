"""Rows that people may be asked about, and policies: drawn for the tests of the queue and of the tuner."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from weaksup.labels import LabelSpace
from weaksup.routing.always import AlwaysRule, FieldRule, LabelRule
from weaksup.routing.people_queue import Candidates
from weaksup.routing.policy import LabelPolicy, Policy
from weaksup.routing.value import Belief

SPACE = LabelSpace(["A", "B", "C"])
STEPS = 64  # likelihoods in such steps: many rows tie, and halves are exact


def belief_of(label: list[int], likely: list[float]) -> Belief:
    label_, likely_ = np.array(label, np.int64), np.array(likely, np.float64)
    proba = np.repeat((1 - likely_)[:, None] / 2, 3, axis=1)
    proba[np.arange(len(label_)), label_] = likely_
    return Belief(proba, label_, 1 - likely_)


@st.composite
def candidates(draw: st.DrawFn) -> Candidates:
    n = draw(st.integers(0, 30))
    label = draw(st.lists(st.integers(0, 2), min_size=n, max_size=n))
    likely = draw(st.lists(st.integers(0, STEPS).map(lambda p: p / STEPS), min_size=n, max_size=n))
    asked = draw(st.none() | st.lists(st.booleans(), min_size=n, max_size=n).map(lambda a: np.array(a, np.bool_)))
    amount = draw(st.lists(st.integers(0, 9), min_size=n, max_size=n))
    ids = [f"row {i}" for i in range(n)]
    return Candidates(belief_of(label, likely), SPACE, ids, {"amount": amount}, asked=asked)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    accept = draw(st.integers(0, STEPS)) / STEPS
    people = draw(st.integers(0, int(accept * STEPS))) / STEPS
    labels = {"B": LabelPolicy(1.0, {"people": draw(st.integers(0, STEPS)) / STEPS})} if draw(st.booleans()) else {}
    rules: st.SearchStrategy[AlwaysRule] = st.sampled_from(
        [LabelRule("C"), FieldRule("amount", "above", 7), FieldRule("amount", "equals", 3)]
    )
    always = tuple(draw(st.lists(rules, max_size=2, unique=True)))
    return Policy(accept, {"people": people}, labels, always, draw(st.sampled_from([0.0, 0.3, 1.0])))
