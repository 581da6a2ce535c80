from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from campaign_world import write_corpus

from weaksup.store import Store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the corpus of `campaign_world`."""
    write_corpus(tmp_path)
    return tmp_path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store.db") as opened:
        yield opened
