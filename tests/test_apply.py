from __future__ import annotations

import json
import random
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import row_texts

from weaksup import LabelSpace, VoteMatrix
from weaksup.apply import Applied, Fault, apply_lfs, apply_to_file
from weaksup.apply.blocks import Blocks
from weaksup.corpus import Chunk, open_corpus
from weaksup.errors import ConfigError, FaultError, UsageError, VoteError
from weaksup.labeling_functions import keywords, labeling_function, lookup, preprocessor
from weaksup.protocols import ChunkVotes
from weaksup.votes import Source, VoteWriter

LABELS = LabelSpace(["HAM", "SPAM"])


@labeling_function
def by_length(x: Any) -> str | None:
    return [None, "HAM", "SPAM"][len(x.text) % 3]


@labeling_function
def by_id(x: Any) -> int:
    return sum(map(ord, x.id)) % 3 - 1


@preprocessor(memo=True)
def first(x: Any) -> dict[str, str]:
    return {"first": x.text[:1]}


@labeling_function(preprocessors=[first])
def by_first(x: Any) -> str | None:
    return "SPAM" if x.first.isalpha() else None


@labeling_function
def picky(x: Any) -> str:
    if sum(map(ord, x.id)) % 5 == 0:
        raise ValueError(f"no {x.id}")
    return "HAM"


def table(texts: Sequence[str], **columns: Any) -> pa.Table:
    ids = pa.array([f"r{i}" for i in range(len(texts))], pa.string())
    return pa.table({"id": ids, "text": pa.array(texts, pa.string()), **columns})


def cells(votes: VoteMatrix) -> dict[tuple[str, str], tuple[int, bool]]:
    """Each vote by row id and labeling function, and whether it was given."""
    asked = np.ones(votes.values.shape, bool) if votes.asked is None else votes.asked
    return {
        (row, name): (int(votes.values[i, j]), bool(asked[i, j]))
        for i, row in enumerate(votes.ids)
        for j, name in enumerate(votes.names)
    }


