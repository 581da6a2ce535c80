"""A student of the toy corpus and its bundle, made once."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from distill.toy import SPACE, make_corpus

from weaksup.distill import Student, save_bundle, train


@pytest.fixture(scope="session")
def corpus() -> tuple[list[str], np.ndarray]:
    return make_corpus(240)


@pytest.fixture(scope="session")
def student(corpus: tuple[list[str], np.ndarray]) -> Student:
    texts, gold = corpus
    return train(texts, np.eye(3)[gold], labels=SPACE, strengths=(10.0,))


@pytest.fixture(scope="session")
def bundle(student: Student, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that no test changes."""
    return save_bundle(student, tmp_path_factory.mktemp("bundles") / "student", metrics={"accuracy": 0.5})


@pytest.fixture
def copy(bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle, tmp_path / "copy"))
