"""A bundle of the toy corpus, for every test of a verb that reads one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from distill.toy import SPACE, make_corpus

from weaksup.distill import save_bundle, train


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts, gold = make_corpus(240)
    student = train(texts, np.eye(3)[gold], labels=SPACE, strengths=(10.0,))
    return save_bundle(student, tmp_path_factory.mktemp("cli") / "student")
