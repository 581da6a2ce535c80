from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weaksup.store import Answer, Charge, Refusal, Reservation, Store


def keep(store: Store, key: str, body: bytes, cost: int = 1) -> None:
    held = store.reserve(Charge(key, "r", "t", "m", "p", cost), cap=10**9)
    assert isinstance(held, Reservation)
    store.settle(held, Answer(key, body, cost, "m-1", 5, 6))


def fresh_keys() -> Iterator[str]:
    return (f"law{i}" for i in count())


@pytest.fixture(scope="module")
def shared(new_place: Callable[[], str]) -> Iterator[tuple[Store, Iterator[str]]]:
    with Store(new_place()) as store:
        yield store, fresh_keys()


@settings(max_examples=30)
@given(bodies=st.lists(st.binary(max_size=60), max_size=6))
def test_answers_come_back_as_they_were(shared: tuple[Store, Iterator[str]], bodies: list[bytes]) -> None:
    store, keys = shared
    kept = {next(keys): body for body in bodies}
    for key, body in kept.items():
        keep(store, key, body)
    found, damaged = store.find(kept)
    assert {key: answer.body for key, answer in found.items()} == kept
    assert not damaged


def test_many_keys_are_found_in_batches(place: str) -> None:
    with Store(place) as store:
        keep(store, "k7", b"seven")
        found, _ = store.find(f"k{i}" for i in range(2200))
    assert found["k7"] == Answer("k7", b"seven", 1, "m-1", 5, 6)
    assert len(found) == 1


@pytest.mark.parametrize("words", ["m\0odel", "half \ud800", "\U0001f600"])
def test_what_a_provider_says_of_its_model_never_costs_an_answer(place: str, words: str) -> None:
    with Store(place) as store:
        held = store.reserve(Charge("a", "r", "t", "m", "p", 1), cap=9)
        assert isinstance(held, Reservation)
        store.settle(held, Answer("a", b"\0\xff", 1, words))
        assert store.find(["a"])[0]["a"].body == b"\0\xff"
        held = store.reserve(Charge("b", "r", "t", "m", "p", 1), cap=9)
        assert isinstance(held, Reservation)
        store.charge_in_full(held, words)
        assert store.account("r").unknown == 1


def test_every_changed_bit_of_a_body_is_noticed(tmp_path: Path) -> None:
    body = b'{"label": "SPAM"}'
    with Store(tmp_path / "s.db") as store:
        keep(store, "a", body)
        connection = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
        connection.execute("PRAGMA synchronous = OFF")
        for bit in range(8 * len(body)):
            flipped = bytearray(body)
            flipped[bit // 8] ^= 1 << bit % 8
            connection.execute("UPDATE answers SET body = ?", (bytes(flipped),))
            assert store.find(["a"]) == ({}, ["a"])
        connection.execute("UPDATE answers SET body = ?", (body,))
        connection.close()
        assert store.find(["a"])[0]["a"].body == body


@pytest.mark.parametrize("change", ["body = CAST('text' AS TEXT)", "key = 'b'", "sha256 = ''", "body = X''"])
def test_answers_that_were_moved_or_replaced_are_noticed(tmp_path: Path, change: str) -> None:
    with Store(tmp_path / "s.db") as store:
        keep(store, "a", b"body")
        _sql(tmp_path / "s.db", f"UPDATE answers SET {change}")
        found, damaged = store.find(["a", "b"])
    assert not found
    assert len(damaged) == 1


def test_a_damaged_answer_may_be_asked_again_and_is_replaced(tmp_path: Path) -> None:
    with Store(tmp_path / "s.db") as store:
        keep(store, "a", b"good")
        _sql(tmp_path / "s.db", "UPDATE answers SET body = X'00'")
        keep(store, "a", b"new")
        assert store.find(["a"])[0]["a"].body == b"new"
        assert store.account("r").spent == 2
        assert store.reserve(Charge("a", "r", "t", "m", "p", 1), cap=9) == Refusal("answered")


def _sql(path: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement, values)
    connection.close()
