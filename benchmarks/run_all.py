"""Run every benchmark, one after the other, and write docs/benchmarks.md; run by `make bench`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    """Stop at the first that fails."""
    with tempfile.TemporaryDirectory() as temp:
        for command in (
            ["startup.py"],
            ["apply.py"],
            ["analysis.py"],
            ["label_models.py"],
            ["label_model_laws.py"],
            ["students.py"],
            ["student_kinds.py"],
            ["student_speed.py"],
            ["spam_end_to_end.py"],
            ["next_corpus.py"],
            ["routing.py"],
            ["plan.py"],
            ["asking.py"],
            ["serving.py"],
            ["debian_packages.py", temp, "--update"],  # with the long descriptions
            ["tables.py"],
        ):
            print("---", *command, flush=True)
            subprocess.run([sys.executable, HERE / command[0], *command[1:]], check=True)


if __name__ == "__main__":
    main()
