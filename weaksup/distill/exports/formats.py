"""The forms that a bundle can be exported in, by name; each is read from the sealed bundle alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weaksup.distill.bundle.fields import FIELDS
from weaksup.distill.bundle.seal import MODEL, bad_bundle
from weaksup.distill.card.facts import Facts
from weaksup.distill.card.write import draw_card
from weaksup.distill.exports import standalone
from weaksup.distill.exports.hugging_face import config_of, header_of
from weaksup.distill.exports.tensors import to_tensors
from weaksup.distill.exports.usage import HUGGING_FACE, NUMPY
from weaksup.errors import UsageError
from weaksup.labels import LabelSpace

__all__ = ["FORMATS", "TENSORS", "Opened"]

TENSORS = "model.safetensors"
SCRIPT = "predict.py"
_ABOUT = {"labels.json", "metrics.json", "calibration.json", "thresholds.json", "reference.json"}


@dataclass(frozen=True, slots=True)
class Opened:
    """A bundle that was checked: its manifest, the content of its files, and where it lies, for error messages."""

    folder: Path
    manifest: Mapping[str, Any]
    files: Mapping[str, bytes]

    @property
    def kind(self) -> str:
        """The kind of the student."""
        return str(self.manifest["kind"])

    @property
    def seal(self) -> str:
        """What tells this bundle from all others."""
        return str(self.manifest["seal"])

    def read(self, name: str) -> Any:
        """Return the JSON of a file; `None` where there is no such file."""
        return json.loads(self.files[name]) if name in self.files else None

    @property
    def labels(self) -> LabelSpace:
        """The label space."""
        return LabelSpace.from_json({"descriptions": (), "guideline": "", "version": "1", **self.read("labels.json")})

    @property
    def facts(self) -> Facts:
        """What a card tells."""
        fields = (self.read(FIELDS) or {}).get("fields", [])
        return Facts(
            kind=self.kind,
            labels=self.labels.to_json(),
            training=self.manifest.get("training", {}),
            version=str(self.manifest.get("weaksup", "")),
            lineage=self.manifest.get("lineage", {}),
            metrics=self.read("metrics.json"),
            calibration=self.read("calibration.json"),
            thresholds=self.read("thresholds.json"),
            fields=tuple(field["name"] for field in fields),
        )

    @property
    def running(self) -> dict[str, bytes]:
        """The files that the model needs to run, with its labels."""
        beside = {"labels.json", *(name for name in self.files if name not in _ABOUT)}
        return {name: self.files[name] for name in sorted(beside) if not name.endswith((".md", ".svg"))}


def to_onnx_folder(bundle: Opened) -> dict[str, bytes]:
    """Return the model file, and what it needs beside it."""
    return bundle.running


def to_safetensors(bundle: Opened) -> dict[str, bytes]:
    """Return weights and vocabulary in one file."""
    return {TENSORS: _tensors(bundle)}


def to_numpy_folder(bundle: Opened) -> dict[str, bytes]:
    """Return weights, and one Python file that reads them with numpy alone."""
    return {**_standing_alone(bundle), **draw_card(bundle.facts, usage=NUMPY)}


def to_hugging_face(bundle: Opened) -> dict[str, bytes]:
    """Return a folder as the Hugging Face Hub has it."""
    card = draw_card(bundle.facts, usage=HUGGING_FACE, header=header_of(bundle.facts))
    return {**_standing_alone(bundle), "config.json": config_of(bundle.labels, bundle.facts, bundle.seal), **card}


FORMATS: dict[str, Callable[[Opened], dict[str, bytes]]] = {
    "onnx": to_onnx_folder,
    "safetensors": to_safetensors,
    "sklearn-free": to_numpy_folder,
    "hf": to_hugging_face,
}


def _standing_alone(bundle: Opened) -> dict[str, bytes]:
    script = Path(standalone.__file__).read_bytes()
    return {TENSORS: _tensors(bundle), SCRIPT: script, "labels.json": bundle.files["labels.json"]}


def _tensors(bundle: Opened) -> bytes:
    from weaksup.distill.linear.read_graph import read_graph

    if bundle.kind != "linear":
        raise UsageError(
            f'expected a bundle of kind "linear" for this format, got "{bundle.kind}" in {bundle.folder}; '
            "--format onnx takes every kind"
        )
    try:
        file = read_graph(bundle.files[MODEL], bundle.labels)
    except UsageError as error:
        raise bad_bundle(bundle.folder, str(error)) from None
    about = {"labels": json.dumps(bundle.labels.to_json(), ensure_ascii=True, sort_keys=True), "bundle": bundle.seal}
    fields = bundle.read(FIELDS)
    return to_tensors(file, about if fields is None else {**about, "fields": json.dumps(fields["fields"])})
