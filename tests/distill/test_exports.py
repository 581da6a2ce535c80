"""Every form of a bundle gives the labels of the bundle, and is written over nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from distill.scored import score
from distill.test_read_graph import TEXTS, make_student
from distill.toy import make_corpus
from hypothesis import given, settings

from weaksup import LabelSpace
from weaksup.distill import Exported, Predictor, Student, export_bundle, load_bundle, save_bundle, train
from weaksup.distill.bundle.seal import to_bytes
from weaksup.distill.exports import standalone
from weaksup.errors import UsageError

ODD = [
    "",
    " ",
    "\t\n",
    "👍👍 invoice",
    "帮助 помощь",
    "a" * 20_000,
    "crash " * 9_000,
    "\ud800 broken",
    "x\0y",
    "ＣＲＡＳＨ",
]
FORMATS = ["onnx", "safetensors", "sklearn-free", "hf"]


@pytest.fixture(scope="module")
def packed(student: Student, tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts, gold = make_corpus(120, seed=3)
    card = score(student, texts, gold)
    target = tmp_path_factory.mktemp("packed") / "student"
    return save_bundle(
        card.student, target, metrics=card.metrics, calibration=card.calibration, thresholds=card.thresholds
    )


@pytest.fixture(scope="module")
def model(packed: Path) -> Predictor:
    return load_bundle(packed)


def exported(packed: Path, folder: Path, form: str) -> Exported:
    return export_bundle(packed, folder / form, format=form)


def refused(expected: str, *args: Any, **more: Any) -> None:
    with pytest.raises(UsageError, match=expected) as told:
        export_bundle(*args, **more)
    assert "\n" not in str(told.value)


@given(vocabulary=TEXTS, texts=st.lists(st.text(max_size=30), max_size=5), k=st.integers(1, 4), multi=st.booleans())
@settings(max_examples=40, deadline=None)
def test_numpy_alone_says_what_the_student_says(
    tmp_path_factory: pytest.TempPathFactory, vocabulary: list[str], texts: list[str], k: int, multi: bool
) -> None:
    made = make_student(vocabulary, k=k if multi else max(k, 2), multi=multi, seed=len(vocabulary))
    folder = tmp_path_factory.mktemp("law")
    export_bundle(save_bundle(made, folder / "s"), folder / "s.safetensors", format="safetensors")
    found = standalone.load(folder / "s.safetensors")
    shown = [*texts, *vocabulary, " ".join(vocabulary)]
    assert np.abs(found.predict_proba(shown) - made.predict_proba(shown)).max(initial=0) < 1e-6
    if not multi:
        assert found.predict(shown) == made.predict(shown)
    assert found.predict_proba([]).shape == (0, len(made.labels))


def test_any_text_gets_the_label_of_the_bundle(packed: Path, model: Predictor, tmp_path: Path) -> None:
    texts = [*make_corpus(300, seed=9)[0], *ODD]
    exported(packed, tmp_path, "sklearn-free")
    found = standalone.load(tmp_path / "sklearn-free" / "model.safetensors")
    assert found.predict(texts) == model.predict(texts)
    assert np.abs(found.predict_proba(texts) - model.predict_proba(texts)).max() < 1e-6


NUMPY_ALONE = """
import sys
class Only:
    def find_spec(self, name, path=None, target=None):
        top = name.partition('.')[0]
        if top not in {*sys.stdlib_module_names, 'numpy', 'predict'} and not top.startswith('_sysconfig'):
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)
sys.meta_path.insert(0, Only())
sys.path.insert(0, sys.argv[1])
import json, predict
model = predict.load(sys.argv[1] + '/model.safetensors')
print(json.dumps(model.predict(json.load(sys.stdin))))
"""


@pytest.mark.parametrize("form", ["sklearn-free", "hf"])
def test_the_folder_runs_where_only_numpy_can_be_imported(
    packed: Path, model: Predictor, tmp_path: Path, form: str
) -> None:
    exported(packed, tmp_path, form)
    texts = [*make_corpus(100, seed=4)[0], *ODD]
    command = [sys.executable, "-I", "-c", NUMPY_ALONE, str(tmp_path / form)]
    done = subprocess.run(command, input=json.dumps(texts), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == model.predict(texts)


def test_its_file_labels_lines_on_a_command_line(packed: Path, tmp_path: Path) -> None:
    exported(packed, tmp_path, "sklearn-free")
    script, env = tmp_path / "sklearn-free" / "predict.py", {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "1"}
    (tmp_path / "t.txt").write_text("the invoice\nit is broken\n", encoding="utf-8")
    for given_, text in (([str(tmp_path / "t.txt")], b""), ([], b"the invoice\nit is broken")):
        done = subprocess.run([sys.executable, script, *given_], input=text, capture_output=True, env=env, check=True)
        lines = [line.split("\t") for line in done.stdout.decode().splitlines()]
        assert [label for label, _ in lines] == ["billing", "bug"]
        assert all(0 < float(sure) <= 1 for _, sure in lines)


def test_its_file_counts_lines_as_weaksup_predict_does(packed: Path, tmp_path: Path) -> None:
    exported(packed, tmp_path, "sklearn-free")
    script = tmp_path / "sklearn-free" / "predict.py"
    for text, lines in ((b"", 0), (b"\n", 1), (b"a\n\nb\r\nc", 4), (b"\xef\xbb\xbfthe invoice\n", 1)):
        done = subprocess.run([sys.executable, script], input=text, capture_output=True, check=True)
        assert len(done.stdout.splitlines()) == lines
    marked = done.stdout
    assert marked == subprocess.run([sys.executable, script], input=text[3:], capture_output=True, check=True).stdout


def test_several_labels_a_row_are_exported_too(tmp_path: Path) -> None:
    made = make_student(["invoice", "broken"], k=3, multi=True, seed=5)
    export_bundle(save_bundle(made, tmp_path / "s"), tmp_path / "x", format="hf")
    found = standalone.load(tmp_path / "x" / "model.safetensors")
    proba = made.predict_proba(["invoice"])[0]
    assert found.predict(["invoice"]) == [tuple(n for n, p in zip(made.classes, proba, strict=True) if p > 0.5)]
    assert json.loads((tmp_path / "x" / "config.json").read_text())["problem_type"] == "multi_label_classification"


def test_the_model_file_alone_is_the_one_of_the_bundle(packed: Path, tmp_path: Path) -> None:
    done = export_bundle(packed / "model.onnx", tmp_path / "spam.onnx", format="onnx")
    assert (tmp_path / "spam.onnx").read_bytes() == (packed / "model.onnx").read_bytes()
    assert list(done.files) == ["spam.onnx"]
    assert sorted(exported(packed, tmp_path, "onnx").files) == ["labels.json", "model.onnx"]


def test_the_tensors_are_what_the_safetensors_library_reads(packed: Path, tmp_path: Path) -> None:
    library = pytest.importorskip("safetensors.numpy")
    export_bundle(packed, tmp_path / "x.safetensors", format="safetensors")
    about, mine = standalone.read_tensors((tmp_path / "x.safetensors").read_bytes())
    theirs = library.load_file(tmp_path / "x.safetensors")
    assert sorted(mine) == sorted(theirs)
    assert all((mine[name] == theirs[name]).all() and mine[name].dtype == theirs[name].dtype for name in mine)
    assert about["bundle"] == load_bundle(packed).manifest["seal"]
    assert json.loads(about["labels"])["names"] == ["billing", "bug", "how"]


def test_the_hub_finds_what_it_looks_for(packed: Path, tmp_path: Path) -> None:
    done = exported(packed, tmp_path, "hf")
    config = json.loads((done.path / "config.json").read_text())
    assert config["id2label"] == {"0": "billing", "1": "bug", "2": "how"}
    assert config["label2id"] == {"billing": 0, "bug": 1, "how": 2}
    head = (done.path / "README.md").read_text().split("---\n")[1]
    values = {name: json.loads(value) for name, value in (line.split(": ", 1) for line in head.splitlines())}
    assert values["pipeline_tag"] == "text-classification"
    measured = values["model-index"][0]["results"][0]["metrics"]
    assert measured[0]["value"] == round(load_bundle(packed).metrics["gold"]["accuracy"], 4)
    assert "weaksup predict" not in (done.path / "README.md").read_text()


def test_a_form_that_is_not_known_is_refused(packed: Path, tmp_path: Path) -> None:
    refused(
        'expected a format of onnx, safetensors, sklearn-free, hf; got "gguf"', packed, tmp_path / "x", format="gguf"
    )


@pytest.mark.parametrize("form", FORMATS)
def test_a_changed_byte_is_not_exported(packed: Path, tmp_path: Path, form: str) -> None:
    copy = Path(shutil.copytree(packed, tmp_path / "copy"))
    data = bytearray((copy / "thresholds.json").read_bytes())
    data[5] ^= 1
    (copy / "thresholds.json").write_bytes(data)
    refused("thresholds.json is not what was packed", copy, tmp_path / "x", format=form)
    assert not (tmp_path / "x").exists()


def reseal(folder: Path, **change: Any) -> None:
    """Seal a bundle again with another manifest, as somebody with bad intentions would."""
    manifest = {**json.loads((folder / "manifest.json").read_text()), **change}
    listed = {name: (folder / name).read_bytes() for name in manifest["files"]}
    manifest["files"] = {n: {"bytes": len(d), "sha256": sha256(d).hexdigest()} for n, d in listed.items()}
    del manifest["seal"]
    manifest["seal"] = sha256(to_bytes(manifest)).hexdigest()
    (folder / "manifest.json").write_bytes(to_bytes(manifest))


def test_a_kind_that_a_form_cannot_hold_is_told(packed: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(packed, tmp_path / "copy"))
    reseal(copy, kind="embedbag")
    for form in ("safetensors", "sklearn-free", "hf"):
        refused('expected a bundle of kind "linear" for this format, got "embedbag"', copy, tmp_path / "x", format=form)
    export_bundle(copy, tmp_path / "x", format="onnx")


@pytest.mark.parametrize(
    "metrics", [b'{"gold": 3}', b'{"gold": {"classes": {}}}', b'{"slices": 3}', b'{"selective": [1]}']
)
def test_facts_of_another_shape_are_refused_or_left_out(packed: Path, tmp_path: Path, metrics: bytes) -> None:
    copy = Path(shutil.copytree(packed, tmp_path / "copy"))
    kept = json.loads((copy / "metrics.json").read_text())
    (copy / "metrics.json").write_bytes(to_bytes({**kept, **json.loads(metrics)}))
    reseal(copy)
    try:
        exported(copy, tmp_path, "hf")
    except UsageError as error:
        assert "expected facts as weaksup writes them" in str(error)  # noqa: PT017


def test_names_of_labels_are_no_code_and_no_yaml(tmp_path: Path) -> None:
    texts, gold = make_corpus(60)
    names = ["]]> --- a: b", "</script><script>alert(1)</script>", 'x"\\']
    made = train(texts, np.eye(3)[gold], labels=LabelSpace(names), strengths=(10.0,))
    folder = save_bundle(made, tmp_path / "s")
    done = export_bundle(folder, tmp_path / "x", format="hf")
    assert standalone.load(done.path / "model.safetensors").predict(texts) == load_bundle(folder).predict(texts)
    assert (done.path / "README.md").read_text().count("\n---\n") == 1
    assert "<script>" not in (done.path / "README.md").read_text()
