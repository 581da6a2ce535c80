"""Worker processes: forked, so that functions from notebooks and closures work, and fed through pipes.

Only bytes travel: Arrow IPC in, a packed ballot out. Chunks go round the workers in turn and their ballots come back
in that turn, so rows keep their order.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from queue import SimpleQueue
from typing import NoReturn

import pyarrow as pa

from weaksup.apply.ballot import Ballot, cast_ballot, pack_ballot, pack_error, unpack_ballot
from weaksup.corpus.rows import Chunk
from weaksup.errors import UsageError, WeaksupError
from weaksup.labels import LabelSpace
from weaksup.protocols import Voter

__all__ = ["can_fork", "serve", "vote_in_workers"]

_AHEAD = 2  # chunks on the way to one worker: it never waits, and memory stays bounded
_END = b""
_PATIENCE = 5.0  # seconds


def can_fork() -> bool:
    """Tell whether this system can fork."""
    return "fork" in multiprocessing.get_all_start_methods()


def vote_in_workers(
    lfs: Sequence[Voter], chunks: Iterable[Chunk], labels: LabelSpace | None, workers: int
) -> Iterator[tuple[list[str], Ballot]]:
    """Yield the row ids and the ballot of every chunk, in order."""
    crew = _hire(lfs, labels, workers)
    waiting: deque[tuple[_Worker, list[str]]] = deque()
    try:
        for number, chunk in enumerate(chunks):
            if len(waiting) == _AHEAD * workers:
                yield _receive(waiting)
            worker = crew[number % workers]
            waiting.append((worker, chunk.ids))
            _send(worker, _chunk_bytes(chunk))
        while waiting:
            yield _receive(waiting)
        for worker in crew:
            _send(worker, _END)
        for worker in crew:
            worker.process.join(_PATIENCE)  # a labeling function may have left a thread that never ends
    finally:
        _dismiss(crew)


@dataclass(frozen=True, slots=True)
class _Worker:
    number: int
    process: ForkProcess
    pipe: Connection


def _hire(lfs: Sequence[Voter], labels: LabelSpace | None, workers: int) -> list[_Worker]:
    """Fork all workers before the corpus is opened: its readers may start threads, which a fork would break."""
    context = multiprocessing.get_context("fork")
    crew: list[_Worker] = []
    for number in range(1, workers + 1):
        near, far = context.Pipe()
        inherited = [near, *(worker.pipe for worker in crew)]
        process = context.Process(target=_work, args=(far, inherited, lfs, labels), daemon=True)
        with warnings.catch_warnings():
            # Python 3.12 warns of any thread in the parent; the child runs labeling functions only.
            warnings.simplefilter("ignore", DeprecationWarning)
            process.start()
        far.close()
        crew.append(_Worker(number, process, near))
    return crew


def _dismiss(crew: list[_Worker]) -> None:
    for worker in crew:
        worker.pipe.close()
        if worker.process.is_alive():
            worker.process.kill()
        worker.process.join()


def _chunk_bytes(chunk: Chunk) -> memoryview:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, chunk.batch.schema) as stream:
        stream.write_batch(chunk.batch)
    return memoryview(sink.getvalue())


def _send(worker: _Worker, data: bytes | memoryview) -> None:
    # A dead worker cannot take it: `_receive` will say so, with the rows whose ballot is missing.
    with suppress(BrokenPipeError, ConnectionResetError):
        worker.pipe.send_bytes(data)


def _receive(waiting: deque[tuple[_Worker, list[str]]]) -> tuple[list[str], Ballot]:
    worker, ids = waiting.popleft()
    try:
        data = worker.pipe.recv_bytes()
    except (EOFError, ConnectionResetError):
        _mourn(worker, ids)
    return ids, unpack_ballot(data)


def _mourn(worker: _Worker, ids: list[str]) -> NoReturn:
    worker.process.join(_PATIENCE)
    code = worker.process.exitcode or 0
    how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    raise UsageError(
        f'worker process {worker.number} ended ({how}) on rows "{ids[0]}" to "{ids[-1]}" ({len(ids)} rows): a labeling '
        "function ended it, or memory ran out; run these rows with workers=1 to find which"
    ) from None


def _work(pipe: Connection, inherited: list[Connection], lfs: Sequence[Voter], labels: LabelSpace | None) -> None:
    for other in inherited:  # else a worker would not see that the parent is gone
        other.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    serve(pipe, lfs, labels)


def serve(pipe: Connection, lfs: Sequence[Voter], labels: LabelSpace | None) -> None:
    """Answer every chunk that comes through the pipe with a ballot, until the end is told."""
    inbox: SimpleQueue[bytes] = SimpleQueue()
    # The pipe is emptied at all times: were both ends to wait with a full pipe, both would wait for ever.
    threading.Thread(target=_take_in, args=(pipe, inbox), daemon=True).start()
    traced = [0] * len(lfs)
    while data := inbox.get():
        pipe.send_bytes(_answer(data, lfs, labels, traced))


def _take_in(pipe: Connection, inbox: SimpleQueue[bytes]) -> None:
    while True:
        try:
            data = pipe.recv_bytes()
        except (EOFError, OSError):
            os._exit(1)  # the parent is gone, and a labeling function may be busy for hours
        inbox.put(data)
        if not data:
            return


def _answer(data: bytes, lfs: Sequence[Voter], labels: LabelSpace | None, traced: list[int]) -> bytes:
    with pa.ipc.open_stream(data) as stream:
        chunk = Chunk(stream.read_next_batch())
    try:
        return pack_ballot(cast_ballot(lfs, chunk, labels, traced))
    except WeaksupError as error:
        return pack_error(error)
