from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from faults.postgres import connect, new_schema

from weaksup.errors import DiskError, MissingExtra, UsageError, WeaksupError
from weaksup.store import Answer, Charge, Reservation, Store
from weaksup.store import postgres as module

URL = "postgresql://me:s3cret@127.0.0.1:9/db"


@pytest.fixture
def url(server: str, request: pytest.FixtureRequest) -> str:
    return new_schema(server, request.node.name[:40])


@pytest.mark.parametrize("url", [URL, "postgres://me:s3cret@127.0.0.1:9/db", "postgresql://me:s3cret@[::/x"])
def test_a_server_that_cannot_be_reached_is_one_line_without_the_password(server: str, url: str) -> None:
    with pytest.raises(WeaksupError) as caught:
        Store(url)
    assert "\n" not in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["postgresql://u:secret@h/db", "postgresql://u@h/db?password=secret&sslpassword=secret"]
)
def test_the_name_of_a_store_has_no_password(url: str) -> None:
    assert "secret" not in module.Postgres(url).name
    assert module.Postgres(url).name.startswith("postgresql://u")


def test_without_the_driver_the_line_that_installs_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r'pip install "weaksup\[postgres\]"'):
        Store(URL)


def test_the_calls_of_a_process_that_is_killed_are_charged_in_full_and_those_of_one_that_lives_are_not(
    url: str,
) -> None:
    code = """
import sys, time
from weaksup.store import Charge, Store
store = Store(sys.argv[1])
store.reserve(Charge("a", "r", "t", "m", "p", 7), cap=100)
print("ready", flush=True)
time.sleep(600)
"""
    child = subprocess.Popen([sys.executable, "-c", code, url], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    with Store(url) as store:
        assert store.unsettled.calls == 0
        assert store.account("r").held == 7
        child.kill()
        child.wait()
        child.stdout.close()
        while store.account("r").held:  # the server notices in its own time
            store.reap()
        assert store.account("r").unknown == 7


def test_a_trigger_and_a_newer_store_are_refused(url: str) -> None:
    Store(url).close()
    with connect(url) as connection:
        connection.execute("CREATE FUNCTION evil() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
        connection.execute("CREATE TRIGGER evil BEFORE INSERT ON ledger FOR EACH ROW EXECUTE FUNCTION evil()")
        with pytest.raises(UsageError, match="trigger"):
            Store(url)
        connection.execute("DROP TRIGGER evil ON ledger")
        connection.execute("CREATE TRIGGER evil BEFORE INSERT ON paces FOR EACH ROW EXECUTE FUNCTION evil()")
        with pytest.raises(UsageError, match="trigger"):
            Store(url)
        connection.execute("DROP TRIGGER evil ON paces")
        connection.execute("INSERT INTO migrations VALUES ('m999_the_future')")
        with pytest.raises(UsageError, match="m999_the_future"):
            Store(url)


def test_a_store_that_is_held_too_long_by_another_process_is_named(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 1)
    with Store(url) as store, connect(url) as other:
        other.execute(f"SELECT pg_advisory_lock({module._WRITER})".encode())
        with pytest.raises(DiskError, match="held by another process"):
            store.reap()
        other.execute(f"SELECT pg_advisory_unlock({module._WRITER})".encode())
        assert store.reap().calls == 0


def test_a_table_that_is_gone_and_a_right_that_is_missing_are_one_line(url: str) -> None:
    with Store(url) as store, connect(url) as connection:
        connection.execute("ALTER TABLE accounts RENAME TO gone")
        with pytest.raises(UsageError, match="accounts") as caught:
            store.account("r")
        assert "\n" not in str(caught.value)
        connection.execute("ALTER TABLE gone RENAME TO accounts")
        connection.execute("CREATE ROLE reader LOGIN")
        connection.execute("GRANT USAGE ON SCHEMA {} TO reader".format(url.rpartition("%3D")[2]).encode())
        with pytest.raises(DiskError, match="rights"):
            Store(url.replace("tester@", "reader@"))


def test_a_connection_that_breaks_loses_no_answer_that_was_acknowledged_and_the_store_works_again(
    url: str, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(url) as store:
        held = [store.reserve(Charge(key, "r", "t", "m", "p", 7), cap=100) for key in "ab"]
        first, second = (one for one in held if isinstance(one, Reservation))
        store.settle(first, Answer("a", b"x", 3))
        with connect(server) as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        monkeypatch.setattr(module, "_LOOK_SECONDS", -1.0)
        store.settle(second, Answer("b", b"x", 3))
        assert isinstance(store.reserve(Charge("c", "r", "t", "m", "p", 7), cap=100), Reservation)
        with Store(url) as other:
            assert other.unsettled.calls == 0  # the sign of life is back
        assert store.account("r").spent == 6


def test_opening_at_the_same_time_makes_the_tables_once(url: str, tmp_path: Path) -> None:
    code = "import sys; from weaksup.store import Store; Store(sys.argv[1]).close()"
    command = [sys.executable, "-c", code, url]
    runs = [subprocess.Popen(command, stderr=subprocess.PIPE, env=dict(os.environ)) for _ in range(3)]
    assert [run.communicate()[1] for run in runs] == [b""] * 3
