"""Money promises, checked against the log of the server, over processes that are killed."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random

import pytest
from faults import asker
from faults.asker import start
from faults.fakeprov import FakeProvider, fake_provider

from weaksup.llm import estimate
from weaksup.llm.jobs import make_jobs
from weaksup.store import Store


def wait_for(server: FakeProvider, calls: int, process: BaseProcess) -> None:
    while server.calls < calls and process.is_alive():
        time.sleep(0.002)


def finish(*processes: BaseProcess) -> None:
    for process in processes:
        process.join()
        assert process.exitcode == 0


def texts_of_answers(store: Path, rows: int, url: str) -> set[str]:
    """Return the user messages whose answers are committed."""
    spam = asker.Spam()
    jobs = make_jobs(asker.fake_rows(rows), spam, asker.fake_tier(url).provider)
    with Store(store) as opened:
        found, damaged = opened.find(job.key for job in jobs.calls)
    assert not damaged
    return {spam.render(job.row).user for job in jobs.calls if job.key in found}


@pytest.mark.parametrize("threads", [1, 8])
def test_two_processes_share_one_budget_and_never_ask_the_same(tmp_path: Path, threads: int) -> None:
    with fake_provider(faults=lambda _: "no_usage", delay=0.01) as server:
        most = estimate(asker.fake_rows(1), asker.Spam(), asker.fake_tier(server.base_url)).most
        path = tmp_path / "store.db"
        finish(*(start(server.base_url, path, rows=40, budget=5 * most + 1, threads=threads) for _ in range(2)))
        assert server.calls == 5
        assert max(Counter(served.user for served in server.log).values()) == 1
    with Store(path) as store:
        assert store.account("r").spent == 5 * most


def test_two_processes_without_a_tight_budget_split_the_work(tmp_path: Path) -> None:
    with fake_provider(delay=0.005) as server:
        finish(*(start(server.base_url, tmp_path / "store.db", rows=40) for _ in range(2)))
        assert server.calls == 40


def test_after_any_kill_nothing_committed_is_lost_or_paid_again(tmp_path: Path) -> None:
    rows, threads, kills = 80, 8, 6
    path = tmp_path / "store.db"
    chance = Random(7)
    in_flight = 0
    with fake_provider(delay=0.01) as server:
        committed: dict[str, int] = {}  # user message -> calls when its answer was found committed
        for _ in range(kills):
            process = start(server.base_url, path, rows=rows, threads=threads)
            wait_for(server, server.calls + chance.randint(1, rows // kills), process)
            time.sleep(chance.random() * 0.02)
            process.kill()
            process.join()
            kept = texts_of_answers(path, rows, server.base_url)
            assert set(committed) <= kept, "an answer was lost"
            in_flight += threads
            committed |= dict.fromkeys(kept - set(committed), server.calls)
        finish(start(server.base_url, path, rows=rows, threads=threads))
        again = [served for served in server.log if served.number >= committed.get(served.user, server.calls)]
        assert not again, "a committed answer was paid for again"
        assert len(texts_of_answers(path, rows, server.base_url)) == rows
        assert server.calls - rows <= in_flight
        with Store(path) as store:
            account = store.account("r")
            assert account.held == 0
            assert account.spent >= server.billed, "the ledger is below the truth"


def test_ctrl_c_settles_what_is_in_flight_and_the_next_run_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with fake_provider(delay=0.02) as server:
        process = start(server.base_url, path, rows=40, threads=4)
        wait_for(server, 6, process)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGINT)
        process.join()
        assert process.exitcode == 130
        stopped_at = server.calls
        assert stopped_at < 40
        with Store(path) as store:
            assert store.unsettled.calls == 0
            assert {row["state"] for row in store.ledger()} <= {"done", "released"}
            assert store.account("r").spent == server.billed
        finish(start(server.base_url, path, rows=40))
        assert server.calls == 40
