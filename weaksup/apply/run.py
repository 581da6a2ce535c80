"""Apply labeling functions to a corpus, in one process or several; the votes are the same to the byte."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from weaksup.apply.ballot import TRACED, Ballot, cast_ballot
from weaksup.apply.blocks import BLOCK_ROWS, Blocks
from weaksup.apply.faults import Fault, faults_path, over_limit, tell, warn_of_faults, warn_of_missing, write_faults
from weaksup.apply.naming import Naming, declared_labels
from weaksup.apply.workers import can_fork, vote_in_workers
from weaksup.corpus import Chunk, Corpus, Counts, Reject, Scan, open_corpus
from weaksup.errors import FaultError, UsageError
from weaksup.labeling_functions import as_voters
from weaksup.labeling_functions.open_labels import OpenLabels
from weaksup.labels import LabelSpace
from weaksup.multi_votes import MultiVotes
from weaksup.protocols import Voter
from weaksup.votes import Source, VoteMatrix, VoteWriter

__all__ = ["Applied", "apply_lfs", "apply_multi", "apply_to_file"]

CHUNK_ROWS = 8_192


@dataclass(frozen=True, slots=True, eq=False)
class Applied:
    """What a run did: `votes` (`None` where they went to a file), all faults, and what became of the corpus' rows."""

    votes: VoteMatrix | MultiVotes | None
    labels: LabelSpace
    rows: int
    faults: tuple[Fault, ...]
    fault_counts: Mapping[str, int]  # of every labeling function
    counts: Counts
    rejects: tuple[Reject, ...]
    notes: tuple[str, ...] = ()


