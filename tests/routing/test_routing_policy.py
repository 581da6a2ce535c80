"""Policies: thresholds per label and tier, and the [policy] table."""

from __future__ import annotations

import tomllib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaksup.errors import ConfigError, UsageError
from weaksup.labels import LabelSpace
from weaksup.routing.always import FieldRule, LabelRule, SliceRule
from weaksup.routing.policy import LabelPolicy, Policy
from weaksup.routing.policy_table import read_policy

SPACE = LabelSpace(["HAM", "SPAM", "FRAUD"])
TIERS = ("cheap", "qa", "premium", "people")
shares = st.floats(0, 1, allow_nan=False)

TABLE = """
[policy]
accept = 0.9
below = { qa = 0.9, premium = 0.75, people = 0.5 }
audit = 0.01
[policy.labels.SPAM]
accept = 0.98
below = { people = 0.7 }
[[policy.always]]
label = "FRAUD"
[[policy.always]]
field = "amount"
above = 10000
[[policy.always]]
slice = "uncovered"
"""


def read(text: str) -> Policy:
    return read_policy(tomllib.loads(text).get("policy", {}), tiers=TIERS, labels=SPACE)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    def below(most: float) -> dict[str, float]:
        return draw(st.dictionaries(st.sampled_from(TIERS), st.floats(0, most), max_size=4))

    accept = draw(shares)
    labels = {}
    for name in draw(st.sets(st.sampled_from(SPACE.names))):
        own = draw(st.none() | shares)
        labels[name] = LabelPolicy(own, below(accept if own is None else own))
    values = st.text(min_size=1) | st.booleans() | st.integers(-(10**6), 10**6)
    tests = st.one_of(
        st.tuples(st.just("equals"), values),
        st.tuples(st.just("one_of"), st.lists(values, min_size=1).map(tuple)),
        st.tuples(st.sampled_from(["above", "at_least"]), st.floats(allow_nan=False, allow_infinity=False)),
        st.tuples(st.just("contains"), st.text(min_size=1)),
    )
    rules = st.one_of(
        st.sampled_from(SPACE.names).map(LabelRule),
        st.text().map(SliceRule),
        st.builds(lambda name, test: FieldRule(name, *test), st.text(), tests),
    )
    always = tuple(draw(st.lists(rules, max_size=4)))
    return Policy(accept, below(accept), labels, always, draw(shares), draw(st.integers(0, 10)))


@given(policies())
def test_no_tier_is_asked_about_a_label_that_is_accepted(policy: Policy) -> None:
    thresholds = policy.thresholds(TIERS, SPACE)
    assert thresholds.shape == (4, 3)
    assert (thresholds <= policy.accepts(SPACE)).all()
    assert (thresholds >= 0).all()


@given(policies())
def test_a_policy_written_as_json_is_read_back_as_it_was(policy: Policy) -> None:
    assert read_policy(policy.to_json(), tiers=TIERS, labels=SPACE) == policy


@given(policies(), st.lists(shares, min_size=3, max_size=3))
def test_new_thresholds_of_one_tier_are_exactly_those_and_leave_the_others(policy: Policy, wanted: list[float]) -> None:
    wanted = np.minimum(wanted, policy.accepts(SPACE)).tolist()
    changed = policy.with_thresholds("people", dict(zip(SPACE.names, wanted, strict=True)))
    assert changed.thresholds(["people"], SPACE)[0].tolist() == wanted
    assert (changed.thresholds(TIERS[:3], SPACE) == policy.thresholds(TIERS[:3], SPACE)).all()
    assert (changed.accepts(SPACE) == policy.accepts(SPACE)).all()


def test_the_default_asks_every_tier_below_nine_tenths() -> None:
    assert read("").thresholds(TIERS, SPACE).tolist() == [[0.9] * 3] * 4
    assert read("") == Policy()


def test_the_table_of_the_documentation_is_read() -> None:
    policy = read(TABLE)
    assert policy.accepts(SPACE).tolist() == [0.9, 0.98, 0.9]
    assert policy.thresholds(TIERS, SPACE).tolist() == [
        [0.9, 0.98, 0.9],  # not named: all that is not accepted
        [0.9, 0.98, 0.9],  # qa sees all that is not accepted, so it follows the label
        [0.75, 0.75, 0.75],
        [0.5, 0.7, 0.5],
    ]
    assert policy.audit == 0.01
    assert policy.always == (LabelRule("FRAUD"), FieldRule("amount", "above", 10000), SliceRule("uncovered"))
    assert policy.fields == ("amount",)


