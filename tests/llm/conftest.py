"""What the tests of asking share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from faults.asker import Spam, fake_rows, fake_tier
from faults.places import new_place, place, server

from weaksup.llm import Tier
from weaksup.store import Store

__all__ = ["new_place", "place", "server"]


@pytest.fixture
def prompt() -> Spam:
    return Spam()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store.db") as opened:
        yield opened


@pytest.fixture
def tier_at() -> Callable[..., Tier]:
    return fake_tier


@pytest.fixture
def rows() -> Callable[[int], list[dict[str, str]]]:
    return fake_rows
