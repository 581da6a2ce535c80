from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weaksup.store import (
    Answer,
    Batch,
    Caps,
    Charge,
    End,
    Limits,
    Refusal,
    Reservation,
    Reserved,
    Store,
    Use,
    settled,
    turns,
)


def charge(key: str, most: int = 10) -> Charge:
    return Charge(key, "r", "t", "m", "a list", most, 5)


def reserve(store: Store, *keys: str, most: int = 10, cap: int = 1000, limits: Limits | None = None) -> Reserved:
    charges = [charge(key, most) for key in keys]
    return store.batches.reserve(
        charges, run="r", tier="t", place="here", cap=cap, limits=limits or Limits(requests_a_minute=1)
    )


def batch_of(got: Reserved) -> Batch:
    assert got.batch is not None
    return got.batch


@pytest.fixture
def store(place: str) -> Iterator[Store]:
    with Store(place, clock=lambda: 1.0) as opened:
        yield opened


@pytest.fixture
def forget() -> Callable[[], None]:
    """Make this process look like one that was killed: it looks after nothing any more."""

    def gone() -> None:
        turns._UNDER_WAY.clear()
        turns._BATCHES.clear()

    return gone


def states(store: Store) -> list[str]:
    return [str(row["state"]) for row in store.ledger()]


def test_as_many_calls_are_reserved_as_the_caps_allow(store: Store) -> None:
    got = reserve(store, *"abcd", cap=25)
    assert list(got.calls) == ["a", "b"]
    assert {refusal.why for refusal in got.refused.values()} == {"wait"}
    assert store.account("r").held == 20
    more = reserve(store, *"ef", limits=Limits(run=Caps(calls=3)))
    assert (list(more.calls), more.refused["f"].cap) == (["e"], "calls of the run")


def test_no_batch_is_kept_that_no_call_went_into(store: Store) -> None:
    got = reserve(store, "a", cap=5)
    assert got.batch is None
    assert reserve(store, "b").batch is not None
    assert store.batches.running("here", ["a", "b"]) == []


def test_more_calls_than_a_statement_takes_go_into_one_batch(store: Store) -> None:
    keys = [f"k{i}" for i in range(2500)]
    batch = batch_of(reserve(store, *keys, cap=10**9))
    store.batches.creating(batch)
    store.batches.started(batch, "id")
    assert reserve(store, *keys, cap=10**9).batch is None
    items = store.batches.items(batch)
    store.batches.settle([settled(item.held, Answer(key, b"x", 1)) for key, item in items.items()])
    store.batches.end(batch, [], "")
    assert (store.account("r").spent, store.account("r").held) == (2500, 0)


def test_the_calls_of_a_batch_that_runs_outlive_their_process(store: Store, forget: Callable[[], None]) -> None:
    batch = batch_of(reserve(store, "a", "b"))
    store.batches.creating(batch)
    store.batches.started(batch, "id-1")
    forget()
    assert store.reap().calls == 0
    found = store.reserve(charge("a"), cap=1000)
    assert isinstance(found, Refusal)
    assert found.why == "batch"
    [(again, keys)] = store.batches.running("here", ["a", "z"])
    assert (again.provider_id, set(keys)) == ("id-1", {"a"})
    assert store.batches.running("elsewhere", ["a"]) == []


@pytest.mark.parametrize(("sent", "state", "calls"), [(False, "released", 0), (True, "unknown", 2)])
def test_a_batch_whose_process_ended_before_it_ran_is_charged_only_if_it_may_have_been_sent(
    store: Store, forget: Callable[[], None], sent: bool, state: str, calls: int
) -> None:
    batch = batch_of(reserve(store, "a", "b"))
    if sent:
        store.batches.creating(batch)
    forget()
    assert store.reap().calls == calls
    assert states(store) == [state] * 2
    lost = store.batches.read(batch)
    assert lost.state == "lost"
    assert ("batch id" in lost.note) == sent
    assert store.account("r").held == 0


def test_wanting_one_key_of_a_lost_batch_gives_up_all_of_it(store: Store, forget: Callable[[], None]) -> None:
    reserve(store, "a", "b")
    forget()
    assert isinstance(store.reserve(charge("a"), cap=1000), Reservation)
    assert states(store) == ["released", "released", "open"]


