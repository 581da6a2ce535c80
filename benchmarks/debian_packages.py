"""The gallery's suite for ten Debian sections on the descriptions of all packages: a real corpus on any Debian machine.

    python benchmarks/debian_packages.py               # reads `apt-cache dumpavail`; keeps nothing
    python benchmarks/debian_packages.py DIR --update  # keeps the corpus in DIR, fetches the long descriptions first

A row is a package: its id is the name, its text the short and the long description, its gold the section, where it is
one of the ten. Containers are often set up to fetch no long descriptions; `--update` gets them from the machine's own
package sources into DIR, without touching the system's lists. The suite was written on the packages whose SHA-256 of
the name is 0 modulo 5; the other four fifths are reported by themselves, as "unseen".
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import resource
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.analysis import Analysis, analyze
from weaksup.apply import apply_to_file
from weaksup.corpus import open_corpus
from weaksup.label_models import MajorityVote
from weaksup.labeling_functions import load_lf_module
from weaksup.labels import encode_gold
from weaksup.votes import VoteMatrix

RESULT = Path(__file__).parent / "results" / "debian_packages.json"
SUITE = "weaksup.labeling_functions.gallery.debian_sections"
SYSTEM_LISTS = Path("/var/lib/apt/lists")
CAT = ["/usr/lib/apt/apt-helper", "cat-file"]
Mask = NDArray[np.bool_]


def apt_options(lists: Path) -> list[str]:
    """Return the options that make apt use its own lists, or those of a folder, with long descriptions."""
    if lists == SYSTEM_LISTS:
        return []
    options = {
        "Dir::State::lists": lists,
        "Acquire::Languages": "en",
        "Dir::Cache::pkgcache": "",
        "Dir::Cache::srcpkgcache": "",
    }
    return [word for name, value in options.items() for word in ("-o", f"{name}={value}")]


def update(lists: Path) -> None:
    """Fetch the package lists into a folder of their own."""
    (lists / "partial").mkdir(parents=True, exist_ok=True)
    subprocess.run(["apt-get", *apt_options(lists), "-q", "update"], check=True, capture_output=True)


def records(text: str) -> Iterator[dict[str, str]]:
    """Read the paragraphs of a Debian control file; a field that goes on over lines keeps them."""
    for paragraph in text.split("\n\n"):
        fields: dict[str, str] = {}
        name = ""
        for line in paragraph.splitlines():
            if line[:1].isspace():
                fields[name] += "\n" + line.strip()
            elif ":" in line:
                name, _, value = line.partition(":")
                fields[name] = value.strip()
        if fields:
            yield fields


def long_descriptions(lists: Path) -> dict[str, str]:
    """Return the descriptions of the lists' translation files by their MD5, empty where there are none."""
    found = {}
    for path in sorted(lists.glob("*_i18n_Translation-en*")):
        text = subprocess.run([*CAT, str(path)], check=True, capture_output=True, text=True).stdout
        found.update({r["Description-md5"]: r["Description-en"] for r in records(text) if "Description-en" in r})
    return found


def write_corpus(path: Path, lists: Path, sections: tuple[str, ...]) -> dict[str, int]:
    """Write the packages as JSONL: id, text, section (null unless it is one of the ten)."""
    dump = subprocess.run(["apt-cache", *apt_options(lists), "dumpavail"], check=True, capture_output=True, text=True)
    texts = long_descriptions(lists)
    seen: set[str] = set()
    counts = {"packages": 0, "gold": 0, "long": 0}
    with path.open("w", encoding="utf-8") as file:
        for fields in records(dump.stdout):
            if fields["Package"] in seen:  # an older version of it
                continue
            seen.add(fields["Package"])
            section = fields.get("Section", "").rpartition("/")[2]
            text = texts.get(fields.get("Description-md5", ""), fields.get("Description", ""))
            row = {"id": fields["Package"], "text": text, "section": section if section in sections else None}
            file.write(json.dumps(row) + "\n")
            counts["packages"] += 1
            counts["gold"] += row["section"] is not None
            counts["long"] += "\n" in text
    return counts


def was_seen(name: str) -> bool:
    """Tell whether the suite's author may have looked at the package."""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % 5 == 0


