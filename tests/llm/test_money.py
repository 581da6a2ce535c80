"""Money promises, checked against the log of the server, over processes that are killed; on every kind of store.

WEAKSUP_KILLS sets how many kills there are (50 where the machine is tested, 1,000 on demand), WEAKSUP_SHARED how many
rows several processes ask about at the same time.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from multiprocessing.process import BaseProcess
from random import Random

import pytest
from faults import asker
from faults.asker import start
from faults.fakeprov import FakeProvider, fake_provider

from weaksup.llm import estimate
from weaksup.llm.jobs import make_jobs
from weaksup.store import Caps, Limits, Store

KILLS = int(os.environ.get("WEAKSUP_KILLS", "10"))
SHARED = int(os.environ.get("WEAKSUP_SHARED", "40"))


def wait_for(server: FakeProvider, calls: int, process: BaseProcess) -> None:
    while server.calls < calls and process.is_alive():
        time.sleep(0.002)


def finish(*processes: BaseProcess) -> None:
    for process in processes:
        process.join()
        assert process.exitcode == 0


def texts_of_answers(store: Store, rows: int, url: str) -> set[str]:
    """Return the user messages whose answers are committed."""
    spam = asker.Spam()
    jobs = make_jobs(asker.fake_rows(rows), spam, asker.fake_tier(url).provider)
    found, damaged = store.find(job.key for job in jobs.calls)
    assert not damaged
    return {spam.render(job.row).user for job in jobs.calls if job.key in found}


@pytest.mark.parametrize("processes", [1, 2, 4])
@pytest.mark.parametrize("threads", [1, 8, 32])
def test_no_number_of_processes_and_threads_passes_a_budget_of_five_calls(
    place: str, processes: int, threads: int
) -> None:
    with fake_provider(faults=lambda _: "no_usage", delay=0.01) as server:
        most = estimate(asker.fake_rows(1), asker.Spam(), asker.fake_tier(server.base_url)).most
        budget = 5 * most + 1
        finish(*(start(server.base_url, place, rows=200, budget=budget, threads=threads) for _ in range(processes)))
        assert server.calls == 5
        assert max(Counter(served.user for served in server.log).values()) == 1
        assert server.most_in_flight <= processes * threads
    with Store(place) as opened:
        assert opened.account("r").spent == 5 * most


def test_caps_on_calls_hold_by_the_log_of_a_server_that_refuses_half_of_them(place: str) -> None:
    limits = Limits(day=Caps(calls=5))
    with fake_provider(faults=lambda number: "429:0" if number % 2 else "ok") as server:
        finish(*(start(server.base_url, place, rows=50, limits=limits) for _ in range(2)))
        assert server.calls == 5


@pytest.mark.parametrize("processes", [2, 4])
def test_processes_that_ask_the_same_never_pay_for_a_request_twice(place: str, processes: int) -> None:
    with fake_provider(delay=0.005) as server:
        finish(*(start(server.base_url, place, rows=SHARED, threads=32 // processes) for _ in range(processes)))
        assert Counter(served.user for served in server.log).most_common(1)[0][1] == 1
        assert server.calls == SHARED


def test_after_any_kill_nothing_committed_is_lost_or_paid_again(place: str) -> None:
    rows, threads = 10 * KILLS, 8
    chance = Random(7)
    in_flight = 0
    with fake_provider(delay=0.01) as server:
        committed: dict[str, int] = {}  # user message -> calls when its answer was found committed
        for _ in range(KILLS):
            process = start(server.base_url, place, rows=rows, threads=threads)
            wait_for(server, server.calls + chance.randint(1, rows // KILLS), process)
            time.sleep(chance.random() * 0.02)
            process.kill()
            process.join()
            with Store(place) as store:
                while store.account("r").held:  # a server notices in its own time that the process is gone
                    store.reap()
                kept = texts_of_answers(store, rows, server.base_url)
                unsettled = [row for row in store.ledger() if row["state"] == "unknown"]
            assert set(committed) <= kept, "an answer was lost"
            assert len(unsettled) - in_flight <= 2 * threads
            in_flight = len(unsettled)
            committed |= dict.fromkeys(kept - set(committed), server.calls)
        finish(start(server.base_url, place, rows=rows, threads=threads))
        again = [served for served in server.log if served.number >= committed.get(served.user, server.calls)]
        assert not again, "a committed answer was paid for again"
        assert server.calls - rows <= in_flight, "more was paid twice than was in flight"
        with Store(place) as store:
            assert len(texts_of_answers(store, rows, server.base_url)) == rows
            account = store.account("r")
            assert account.held == 0
            assert account.spent >= server.billed, "the ledger is below the truth"


def test_ctrl_c_settles_what_is_in_flight_and_the_next_run_goes_on(place: str) -> None:
    with fake_provider(delay=0.02) as server:
        process = start(server.base_url, place, rows=40, threads=4)
        wait_for(server, 6, process)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGINT)
        process.join()
        assert process.exitcode == 130
        stopped_at = server.calls
        assert stopped_at < 40
        with Store(place) as store:
            assert store.unsettled.calls == 0
            assert {row["state"] for row in store.ledger()} <= {"done", "released"}
            assert store.account("r").spent == server.billed
        finish(start(server.base_url, place, rows=40))
        assert server.calls == 40
