from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from weaksup.store import Answer, Charge, Refusal, Reservation, Store, Unsettled

RUN = "run"


def charge(key: str, most: int = 10, run: str = RUN) -> Charge:
    return Charge(key, run, "tier", "model", "a price list", most)


def reserve(store: Store, key: str, most: int = 10, cap: int = 1000) -> Reservation:
    held = store.reserve(charge(key, most), cap=cap)
    assert isinstance(held, Reservation)
    return held


def sums_of_rows(store: Store) -> tuple[int, int]:
    rows = store.ledger(RUN)
    spent = sum(int(str(row["cost"])) for row in rows)
    held = sum(int(str(row["reserved"])) for row in rows if row["state"] == "open")
    return spent, held


@pytest.fixture
def store(place: str) -> Iterator[Store]:
    with Store(place, clock=lambda: 1.0) as opened:
        yield opened


def reopened(place: str) -> Unsettled:
    """Return what another opening of the store finds unsettled."""
    with Store(place) as again:
        return again.unsettled


steps = st.lists(
    st.tuples(st.sampled_from(["reserve", "settle", "release", "unknown"]), st.integers(0, 9), st.integers(0, 40)),
    max_size=40,
)


@settings(max_examples=30)
@given(steps, st.integers(0, 120))
def test_the_sums_equal_the_rows_and_never_pass_the_cap_while_costs_stay_within_reservations(
    new_place: Callable[[], str], steps: list[tuple[str, int, int]], cap: int
) -> None:
    with Store(new_place()) as store:
        held: dict[int, Reservation] = {}
        for verb, k, amount in steps:
            key = f"key{k}"
            if verb == "reserve":
                got = store.reserve(charge(key, amount), cap=cap)
                assert k not in held or got in (Refusal("busy"), Refusal("answered"))
                if isinstance(got, Reservation):
                    held[k] = got
            elif k in held:
                entry = held.pop(k)
                if verb == "settle":
                    store.settle(entry, Answer(key, b"body", min(amount, entry.reserved)))
                elif verb == "release":
                    store.release(entry, "refused")
                else:
                    store.charge_in_full(entry, "timeout")
            account = store.account(RUN)
            assert (account.spent, account.held) == sums_of_rows(store)
            assert account.spent + account.held <= cap or account.spent + account.held == 0


def test_a_call_beyond_the_cap_is_refused_and_one_that_may_fit_later_is_told_to_wait(store: Store, place: str) -> None:
    first = reserve(store, "a", 60, cap=100)
    assert store.reserve(charge("b", 60), cap=100) == Refusal("wait", "dollars of the run")
    assert store.reserve(charge("c", 101), cap=100) == Refusal("budget", "dollars of the run")
    store.settle(first, Answer("a", b"x", 20))
    assert isinstance(store.reserve(charge("b", 60), cap=100), Reservation)
    assert store.account(RUN).spent == 20


def test_one_key_has_one_open_call_and_an_answered_key_has_none(store: Store) -> None:
    first = reserve(store, "a")
    assert store.reserve(charge("a"), cap=1000) == Refusal("busy")
    store.settle(first, Answer("a", b"x", 3))
    assert store.reserve(charge("a"), cap=1000) == Refusal("answered")


def test_budgets_of_different_runs_do_not_mix(store: Store) -> None:
    reserve(store, "a", 100, cap=100)
    assert isinstance(store.reserve(charge("b", 100, run="other"), cap=100), Reservation)


def test_a_free_call_goes_even_where_the_cap_was_lowered(store: Store) -> None:
    store.settle(reserve(store, "a", 50), Answer("a", b"x", 50))
    assert isinstance(store.reserve(charge("b", 0), cap=10), Reservation)
    assert store.reserve(charge("c", 1), cap=10) == Refusal("budget", "dollars of the run")


def test_a_released_call_costs_nothing_and_an_unclear_one_costs_its_reservation(store: Store) -> None:
    store.release(reserve(store, "a"), "429")
    store.charge_in_full(reserve(store, "b", 7), "timeout")
    account = store.account(RUN)
    assert (account.spent, account.held, account.unknown) == (7, 0, 7)
    assert [(row["state"], row["note"]) for row in store.ledger()] == [("released", "429"), ("unknown", "timeout")]


def test_open_calls_of_a_dead_process_are_charged_in_full_at_the_next_opening(store: Store, place: str) -> None:
    disown(store, reserve(store, "a", 9), pid=2**22 + 5, boot="another boot/1")
    assert reopened(place) == Unsettled(calls=1, cost=9)
    assert store.account(RUN).spent == 9
    assert reopened(place).calls == 0


def test_a_pid_that_came_back_for_another_process_counts_as_dead(store: Store, place: str) -> None:
    from weaksup.store.owner import this_process

    me = this_process()
    disown(store, reserve(store, "a", 9), pid=me.pid, boot=me.boot + "0")
    assert reopened(place).cost == 9


def test_an_abandoned_call_of_this_process_counts_as_dead(
    store: Store, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from weaksup.store import turns as module

    reserve(store, "a", 9)
    assert reopened(place).calls == 0  # it is under way
    module._UNDER_WAY.clear()  # as after a settle that failed
    assert isinstance(store.reserve(charge("a"), cap=1000), Reservation)
    assert store.account(RUN).unknown == 9


def test_a_call_that_was_given_up_and_comes_back_is_charged_what_it_cost(store: Store, place: str) -> None:
    held = reserve(store, "a", 50)
    disown(store, held, pid=1, boot="another boot/1")
    reopened(place)
    assert store.account(RUN).spent == 50
    store.settle(held, Answer("a", b"x", 4))
    account = store.account(RUN)
    assert (account.spent, account.held, account.unknown) == (4, 0, 0)


def test_money_held_by_a_dead_process_is_spent_not_waited_for(store: Store) -> None:
    disown(store, reserve(store, "a", 60), pid=1, boot="another boot/1")
    assert store.reserve(charge("b", 60), cap=100) == Refusal("budget", "dollars of the run")


def test_threads_together_never_pass_the_cap(store: Store) -> None:
    got: list[object] = []

    def work(i: int) -> None:
        got.append(store.reserve(charge(f"k{i}", 10), cap=50))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(g, Reservation) for g in got) == 5
    assert len(got) == 32


def disown(store: Store, held: Reservation, *, pid: int, boot: str) -> None:
    with store._database.writing() as connection:
        connection.execute(
            text("UPDATE ledger SET pid = :pid, boot = :boot WHERE id = :id"), {"pid": pid, "boot": boot, "id": held.id}
        )