def peak_mb() -> float:
    """Return the largest resident memory of this process so far, in MiB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def majority_scores(votes: VoteMatrix, gold: NDArray[np.int16], rows: Mask) -> dict[str, Any]:
    """Score the majority vote on covered gold rows; of a tie between t labels, the right one counts 1/t."""
    shares = MajorityVote().fit(votes).predict_proba(votes)
    best = shares == shares.max(axis=1, keepdims=True)
    judged = rows & (gold >= 0) & votes.covered
    right = best[judged, gold[judged]] / best[judged].sum(axis=1)
    clear = best[judged].sum(axis=1) == 1
    return {
        "gold_rows": int((rows & (gold >= 0)).sum()),
        "coverage": round(float(votes.covered[rows & (gold >= 0)].mean()), 4),
        "accuracy": round(float(right.mean()), 4),
        "accuracy_without_ties": round(float(right[clear].mean()), 4),
        "tied": round(float(1 - clear.mean()), 4),
    }


def source_scores(analysis: Analysis) -> dict[str, dict[str, float | None]]:
    """Return coverage and accuracy of every labeling function."""
    return {
        s.name: {
            "coverage": round(s.coverage.share, 4),
            "accuracy": None if s.accuracy is None else round(s.accuracy.share, 4),
        }
        for s in analysis.sources
    }


def run(folder: Path, lists: Path, workers: int) -> dict[str, Any]:
    """Write the corpus, apply the suite, analyse its votes."""
    suite = load_lf_module(SUITE)
    assert suite.labels is not None
    path = folder / "packages.jsonl"
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:  # its memory is not that of apply
        counts = pool.submit(write_corpus, path, lists, suite.labels.names).result()
    corpus = open_corpus(path)
    before = time.perf_counter()
    applied = apply_to_file(suite.lfs, corpus, folder / "votes.parquet", labels=suite.labels, workers=workers)
    seconds = time.perf_counter() - before
    memory = peak_mb()
    votes = VoteMatrix.load(folder / "votes.parquet")
    found = corpus.lookup(None, ["section"])
    gold = encode_gold([found[row_id]["section"] for row_id in votes.ids], suite.labels, column="section")
    before = time.perf_counter()
    analysis = analyze(votes, gold=gold, texts=None, examples=0)
    seen = np.array([was_seen(name) for name in votes.ids])
    return {
        "corpus": {**counts, "rows": applied.rows, "rejects": len(applied.rejects)},
        "machine": {
            "system": platform.freedesktop_os_release().get("PRETTY_NAME", ""),
            "python": platform.python_version(),
        },
        "apply": {
            "labeling_functions": len(suite.lfs),
            "workers": workers,
            "seconds": round(seconds, 2),
            "rows_per_second": round(applied.rows / seconds),
            "faults": len(applied.faults),
            "peak_mib": memory,
        },
        "analyze": {"seconds": round(time.perf_counter() - before, 2), "peak_mib": peak_mb()},
        "votes": {"covered": round(analysis.covered.share, 4), "conflicted": round(analysis.conflicted.share, 4)},
        "majority_seen": majority_scores(votes, gold, seen),
        "majority_unseen": majority_scores(votes, gold, ~seen),
        "sources": source_scores(analysis),
    }


def show(result: dict[str, Any]) -> None:
    """Print what was measured."""
    corpus, apply = result["corpus"], result["apply"]
    print(f"{corpus['rows']} packages, {corpus['gold']} of the ten sections, {corpus['long']} with a long description")
    print(
        f"apply: {apply['labeling_functions']} labeling functions, {apply['workers']} worker(s): {apply['seconds']} s, "
        f"{apply['rows_per_second']} rows/s, peak {apply['peak_mib']} MiB, {apply['faults']} faults"
    )
    print(f"analyze: {result['analyze']['seconds']} s, peak {result['analyze']['peak_mib']} MiB")
    print(
        f"votes: {result['votes']['covered']:.1%} of all rows covered, {result['votes']['conflicted']:.1%} conflicted"
    )
    for name in ("seen", "unseen"):
        scores = result[f"majority_{name}"]
        print(
            f"majority vote, {name}: {scores['gold_rows']} gold rows, {scores['coverage']:.1%} covered, accuracy "
            f"{scores['accuracy']:.4f} ({scores['accuracy_without_ties']:.4f} without the {scores['tied']:.1%} tied)"
        )
    for name, source in result["sources"].items():
        print(f"  {name:18} coverage {source['coverage']:.4f}  accuracy {source['accuracy']}")


def main() -> None:
    """Run the benchmark and write its result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, help="where the corpus and the votes go (default: temporary)")
    parser.add_argument(
        "--update", action="store_true", help="fetch the lists, with long descriptions, into the folder"
    )
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    if which("apt-cache") is None:
        parser.error("expected a Debian machine, found no apt-cache")
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        lists = folder.resolve() / "lists"
        if options.update:
            update(lists)
        result = run(folder, lists if lists.is_dir() else SYSTEM_LISTS, options.workers)
    show(result)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
