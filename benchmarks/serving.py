"""A bundle's size, the time to load it, and what `weaksup serve` gives to clients with several connections.

    python benchmarks/serving.py [--seconds 4] [--repeat 5]      writes benchmarks/results/serving.json

Two bundles: `sms` (trained on the labeling functions' votes of $WEAKSUP_DATA/text/sms.parquet, where it is there) and
`largest`, a student of texts with more n-grams than a model file may hold. Loading is timed in processes of their own,
with the import of onnxruntime and without. The server runs as a user starts it; the clients are threads of another
process, each with a connection that it keeps.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from students import label_rows, read_sets

from weaksup.distill import load_bundle, save_bundle, train
from weaksup.labels import LabelSpace, SoftLabels

RESULTS = Path(__file__).resolve().parent / "results" / "serving.json"
DATA = Path(os.environ.get("WEAKSUP_DATA", "../shared/data"))
SPACE = LabelSpace(["class 0", "class 1"])
BARS = {"bytes": 5_000_000, "load_seconds": 0.3}
CASES = ((1, 1), (8, 1), (8, 64), (32, 1))  # connections, texts in a request
LOAD = """
import sys, time
begin = time.perf_counter()
from weaksup.distill import load_bundle
import numpy, onnxruntime
middle = time.perf_counter()
load_bundle(sys.argv[1]).predict(["a"])
print(middle - begin, time.perf_counter() - middle)
"""


def main() -> None:
    """Measure all and write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    found: dict[str, Any] = {"cores": os.cpu_count(), "bars": BARS, "bundles": {}, "load": []}
    with tempfile.TemporaryDirectory() as temp:
        for name, texts, soft in corpora():
            path = save_bundle(train(texts, soft, strengths=(1.0,)), f"{temp}/{name}")
            found["bundles"][name] = {"texts": len(texts), **weigh(path, options.repeat)}
        with serving(path) as port:
            shown = [text[:160] for text in texts]
            found["different_labels"] = compare(port, path, shown)
            for connections, size in CASES:
                found["load"].append(press(port, shown, connections, size, options.seconds))
            found["with_200_slow_clients"] = press_beside_slow_clients(port, shown, options.seconds)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


def corpora() -> Iterator[tuple[str, list[str], SoftLabels]]:
    """Give texts and labels; the last one is served."""
    rng = np.random.default_rng(0)
    letters = list("abcdefghijklmnopqrstuvwxyz")
    words = np.array(["".join(rng.choice(letters, rng.integers(3, 10))) for _ in range(30_000)])
    texts = [" ".join(rng.choice(words, 12)) for _ in range(20_000)]
    proba = np.eye(2)[[int("z" in text[:20]) for text in texts]]
    yield "largest", texts, SoftLabels(tuple(map(str, range(20_000))), proba, np.ones(20_000, np.bool_), SPACE)
    for one in read_sets(DATA / "text") if (DATA / "text" / "sms.parquet").exists() else ():
        if one.name == "sms":
            yield one.name, one.texts["train"], label_rows(one, "default")


def weigh(path: Path, repeat: int) -> dict[str, float]:
    """Return bytes of a bundle, and seconds to load it: alone, and with the import of numpy and onnxruntime."""
    times = []
    for _ in range(repeat):
        done = subprocess.run([sys.executable, "-c", LOAD, str(path)], capture_output=True, text=True, check=True)
        times.append([float(word) for word in done.stdout.split()])
    imports, loads = zip(*times, strict=True)
    size = sum(file.stat().st_size for file in path.iterdir())
    return {"bytes": size, "load_seconds": statistics.median(loads), "import_seconds": statistics.median(imports)}


@contextmanager
def serving(path: Path) -> Iterator[int]:
    """Run `weaksup serve` on a free port."""
    command = [sys.executable, "-m", "weaksup", "serve", str(path), "--port", "0", "--timeout", "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield int(re.findall(r":(\d+);", process.stdout.readline())[0])
        process.send_signal(signal.SIGTERM)


def compare(port: int, path: Path, texts: list[str]) -> dict[str, int]:
    """Count the texts whose label over HTTP, 64 at a time, is not the one that Python gives."""
    expected, found = load_bundle(path).predict(texts), []
    line = http.client.HTTPConnection("127.0.0.1", port)
    for start in range(0, len(texts), 64):
        body = json.dumps({"texts": texts[start : start + 64]})
        line.request("POST", "/predict", body, {"Content-Type": "application/json"})
        found += [row["label"] for row in json.loads(line.getresponse().read())["predictions"]]
    line.close()
    return {"texts": len(texts), "different": sum(a != b for a, b in zip(expected, found, strict=True))}


def press(port: int, texts: list[str], connections: int, size: int, seconds: float) -> dict[str, Any]:
    """Ask from several connections for a while; count requests, and the time of each."""
    times: list[list[float]] = [[] for _ in range(connections)]
    faults: list[int] = []
    end = time.perf_counter() + seconds

    def ask(own: list[float], start: int) -> None:
        line, at = http.client.HTTPConnection("127.0.0.1", port), start * 997
        while (began := time.perf_counter()) < end:
            part = [texts[(at + i) % len(texts)] for i in range(size)]
            at += size
            line.request("POST", "/predict", json.dumps({"texts": part}), {"Content-Type": "application/json"})
            reply = line.getresponse()
            if reply.status != 200 or len(json.loads(reply.read())["predictions"]) != size:
                faults.append(reply.status)
            own.append(time.perf_counter() - began)
        line.close()

    threads = [threading.Thread(target=ask, args=(own, i)) for i, own in enumerate(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    every = np.array([value for own in times for value in own])
    rate = len(every) / seconds
    p50, p99 = (float(value) for value in np.percentile(every, [50, 99]))
    told = {"requests_per_second": rate, "texts_per_second": rate * size, "p50_seconds": p50, "p99_seconds": p99}
    return {"connections": connections, "texts": size, **told, "faults": len(faults)}


def press_beside_slow_clients(port: int, texts: list[str], seconds: float) -> dict[str, Any]:
    """Ask while 200 connections sit in the middle of a request, and just before, for a fair comparison."""
    import socket

    before = press(port, texts, 8, 1, seconds)
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(200)]
    for line in slow:
        line.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost:%d\r\nContent-Length: 99\r\n" % port)
    beside = press(port, texts, 8, 1, seconds)
    for line in slow:
        line.close()
    return {"before": before, "beside": beside, "p99_ratio": beside["p99_seconds"] / before["p99_seconds"], "bar": 2.0}


if __name__ == "__main__":
    main()
