"""Fixtures: where the store's tests put their stores: SQLite always, PostgreSQL where it is installed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import count

import pytest
from faults.postgres import missing, new_schema, postgres

__all__ = ["new_place", "place", "server"]

_NUMBERS = count()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    if reason := missing():
        if os.environ.get("WEAKSUP_REQUIRE_ALL") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with postgres() as url:
        yield url


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def new_place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], str]:
    """Return a function that names a new place for a store."""
    if request.param == "sqlite":
        return lambda: str(tmp_path_factory.mktemp("store") / "s.db")
    url: str = request.getfixturevalue("server")
    return lambda: new_schema(url, f"s{next(_NUMBERS)}")


@pytest.fixture
def place(new_place: Callable[[], str]) -> str:
    return new_place()