def test_a_batch_is_looked_after_by_one_at_a_time(store: Store, forget: Callable[[], None], place: str) -> None:
    batch = batch_of(reserve(store, "a"))
    store.batches.creating(batch)
    batch = store.batches.started(batch, "id-1")
    with Store(place) as other:
        assert not other.batches.claim(batch)
        store.batches.let_go(batch)
        assert other.batches.claim(batch)
        assert not store.batches.claim(batch)
    forget()
    assert store.batches.claim(batch)
    store.batches.end(batch, [], "")
    assert not store.batches.claim(batch)


def test_an_answer_that_comes_for_a_call_given_up_corrects_it(store: Store, forget: Callable[[], None]) -> None:
    batch = batch_of(reserve(store, "a"))
    store.batches.creating(batch)
    forget()
    store.reap()
    assert store.account("r").spent == 10
    store.batches.started(batch, "id-1")
    held = store.batches.items(batch)["a"].held
    store.batches.settle([settled(held, Answer("a", b"x", 3, "m", 1, 1))])
    assert (store.account("r").spent, states(store)) == (3, ["done"])


def test_a_batch_that_was_not_created_gives_its_money_back_or_is_charged_in_full(store: Store) -> None:
    first, second = batch_of(reserve(store, "a", "b")), batch_of(reserve(store, "c"))
    assert store.batches.give_up(first, "no", charge=False) == 0
    assert store.batches.give_up(second, "who knows", charge=True) == 10
    assert states(store) == ["released", "released", "unknown"]
    assert (store.account("r").spent, store.account("r").held) == (10, 0)


ENDS = st.lists(st.sampled_from(["done", "released", "unknown"]), min_size=1, max_size=6)


@settings(max_examples=20)
@given(ends=ENDS, split=st.integers(0, 6), cost=st.integers(0, 10))
def test_the_sums_equal_the_rows_however_the_calls_of_a_batch_end(
    new_place: Callable[[], str], ends: list[str], split: int, cost: int
) -> None:
    with Store(new_place()) as store:
        batch = batch_of(reserve(store, *(f"k{i}" for i in range(len(ends)))))
        store.batches.creating(batch)
        store.batches.started(batch, "id")
        made = []
        for end, item in zip(ends, store.batches.items(batch).values(), strict=True):
            if end == "done":
                made.append(settled(item.held, Answer(item.held.key, b"x", cost)))
            elif end == "unknown":
                made.append(End(item.held, "unknown", item.held.charge.use))
            else:
                made.append(End(item.held, "released", Use(calls=1)))
        store.batches.settle(made[:split])
        store.batches.settle(made[:split])  # a second time changes nothing
        store.batches.end(batch, made[split:], "")
        rows = store.ledger()
        account = store.account("r")
        assert account.spent == sum(int(str(row["cost"])) for row in rows)
        assert account.calls == sum(int(str(row["calls"])) for row in rows)
        assert account.held == 0


@pytest.mark.parametrize(
    ("cap", "limits", "whose"),
    [
        (25, Limits(), "dollars of the run"),
        (99, Limits(run=Caps(calls=2)), "calls of the run"),
        (99, Limits(day=Caps(cost=25)), "dollars of the day"),
    ],
)
def test_a_call_does_not_wait_for_what_a_running_batch_holds_for_hours(
    store: Store, cap: int, limits: Limits, whose: str
) -> None:
    batch = batch_of(reserve(store, "a", "b"))
    assert store.reserve(charge("c"), cap=cap, limits=limits) == Refusal("wait", whose)  # it may come back at once
    store.batches.creating(batch)
    store.batches.started(batch, "id")
    assert store.reserve(charge("c"), cap=cap, limits=limits) == Refusal("budget", f"{whose}, held by a batch")


def test_a_call_waits_for_what_other_calls_hold_beside_a_batch(store: Store) -> None:
    batch = batch_of(reserve(store, "a"))
    store.batches.creating(batch)
    store.batches.started(batch, "id")
    assert isinstance(store.reserve(charge("b"), cap=25), Reservation)
    assert store.reserve(charge("c"), cap=25) == Refusal("wait", "dollars of the run")
