"""A bundle of the toy corpus, and a server with it that every test may use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from distill.toy import SPACE, make_corpus
from serve.live import Live, serving

from weaksup.distill import Predictor, load_bundle, save_bundle, train


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts, gold = make_corpus(240)
    student = train(texts, np.eye(3)[gold], labels=SPACE, strengths=(10.0,))
    return save_bundle(student, tmp_path_factory.mktemp("served") / "student")


@pytest.fixture(scope="session")
def model(packed: Path) -> Predictor:
    return load_bundle(packed)


@pytest.fixture(scope="module")
def live(model: Predictor) -> Iterator[Live]:
    with serving(model) as found:
        yield found
