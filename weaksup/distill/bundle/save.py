"""Pack a student into a folder: model.onnx, labels.json, metrics.json, manifest.json, a model card, what else is known.

The same student and metrics give the same bytes. `predict.load_bundle` reads it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import weaksup
from weaksup.distill.bundle.fields import FIELDS, Fields
from weaksup.distill.bundle.folder import check_folder, write_folder
from weaksup.distill.bundle.seal import MANIFEST, Json, is_bundle, make_manifest, to_bytes
from weaksup.distill.card.facts import Facts
from weaksup.distill.card.write import draw_card

if TYPE_CHECKING:
    from weaksup.distill.student import Student

__all__ = ["check_target", "save_bundle"]


def save_bundle(
    student: Student,
    path: str | Path,
    *,
    metrics: Mapping[str, Any] | None = None,
    lineage: Mapping[str, Any] | None = None,
    calibration: Mapping[str, Any] | None = None,
    thresholds: Mapping[str, Any] | None = None,
    fields: Fields | None = None,
    reference: Mapping[str, Any] | None = None,
) -> Path:
    """Write the bundle of a student to the folder `path`, whole or not at all; an older bundle there is replaced.

    README.md is its model card, with pictures where the student was scored.

    `fields` says what a row is read by beside its text, `reference` what later corpora are held against (see `drift`).

    `metrics`, `lineage` (what the labels were made from), `calibration` (see `calibrating`) and `thresholds` (see
    `selective`) are JSON; the last two are files only where they are given. Raises UsageError where `path` is something
    else than a bundle or an empty folder, DiskError where it cannot be written.
    """
    files = {
        **student.files(),
        "labels.json": to_bytes(student.labels.to_json()),
        "metrics.json": to_bytes(metrics or {}),
    }
    more = {
        "calibration.json": calibration,
        "thresholds.json": thresholds,
        "reference.json": reference,
        FIELDS: fields.to_json() if fields else None,
    }
    files.update({name: to_bytes(data) for name, data in more.items() if data is not None})
    info = {
        "kind": student.kind,
        "training": student.training,
        "lineage": dict(lineage or {}),
        "weaksup": weaksup.__version__,
    }
    files.update(_card(student, files, info, fields))
    target = check_target(path)
    write_folder(target, {**files, MANIFEST: make_manifest(files, info)})
    return target


def check_target(path: str | Path) -> Path:
    """Return the folder; raise UsageError where something is there that a bundle may not replace."""
    return check_folder(Path(path), is_older=is_bundle, what="the bundle", older="a bundle to replace")


def _card(student: Student, files: Mapping[str, bytes], info: Json, fields: Fields | None) -> dict[str, bytes]:
    """Return the model card and its pictures, from what is packed: an export draws it from that again."""

    def read(name: str) -> Any:
        return json.loads(files[name]) if name in files else None

    facts = Facts(
        kind=student.kind,
        labels=student.labels.to_json(),
        training=info["training"],
        version=weaksup.__version__,
        lineage=info["lineage"],
        metrics=read("metrics.json"),
        calibration=read("calibration.json"),
        thresholds=read("thresholds.json"),
        fields=fields.names if fields else (),
    )
    return draw_card(facts)
