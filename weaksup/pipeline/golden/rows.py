"""The golden set: rows whose true label is known. What is scored sees the rows; the labels stay here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weaksup.corpus import Corpus, Row, Scan, open_corpus
from weaksup.corpus.log import list_names
from weaksup.errors import UsageError
from weaksup.labels import LabelSpace, encode_gold
from weaksup.pipeline.stamps import digest_of
from weaksup.project import Project

__all__ = ["GoldenSet", "read_golden"]


@dataclass(frozen=True, eq=False)
class GoldenSet:
    """`corpus` has the n rows without their labels, by id; so are `ids` [n] and `gold` int64 [n], a class index each.

    `notes` say what a reader should know of the file: rows without a label, texts that repeat.
    """

    corpus: Corpus
    ids: tuple[str, ...]
    gold: NDArray[np.int64]
    labels: LabelSpace
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def rows(self) -> list[Row]:
        """The rows as prompts and labeling functions see them, [n]."""
        return [row for chunk in self.corpus.scan() for row in chunk.rows]

    @cached_property
    def digest(self) -> str:
        """A hash of ids, rows and labels; neither their order nor the kind of the file matters."""
        names = self.labels.names
        shown = [(row["id"], names[c], row.as_dict()) for row, c in zip(self.rows, self.gold.tolist(), strict=True)]
        return digest_of(shown)


def read_golden(
    project: Project,
    path: str | Path,
    labels: LabelSpace,
    *,
    label: str,
    id: str | None,  # noqa: A002
) -> GoldenSet:
    """Read a file of rows with their true labels in the column `label`; the text column is that of the project.

    Rows without a label are left out. Raise UsageError, in one line, where a row cannot be used, a label is none of the
    label space, or one row is there twice with two labels.
    """
    source = open_corpus(path, text=project.corpus.text, id=id, encoding=project.corpus.encoding)
    _check_column(path, label, source, id)
    found = source.lookup(None, [label])
    scan = source.scan()
    batches = [chunk.batch for chunk in scan]
    _check_read(path, scan)
    table = pa.Table.from_batches(batches)
    ids = table.column("id").to_pylist()
    gold = _encode(path, label, [found[i][label] for i in ids], labels)
    known = np.flatnonzero(gold >= 0).tolist()
    order = np.array(sorted(known, key=ids.__getitem__), np.int64)  # the file's must not matter
    told = {label, project.corpus.gold} - {"id", "text"}
    shown = table.drop_columns([name for name in table.column_names if name in told]).take(pa.array(order))
    kept = tuple(ids[i] for i in order.tolist())
    golden = GoldenSet(open_corpus(shown, id="id"), kept, gold[order], labels, _notes(scan, len(ids) - len(kept)))
    return _checked_for_repeats(golden, path)


def _check_column(path: str | Path, label: str, source: Corpus, row_id: str | None) -> None:
    if label in ("id", "text", source.choice.text, row_id):
        raise UsageError(f'{path}: expected a column of true labels, got "{label}", the id or the text; name another')
    if label not in source.columns:
        there = list_names(source.columns)
        raise UsageError(f'{path}: expected a column "{label}" of true labels, got {there}; name it with --label')


def _encode(path: str | Path, label: str, values: list[object], labels: LabelSpace) -> NDArray[np.int64]:
    try:
        gold = encode_gold(values, labels, column=label).astype(np.int64)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
    if not (gold >= 0).any():
        raise UsageError(f'{path}: expected true labels in the column "{label}", got none: it is empty for all rows')
    return gold


def _check_read(path: str | Path, scan: Scan) -> None:
    """Refuse a file of which a row cannot be used: what is left out of a golden set, nobody would miss."""
    counts = scan.counts
    if counts.rejected:
        bad = f"{counts.rejected:,} of {counts.read:,} rows cannot be used; the first: {scan.rejects[0]}"
        raise UsageError(f"golden set: {bad}; mend the file")
    if not counts.kept:
        raise UsageError(f"{path}: expected rows with their true labels, got none")


def _notes(scan: Scan, unlabeled: int) -> tuple[str, ...]:
    notes = list(scan.notes)
    notes += [f"rows without a label, left out: {unlabeled:,}"] if unlabeled else []
    notes += [f"rows repeated, counted once: {scan.counts.duplicates:,}"] if scan.counts.duplicates else []
    return tuple(notes)


def _checked_for_repeats(golden: GoldenSet, path: str | Path) -> GoldenSet:
    """Refuse rows that are alike but for their label: one of the two would always be wrong."""
    first: dict[str, int] = {}
    for i, row in enumerate(golden.rows):
        j = first.setdefault(digest_of({**row.as_dict(), "id": ""}), i)
        if golden.gold[i] != golden.gold[j]:
            one, other = (f'"{golden.labels.names[golden.gold[k]]}" (row {_short(golden.ids, k)})' for k in (j, i))
            raise UsageError(f"{path}: expected one label for each text, got {one} and {other}; keep the right one")
    more = len(golden) - len({row["text"] for row in golden.rows})
    note = f"rows with the text of another: {more:,}, so the intervals are a little too narrow"
    if not more:
        return golden
    return GoldenSet(golden.corpus, golden.ids, golden.gold, golden.labels, (*golden.notes, note))


def _short(ids: Sequence[str], k: int) -> Any:
    return ids[k] if len(ids[k]) <= 40 else ids[k][:37] + "..."
