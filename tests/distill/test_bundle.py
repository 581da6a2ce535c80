"""A bundle is what was packed, to the byte, or it is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from distill.scored import score
from distill.toy import make_corpus

from weaksup.distill import Student, load_bundle, save_bundle
from weaksup.distill.bundle.graph_check import find_fault
from weaksup.distill.bundle.seal import make_manifest, to_bytes
from weaksup.errors import UsageError


@pytest.fixture
def scored(student: Student, tmp_path: Path) -> Path:
    """A bundle with all that is packed beside a student that was scored."""
    card = score(student, *make_corpus(120, seed=3))
    more = {"metrics": card.metrics, "calibration": card.calibration, "thresholds": card.thresholds}
    return save_bundle(card.student, tmp_path / "scored", **more)  # type: ignore[arg-type]


def reseal(folder: Path, change: Callable[[dict[str, Any]], None] = lambda _: None) -> None:
    """Write a manifest that fits the files, as somebody with bad intentions would."""
    files = {p.name: p.read_bytes() for p in sorted(folder.iterdir()) if p.name != "manifest.json"}
    manifest = json.loads(make_manifest(files, {"kind": "linear"}))
    del manifest["seal"]
    change(manifest)
    manifest["seal"] = sha256(to_bytes(manifest)).hexdigest()
    (folder / "manifest.json").write_bytes(to_bytes(manifest))


def refused(folder: Path, expected: str = "is refused") -> None:
    with pytest.raises(UsageError, match=".") as told:
        load_bundle(folder)
    assert expected in str(told.value)
    assert "\n" not in str(told.value)


def test_what_was_saved_is_loaded(student: Student, bundle: Path) -> None:
    names = ["README.md", "labels.json", "manifest.json", "metrics.json", "model.onnx"]
    assert sorted(p.name for p in bundle.iterdir()) == names
    for path in (bundle, str(bundle), bundle / "model.onnx"):
        model = load_bundle(path)
        assert model.classes == model.classes_ == student.classes
        assert model.labels["descriptions"] == ["money", "broken", "a question"]
        assert model.metrics == {"accuracy": 0.5}
        assert model.manifest["training"] == student.training


def test_the_same_student_gives_the_same_bytes(student: Student, bundle: Path, tmp_path: Path) -> None:
    again = save_bundle(student, tmp_path / "again", metrics={"accuracy": 0.5})
    for path in bundle.iterdir():
        assert path.read_bytes() == (again / path.name).read_bytes()


FLIPS = 400  # over all files of a bundle


def test_every_flipped_bit_is_noticed(scored: Path) -> None:
    rng, copy = np.random.default_rng(0), scored
    files = sorted(copy.iterdir())
    pictures = ["labels.svg", "reliability.svg", "selective.svg"]
    assert {"README.md", "thresholds.json", "calibration.json", *pictures} <= {path.name for path in files}
    for path in files:
        whole = path.read_bytes()
        for _ in range(-(-FLIPS // len(files))):
            data = bytearray(whole)
            data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
            path.write_bytes(data)
            refused(copy)
        for cut in (b"", whole[:-1], whole + b"\n", whole[: len(whole) // 2]):
            path.write_bytes(cut)
            refused(copy)
        path.write_bytes(whole)
    load_bundle(copy)


def test_missing_unknown_and_linked_files_are_refused(copy: Path, tmp_path: Path) -> None:
    (copy / "notes.txt").write_text("hello")
    refused(copy, "does not know 'notes.txt'")
    (copy / "notes.txt").unlink()
    (copy / "folder").mkdir()
    refused(copy, "does not know 'folder'")
    (copy / "folder").rmdir()
    whole = copy / "labels.json"
    whole.rename(tmp_path / "labels.json")
    refused(copy, "labels.json is missing")
    whole.symlink_to(tmp_path / "labels.json")
    refused(copy, "cannot read labels.json")
    whole.unlink()
    whole.mkdir()
    refused(copy, "labels.json is no plain file")
    whole.rmdir()
    os.mkfifo(whole)
    refused(copy, "labels.json is no plain file")


def test_what_is_no_bundle_is_told_apart(tmp_path: Path, copy: Path) -> None:
    refused(tmp_path / "nowhere", "there is no folder")
    refused(tmp_path, "which has no manifest.json")
    (copy / "manifest.json").write_text("[" * 100_000)
    refused(copy, "manifest.json is not what was packed")
    (copy / "manifest.json").write_text("[]")
    refused(copy, "manifest.json is not what was packed")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda m: m.update(format="weaksup student 2"), "update weaksup"),
        (lambda m: m["files"].pop("metrics.json"), "expected manifest.json to list"),
        (lambda m: m.update(files=[]), "expected manifest.json to list"),
        (lambda m: m["files"].update({"../labels.json": {}}), "by plain names"),
        (lambda m: m["files"].update({"more.json": {"bytes": 1, "sha256": ""}}), "more.json is missing"),
        (lambda m: m["files"].update({"labels.json": None}), "labels.json is not what was packed"),
    ],
)
def test_a_manifest_that_asks_for_more_is_refused(copy: Path, change: Callable[..., None], expected: str) -> None:
    reseal(copy, change)
    refused(copy, expected)


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("labels.json", b"{}", "label names"),
        ("labels.json", b"[" * 100_000, "a JSON object in labels.json"),
        ("labels.json", b'{"names": ["a", "b"]}', "do not belong together"),
        ("labels.json", b'{"names": ["a", 2, "c"]}', "label names"),
        ("metrics.json", b"[]", "a JSON object in metrics.json"),
        ("metrics.json", b" " * (17 << 20), "larger than 16 MB"),
        ("model.onnx", b"", "no ONNX file"),
        ("model.onnx", b"\x08\x09:\x00", "onnxruntime cannot run"),
    ],
)
def test_a_sealed_bundle_with_wrong_content_is_refused(copy: Path, name: str, data: bytes, expected: str) -> None:
    (copy / name).write_bytes(data)
    reseal(copy)
    refused(copy, expected)


def _external(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def _external_attribute(model: onnx.ModelProto) -> None:
    node = next(n for n in model.graph.node if any(a.HasField("t") for a in n.attribute))
    attribute = next(a for a in node.attribute if a.HasField("t"))
    attribute.t.external_data.add(key="location", value="weights")


def _inner_graph(model: onnx.ModelProto) -> None:
    model.graph.node[0].attribute.append(onnx.helper.make_attribute("then", onnx.helper.make_graph([], "g", [], [])))


def _function(model: onnx.ModelProto) -> None:
    model.functions.append(onnx.helper.make_function("d", "f", [], [], [], []))


def _sparse(model: onnx.ModelProto) -> None:
    model.graph.sparse_initializer.add()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_external, "keeps data in another file"),
        (_external_attribute, "keeps data in another file"),
        (_inner_graph, "a graph inside a graph"),
        (_function, "holds functions"),
        (_sparse, "sparse tensors"),
        (lambda m: setattr(m.graph.node[3], "op_type", "Loop"), "the operator ai.onnx.Loop"),
        (lambda m: setattr(m.graph.node[3], "domain", "evil.example"), "the operator evil.example."),
    ],
)
def test_a_model_that_reaches_out_is_refused_before_it_runs(
    student: Student, copy: Path, change: Callable[[onnx.ModelProto], None], expected: str
) -> None:
    model = onnx.load_from_string(student.files()["model.onnx"])
    change(model)
    (copy / "model.onnx").write_bytes(model.SerializeToString())
    reseal(copy)
    refused(copy, expected)


def test_bytes_that_are_no_message_are_no_fault_of_the_reader(student: Student) -> None:
    whole, rng = student.files()["model.onnx"][:3000], np.random.default_rng(0)
    for _ in range(300):
        data = bytearray(whole[: rng.integers(1, len(whole))])
        data[rng.integers(len(data))] = rng.integers(256)
        find_fault(bytes(data))
    assert find_fault(b"\x3b") == "it is no ONNX file"
    assert find_fault(b"\x38\x01") == "it is no ONNX file"
    assert find_fault(b"\xff" * 20) == "it is no ONNX file"
    assert find_fault(b"\x3a\x7f") == "it is no ONNX file"


def test_loading_needs_numpy_and_onnxruntime_alone(bundle: Path) -> None:
    code = (
        "import sys\n"
        "class Only:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in 'torch sklearn pandas scipy pyarrow onnx click rich'.split():\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Only())\n"
        "from weaksup.distill import load_bundle\n"
        "print(load_bundle(sys.argv[1]).predict(['the invoice', 'it is broken'])[0])\n"
    )
    env = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run([sys.executable, "-c", code, bundle], capture_output=True, text=True, env=env, check=False)
    assert (done.returncode, done.stdout) == (0, "billing\n"), done.stderr


def test_a_bundle_of_a_kind_that_is_not_known_is_refused(copy: Path) -> None:
    reseal(copy, lambda manifest: manifest.update(kind="quantum"))
    with pytest.raises(UsageError, match="expected a student of kind linear.*got 'quantum'; update weaksup"):
        load_bundle(copy)
