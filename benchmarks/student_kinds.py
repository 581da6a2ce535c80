"""Score the kinds of students on the valid splits of real texts, learned from labeling functions alone.

Labels are the default label model's, of the covered train rows; scores as in students.py. Kinds that need an encoder
run where one is named: a folder as Hugging Face writes it.

    python benchmarks/student_kinds.py [--encoder FOLDER]       writes benchmarks/results/student_kinds.json
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from students import TextSet, label_rows, read_sets

from weaksup.distill import load_bundle, save_bundle, train

RESULT = Path(__file__).resolve().parent / "results" / "student_kinds.json"


def run_kind(one: TextSet, kind: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Train a kind on one set, pack it, and score its bundle on the valid split."""
    student = train(one.texts["train"], label_rows(one, "default"), kind=kind, **settings)
    with tempfile.TemporaryDirectory() as folder:
        path = save_bundle(student, Path(folder) / "student")
        size = sum(file.stat().st_size for file in path.iterdir())
        loaded = load_bundle(path)
    proba = loaded.predict_proba(one.texts["valid"])
    return {**one.score("valid", proba.argmax(axis=1)), "rows": len(proba), "bytes": size}


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", type=Path, help="folder of an encoder of sentences")
    options = parser.parse_args()
    kinds: dict[str, dict[str, Any]] = {"linear": {}, "embedbag": {}}
    if options.encoder:
        kinds["embedding"] = {"model": str(options.encoder)}
    found: dict[str, dict[str, Any]] = {}
    for one in read_sets(Path(os.environ.get("WEAKSUP_DATA", "../shared/data")) / "text"):
        for kind, settings in kinds.items():
            found.setdefault(kind, {})[one.name] = run_kind(one, kind, settings)
            print(one.name, kind, found[kind][one.name], flush=True)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