def quietly(lfs: Sequence[Any], data: Any, **options: Any) -> VoteMatrix:
    """Apply functions of which some may fail, on every row even."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return apply_lfs(lfs, data, max_faults=1, **options)


@labeling_function
def fails(x: Any) -> Any:
    return 1 / 0


LFS: list[Any] = [by_length, by_id, by_first, picky, keywords("a", ["a"], label="SPAM"), fails]


@given(st.lists(row_texts, max_size=20), st.integers(1, 25), st.randoms(use_true_random=False))
def test_votes_follow_ids_for_any_order_of_rows_and_functions_and_any_size_of_chunks(
    texts: list[str], chunk_rows: int, rng: random.Random
) -> None:
    data = table(texts)
    rows, lfs = list(range(len(texts))), list(LFS)
    expected = cells(quietly(lfs, data, labels=LABELS))
    rng.shuffle(rows)
    rng.shuffle(lfs)
    votes = quietly(lfs, data.take(pa.array(rows, pa.int64())), labels=LABELS, chunk_rows=chunk_rows)
    assert cells(votes) == expected
    assert votes.ids == tuple(f"r{i}" for i in rows)
    assert votes.names == tuple(lf.name for lf in lfs)


@pytest.fixture(scope="module")
def corpus_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = random.Random(0)
    path = tmp_path_factory.mktemp("corpus") / "corpus.parquet"
    pq.write_table(table(["".join(rng.choices("ab c1", k=rng.randint(0, 9))) for _ in range(500)]), path)
    return path


@pytest.fixture(scope="module")
def expected(corpus_file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes, Applied]:
    path = tmp_path_factory.mktemp("expected") / "votes.parquet"
    applied = apply_to_file(LFS, open_corpus(str(corpus_file)), path, labels=LABELS, max_faults=1)
    return path.read_bytes(), path.with_suffix(".faults.jsonl").read_bytes(), applied


@pytest.mark.parametrize(("workers", "chunk_rows"), [(1, 1), (1, 77), (2, 20), (2, 8192), (4, 33)])
def test_files_are_the_same_to_the_byte_for_any_number_of_workers_and_size_of_chunks(
    corpus_file: Path, expected: tuple[bytes, bytes, Applied], tmp_path: Path, workers: int, chunk_rows: int
) -> None:
    path = tmp_path / "votes.parquet"
    applied = apply_to_file(
        LFS,
        open_corpus(str(corpus_file)),
        path,
        labels=LABELS,
        workers=workers,
        max_faults=1,
        chunk_rows=chunk_rows,
    )
    assert path.read_bytes() == expected[0]
    assert path.with_suffix(".faults.jsonl").read_bytes() == expected[1]
    assert applied.faults == expected[2].faults
    assert applied.fault_counts == expected[2].fault_counts


def test_a_file_holds_what_apply_lfs_returns_and_where_the_rows_are(
    corpus_file: Path, expected: tuple[bytes, bytes, Applied], tmp_path: Path
) -> None:
    (tmp_path / "votes.parquet").write_bytes(expected[0])
    loaded = VoteMatrix.load(tmp_path / "votes.parquet")
    with pytest.warns(UserWarning) as seen:  # noqa: PT030  (all of them are looked at)
        votes = apply_lfs(LFS, str(corpus_file), labels=LABELS, max_faults=1)
    assert [str(w.message).partition(" failed on")[0] for w in seen] == [
        'labeling function "picky"',
        'labeling function "fails"',
    ]
    assert cells(loaded) == cells(votes)
    assert loaded.origin == votes.origin == json.loads(json.dumps(open_corpus(str(corpus_file)).origin()))
    assert expected[2].rows == 500
    assert expected[2].counts.kept == 500


@given(st.lists(st.integers(0, 9), max_size=40), st.integers(1, 9))
def test_blocks_do_not_depend_on_how_rows_arrive(sizes: list[int], block: int) -> None:
    class Writer:
        def __init__(self) -> None:
            self.blocks: list[Any] = []

        def write(self, ids: Any, values: Any, asked: Any = None) -> None:
            self.blocks.append((list(ids), values.tolist(), None if asked is None else asked.tolist()))

    def written(parts: list[int]) -> list[Any]:
        writer = Writer()
        blocks = Blocks(writer, block)  # type: ignore[arg-type]
        at = 0
        for size in parts:
            rows = np.arange(at, at + size)
            blocks.add([f"r{i}" for i in rows], rows.reshape(-1, 1).astype(np.int16), (rows % 7 != 0).reshape(-1, 1))
            at += size
        blocks.close()
        return writer.blocks

    assert written(sizes) == written([sum(sizes)])
    assert all(len(ids) == block for ids, _, _ in written(sizes)[:-1])


@pytest.mark.parametrize("workers", [1, 2])
def test_faults_are_counted_exactly_and_are_no_abstains(tmp_path: Path, workers: int) -> None:
    @labeling_function
    def fails_on_b(x: Any) -> str:
        if "b" in x.text:
            raise KeyError("b\nc")
        return "HAM"

    texts = ["a" if i % 4 else "b" for i in range(100)]
    path = tmp_path / "votes.parquet"
    with pytest.raises(FaultError) as error:
        apply_to_file(
            [by_length, fails_on_b], open_corpus(table(texts)), path, labels=LABELS, workers=workers, chunk_rows=9
        )
    assert str(error.value) == (
        'labeling function "fails_on_b" failed on 25 of 100 rows (25.00%); first on row "r0": KeyError: \'b\\nc\'; '
        f"allowed are 1.00%; all of them are in {tmp_path / 'votes.faults.jsonl'}"
    )
    applied = error.value.applied
    assert isinstance(applied, Applied)
    assert applied.fault_counts == {"by_length": 0, "fails_on_b": 25}
    assert [f.row_id for f in applied.faults] == [f"r{i}" for i in range(0, 100, 4)]
    votes = VoteMatrix.load(path)
    assert votes.asked is not None
    assert (~votes.asked).sum(axis=0).tolist() == [0, 25]
    assert votes.values[:, 1].tolist() == [0 if i % 4 else -1 for i in range(100)]
    lines = [
        json.loads(line) for line in path.with_suffix(".faults.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    ]
    assert [Fault(**line) for line in lines] == list(applied.faults)
    traces = [f.traceback for f in applied.faults]
    assert all("in fails_on_b" in trace and "base.py" not in trace for trace in traces[:20])
    assert traces[20:] == [""] * 5


def test_faults_of_an_earlier_run_are_removed(tmp_path: Path) -> None:
    path, stale = tmp_path / "votes.parquet", tmp_path / "votes.faults.jsonl"
    stale.write_text("old", encoding="utf-8")
    applied = apply_to_file([by_length], open_corpus(table(["a"])), path, labels=LABELS)
    assert not stale.exists()
    assert (applied.faults, applied.votes, applied.labels) == ((), None, LABELS)


def test_a_share_of_faults_at_the_limit_is_allowed_and_warned_of() -> None:
    one = labeling_function(name="one")(lambda x: "HAM" if x.id != "r7" else {}[x.id])
    data = table(["a"] * 100)
    with pytest.warns(
        UserWarning, match=r'"one" failed on 1 of 100 rows \(1.00%\); first on row "r7": KeyError'
    ) as seen:
        votes = apply_lfs([one, by_length], data, labels=LABELS, max_faults=0.01)
    assert len(seen) == 1
    assert seen[0].filename == __file__
    assert votes.asked is not None
    assert not votes.asked[7, 0]
    with pytest.raises(FaultError, match=r"allowed are 0.99%") as error:
        apply_lfs([one, by_length], data, labels=LABELS, max_faults=0.0099)
    assert isinstance(error.value.applied, Applied)
    assert isinstance(error.value.applied.votes, VoteMatrix)


def test_the_worst_of_several_failing_functions_is_named() -> None:
    half = labeling_function(name="half")(lambda x: "HAM" if x.id == "r0" else 1 / 0)
    with pytest.raises(FaultError, match=r'"fails" failed on 2 of 2 rows.*; so did 1 more; allowed'):
        apply_lfs([half, fails], table(["a", "b"]), labels=LABELS)


def test_an_error_that_cannot_be_shown_is_still_a_fault() -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    @labeling_function
    def mute(x: Any) -> str:
        raise MuteError

    with pytest.warns(UserWarning, match="MuteError"):
        apply_lfs([mute], table(["a"]), labels=LABELS, max_faults=1)


INVALID: list[object] = [
    7, 2, -2, -5, 10**9, 0.7, 1.0, 0.0, -1.0, float("nan"), True, False, "1", "spam", "", b"SPAM", ["SPAM"], ("HAM",),
    {}, np.float32(1), np.int64(-7), np.bool_(True), object(),
]  # fmt: skip


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("value", INVALID, ids=[f"{type(v).__name__}{i}" for i, v in enumerate(INVALID)])
def test_a_value_that_is_no_label_stops_the_run_with_function_and_row(
    tmp_path: Path, value: object, workers: int
) -> None:
    odd = labeling_function(name="odd")(lambda x: value if x.id in ("r7", "r3") else None)
    path = tmp_path / "votes.parquet"
    for chunk_rows in (2, 100):
        with pytest.raises(VoteError, match=r'"odd", row "r3": expected one of HAM, SPAM, an index 0 to 1, .*, got '):
            apply_to_file(
                [by_length, odd],
                open_corpus(table(["a"] * 10)),
                path,
                labels=LABELS,
                workers=workers,
                chunk_rows=chunk_rows,
            )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("vote", ["SPAM", 1, np.int64(1), np.str_("SPAM"), np.int8(1)])
def test_every_spelling_of_a_label_is_the_same_vote(vote: object) -> None:
    assert np.asarray(apply_lfs([labeling_function(name="v")(lambda x: vote)], table(["a"]), labels=LABELS)) == [[1]]


def test_a_function_that_tries_to_change_a_row_changes_nothing() -> None:
    @labeling_function
    def vandal(x: Any) -> None:
        for change in (
            lambda: setattr(x, "text", "free"),
            lambda: setattr(x, "new", 1),
            lambda: x.__setitem__("text", "free"),
            lambda: x.tags.append("free"),
            lambda: delattr(x, "text"),
        ):
            with pytest.raises((AttributeError, TypeError)):
                change()

    @labeling_function
    def witness(x: Any) -> str | None:
        return "SPAM" if "free" in x.text or "free" in x.tags or hasattr(x, "new") else "HAM"

    data = table(["a", "b"], tags=pa.array([["x"], []]))
    assert np.asarray(apply_lfs([vandal, witness], data, labels=LABELS)).tolist() == [[-1, 0], [-1, 0]]


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("chunk_rows", [1, 3, 100])
def test_without_labels_the_names_voted_are_found_and_sorted(workers: int, chunk_rows: int) -> None:
    lf = labeling_function(name="f")(lambda x: x.text or None)
    data = table(["pear", "", "apple", "pear", "fig"])
    votes = apply_lfs([lf], data, workers=workers, chunk_rows=chunk_rows)
    assert votes.labels == LabelSpace(["apple", "fig", "pear"])
    assert votes.values[:, 0].tolist() == [2, -1, 0, 2, 1]


@pytest.mark.parametrize("workers", [1, 2])
def test_without_labels_indices_stand_for_themselves(tmp_path: Path, workers: int) -> None:
    lf = labeling_function(name="f")(lambda x: int(x.text))
    data = table(["0", "-1", "3"])
    votes = apply_lfs([lf], data, workers=workers, chunk_rows=1)
    assert votes.labels.names == ("0", "1", "2", "3")
    assert votes.values[:, 0].tolist() == [0, -1, 3]
    path = tmp_path / "votes.parquet"
    apply_to_file([lf], open_corpus(data), path, labels=None, workers=workers, chunk_rows=1)
    assert VoteMatrix.load(path).labels == votes.labels
    assert np.array_equal(np.asarray(VoteMatrix.load(path)), np.asarray(votes))


def test_without_labels_what_has_no_clear_meaning_is_refused(tmp_path: Path) -> None:
    name, index = labeling_function(name="n")(lambda x: "SPAM"), labeling_function(name="i")(lambda x: 1)
    with pytest.raises(VoteError, match=r'mix label names \("SPAM"\) and class indices \(up to 1\)'):
        apply_lfs([name, index], table(["a"]))
    with pytest.raises(VoteError, match='the only label voted is "SPAM": give labels='):
        apply_lfs([name], table(["a"]))
    with pytest.raises(VoteError, match=r'"half", row "r0": expected a label name, .* got 0.5'):
        apply_lfs([labeling_function(name="half")(lambda x: 0.5)], table(["a"]))
    for lf in (name, keywords("k", ["a"], label="SPAM")):
        with pytest.raises(ConfigError, match='the vote "SPAM" has no label space; write LABELS ='):
            apply_to_file([lf], open_corpus(table(["a"])), tmp_path / "votes.parquet", labels=None)
    assert list(tmp_path.iterdir()) == []


def test_a_label_space_that_functions_declare_is_used() -> None:
    declared = labeling_function(name="d", labels=LabelSpace(["SPAM", "HAM"]))(lambda x: "HAM")
    assert apply_lfs([declared, by_length], table(["a"])).labels.names == ("SPAM", "HAM")
    with pytest.raises(UsageError, match=r"declare \(SPAM, HAM\) and \(HAM, SPAM\)"):
        apply_lfs([declared, labeling_function(name="e", labels=LABELS)(lambda x: 1)], table(["a"]))


def test_labels_of_declarative_functions_count_even_where_nothing_matches() -> None:
    lfs = [keywords("k", ["x"], label="SPAM"), lookup("l", {"de": "HAM"}, field="lang")]
    votes = apply_lfs(lfs, table(["a"], lang=["en"]))
    assert (votes.labels.names, votes.values.tolist()) == (("HAM", "SPAM"), [[-1, -1]])


@pytest.mark.parametrize("workers", [1, 2])
def test_an_empty_corpus_gives_an_empty_matrix_and_file(tmp_path: Path, workers: int) -> None:
    votes = apply_lfs(LFS, table([]), workers=workers)
    assert np.asarray(votes).shape == (0, 6)
    path = tmp_path / "votes.parquet"
    applied = apply_to_file(LFS, open_corpus(table([])), path, labels=LABELS, workers=workers)
    assert (applied.rows, len(VoteMatrix.load(path))) == (0, 0)


def test_any_table_may_be_given_and_its_columns_named() -> None:
    frame = pd.DataFrame({"body": ["a", "bb"], "key": [7, 8]}, index=[5, 5])
    votes = apply_lfs([by_length], frame, labels=LABELS, text="body", id="key")
    assert (votes.ids, votes.values[:, 0].tolist()) == (("7", "8"), [0, 1])
    assert apply_lfs([by_length], open_corpus(frame, text="body"), labels=LABELS).values[:, 0].tolist() == [0, 1]


def test_progress_tells_the_rows_done_and_rejects_are_passed_on(tmp_path: Path) -> None:
    seen: list[int] = []
    rows = [{"text": "a"}, {"text": None}, {"text": "b"}, {"text": "c"}]
    path = tmp_path / "votes.parquet"
    applied = apply_to_file(
        [by_length], open_corpus(rows), path, labels=LABELS, progress=seen.append, chunk_rows=1, origin={"made": "here"}
    )
    assert seen == [1, 2, 3]
    assert (applied.counts.read, applied.counts.kept, len(applied.rejects)) == (4, 3, 1)
    assert VoteMatrix.load(path).origin == {"made": "here"}


def test_rows_that_are_left_out_are_warned_of() -> None:
    data = [{"id": 1, "text": "a"}, {"id": 2, "text": None}, {"id": 1, "text": "a"}]
    with pytest.warns(
        UserWarning, match="votes cover 1 of 3 rows: 1 could not be used, 1 repeat.*text is null"
    ) as seen:
        votes = apply_lfs([by_length], data, labels=LABELS)
    assert (votes.ids, seen[0].filename) == (("1",), __file__)


class Foreign:
    """A voter that is none of weaksup's own."""

    def __init__(self, codes: Any) -> None:
        self.name, self.codes = "foreign", codes

    def vote(self, chunk: Chunk, labels: LabelSpace) -> ChunkVotes:
        if self.codes is None:
            raise RuntimeError("no model")
        return ChunkVotes(np.array(self.codes, np.int16))


