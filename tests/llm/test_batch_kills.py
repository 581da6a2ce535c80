from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest
from faults.batch_asker import start_batch
from faults.fakebatch import FakeBatches, fake_batches
from sqlalchemy import select

from weaksup.store import Store
from weaksup.store.tables import BATCHES

ROWS = 30
KILLS = int(os.environ.get("WEAKSUP_KILLS", "6"))  # for each shape


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_no_item_is_sent_twice_whenever_the_process_is_killed(tmp_path: Path, kind: str) -> None:
    kills = 0
    for seed in range(10 * KILLS):
        if kills >= KILLS:
            break
        kills += _killed_until_done(tmp_path / f"{seed}.db", kind, seed)
    assert kills >= min(KILLS, 6)


def _killed_until_done(place: Path, kind: str, seed: int) -> int:
    """Kill the process at random moments until it is done once; return how often."""
    draw = random.Random(f"{kind} {seed}")
    log = place.with_suffix(".log")
    with fake_batches(polls=3, delay=0.02, seed=seed, log_file=log) as server:
        address = server.base_url if kind == "openai" else server.address
        kills = 0
        while kills < 4 and _killed(start_batch(address, str(place), kind=kind, rows=ROWS), server, draw):
            kills += 1
            _check_between(place, server)
        process = start_batch(address, str(place), kind=kind, rows=ROWS)
        process.join(60)
        assert process.exitcode == 0
        _check(place, server, log)
    return kills


def _killed(process: ForkServerProcess, server: FakeBatches, draw: random.Random) -> bool:
    """Kill the process at a random moment of a random stage; return whether it was still running."""
    stage = draw.choice(["start", "upload", "create", "poll", "results"])
    before = server.count(stage)
    _wait_for(lambda: process.exitcode is not None or stage == "start" or server.count(stage) > before)
    time.sleep(draw.uniform(0, 0.06))
    running = process.exitcode is None
    process.kill()
    process.join()
    return running


def _wait_for(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 3
    while not done() and time.monotonic() < end:
        time.sleep(0.002)


def _check_between(place: Path, server: FakeBatches) -> None:
    """After a kill, what is charged and held together covers the bill."""
    if place.exists():
        with Store(place) as store:
            account = store.account("r")
            assert account.spent + account.held >= server.billed


def _check(place: Path, server: FakeBatches, log: Path) -> None:
    # The server cannot see whether its answer was read before the kill: a batch whose id is in no store was lost.
    with Store(place) as store:
        rows = store.ledger()
        known = {name for name in server.batches if _knows(store, name)}
        assert store.account("r").held == 0
        assert store.account("r").spent >= server.billed
        states = {str(row["state"]) for row in rows}
        lost = [row for row in rows if row["state"] == "unknown"]
        answered = {str(row["key"]) for row in rows if row["state"] == "done"}
    assert states <= {"done", "released", "unknown"}
    assert len(answered) == ROWS
    sent = [key for name in known for key in server.batches[name]["requests"]]
    assert len(sent) == len(set(sent)) == ROWS
    unheard = len(server.batches) - len(known)
    assert len(lost) % ROWS == 0
    assert unheard * ROWS <= len(lost)  # every creation whose answer was lost is charged as unknown
    assert log.read_text(encoding="utf-8").count("\n") == len(server.log)


def _knows(store: Store, name: str) -> bool:
    with store._database.reading() as connection:
        found = connection.execute(select(BATCHES.c.id).where(BATCHES.c.provider_id == name)).first()
        return found is not None
