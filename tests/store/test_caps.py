from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weaksup.errors import UsageError
from weaksup.store import Answer, Caps, Charge, Limits, Refusal, Reservation, Store

DAY = 86_400.0
LOTS = 10**12


class Clock:
    def __init__(self, now: float = 20 * DAY) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(place: str, clock: Clock) -> Iterator[Store]:
    with Store(place, clock=clock) as opened:
        yield opened


def charge(key: str, *, run: str = "r", tier: str = "t", most: int = 1, tokens: int = 10, seconds: int = 0) -> Charge:
    return Charge(key, run, tier, "m", "p", most, tokens, seconds)


def reserve(store: Store, wanted: Charge, limits: Limits | None = None) -> Reservation:
    got = store.reserve(wanted, cap=LOTS, limits=limits)
    assert isinstance(got, Reservation)
    return got


measures = st.sampled_from(["cost", "calls", "tokens", "seconds"])
uses = st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))


@settings(max_examples=25)
@given(
    run=st.dictionaries(measures, st.integers(0, 60)),
    day=st.dictionaries(measures, st.integers(0, 60)),
    calls=st.lists(st.tuples(uses, st.sampled_from(["hold", "settle", "release", "unknown"])), max_size=15),
)
def test_no_cap_is_ever_passed_by_what_is_used_and_held(
    new_place: Callable[[], str],
    run: dict[str, int],
    day: dict[str, int],
    calls: list[tuple[tuple[int, int, int], str]],
) -> None:
    limits = Limits(run=Caps(**run), day=Caps(**day))
    total = dict.fromkeys(["cost", "calls", "tokens", "seconds"], 0)
    with Store(new_place(), clock=Clock()) as store:
        for i, ((cost, tokens, seconds), verb) in enumerate(calls):
            wanted = charge(f"k{i}", most=cost, tokens=tokens, seconds=seconds)
            got = store.reserve(wanted, cap=LOTS, limits=limits)
            if not isinstance(got, Reservation):
                continue
            if verb == "release":
                store.release(got, "x")
                continue
            if verb == "settle":
                store.settle(got, Answer(got.key, b"x", cost, "m", tokens, 0), seconds=seconds)
            elif verb == "unknown":
                store.charge_in_full(got, "x")
            for name, more in zip(total, (cost, 1, tokens, seconds), strict=True):
                total[name] += more
        account = store.account("r")
        assert (account.spent + account.held) == total["cost"] == store.day_account().spent + store.day_account().held
    for caps in (run, day):
        assert all(total[name] <= cap for name, cap in caps.items())


@pytest.mark.parametrize(
    ("caps", "word"),
    [
        (Caps(cost=5), "dollars"),
        (Caps(calls=5), "calls"),
        (Caps(tokens=50), "tokens"),
        (Caps(seconds=100), "people-minutes"),
    ],
)
@pytest.mark.parametrize("whose", ["run", "day"])
def test_each_cap_stops_at_its_own_measure_and_says_which(store: Store, caps: Caps, word: str, whose: str) -> None:
    limits = Limits(run=caps) if whose == "run" else Limits(day=caps)
    for i in range(5):
        held = reserve(store, charge(f"k{i}", seconds=20), limits)
        store.settle(held, Answer(held.key, b"x", 1, "m", 10, 0), seconds=20)
    got = store.reserve(charge("more", seconds=20), cap=LOTS, limits=limits)
    assert got == Refusal("budget", f"{word} of the {whose}")


def test_the_cap_of_a_day_holds_for_all_runs_together_and_ends_at_midnight_utc(store: Store, clock: Clock) -> None:
    limits = Limits(day=Caps(calls=2))
    clock.now = 21 * DAY - 0.001
    for run in ("a", "b"):
        store.charge_in_full(reserve(store, charge(run, run=run), limits), "x")
    assert store.reserve(charge("c", run="c"), cap=LOTS, limits=limits) == Refusal("budget", "calls of the day")
    clock.now = 21 * DAY
    late = reserve(store, charge("c", run="c"), limits)
    assert store.day_account("1970-01-21").calls == 2
    clock.now = 22 * DAY
    store.charge_in_full(late, "x")
    assert store.day_account("1970-01-22").calls == 1  # it belongs to the day on which it was reserved
    assert store.day_account().calls == 0


def test_a_call_that_the_provider_saw_and_refused_counts_as_a_call_and_one_that_never_left_does_not(
    store: Store,
) -> None:
    store.release(reserve(store, charge("a")), "429", sent=True)
    store.release(reserve(store, charge("b")), "no connection")
    account = store.account("r")
    assert (account.calls, account.spent, account.tokens) == (1, 0, 0)