def test_voters_of_other_people_are_held_to_the_same_rules() -> None:
    data = table(["a", "b"])
    assert apply_lfs([Foreign([1, -1])], data, labels=LABELS).values[:, 0].tolist() == [1, -1]
    with pytest.raises(VoteError, match=r'"foreign", row "r1": .* got 2'):
        apply_lfs([Foreign([0, 2])], data, labels=LABELS)
    with pytest.raises(UsageError, match='"foreign": expected 2 votes, got 1'):
        apply_lfs([Foreign([0])], data, labels=LABELS)
    with pytest.raises(FaultError, match=r"failed on 2 of 2 rows.*RuntimeError: no model"):
        apply_lfs([Foreign(None)], data, labels=LABELS)


def test_what_cannot_be_run_is_refused_before_any_row() -> None:
    data = table(["a"])
    with pytest.raises(UsageError, match="expected at least one labeling function"):
        apply_lfs([], data)
    with pytest.raises(UsageError, match="workers: expected a whole number of at least 1, got 0"):
        apply_lfs([by_id], data, workers=0)
    with pytest.raises(UsageError, match="max_faults: expected a share from 0 to 1, got 2"):
        apply_lfs([by_id], data, max_faults=2)
    with pytest.raises(UsageError, match=r"labels: expected a LabelSpace, got \['HAM', 'SPAM'\]; write"):
        apply_lfs([by_id], data, labels=["HAM", "SPAM"])  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="expected a list of labeling functions, got one"):
        apply_lfs(by_id, data)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match='two labeling functions are named "by_id"'):
        apply_lfs([by_id, by_id], data)
    with pytest.raises(VoteError, match="got 'EGGS'"):
        apply_lfs([keywords("k", ["a"], label="EGGS")], table([]), labels=LABELS)


def test_votes_written_in_blocks_are_those_of_one_write(tmp_path: Path) -> None:
    sources = [Source("a")]
    with VoteWriter(tmp_path / "v.parquet", sources, LABELS) as writer:
        blocks = Blocks(writer, rows=2)
        blocks.add(["x", "y", "z"], np.array([[0], [1], [-1]], np.int16), np.array([[True], [True], [False]]))
        blocks.close()
    votes = VoteMatrix.load(tmp_path / "v.parquet")
    assert votes.ids == ("x", "y", "z")
    assert votes.asked is not None
    assert votes.asked[:, 0].tolist() == [True, True, False]
