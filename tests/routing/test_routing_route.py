from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weaksup.distill.linear.out_of_fold import OutOfFold
from weaksup.errors import UsageError
from weaksup.labels import LabelSpace
from weaksup.routing import Ladder, Rules, Terms, choose_first, route
from weaksup.votes import Source, VoteMatrix

LABELS = LabelSpace(["no", "yes"])


class Market:
    """Tiers that know an answer for every row, and remember what they sold."""

    def __init__(self, truth: np.ndarray, *, cheap: np.ndarray, signal: np.ndarray | None = None) -> None:
        self.answers = {"cheap": cheap, "premium": truth} | ({} if signal is None else {"signal": signal})
        self.sold: list[tuple[str, int]] = []

    @property
    def ladder(self) -> Ladder:
        return Ladder(("cheap", "premium"), ("signal",) if "signal" in self.answers else ())

    def votes(self) -> VoteMatrix:
        n = len(self.answers["premium"])
        return VoteMatrix(np.empty((n, 0), np.int16), tuple(map(str, range(n))), (), LABELS)

    def buy(self, votes: VoteMatrix, name: str, rows: np.ndarray) -> VoteMatrix:
        self.sold += [(name, i) for i in rows.tolist()]
        bought = [i for who, i in self.sold if who == name]
        said = {votes.ids[i]: int(self.answers[name][i]) for i in bought}
        return votes.with_source(Source(name, "tier"), said)

    def count(self, name: str) -> int:
        return sum(who == name for who, _ in self.sold)


def texts_and_truth(n: int) -> tuple[list[str], np.ndarray]:
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, n)
    words = (["calm meeting tomorrow", "see you at home"], ["win a free prize", "claim your cash"])
    return [f"{words[t][int(random.integers(2))]} {int(random.integers(10**6))}" for t in truth.tolist()], truth


@settings(max_examples=25)
@given(st.integers(0, 60), st.integers(0, 70), st.integers(1, 6), st.floats(0, 1), st.integers(0, 3))
def test_the_limit_holds_and_no_answer_is_bought_twice(
    n: int, limit: int, rounds: int, probe: float, seed: int
) -> None:
    random = np.random.default_rng(seed)
    truth = random.integers(0, 2, n)
    market = Market(truth, cheap=np.where(random.random(n) < 0.7, truth, -1), signal=random.integers(-1, 2, n))
    rules = Rules(rounds=rounds, probe=probe, seed=seed)
    routed = route(market.votes(), market.ladder, market.buy, terms=Terms({"premium": limit}), rules=rules)
    assert market.count("premium") <= limit
    assert len(set(market.sold)) == len(market.sold)
    assert routed.belief.proba.shape == (n, 2)
    for name, i in market.sold:
        if name == "premium":
            assert routed.belief.label[i] == truth[i]


def test_premium_answers_go_where_sources_disagree_and_better_the_labels() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, 1000)
    wrong = [np.where(random.random(1000) < 0.8, truth, 1 - truth) for _ in range(2)]
    market = Market(truth, cheap=wrong[0], signal=wrong[1])
    routed = route(market.votes(), market.ladder, market.buy, terms=Terms({"premium": 100}))
    asked = np.array([i for who, i in market.sold if who == "premium"])
    assert len(asked) == 100
    assert (wrong[0] != wrong[1])[asked].mean() > 0.9
    assert (routed.belief.label == truth).mean() > 0.83


def test_a_student_spares_the_cheap_tier_the_rows_that_it_is_sure_of() -> None:
    texts, truth = texts_and_truth(600)
    market = Market(truth, cheap=truth)
    opinion = OutOfFold(texts, classes=2)
    routed = route(market.votes(), market.ladder, market.buy, terms=Terms({"premium": 60}), opinion=opinion)
    assert 120 <= market.count("cheap") < 300
    assert market.count("premium") < 60  # and the premium tier is asked only in doubt
    assert (routed.belief.label == truth).mean() > 0.99


def test_a_systematic_error_of_the_cheap_tier_is_unlearned_on_rows_never_asked() -> None:
    texts, truth = texts_and_truth(600)
    blind = np.array(["cash" in text for text in texts]) & (np.random.default_rng(1).random(600) < 0.6)
    cheap = np.where(blind, 0, truth)  # mostly wrong on one kind of text
    market = Market(truth, cheap=cheap)
    routed = route(
        market.votes(), market.ladder, market.buy, terms=Terms({"premium": 120}), opinion=OutOfFold(texts, classes=2)
    )
    rest = np.setdiff1d(np.arange(600), [i for who, i in market.sold if who == "premium"])
    assert (routed.belief.label == truth)[rest].mean() > (cheap == truth)[rest].mean() + 0.05


def test_the_same_seed_buys_the_same_answers() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, 200)
    cheap = np.where(random.random(200) < 0.7, truth, 1 - truth)
    sold = []
    for seed in (0, 0, 1):
        market = Market(truth, cheap=cheap)
        route(market.votes(), market.ladder, market.buy, terms=Terms({"premium": 40}), rules=Rules(seed=seed))
        sold.append(market.sold)
    assert sold[0] == sold[1] != sold[2]


