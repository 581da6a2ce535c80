from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from weaksup import LabelSpace
from weaksup.apply import apply_lfs, apply_to_file, run, workers
from weaksup.apply.ballot import Ballot, Slip, pack_ballot, pack_error, unpack_ballot
from weaksup.corpus import Chunk, open_corpus
from weaksup.errors import UsageError, VoteError
from weaksup.labeling_functions import keywords, labeling_function, lookup

LABELS = LabelSpace(["HAM", "SPAM"])


def rows(n: int) -> list[dict[str, str]]:
    return [{"id": f"r{i}", "text": f"text {i}"} for i in range(n)]


def test_ballots_and_errors_travel_as_bytes() -> None:
    codes = np.array([[0, -1], [1, 1]], np.int16)
    ballot = Ballot(codes, (Slip(1, 0, "KeyError: '\ud800'", "trace"),), ("HAM",), -1)
    back = unpack_ballot(pack_ballot(ballot))
    assert np.array_equal(back.codes, codes)
    assert (back.slips, back.names, back.top) == (ballot.slips, ballot.names, ballot.top)
    with pytest.raises(VoteError, match="no label"):
        unpack_ballot(pack_error(VoteError("no label")))


def test_a_worker_answers_each_chunk_in_turn_until_the_end() -> None:
    near, far = multiprocessing.Pipe()
    lf = labeling_function(name="f")(lambda x: "SPAM" if x.text == "a" else "EGGS" if x.text == "!" else None)
    worker = threading.Thread(target=workers.serve, args=(far, [lf], LABELS))
    worker.start()
    for texts in (["a", "b"], ["!"]):
        batch = pa.RecordBatch.from_pydict({"id": texts, "text": texts})
        near.send_bytes(workers._chunk_bytes(Chunk(batch)))
    assert unpack_ballot(near.recv_bytes()).codes.tolist() == [[1], [-1]]
    with pytest.raises(VoteError, match="'EGGS'"):
        unpack_ballot(near.recv_bytes())
    near.send_bytes(b"")
    worker.join()
    near.close()
    far.close()


def test_closures_and_resources_work_in_workers_and_run_there() -> None:
    pids: set[int] = set()
    here = os.getpid()

    @labeling_function(resources={"words": {"text 3"}})
    def closure(x: Any, words: set[str]) -> str:
        pids.add(os.getpid())
        return "SPAM" if os.getpid() != here and x.text in words else "HAM"

    votes = apply_lfs([closure], rows(10), labels=LABELS, workers=2, chunk_rows=3)
    assert np.asarray(votes)[:, 0].tolist() == [1 if i == 3 else 0 for i in range(10)]
    assert not pids
    assert multiprocessing.active_children() == []


def test_answers_larger_than_a_pipe_holds_do_not_block() -> None:
    lfs = [labeling_function(name=f"f{j}")(lambda x: "HAM") for j in range(40)]
    data = pa.table({"id": [f"r{i}" for i in range(12_000)], "text": ["x" * 100] * 12_000})
    votes = apply_lfs(lfs, data, labels=LABELS, workers=2, chunk_rows=4_000)
    assert not np.asarray(votes).any()


@pytest.mark.parametrize(
    ("end", "how"),
    [(lambda: os._exit(3), "exit code 3"), (lambda: os.kill(os.getpid(), signal.SIGKILL), "killed by SIGKILL")],
)
def test_a_worker_that_dies_gives_one_error_with_its_rows(tmp_path: Path, end: Any, how: str) -> None:
    here = os.getpid()

    @labeling_function
    def deadly(x: Any) -> str:
        if x.id == "r13" and os.getpid() != here:
            end()
        return "HAM"

    with pytest.raises(
        UsageError, match=rf'\({how}\) on rows "r10" to "r14" \(5 rows\).*run these rows with workers=1'
    ):
        apply_to_file([deadly], open_corpus(rows(200)), tmp_path / "v.parquet", labels=LABELS, workers=2, chunk_rows=5)
    assert list(tmp_path.iterdir()) == []
    assert multiprocessing.active_children() == []


def test_errors_of_the_caller_travel_from_workers() -> None:
    with pytest.raises(UsageError, match='expected a column "lang"'):
        apply_lfs([lookup("l", {"a": 0}, field="lang")], rows(3), labels=LABELS, workers=2)


def test_an_interruption_ends_all_workers(tmp_path: Path) -> None:
    def stop(done: int) -> None:
        raise KeyboardInterrupt

    corpus = open_corpus(rows(100))
    with pytest.raises(KeyboardInterrupt):
        apply_to_file(
            [keywords("k", ["text"], label="HAM")],
            corpus,
            tmp_path / "v.parquet",
            labels=LABELS,
            workers=2,
            progress=stop,
            chunk_rows=5,
        )
    assert multiprocessing.active_children() == []
    assert list(tmp_path.iterdir()) == []


SLOW = """
import os
from weaksup import LabelSpace
from weaksup.apply import apply_lfs
from weaksup.labeling_functions import labeling_function

@labeling_function
def endless(x):
    os.write(1, b"at work\\n")
    while True:
        pass

apply_lfs([endless], [{"text": str(i)} for i in range(10)], labels=LabelSpace(["A", "B"]), workers=2, chunk_rows=1)
"""


@pytest.mark.parametrize("how", ["Ctrl-C", "kill -9"])
def test_no_worker_outlives_its_parent_even_within_an_endless_function(how: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SLOW], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"at work\n"
            os.killpg(process.pid, signal.SIGINT) if how == "Ctrl-C" else process.kill()
            process.communicate(timeout=120)  # returns when the last process that holds the pipes is gone
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        assert process.returncode == (-signal.SIGINT if how == "Ctrl-C" else -signal.SIGKILL)


def test_where_fork_is_missing_one_process_does_the_work_and_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(run, "can_fork", lambda: False)
    here = os.getpid()
    lf = labeling_function(name="f")(lambda x: "SPAM" if os.getpid() == here else "HAM")
    path = tmp_path / "v.parquet"
    applied = apply_to_file([lf], open_corpus(rows(3)), path, labels=LABELS, workers=2)
    assert applied.notes[-1] == "this system cannot fork: one process did all the work"
    assert np.asarray(apply_lfs([lf], rows(3), labels=LABELS, workers=2)).tolist() == [[1], [1], [1]]


def test_the_warning_of_newer_pythons_about_fork_is_kept_from_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    fork = os.fork

    def warning_fork() -> int:
        warnings.warn("This process is multi-threaded, use of fork() may lead to deadlocks", DeprecationWarning, 2)
        return fork()

    monkeypatch.setattr(os, "fork", warning_fork)
    votes = apply_lfs([labeling_function(name="f")(lambda x: 1)], rows(3), labels=LABELS, workers=2)
    assert np.asarray(votes).tolist() == [[1], [1], [1]]
