"""Laws that every kind of student keeps; a new kind is added to SETTINGS."""

from __future__ import annotations

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distill.tiny_encoder import make_encoder
from distill.toy import SPACE, make_corpus
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from strategies import wild_texts

from weaksup import LabelSpace
from weaksup.distill import Student, load_bundle, save_bundle, train
from weaksup.distill.bundle.runtimes import open_runtime
from weaksup.distill.kinds import KINDS
from weaksup.errors import UsageError

SETTINGS: dict[str, dict[str, Any]] = {
    "linear": {"strengths": (10.0,)},
    "embedbag": {"dim": 8, "hidden": 8, "epochs": 3},
    "embedding": {"strengths": (10.0,), "max_tokens": 24},
    "transformer": {"epochs": 2, "rate": 3e-3, "max_tokens": 24},
}
TEXTS, GOLD = make_corpus(120)
PROBA = 0.7 * np.eye(3)[GOLD] + 0.1
ODD = ["", " ", "👍👍🏽 帮助", "\0", "half \ud800 pair", "broken " * 3000, "x" * 20_000, "İstanbul STRASSE"]
MIXED = [*TEXTS[:60], *ODD]

_every = pytest.mark.parametrize("kind", list(SETTINGS))
_slow_to_draw = settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder") / "tiny")


def teach(kind: str, encoder: Path, texts: list[str] = TEXTS, proba: np.ndarray = PROBA, **more: Any) -> Student:
    own = {"model": str(encoder)} if kind in {"embedding", "transformer"} else {}
    return train(texts, proba, labels=SPACE, kind=kind, **{**SETTINGS[kind], **own, **more})


@pytest.fixture(scope="module")
def students(encoder: Path) -> dict[str, Student]:
    return {kind: teach(kind, encoder) for kind in SETTINGS}