def apply_to_file(
    lfs: Iterable[object],
    corpus: Corpus,
    path: str | Path,
    *,
    labels: LabelSpace | None,
    workers: int = 1,
    max_faults: float = 0.01,
    progress: Callable[[int], None] | None = None,
    origin: Mapping[str, Any] | None = None,
    chunk_rows: int = CHUNK_ROWS,
) -> Applied:
    """Stream votes to a Parquet file, and faults, if any, to a `.faults.jsonl` beside it.

    `labels=None` allows class indices only; `progress` is called with the rows done; `origin` is by default what the
    corpus says of itself. Raise `VoteError` at a value that is no label (no file is written), `FaultError` with the
    finished `Applied` where a function failed on more than a share of `max_faults` of the rows (the file is written).
    """
    run = _Run(as_voters(lfs), labels, workers, max_faults)
    if labels is None:
        run.naming.indices_only()
    sources = [Source(lf.name) for lf in run.lfs]
    with VoteWriter(path, sources, labels or LabelSpace(["0", "1"]), origin or corpus.origin()) as writer:
        wide = len(writer.labels) if writer.labels.multi else 1
        blocks = Blocks(writer, max(1, BLOCK_ROWS // wide))
        scan = corpus.scan(chunk_rows=chunk_rows)
        with closing(run.votes(scan)) as parts:
            for ids, values, asked in parts:
                blocks.add(ids, values, asked)
                if progress is not None:
                    progress(run.rows)
        blocks.close()
        writer.labels = labels or run.naming.settle(run.rows)[0]
    write_faults(path, run.faults)
    applied = run.applied(None, writer.labels, scan)
    run.judge(applied, where=f"; all of them are in {faults_path(path)}")
    return applied


def apply_lfs(
    lfs: Iterable[object],
    data: Any,
    *,
    labels: LabelSpace | None = None,
    workers: int = 1,
    max_faults: float = 0.01,
    text: str = "text",
    id: str | None = None,  # noqa: A002  (the word that everyone uses for it)
    chunk_rows: int = CHUNK_ROWS,
) -> VoteMatrix:
    """Return the votes of labeling functions, weaksup's or Snorkel's, on a table, a path or a corpus.

    Without `labels`, the label space is the one that the functions declare, or the names that they vote, sorted, or the
    class indices. Rows where a function failed count as not asked, rows that cannot be used are left out; both are
    warned of. Raise `FaultError` where a function failed on more than a share of `max_faults` of the rows.
    """
    voters = as_voters(lfs)
    run = _Run(voters, labels or declared_labels(voters), workers, max_faults)
    if run.labels is not None and run.labels.multi:
        raise UsageError("apply_lfs: expected one label a row, got LabelSpace(..., multi=True); call apply_multi")
    return _gather(run, _as_corpus(data, text, id), chunk_rows, _matrix)


def apply_multi(
    lfs: Iterable[object],
    data: Any,
    *,
    labels: LabelSpace | None = None,
    workers: int = 1,
    max_faults: float = 0.01,
    text: str = "text",
    id: str | None = None,  # noqa: A002
    chunk_rows: int = CHUNK_ROWS,
) -> MultiVotes:
    """Return multi-label votes: as `apply_lfs`, with `LabelSpace([...], multi=True)` given or declared."""
    voters = as_voters(lfs)
    run = _Run(voters, labels or declared_labels(voters), workers, max_faults)
    if run.labels is None or not run.labels.multi:
        raise UsageError("apply_multi: expected labels=LabelSpace([...], multi=True); for one label a row: apply_lfs")
    return _gather(run, _as_corpus(data, text, id), chunk_rows, _multi_votes)


def _as_corpus(data: Any, text: str, id_column: str | None) -> Corpus:
    return data if isinstance(data, Corpus) else open_corpus(data, text=text, id=id_column)


def _gather(run: _Run, corpus: Corpus, chunk_rows: int, collect: Callable[..., _Kind]) -> _Kind:
    """Apply to a whole corpus; warnings point at the caller of the public function."""
    scan = corpus.scan(chunk_rows=chunk_rows)
    with closing(run.votes(scan)) as parts:
        votes = collect(list(parts), run, origin=corpus.origin())
    applied = run.applied(votes, votes.labels, scan)
    run.judge(applied)
    warn_of_missing(applied.counts, applied.rejects, stacklevel=3)
    warn_of_faults(applied.fault_counts, applied.rows, applied.faults, stacklevel=3)
    return votes


_Kind = TypeVar("_Kind", VoteMatrix, MultiVotes)
Part = tuple[list[str], NDArray[Any], NDArray[np.bool_]]  # ids [n], votes [n, m] or [n, m, k], asked [n, m]


class _Run:
    """One pass over a corpus, and what it has met so far."""

    def __init__(self, lfs: Sequence[Voter], labels: LabelSpace | None, workers: int, max_faults: float) -> None:
        if not lfs:
            raise UsageError("expected at least one labeling function, got none")
        if labels is not None and not isinstance(labels, LabelSpace):
            raise UsageError(f"labels: expected a LabelSpace, got {labels!r:.60}; write LabelSpace([...])")
        if not isinstance(workers, int) or workers < 1:
            raise UsageError(f"workers: expected a whole number of at least 1, got {workers}")
        if not 0 <= max_faults <= 1:
            raise UsageError(f"max_faults: expected a share from 0 to 1, got {max_faults}")
        self.lfs, self.labels, self.max_faults = lfs, labels, max_faults
        self.workers = workers if can_fork() else 1
        self.notes = [] if self.workers == workers else ["this system cannot fork: one process did all the work"]
        self.naming = Naming()
        self.rows = 0
        self.faults: list[Fault] = []
        self.counts = {lf.name: 0 for lf in lfs}

    def votes(self, chunks: Iterable[Chunk]) -> Generator[Part, None, None]:
        """Yield votes chunk by chunk, in order."""
        self._prepare()
        with closing(self._ballots(chunks)) as ballots:
            for ids, ballot in ballots:
                self.rows += len(ids)
                values = ballot.codes if self.labels else self.naming.renumber(ballot)
                yield ids, values, self._asked(ids, ballot)

    def _prepare(self) -> None:
        """Load and check before any row is read and any process forked."""
        space = self.labels or OpenLabels()
        for lf in self.lfs:
            prepare = getattr(lf, "prepare", None)
            if prepare is not None:
                prepare(space)
        if isinstance(space, OpenLabels):
            self.naming.know(space)

    def _ballots(self, chunks: Iterable[Chunk]) -> Generator[tuple[list[str], Ballot], None, None]:
        if self.workers > 1:
            yield from vote_in_workers(self.lfs, chunks, self.labels, self.workers)
            return
        traced = [0] * len(self.lfs)
        for chunk in chunks:
            yield chunk.ids, cast_ballot(self.lfs, chunk, self.labels, traced)

    def _asked(self, ids: list[str], ballot: Ballot) -> NDArray[np.bool_]:
        asked = np.ones(ballot.codes.shape[:2], np.bool_)
        for slip in ballot.slips:
            name = self.lfs[slip.lf].name
            # each process keeps tracebacks by itself: together they hold the first ones, and more
            trace = slip.trace if self.counts[name] < TRACED else ""
            self.faults.append(Fault(name, ids[slip.row], slip.error, trace))
            self.counts[name] += 1
            asked[slip.row, slip.lf] = False
        return asked

    def applied(self, votes: VoteMatrix | MultiVotes | None, labels: LabelSpace, scan: Scan) -> Applied:
        return Applied(
            votes=votes,
            labels=labels,
            rows=self.rows,
            faults=tuple(self.faults),
            fault_counts=dict(self.counts),
            counts=scan.counts,
            rejects=tuple(scan.rejects),
            notes=(*scan.notes, *self.notes),
        )

    def judge(self, applied: Applied, *, where: str = "") -> None:
        """Raise `FaultError` if a labeling function failed too often."""
        over = over_limit(self.counts, self.rows, self.max_faults)
        if over:
            more = f"; so did {len(over) - 1} more" if len(over) > 1 else ""
            allowed = f"; allowed are {self.max_faults:.2%}"
            raise FaultError(tell(over[0], self.counts, self.rows, self.faults) + more + allowed + where, applied)


def _multi_votes(parts: Sequence[Part], run: _Run, *, origin: Mapping[str, Any]) -> MultiVotes:
    labels = run.labels
    assert labels is not None  # apply_multi has seen to it
    ids, asked, sources = _rows(parts, run)
    values = np.vstack([np.empty((0, len(sources), len(labels)), np.int8), *(part[1] for part in parts)])
    return MultiVotes(values, ids, sources, labels, asked, origin)


def _rows(parts: Sequence[Part], run: _Run) -> tuple[tuple[str, ...], NDArray[np.bool_] | None, tuple[Source, ...]]:
    asked = np.vstack([np.empty((0, len(run.lfs)), np.bool_), *(part[2] for part in parts)])
    ids = tuple(i for part in parts for i in part[0])
    return ids, None if asked.all() else asked, tuple(Source(lf.name) for lf in run.lfs)


def _matrix(parts: Sequence[Part], run: _Run, *, origin: Mapping[str, Any]) -> VoteMatrix:
    ids, asked, sources = _rows(parts, run)
    values = np.vstack([np.empty((0, len(sources)), np.int16), *(part[1] for part in parts)])
    labels = run.labels
    if labels is None:
        labels, places = run.naming.settle(run.rows)
        values = run.naming.final(values, places)
    return VoteMatrix(values, ids, sources, labels, asked, origin=origin)
