"""Start from the student of the corpus before: it votes on new rows, and never on rows that taught it.

Its own errors must not come back to it as agreement. So a run notes the texts that its student saw, those that the
students before it saw among them, and a student that starts a run is silent on all of them.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.corpus import Corpus
from weaksup.distill import Predictor, load_bundle
from weaksup.distill.bundle.seal import MODEL
from weaksup.errors import ConfigError
from weaksup.files import atomic_path, write_text
from weaksup.labels import ABSTAIN
from weaksup.pipeline.asking import soft_labels
from weaksup.pipeline.gold import project_gold
from weaksup.pipeline.golden.paired import compare_right
from weaksup.pipeline.lineage import note_parent
from weaksup.pipeline.scores import score
from weaksup.project import Project
from weaksup.votes import Source, VoteMatrix

__all__ = ["EARLIER", "SAW", "STARTED", "STARTED_FROM", "Earlier", "carry", "load_earlier", "note_seen", "start_votes"]

EARLIER = "earlier student"
"""The source that its votes become."""
SAW = "student_saw.npy"
"""Beside a student in the output of a run: uint64 hashes of the texts that it, and its ancestors, learned from."""
STARTED = "votes_started.parquet"
STARTED_FROM = "started_from"
"""The folder, in that of a run, that holds the student which the run started from."""
SURE = 0.9  # without tiers that teach how far it holds here, it votes only where it is as sure

_BUNDLE, _ABOUT = "bundle", "about.json"
Json = dict[str, Any]
Hashes = NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class Earlier:
    """The student that a run starts from; `saw` are hashes of the texts that taught it, None where none were noted."""

    student: Predictor
    saw: Hashes | None

    def vote(self, votes: VoteMatrix, rows: Sequence[Mapping[str, Any]], *, sure: float) -> tuple[VoteMatrix, Json]:
        """Add its votes on rows that it did not learn from, where its confidence is at least `sure`.

        Returns the votes, and what it brought: counts as JSON. Raises ConfigError where it has other labels.
        """
        names = self.student.classes
        if self.student.multi:
            raise ConfigError(
                "start_from: expected a student that gives one label a row, got one that gives any number"
            )
        if set(names) != set(votes.labels.names):
            mine, yours = (", ".join(some[:6]) for some in (names, votes.labels.names))
            raise ConfigError(f"start_from: the student knows {mine}; the votes have {yours}; leave it out")
        texts = [str(row["text"]) for row in rows]
        seen = np.zeros(len(texts), np.bool_) if self.saw is None else np.isin(hash_texts(texts), self.saw)
        new = np.flatnonzero(~seen)
        read = rows if self.student.fields.names else texts
        proba = self.student.predict_proba([read[i] for i in new.tolist()])
        kept = proba.max(axis=1, initial=0.0) >= sure
        new, proba = new[kept], proba[kept]
        codes = np.array([votes.labels.index(name) for name in names], np.int64)[proba.argmax(axis=1)]
        ids = [votes.ids[i] for i in new.tolist()]
        said = dict(zip(ids, codes.tolist(), strict=True))
        confidence = dict(zip(ids, np.round(proba.max(axis=1, initial=0.0), 6).tolist(), strict=True))
        found = _brought(votes, new, codes) | {"seen_before": int(seen.sum()), "noted": self.saw is not None}
        if not said:
            return votes, found
        return votes.with_source(Source(EARLIER, "student", EARLIER), said, confidence=confidence), found


def carry(folder: Path, start_from: str, named: Path, corpus: str) -> Json:
    """Copy the student to start from, and what it saw, into `folder`; the same corpus again keeps what is there.

    "last", or its path, is the student beside `folder`, if there is one and it is noted what it saw: a run that was cut
    leaves one without. Else `named` is a bundle, which must be there. `corpus` is the fingerprint of the rows: a run's
    own student becomes the last one only when the rows are others.
    """
    about, own = {"corpus": corpus, "start_from": start_from}, folder.parent / "student"
    named = named.parent if named.name == MODEL else named
    last = start_from == "last" or named.resolve() == own.resolve()
    if last and _read_about(folder) == about:
        return {"there": (folder / _BUNDLE).is_dir()}
    source = own if last else named
    saw = source.parent / SAW
    there = not last or (source.is_dir() and saw.is_file())
    if there:
        load_bundle(source)  # refused before anything is replaced
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if there:
        shutil.copytree(source, folder / _BUNDLE)
        if saw.is_file():
            shutil.copyfile(saw, folder / SAW)
    write_text(folder / _ABOUT, json.dumps(about, indent=1) + "\n")
    return {"there": there}


def load_earlier(folder: Path) -> Earlier | None:
    """Open what `carry` put there; None where there was no student yet."""
    if not (folder / _BUNDLE).is_dir():
        return None
    return Earlier(load_bundle(folder / _BUNDLE), _read_saw(folder / SAW))


def start_votes(project: Project, corpus: Corpus) -> Json:
    """Write STARTED: the labeling functions' votes and the earlier student's; say what it brought.

    Where there are tiers to route between, it votes on every row that it did not learn from, as they teach how far it
    holds; else where it is SURE. With gold, the labels are scored with it and without it.
    """
    votes, routed = VoteMatrix.load(project.out / "votes.parquet"), len(project.tiers) > 1
    earlier = load_earlier(project.out / STARTED_FROM)
    if earlier is None:
        votes.save(project.out / STARTED)
        return {"there": False}
    rows = corpus.lookup(votes.ids, ["text", *earlier.student.fields.names])
    started, found = earlier.vote(votes, [rows[name] for name in votes.ids], sure=0.0 if routed else SURE)
    note_parent(started, EARLIER, str(earlier.student.manifest["seal"])).save(project.out / STARTED)
    gold = project_gold(project, corpus, votes.ids, votes.labels)
    if gold is not None and EARLIER in started.names:
        said = started.values[:, -1]
        mine = np.where(said != ABSTAIN, gold, ABSTAIN)
        found["score"] = score(said, mine.astype(gold.dtype))
    if gold is not None and not routed:
        found |= _beside(project, votes, started, gold)
    return {"there": True, **found}


def _beside(project: Project, votes: VoteMatrix, started: VoteMatrix, gold: NDArray[np.int16]) -> Json:
    """Score the labels with the earlier student and without it, and test on the same rows which are better."""
    without, both = (soft_labels(project, some).proba.argmax(axis=1) for some in (votes, started))
    found: Json = {"without": score(without, gold), "with": score(both, gold)}
    known = gold != ABSTAIN
    if known.any():
        found["paired"] = compare_right((without == gold)[known], (both == gold)[known]).to_json()
    return found


def note_seen(out: Path, texts: Sequence[str], *, started: bool) -> None:
    """Note beside `out`/student which texts taught it: these, and those that taught the one it `started` from."""
    before = load_earlier(out / STARTED_FROM) if started else None
    old = np.empty(0, np.uint64) if before is None or before.saw is None else before.saw
    with atomic_path(out / SAW) as part, part.open("wb") as file:
        np.save(file, np.union1d(hash_texts(texts), old), allow_pickle=False)


def hash_texts(texts: Iterable[str]) -> Hashes:
    """Return a hash of each text, [n]; case and the width of spaces do not count."""
    plain = (" ".join(text.casefold().split()).encode("utf-8", "surrogatepass") for text in texts)
    return np.array([int.from_bytes(blake2b(text, digest_size=8).digest(), "little") for text in plain], np.uint64)


def _brought(votes: VoteMatrix, rows: NDArray[np.int64], codes: NDArray[np.int64]) -> Json:
    """Count where it votes, alone or with labeling functions, and how often it says what most of these say."""
    values = votes.values[rows]
    counts = np.stack([(values == c).sum(axis=1) for c in range(len(votes.labels))], axis=1)
    top = counts.max(axis=1, initial=0)
    clear = (top > 0) & ((counts == top[:, None]).sum(axis=1) == 1)
    return {
        "rows": len(rows),
        "alone": int((values == ABSTAIN).all(axis=1).sum()),
        "judged": int(clear.sum()),
        "agrees": int((counts.argmax(axis=1) == codes)[clear].sum()) if len(rows) else 0,
    }


def _read_about(folder: Path) -> Json | None:
    try:
        found = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _read_saw(path: Path) -> Hashes | None:
    if not path.is_file():
        return None
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        found = None
    if not isinstance(found, np.ndarray) or found.dtype != np.uint64 or found.ndim != 1:
        raise ConfigError(f"start_from: expected hashes of texts in {path}, got other things; remove it, run again")
    return found
