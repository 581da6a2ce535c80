"""The votes of all labeling functions on one chunk, and the bytes in which they travel between processes."""

from __future__ import annotations

import json
import struct
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import weaksup.errors
from weaksup.corpus.rows import Chunk
from weaksup.errors import UsageError, VoteError, WeaksupError
from weaksup.label_sets import PRESENT
from weaksup.labeling_functions.open_labels import OpenLabels
from weaksup.labels import ABSTAIN, LabelSpace
from weaksup.protocols import ChunkVotes, Voter

__all__ = ["TRACED", "Ballot", "Slip", "cast_ballot", "pack_ballot", "pack_error", "unpack_ballot"]

TRACED = 20
"""Faults of a labeling function that are kept with their traceback."""

_HEAD = struct.Struct("<Q")


@dataclass(frozen=True, slots=True)
class Slip:
    """A fault: positions of row and labeling function, the error in one line, its traceback (may be empty)."""

    row: int
    lf: int
    error: str
    trace: str


@dataclass(frozen=True, slots=True, eq=False)
class Ballot:
    """Votes [n, m] on a chunk, or [n, m, k] of multi-label votes.

    ABSTAIN where a labeling function failed, which `slips` tell, by row, then function. `names` and `top` are what an
    open label space has seen: codes are positions in `names`, or indices up to `top`.
    """

    codes: NDArray[Any]
    slips: tuple[Slip, ...] = ()
    names: tuple[str, ...] = ()
    top: int = ABSTAIN


def cast_ballot(lfs: Sequence[Voter], chunk: Chunk, labels: LabelSpace | None, traced: list[int]) -> Ballot:
    """Let every labeling function vote on the chunk; raise `VoteError` for a value that is no label.

    `traced` [m] counts the tracebacks already kept for each function, and is moved on.
    """
    space = OpenLabels() if labels is None else labels
    voted = [_vote(lf, chunk, space) for lf in lfs]
    _refuse_invalid(lfs, chunk, space, voted)
    kind = np.int8 if space.multi else np.int16
    codes = np.empty((len(chunk), len(lfs), *space.abstains(1).shape[1:]), kind)
    for j, column in enumerate(voted):
        codes[:, j] = column.codes
    slips = []
    for i, j in sorted((i, j) for j, column in enumerate(voted) for i in column.errors):
        error = voted[j].errors[i]
        codes[i, j] = ABSTAIN
        slips.append(Slip(i, j, _one_line(error), _trace(error) if traced[j] < TRACED else ""))
        traced[j] += 1
    if isinstance(space, OpenLabels):
        return Ballot(codes, tuple(slips), space.seen, space.top)
    return Ballot(codes, tuple(slips))


def _vote(lf: Voter, chunk: Chunk, labels: LabelSpace) -> ChunkVotes:
    try:
        voted = lf.vote(chunk, labels)
    except WeaksupError:
        raise
    except Exception as error:  # noqa: BLE001  (user code: it failed on the whole chunk)
        return ChunkVotes(labels.abstains(len(chunk)), dict.fromkeys(range(len(chunk)), error))
    if voted.codes.shape != labels.abstains(len(chunk)).shape:
        each = f", each [{len(labels)}] for as many labels" if labels.multi else ""
        got = " x ".join(map(str, voted.codes.shape))
        raise UsageError(f'labeling function "{lf.name}": expected {len(chunk)} votes{each}, got {got}')
    return voted


def _refuse_invalid(lfs: Sequence[Voter], chunk: Chunk, labels: LabelSpace, voted: Sequence[ChunkVotes]) -> None:
    """Raise for the first row with an invalid vote, whatever the size of the chunk."""
    limit = PRESENT + 1 if labels.multi else len(labels)
    wrong = [np.nonzero((v.codes < ABSTAIN) | (v.codes >= limit))[0] for v in voted]
    first = min(((int(rows[0]), j) for j, rows in enumerate(wrong) if rows.size), default=None)
    if first is not None:
        i, j = first
        got = voted[j].invalid.get(i, str(voted[j].codes[i]))
        raise VoteError(
            f'labeling function "{lfs[j].name}", row "{chunk.ids[i]}": expected {labels.expected}, got {got}'
        )


def _one_line(error: BaseException) -> str:
    try:
        words = " ".join(str(error).split())
    except Exception:  # noqa: BLE001  (user code: even an error's text can fail)
        words = ""
    name = type(error).__name__
    return f"{name}: {words[:300]}" if words else name


def _trace(error: BaseException) -> str:
    frames = error.__traceback__.tb_next if error.__traceback__ else None  # the first frame is weaksup's own
    return "".join(traceback.format_exception(type(error), error, frames))


def pack_ballot(ballot: Ballot) -> bytes:
    """Write a ballot as bytes: JSON, then the codes."""
    slips = [(s.row, s.lf, s.error, s.trace) for s in ballot.slips]
    about = {"shape": ballot.codes.shape, "kind": ballot.codes.dtype.str, "names": ballot.names, "top": ballot.top}
    head = json.dumps({**about, "slips": slips}).encode()
    return _HEAD.pack(len(head)) + head + ballot.codes.tobytes()


def pack_error(error: WeaksupError) -> bytes:
    """Write an error as bytes; `unpack_ballot` raises it."""
    head = json.dumps({"raise": type(error).__name__, "message": str(error)}).encode()
    return _HEAD.pack(len(head)) + head


def unpack_ballot(data: bytes) -> Ballot:
    """Read what `pack_ballot` wrote; raise what `pack_error` wrote."""
    start = _HEAD.size + _HEAD.unpack_from(data)[0]
    head = json.loads(data[_HEAD.size : start])
    if "raise" in head:
        kind = getattr(weaksup.errors, head["raise"], UsageError)
        raise kind(head["message"])
    codes = np.frombuffer(data, head["kind"], offset=start).reshape(head["shape"])
    return Ballot(codes, tuple(Slip(*slip) for slip in head["slips"]), tuple(head["names"]), head["top"])
