from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaksup.store.writer import Writer


def together(count: int, work: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=work, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@given(st.lists(st.integers(), max_size=20))
def test_each_piece_of_work_gets_its_own_result(numbers: list[int]) -> None:
    writer: Writer[int, int] = Writer(lambda batch: [n + 1 for n in batch], name="w")
    got: dict[int, int] = {}
    together(len(numbers), lambda i: got.update({i: writer.write(numbers[i])}))
    writer.close()
    assert got == {i: n + 1 for i, n in enumerate(numbers)}


def test_what_waits_while_something_is_written_is_written_at_once() -> None:
    first, go_on = threading.Event(), threading.Event()
    batches: list[list[int]] = []

    def write_all(batch: Sequence[int]) -> Sequence[None]:
        batches.append(sorted(batch))
        if len(batches) == 1:
            first.set()
            go_on.wait()
        return [None] * len(batch)

    writer: Writer[int, None] = Writer(write_all, name="w")
    threads = [threading.Thread(target=writer.write, args=(0,))]
    threads[0].start()
    first.wait()
    threads += [threading.Thread(target=writer.write, args=(i,)) for i in range(1, 9)]
    for thread in threads[1:]:
        thread.start()
    while len(writer._waiting) < 8:
        pass
    go_on.set()
    for thread in threads:
        thread.join()
    writer.close()
    assert batches == [[0], list(range(1, 9))]


def test_an_error_is_raised_by_all_who_shared_the_transaction_and_later_work_goes_on() -> None:
    def write_all(batch: Sequence[int]) -> Sequence[int]:
        if 0 in batch:
            raise OSError("disk")
        return batch

    writer: Writer[int, int] = Writer(write_all, name="w")
    with pytest.raises(OSError, match="disk"):
        writer.write(0)
    assert writer.write(1) == 1
    writer.close()


def test_a_closed_writer_says_so() -> None:
    writer: Writer[int, int] = Writer(lambda batch: batch, name="w")
    writer.close()
    with pytest.raises(RuntimeError, match="closed"):
        writer.write(1)


def test_what_is_submitted_is_written_before_what_the_same_thread_writes_next() -> None:
    written: list[int] = []
    told: list[BaseException | None] = []

    def write_all(batch: Sequence[int]) -> Sequence[int]:
        written.extend(batch)
        if 13 in batch:
            raise OSError("disk")
        return batch

    writer: Writer[int, int] = Writer(write_all, name="w")
    writer.submit(1, then=told.append)
    assert writer.write(2) == 2
    assert written == [1, 2]
    assert told == [None]
    writer.submit(13, then=told.append)
    writer.close()
    assert str(told[1]) == "disk"