def test_tokens_that_were_reserved_and_not_used_come_back(store: Store) -> None:
    limits = Limits(run=Caps(tokens=100))
    held = reserve(store, charge("a", tokens=90), limits)
    assert store.reserve(charge("b", tokens=90), cap=LOTS, limits=limits) == Refusal("wait", "tokens of the run")
    store.settle(held, Answer("a", b"x", 1, "m", 5, 5))
    assert isinstance(store.reserve(charge("b", tokens=90), cap=LOTS, limits=limits), Reservation)


def test_an_answer_without_a_count_uses_all_its_tokens(store: Store) -> None:
    store.settle(reserve(store, charge("a", tokens=90)), Answer("a", b"x", 1, "m", None, 5))
    assert store.account("r").tokens == 90


def test_threads_on_two_stores_together_never_pass_a_cap_on_calls(place: str) -> None:
    limits = Limits(day=Caps(calls=5))
    got: list[object] = []
    with Store(place) as one, Store(place) as two:

        def work(i: int) -> None:
            got.append((one, two)[i % 2].reserve(charge(f"k{i}"), cap=LOTS, limits=limits))

        threads = [threading.Thread(target=work, args=(i,)) for i in range(24)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sum(isinstance(g, Reservation) for g in got) == 5


@settings(max_examples=25)
@given(
    limit=st.integers(1, 8),
    tokens=st.integers(10, 60),
    steps=st.lists(st.tuples(st.floats(0, 20), st.integers(1, 10)), min_size=1, max_size=40),
)
def test_no_minute_holds_more_requests_or_tokens_than_the_rate(
    new_place: Callable[[], str], limit: int, tokens: int, steps: list[tuple[float, int]]
) -> None:
    clock, limits = Clock(), Limits(requests_a_minute=limit, tokens_a_minute=tokens)
    sent: list[tuple[float, int]] = []
    with Store(new_place(), clock=clock) as store:
        for i, (pause, size) in enumerate(steps):
            clock.now += pause
            got = store.reserve(charge(f"k{i}", tokens=size), cap=LOTS, limits=limits)
            if not isinstance(got, Reservation):
                assert got.why == "rate"
                clock.now += got.seconds  # obeyed exactly, the wait is enough
                got = store.reserve(charge(f"k{i}", tokens=size), cap=LOTS, limits=limits)
            assert isinstance(got, Reservation)
            sent.append((clock.now, size))
    for at, _ in sent:
        minute = [size for other, size in sent if at <= other <= at + 60]
        assert len(minute) <= limit
        assert sum(minute) <= tokens


def test_a_rate_holds_for_its_tier_alone_and_over_stores(store: Store, place: str, clock: Clock) -> None:
    limits = Limits(requests_a_minute=1)
    reserve(store, charge("a"), limits)
    with Store(place, clock=clock) as other:
        got = other.reserve(charge("b"), cap=LOTS, limits=limits)
        assert isinstance(got, Refusal)
        assert got.why == "rate"
        assert 60 < got.seconds <= 61
        reserve(other, charge("c", tier="another"), limits)


def test_tokens_that_a_call_did_not_use_are_free_for_others_in_the_same_minute(store: Store) -> None:
    limits = Limits(tokens_a_minute=100)
    store.settle(reserve(store, charge("a", tokens=100), limits), Answer("a", b"x", 1, "m", 20, 10))
    assert isinstance(store.reserve(charge("b", tokens=71), cap=LOTS, limits=limits), Refusal)
    reserve(store, charge("c", tokens=70), limits)


def test_a_call_larger_than_a_minute_allows_is_refused_for_good(store: Store) -> None:
    got = store.reserve(charge("a", tokens=101), cap=LOTS, limits=Limits(tokens_a_minute=100))
    assert got == Refusal("budget", "tokens a minute")


def test_a_clock_that_was_set_back_delays_calls_by_a_minute_at_most(store: Store, clock: Clock) -> None:
    limits = Limits(requests_a_minute=1)
    reserve(store, charge("a"), limits)
    clock.now -= 1000
    waits = []
    while isinstance(got := store.reserve(charge("b"), cap=LOTS, limits=limits), Refusal):
        waits.append(got.seconds)
        clock.now += got.seconds
    assert sum(waits) <= 61


def test_seconds_older_than_a_minute_are_forgotten(store: Store, clock: Clock) -> None:
    for i in range(5):
        clock.now += 30
        reserve(store, charge(f"k{i}"), Limits(requests_a_minute=10))
    with store._database.reading() as connection:
        seconds = [s for (s,) in connection.exec_driver_sql("SELECT second FROM paces ORDER BY second")]
    assert len(seconds) == 3
    assert all(b - a == 30 for a, b in pairwise(seconds))


@pytest.mark.parametrize("wrong", [{"cost": -1}, {"calls": -2}])
def test_a_cap_below_nothing_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="0 or more"):
        Caps(**wrong)


def test_a_rate_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="requests_a_minute of 1 or more"):
        Limits(requests_a_minute=0)
