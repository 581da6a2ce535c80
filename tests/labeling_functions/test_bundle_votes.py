"""A bundle, named by its path, votes."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from weaksup import apply_lfs
from weaksup.corpus import Chunk
from weaksup.distill import load_bundle, save_bundle, train
from weaksup.distill.bundle.fields import Fields
from weaksup.errors import ConfigError, UsageError
from weaksup.labeling_functions import load_lf_module, model_vote
from weaksup.labels import LabelSpace

SPACE = LabelSpace(["HAM", "SPAM"])
TEXTS = ["see you at lunch", "call now to win a prize", "lunch at noon?", "you win cash, call now"] * 15
CORPUS = [{"id": f"r{i}", "text": text} for i, text in enumerate(TEXTS)]
MODULE = """
from weaksup import LabelSpace
from weaksup.labeling_functions import keywords, model_vote
LABELS = LabelSpace(["HAM", "SPAM"])
lunch = keywords("lunch", ["lunch"], label="HAM")
last = model_vote("models/spam-v1")
"""


def pack(folder: Path, *, sure: float = 0.95, promised: float | None = None) -> Path:
    proba = np.array([[sure, 1 - sure], [1 - sure, sure]] * 30)
    student = train(TEXTS, proba, labels=SPACE, strengths=(10.0,))
    told = {"share": 0.5, "rows": 30, "correct": 29, "accuracy": 0.97, "at_least": 0.9}
    wanted = [{"precision": 0.99, "threshold": None}, {"precision": 0.9, "threshold": promised, **told}]
    packed = {"bound": "Clopper-Pearson", "level": 0.95, "rows": 60, "wanted": wanted}
    folder.parent.mkdir(parents=True, exist_ok=True)
    return save_bundle(student, folder, thresholds=None if promised is None else packed)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack(tmp_path_factory.mktemp("models") / "spam-v1")


@pytest.fixture
def module(tmp_path: Path, packed: Path) -> Path:
    shutil.copytree(packed, tmp_path / "models" / "spam-v1")
    (tmp_path / "lfs.py").write_text(MODULE, encoding="utf-8")
    return tmp_path / "lfs.py"


def chunk(texts: list[str]) -> Chunk:
    ids = pa.array([f"r{i}" for i in range(len(texts))], pa.string())
    return Chunk(pa.RecordBatch.from_pydict({"id": ids, "text": pa.array(texts, pa.string())}))


def test_a_bundle_votes_what_it_predicts_under_its_own_name(packed: Path) -> None:
    lf = model_vote(packed)
    assert lf.name == "spam-v1"
    texts = ["call now, cash", "lunch?", "noon at lunch"]
    said = load_bundle(packed).predict_proba(texts).argmax(axis=1)
    assert lf.vote(chunk(texts), SPACE).codes.tolist() == said.tolist()
    assert model_vote(packed, name="last", threshold=1.0).vote(chunk(texts), SPACE).codes.tolist() == [-1] * 3


def test_votes_follow_the_names_of_the_labels_not_their_order(packed: Path) -> None:
    turned = LabelSpace(["SPAM", "OTHER", "HAM"])
    assert model_vote(packed).vote(chunk(["call now to win", "lunch?"]), turned).codes.tolist() == [0, 2]


def test_the_folder_is_seen_from_the_module_that_names_it(
    module: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    found = load_lf_module(module)
    assert [lf.name for lf in found.lfs] == ["lunch", "spam-v1"]
    one, two = (apply_lfs(found.lfs, CORPUS, labels=found.labels, workers=w) for w in (1, 2))
    assert np.array_equal(one.values, two.values)
    assert (one.values[:4, 1] == [0, 1, 0, 1]).all()


def test_the_folder_is_seen_from_the_working_folder_where_the_module_has_none(
    packed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(packed.parent)
    assert model_vote("spam-v1").name == "spam-v1"


def test_another_bundle_in_its_place_changes_the_fingerprint_and_no_edit_does_not(module: Path) -> None:
    before = load_lf_module(module).fingerprint
    assert load_lf_module(module).fingerprint == before
    pack(module.parent / "models" / "spam-v1", sure=0.7)
    assert load_lf_module(module).fingerprint != before


def test_a_bundle_that_is_replaced_under_a_running_vote_is_refused(module: Path) -> None:
    lf = model_vote(module.parent / "models" / "spam-v1")
    pack(module.parent / "models" / "spam-v1", sure=0.7)
    errors = lf.vote(chunk(["a"]), SPACE).errors
    assert "as it was when it was named" in str(errors[0])


def test_the_threshold_is_the_one_that_the_bundle_promises(tmp_path: Path) -> None:
    texts = ["call now to win a prize", "zzz"]
    path = pack(tmp_path / "sure", promised=0.9)
    top = load_bundle(path).predict_proba(texts).max(axis=1)
    assert top[0] >= 0.9 > top[1]
    assert model_vote(path).vote(chunk(texts), SPACE).codes.tolist() == [1, -1]


def test_a_changed_byte_a_missing_folder_and_a_missing_name_are_refused_in_one_line(tmp_path: Path) -> None:
    path = pack(tmp_path / "spam")
    model = path / "model.onnx"
    model.write_bytes(model.read_bytes()[:-1] + b"\0")
    with pytest.raises(UsageError, match=r"model\.onnx is not what was packed"):
        model_vote(path)
    with pytest.raises(UsageError, match="there is no folder"):
        model_vote(tmp_path / "nothing")
    with pytest.raises(ConfigError, match='expected a name: name="..."'):
        model_vote(lambda: None)


def test_a_module_that_names_no_bundle_says_where_in_one_line(module: Path) -> None:
    module.write_text(MODULE.replace("spam-v1", "gone"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"lfs\.py, line 6: .*there is no folder .*gone"):
        load_lf_module(module)


def test_a_threshold_is_held_against_the_probability_that_every_other_route_shows(packed: Path) -> None:
    student = load_bundle(packed)
    texts = [f"call now or lunch {i} {i * 7}" for i in range(200)]
    top = student.predict_proba(texts).max(axis=1).astype(np.float64)
    risen = int(np.flatnonzero(top.round(6) > top)[0])
    threshold = float(top[risen].round(6))
    said = student.predict(texts, abstain_below=threshold)
    voted = model_vote(packed, threshold=threshold).vote(chunk(texts), SPACE).codes.tolist()
    assert said[risen] is not None
    assert voted == [-1 if label is None else SPACE.index(label) for label in said]


def test_a_null_gets_no_vote_and_costs_no_other_row_its_vote(packed: Path) -> None:
    ids, subject = pa.array(["a", "b"], pa.string()), pa.array([None, "call now to win"], pa.string())
    both = Chunk(pa.RecordBatch.from_pydict({"id": ids, "text": pa.array(["", ""]), "subject": subject}))
    voted = model_vote(packed, field="subject").vote(both, SPACE)
    assert (voted.codes.tolist(), dict(voted.errors)) == ([-1, 1], {})


def test_a_corpus_without_a_field_that_the_bundle_reads_is_refused(packed: Path, tmp_path: Path) -> None:
    student = train(TEXTS, np.array([[0.9, 0.1], [0.1, 0.9]] * 30), labels=SPACE, strengths=(10.0,))
    lf = model_vote(save_bundle(student, tmp_path / "fielded", fields=Fields(("sender",))))
    with pytest.raises(UsageError, match='"fielded": expected a column "sender", the corpus has id, text'):
        lf.vote(chunk(["a"]), SPACE)


def test_a_threshold_that_is_no_number_is_refused(packed: Path) -> None:
    with pytest.raises(ConfigError, match="a threshold from 0 to 1, got '0.9'"):
        model_vote(packed, threshold="0.9")  # type: ignore[arg-type]
