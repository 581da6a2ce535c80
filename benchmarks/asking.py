"""How many answers a second `ask` buys and keeps, against what the connections allow; whole run, every answer on disk.

python benchmarks/asking.py [--rows 3200] [--rounds 3]

A server on loopback answers after 50 ms; there are 16 connections, so 320 answers a second is the limit. In each round
16 bare threads (`http.client`, nothing kept) and `ask` take their turn; the best round of each counts, as the machine
may be shared. Then 10,000 rows whose answers are stored are asked again.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weaksup.labels import ABSTAIN
from weaksup.llm import Tier, ask, make_tier
from weaksup.protocols import Prompt, Reading
from weaksup.store import Answer, Charge, Reservation, Store

RESULTS = Path(__file__).parent / "results" / "asking.json"
LATENCY, CONNECTIONS, CACHED = 0.05, 16, 10_000


@dataclass(frozen=True)
class Spam:
    """Ask for HAM or SPAM."""

    name: str = "spam"
    version: str = "1"

    def render(self, row: Any) -> Prompt:
        """Write the prompt."""
        return Prompt("Label it.", f"Text: {row['text']}", ("HAM", "SPAM"))

    def read(self, text: str) -> Reading:
        """Read the label."""
        return Reading(0 if "HAM" in text else ABSTAIN)

    def parse(self, text: str) -> int:
        """Read the class index."""
        return self.read(text).code


def make_rows(n: int, name: str) -> list[dict[str, str]]:
    """Make n rows that differ."""
    return [{"id": f"{name}{i}", "text": f"{name} {i:06d}"} for i in range(n)]


def bare(port: int, rows: int) -> float:
    """Return the answers a second of threads that do nothing else."""
    body = json.dumps({"model": "fake-1", "messages": [{"role": "user", "content": "x" * 300}]})

    def work(_: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        for _ in range(rows // CONNECTIONS):
            connection.request("POST", "/v1/chat/completions", body)
            connection.getresponse().read()
        connection.close()

    began = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(work, range(CONNECTIONS)))
    return rows / (time.perf_counter() - began)


def kept(tier: Tier, folder: Path, rows: int, name: str) -> tuple[float, float]:
    """Return the answers a second that `ask` buys and keeps, and its milliseconds of processor time for each."""
    with Store(folder / f"{name}.db") as store:
        ask(make_rows(2 * CONNECTIONS, "warm"), Spam(), tier, store, run="warm", budget_usd=100)
        began, used = time.perf_counter(), time.process_time()
        asked = ask(make_rows(rows, name), Spam(), tier, store, run="r", budget_usd=100)
        seconds, used = time.perf_counter() - began, time.process_time() - used
        assert asked.outcomes.answered == rows
        assert store.account("r").spent == asked.spent
    return rows / seconds, 1000 * used / rows


def cached(tier: Tier, folder: Path) -> float:
    """Return the seconds that 10,000 rows take whose answers are stored."""
    rows = make_rows(CACHED, "stored")
    with Store(folder / "stored.db") as store:
        fill(store, tier, rows)
        began = time.perf_counter()
        asked = ask(rows, Spam(), tier, store, run="r", budget_usd=0)
        assert asked.outcomes.cached == CACHED
        return time.perf_counter() - began


def fill(store: Store, tier: Tier, rows: list[dict[str, str]]) -> None:
    """Put an answer for every row in the store, many threads at a time."""
    from weaksup.llm.jobs import make_jobs

    body = b'{"model": "fake-1", "choices": [{"message": {"content": "HAM"}, "finish_reason": "stop"}]}'

    def put(key: str) -> None:
        held = store.reserve(Charge(key, "fill", "t", "m", "p", 1), cap=10**9)
        assert isinstance(held, Reservation)
        store.settle(held, Answer(key, body, 1, "fake-1", 100, 8))

    with ThreadPoolExecutor(128) as pool:
        list(pool.map(put, [job.key for job in make_jobs(rows, Spam(), tier.provider).calls]))


def sync_ms(folder: Path) -> float:
    """Return the median milliseconds that a sync of 8 kB to this disk takes."""
    times = []
    with (folder / "sync").open("wb", buffering=0) as file:
        for _ in range(50):
            file.write(b"x" * 8192)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(1000 * (time.perf_counter() - began))
    return sorted(times)[25]


def measure(rows: int, rounds: int) -> dict[str, Any]:
    """Run all of it."""
    server = Path(__file__).with_name("slow_server.py")
    process = subprocess.Popen([sys.executable, str(server), str(LATENCY)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    port = int(process.stdout.readline())
    address = f"http://127.0.0.1:{port}/v1"
    settings = {"name": "t", "provider": "openai", "model": "fake-1", "base_url": address, "free": True}
    tier = make_tier({**settings, "concurrency": CONNECTIONS})
    try:
        with tempfile.TemporaryDirectory() as temp:
            folder = Path(temp)
            turns = [(bare(port, rows), *kept(tier, folder, rows, f"round{i}")) for i in range(rounds)]
            found = {"cached_seconds": cached(tier, folder), "sync_ms": sync_ms(folder)}
    finally:
        process.kill()
        process.wait()
    ideal = CONNECTIONS / LATENCY
    best: Callable[[int], float] = lambda i: max(turn[i] for turn in turns)  # noqa: E731
    return {
        "rows": rows,
        "rounds": rounds,
        "ideal_per_second": ideal,
        "bare_per_second": best(0),
        "kept_per_second": best(1),
        "cpu_ms_per_answer": min(turn[2] for turn in turns),
        "kept_to_ideal": best(1) / ideal,
        "kept_to_bare": best(1) / best(0),
        "load_average": os.getloadavg()[0],
        "bars": {"kept_to_ideal": 0.9, "cached_seconds": 2.0},
        **found,
    }


def main() -> None:
    """Measure, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=3200)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    found = measure(args.rows, args.rounds)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
