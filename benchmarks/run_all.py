"""Run every benchmark, one after the other, and write docs/benchmarks.md; run by `make bench`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
FIRST_TO_LAST = (
    "startup",
    "apply",
    "analysis",
    "label_models",
    "students",
    "spam_end_to_end",
    "debian_packages",
    "tables",
)


def main() -> None:
    """Stop at the first that fails."""
    for name in FIRST_TO_LAST:
        print(f"--- {name}", flush=True)
        subprocess.run([sys.executable, HERE / f"{name}.py"], check=True)


if __name__ == "__main__":
    main()
