"""What `weaksup distill` reads: labels, the rows they are of, and true labels."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from weaksup.cli import render
from weaksup.cli.origin import find_corpus
from weaksup.corpus.gold import read_gold
from weaksup.distill.bundle.fields import Fields, learn_fields
from weaksup.errors import UsageError
from weaksup.files import read_table
from weaksup.label_sets import SoftLabelSets
from weaksup.labels import LabelSpace, SoftLabels
from weaksup.pipeline.teaching import keep_out

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Read", "read_labels", "read_settings"]


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """Labels, and the rows [n] that have them: `texts` as the student reads them, `kept_out` to score on.

    `truth` and `clamp` are gold as `Lesson` has it; `made` says what the labels were made from.
    """

    soft: SoftLabels | SoftLabelSets
    texts: list[str]
    fields: Fields | None
    truth: NDArray[np.int16] | None
    clamp: NDArray[np.int16] | None
    kept_out: NDArray[np.bool_]
    made: dict[str, Any]

    @property
    def learned(self) -> bool:
        """Whether the labels were made by gold that is to score: learned from it, or calibrated by it."""
        return self.truth is not None and bool(self.made.get("gold_learned") or self.made.get("calibration"))


def read_labels(
    labels: str,
    corpus: str | None,
    *,
    gold: str | None,
    clamp: str | None,
    text: str | None,
    id_column: str | None,
    fields: tuple[str, ...],
) -> Read:
    """Read the labels in the file `labels`, and their rows from the corpus they came from, or from `corpus`."""
    info = read_table(labels, "weaksup.labels", what="soft labels")[1]
    space = LabelSpace.from_json(info["labels"])
    found = SoftLabelSets.load(labels) if space.multi else SoftLabels.load(labels)
    source = find_corpus(info.get("origin", {}), corpus, text=text, id_column=id_column)
    _check_fields(fields, {"--gold": gold, "--clamp": clamp, "the text": source.choice.text})
    soft, rows = _with_rows(found, source.lookup(None, ["text", *fields]))
    truth, known = (None if name is None else read_gold(source, name, soft.ids, space) for name in (gold, clamp))
    bare = [row["text"] for row in rows]
    kept_out = keep_out(bare, truth, also_learned=clamp == gold)
    if truth is not None and not kept_out.any():
        raise _too_little_gold(truth)
    read = learn_fields(rows, fields) if fields else None
    texts = [read.read(row) for row in rows] if read else bare
    return Read(soft, texts, read, truth, known, kept_out, info.get("lineage") or {})


def _check_fields(fields: tuple[str, ...], taken: Mapping[str, str | None]) -> None:
    for use, column in taken.items():
        if column in fields:
            raise UsageError(f"--field {column}: expected another column than that of {use}; leave it out")


def _with_rows(
    soft: SoftLabels | SoftLabelSets, found: dict[str, dict[str, Any]]
) -> tuple[SoftLabels | SoftLabelSets, list[dict[str, Any]]]:
    """Return the labels whose rows are in the corpus, and the rows."""
    import numpy as np

    at = [i for i, row_id in enumerate(soft.ids) if row_id in found]
    if soft.ids and not at:
        why = "without a column named by --id, ids are made of all columns, so another column makes others"
        raise UsageError(
            f'expected the corpus of these labels, got one without row "{soft.ids[0]}" or any other ({why})'
        )
    if len(at) < len(soft):
        render.note(f"note: {len(soft) - len(at):,} labeled rows are not in the corpus and are left out")
    return soft.take(np.array(at, np.int64)), [found[soft.ids[i]] for i in at]


def _too_little_gold(truth: NDArray[np.int16]) -> UsageError:
    known = int((truth.reshape(len(truth), -1) >= 0).any(axis=1).sum())
    message = f"expected enough true labels to keep some rows for scoring, got {known:,} in {len(truth):,} rows"
    return UsageError(f"--gold: {message}; leave --gold out, or label more rows")


def read_settings(pairs: tuple[str, ...]) -> dict[str, Any]:
    """Read NAME=VALUE: a number or a list where the value is JSON, else text."""
    settings: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name or name in settings:
            raise UsageError(f'--set: expected NAME=VALUE, each name once; got "{pair}"')
        try:
            settings[name] = json.loads(value)
        except ValueError:
            settings[name] = value
    return settings