def test_buying_that_ends_leaves_what_was_bought() -> None:
    truth = np.zeros(30, np.int64)
    market = Market(truth, cheap=np.random.default_rng(0).integers(0, 2, 30))

    def until_broke(votes: VoteMatrix, name: str, rows: np.ndarray) -> VoteMatrix:
        return market.buy(votes, name, rows) if name == "cheap" else votes

    routed = route(market.votes(), market.ladder, until_broke)
    assert (market.count("cheap"), market.count("premium")) == (30, 0)
    assert routed.votes.names == ("cheap",)


def test_answers_from_before_count_against_the_limit() -> None:
    truth = np.zeros(50, np.int64)
    market = Market(truth, cheap=np.random.default_rng(0).integers(0, 2, 50))
    votes = market.buy(market.votes(), "premium", np.arange(20))
    route(votes, market.ladder, market.buy, terms=Terms({"premium": 25}))
    assert market.count("premium") <= 25


def test_what_buying_raises_ends_the_work() -> None:
    market = Market(np.zeros(9, np.int64), cheap=np.zeros(9, np.int64))

    def broke(_votes: VoteMatrix, _name: str, _rows: np.ndarray) -> VoteMatrix:
        raise UsageError("no money")

    with pytest.raises(UsageError, match="no money"):
        route(market.votes(), market.ladder, broke, terms=Terms({"premium": 3}))


def test_a_negative_limit_is_refused_before_anything_is_bought() -> None:
    market = Market(np.zeros(9, np.int64), cheap=np.zeros(9, np.int64))
    with pytest.raises(UsageError, match="expected a limit of at least 0 rows for premium, got -1"):
        route(market.votes(), market.ladder, market.buy, terms=Terms({"premium": -1}))
    assert not market.sold


class Refusing(Market):
    """A market where some tiers never answer for some rows."""

    def __init__(self, truth: np.ndarray, refused: dict[str, np.ndarray], **more: np.ndarray) -> None:
        super().__init__(truth, **more)
        self.refused = refused

    def buy(self, votes: VoteMatrix, name: str, rows: np.ndarray) -> VoteMatrix:
        self.sold += [(name, i) for i in rows.tolist()]
        bought = [i for who, i in self.sold if who == name and not self.refused[name][i]]
        return votes.with_source(Source(name, "tier"), {votes.ids[i]: int(self.answers[name][i]) for i in bought})


def test_a_row_that_a_tier_has_no_answer_to_is_asked_of_it_once_and_goes_one_tier_up() -> None:
    truth = np.random.default_rng(0).integers(0, 2, 100)
    refused = {"cheap": np.arange(100) < 5, "premium": np.zeros(100, np.bool_)}
    market = Refusing(truth, refused, cheap=truth)
    routed = route(market.votes(), market.ladder, market.buy, terms=Terms({"premium": 20}))
    assert len(set(market.sold)) == len(market.sold)
    assert {("premium", i) for i in range(5)} <= set(market.sold)
    assert (routed.belief.label == truth).all()


def test_rows_asked_in_vain_count_against_the_limit() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, 200)
    refused = {"cheap": np.zeros(200, np.bool_), "premium": random.random(200) < 0.5}
    market = Refusing(truth, refused, cheap=np.where(random.random(200) < 0.7, truth, 1 - truth))
    route(market.votes(), market.ladder, market.buy, terms=Terms({"premium": 40}))
    assert market.count("premium") == len({i for who, i in market.sold if who == "premium"}) == 40


def test_no_answer_is_bought_as_a_probe_where_gold_tells_the_label() -> None:
    truth = np.random.default_rng(0).integers(0, 2, 100)
    market = Market(truth, cheap=truth)
    gold = np.where(np.arange(100) < 95, truth, -1)
    route(market.votes(), market.ladder, market.buy, gold=gold, rules=Rules(probe=0.2, doubt=0.9))
    assert market.count("cheap") == 100
    assert all(i >= 95 for who, i in market.sold if who == "premium")


def test_neither_the_order_of_the_rows_nor_rows_that_come_later_change_who_is_asked_first() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, 300)
    cheap = np.where(random.random(300) < 0.7, truth, 1 - truth)
    order = random.permutation(300)

    def sold(rows: np.ndarray) -> set[tuple[str, str]]:
        market = Market(truth[rows], cheap=cheap[rows])
        votes = replace(market.votes(), ids=tuple(map(str, rows.tolist())))
        route(votes, market.ladder, market.buy, terms=Terms({"premium": 30}))
        return {(who, votes.ids[i]) for who, i in market.sold}

    assert sold(order) == sold(np.arange(300))
    first = [
        choose_first(
            Market(truth[:n], cheap=cheap).votes(), Ladder(("cheap", "premium")), Terms(), Rules(), taught=True
        )
        for n in (200, 300)
    ]
    before, now = (set(chosen.rows["cheap"].tolist()) for chosen in first)
    assert len(before & now) > 0.8 * len(before)  # at random it would be a fifth