def test_a_label_that_is_accepted_earlier_lowers_the_thresholds_of_all_tiers() -> None:
    policy = read("policy.below = {premium = 0.75}\npolicy.labels.HAM.accept = 0.6")
    assert policy.thresholds(TIERS, SPACE)[:, 0].tolist() == [0.6] * 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("accept = 1.5", '[policy]: "accept": Input should be less than or equal to 1, got 1.5'),
        ("accept = nan", '"accept"'),
        ('accept = "0.9"', '"accept"'),
        ("accept = true", '"accept"'),
        ("audit = -0.1", '"audit"'),
        ("seed = -1", '"seed"'),
        ("below = 0.5", '"below"'),
        ("acept = 0.9", '"acept" is not a setting'),
        ("below = {qua = 0.5}", 'expected a tier out of cheap, qa, premium, people, got "qua"; did you mean "qa"?'),
        ("below = {qa = 7}", '"below.qa"'),
        ("below = {qa = 0.95}", "expected below.qa of at most 0.9, as rows at 0.9 and above are left alone, got 0.95"),
        ("labels.SPMA.accept = 0.5", '[policy.labels]: expected a label out of HAM, SPAM, FRAUD, got "SPMA"; did you'),
        ("labels.SPAM.below = {x = 0.1}", "[policy.labels.SPAM] below: expected a tier out of"),
        ("labels.SPAM.acept = 0.5", '"labels.SPAM.acept" is not a setting'),
        ("labels.SPAM = {accept = 0.5, below = {qa = 0.6}}", "labels.SPAM.below.qa of at most 0.5"),
        ("[[always]]", "[[policy.always]] 1: expected exactly one of label, field, slice, got none"),
        ('[[always]]\nlabel = "HAM"\nslice = "x"', "got label and slice"),
        ('[[always]]\nlabel = "EGGS"', '[[policy.always]] 1: expected a label out of HAM, SPAM, FRAUD, got "EGGS"'),
        ('[[always]]\nlabel = "HAM"\nabove = 1', 'expected a field with "above", got none'),
        ('[[always]]\nfield = "a"', "expected exactly one of equals, one_of, above, at_least, contains, got none"),
        ('[[always]]\nfield = "a"\nabove = 1\nequals = 2', "got equals and above"),
        ('[[always]]\nfield = "a"\nabove = "1"', '"above"'),
        ('[[always]]\nfield = "a"\nabove = inf', '"above"'),
        ('[[always]]\nfield = "a"\none_of = []', '"one_of"'),
        ('[[always]]\nfield = "a"\none_of = [[1]]', "expected texts, numbers, true or false for one_of, got [1]"),
        ('[[always]]\nfield = "a"\nequals = {b = 1}', "expected texts, numbers, true or false for equals"),
        ('[[always]]\nfield = "a"\ncontains = ""', '"contains"'),
        ('[[always]]\nlabel = "HAM"\n[[always]]\nfeild = "a"', '[[policy.always]] 2: "feild" is not a setting'),
    ],
)
def test_a_mistake_in_the_table_is_told_in_one_line(text: str, said: str) -> None:
    table = tomllib.loads(text)
    with pytest.raises(ConfigError) as caught:
        read_policy(table, tiers=TIERS, labels=SPACE)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_without_tiers_no_tier_may_be_named() -> None:
    with pytest.raises(ConfigError, match="expected a tier out of none, as there is no tier"):
        read_policy({"below": {"qa": 0.5}}, tiers=(), labels=SPACE)


@pytest.mark.parametrize("setting", ["accept", "audit"])
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_a_policy_made_in_python_is_held_to_the_same_ranges(setting: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"expected {setting} from 0 to 1"):
        Policy(**{setting: value})  # type: ignore[arg-type]


def test_thresholds_of_a_label_that_does_not_exist_are_refused() -> None:
    policy = Policy(labels={"EGGS": LabelPolicy(0.5)})
    with pytest.raises(UsageError, match='out of HAM, SPAM, FRAUD, got "EGGS"'):
        policy.thresholds(TIERS, SPACE)
    with pytest.raises(UsageError, match='out of HAM, SPAM, FRAUD, got "EGGS"'):
        policy.accepts(SPACE)