@pytest.fixture(scope="module")
def bundles(students: dict[str, Student], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("every")
    return {kind: save_bundle(student, folder / kind) for kind, student in students.items()}


def test_settings_name_every_kind() -> None:
    assert set(SETTINGS) | {"slm"} == set(KINDS) | {"slm"}  # which is served, not opened, and has tests of its own


@_every
def test_probabilities_are_distributions(students: dict[str, Student], kind: str) -> None:
    proba = students[kind].predict_proba(MIXED)
    assert proba.shape == (len(MIXED), 3)
    assert (proba >= 0).all()
    assert np.allclose(proba.sum(axis=1), 1, atol=1e-6)
    assert students[kind].predict_proba([]).shape == (0, 3)


@_every
@_slow_to_draw
@given(texts=st.lists(wild_texts, max_size=5))
@example(texts=MIXED)
def test_a_bundle_says_what_its_student_says(
    students: dict[str, Student], bundles: dict[str, Path], kind: str, texts: list[str]
) -> None:
    model = load_bundle(bundles[kind])
    assert np.abs(students[kind].predict_proba(texts) - model.predict_proba(texts)).max(initial=0) < 1e-6
    assert students[kind].predict(texts) == model.predict(texts)


@_every
def test_the_size_of_a_batch_changes_nothing(bundles: dict[str, Path], kind: str) -> None:
    model = load_bundle(bundles[kind])
    alone = model.predict_proba(MIXED, batch_size=1, threads=1)
    for size in (7, 64):
        for threads in (1, 3):
            more = model.predict_proba(MIXED, batch_size=size, threads=threads)
            assert np.array_equal(alone.argmax(axis=1), more.argmax(axis=1))
            assert np.abs(alone - more).max() < 1e-6


@_every
def test_the_order_of_the_rows_does_not_matter(students: dict[str, Student], encoder: Path, kind: str) -> None:
    order = np.random.default_rng(1).permutation(len(TEXTS))
    again = teach(kind, encoder, [TEXTS[i] for i in order.tolist()], PROBA[order])
    assert again.training == students[kind].training
    assert again.files() == students[kind].files()


def test_a_seed_gives_the_same_bytes_on_other_threads(students: dict[str, Student], encoder: Path) -> None:
    code = (
        "import sys, torch; sys.path.insert(0, sys.argv[1]); torch.set_num_threads(2)\n"
        "from pathlib import Path; from hashlib import sha256\n"
        "from distill.test_every_kind import SETTINGS, teach\n"
        "torch.manual_seed(7)\n"
        "for kind in SETTINGS:\n"
        "    for name, data in teach(kind, Path(sys.argv[2])).files().items():\n"
        "        print(kind, name, sha256(data).hexdigest())\n"
        "assert torch.get_num_threads() == 2\n"
    )
    env = {**os.environ, "PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "2"}
    command = [sys.executable, "-c", code, str(Path(__file__).parents[1]), str(encoder)]
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stderr
    ours = [
        f"{kind} {name} {sha256(data).hexdigest()}"
        for kind, student in students.items()
        for name, data in student.files().items()
    ]
    assert done.stdout.splitlines() == ours


@_every
def test_another_seed_keeps_what_it_is_told(encoder: Path, kind: str) -> None:
    assert teach(kind, encoder, seed=5).training["seed"] == 5


@_every
@pytest.mark.parametrize("temperature", [0.25, 3.0])
def test_cooling_changes_no_label(students: dict[str, Student], kind: str, temperature: float) -> None:
    before, after = students[kind].predict_proba(MIXED), students[kind].cooled(temperature).predict_proba(MIXED)
    assert np.array_equal(before.argmax(axis=1), after.argmax(axis=1))
    sharper = after.max(axis=1) >= before.max(axis=1) - 1e-6
    assert sharper.all() if temperature < 1 else (after.max(axis=1) <= before.max(axis=1) + 1e-6).all()


@_every
def test_what_was_kept_out_is_told(encoder: Path, kind: str) -> None:
    chosen: dict[str, Any] = {"strengths": (1.0, 10.0)} if "strengths" in SETTINGS[kind] else {}
    training = teach(kind, encoder, **chosen).training
    assert training["distinct_texts"] == len(set(TEXTS))
    assert training["held_out_rows"] == "votes"
    assert training["held_out_temperature"] > 0
    by_gold = teach(kind, encoder, gold=np.where(np.arange(120) < 100, GOLD, -1), **chosen).training
    assert by_gold["held_out_rows"] == "gold"
    assert by_gold["gold_rows"] == 100


@_every
def test_flipped_bits_are_refused(bundles: dict[str, Path], kind: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    paths = sorted(bundles[kind].iterdir())
    for path in paths:
        (tmp_path / path.name).write_bytes(path.read_bytes()) if path.is_file() else None
    for i in range(50):
        path = tmp_path / paths[i % len(paths)].name
        whole = path.read_bytes()
        data = bytearray(whole)
        data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
        path.write_bytes(data)
        with pytest.raises(UsageError, match="refused"):
            load_bundle(tmp_path)
        path.write_bytes(whole)
    load_bundle(tmp_path)


@_every
def test_the_files_of_another_kind_are_refused(students: dict[str, Student], kind: str) -> None:
    other = "embedding" if kind in {"linear", "embedbag"} else "linear"
    with pytest.raises(UsageError, match="refused"):
        open_runtime(Path("mixed"), kind, students[other].files(), SPACE.names)


@_every
def test_few_texts_make_a_student(encoder: Path, kind: str) -> None:
    own: dict[str, Any] = {"model": str(encoder)} if kind in {"embedding", "transformer"} else {}
    lone = train(["hello there"], [[0.2, 0.8]], labels=LabelSpace(["a", "b"]), kind=kind, **own)
    assert lone.predict(["hello there"]) == ["b"]
    assert "held_out_rows" not in lone.training
    silent = train(["", " ", "\0"], [[0.9, 0.1]] * 3, labels=LabelSpace(["a", "b"]), kind=kind, **own)
    assert np.allclose(silent.predict_proba(["", "what"]).sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("kind", ["linear", "embedbag"])
def test_a_student_learns_the_rule(encoder: Path, kind: str) -> None:
    own: dict[str, Any] = {"epochs": 10} if kind == "embedbag" else {}
    assert right(teach(kind, encoder, **own)) > 0.9


def test_an_encoder_that_knows_nothing_learns_when_it_is_trained(students: dict[str, Student], encoder: Path) -> None:
    tuned = right(teach("transformer", encoder, epochs=15, batch=16))
    assert tuned > 0.75
    assert tuned > right(students["embedding"]) + 0.1


def right(student: Student) -> float:
    texts, gold = make_corpus(200, seed=1)
    return float((student.predict_proba(texts).argmax(axis=1) == gold).mean())


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("embedbag", {"dim": 0}),
        ("embedbag", {"dim": 2.5}),
        ("embedbag", {"hidden": True}),
        ("embedbag", {"epochs": 1000}),
        ("embedding", {"max_tokens": 1}),
        ("transformer", {"rate": 0}),
        ("transformer", {"rate": float("nan")}),
        ("transformer", {"batch": "many"}),
    ],
)
def test_wrong_settings_are_told_in_one_line(encoder: Path, kind: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))) as told:
        teach(kind, encoder, **wrong)
    assert "\n" not in str(told.value)
