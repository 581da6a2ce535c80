"""How long `weaksup --help` takes, against a bare click program with as many verbs; whole processes, in turn.

python benchmarks/startup.py [--repeat 15]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RESULTS = Path(__file__).parent / "results" / "startup.json"
BARE = """
import click
@click.group()
def cli():
    "A bare click program."
for name in ["demo", "init", "run", "apply", "analyze", "fit", "slices", "ask", "distill", "predict"]:
    cli.command(name)(lambda: None)
cli()
"""


def main() -> None:
    """Time both in turn and write the medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=15)
    repeat = parser.parse_args().repeat
    with tempfile.TemporaryDirectory() as temp:
        script = Path(temp) / "bare.py"
        script.write_text(BARE, encoding="utf-8")
        weaksup = Path(sys.executable).with_name("weaksup")
        commands = {"bare click": [sys.executable, str(script), "--help"], "weaksup": [str(weaksup), "--help"]}
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for turn in range(repeat + 1):
            for name, command in commands.items():
                began = time.perf_counter()
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                if turn:  # the first turn warms the disk cache
                    seconds[name].append(time.perf_counter() - began)
    ratios = [a / b for a, b in zip(seconds["weaksup"], seconds["bare click"], strict=True)]
    found = {
        "repeat": repeat,
        "seconds": {name: statistics.median(times) for name, times in seconds.items()},
        "ratio": statistics.median(ratios),
        "bar": 1.5,
    }
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
