from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, event, inspect, text

from weaksup.errors import DiskError, UsageError, WeaksupError
from weaksup.store import Charge, Store
from weaksup.store.migrations import MIGRATIONS, migrate
from weaksup.store.sqlite_file import _explained
from weaksup.store.tables import METADATA


def test_the_store_belongs_to_its_owner_alone(tmp_path: Path) -> None:
    with Store(tmp_path / "s.db"):
        assert {stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()} == {0o600}
        assert len(list(tmp_path.iterdir())) == 3


def test_a_store_that_others_may_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    Store(path).close()
    path.chmod(0o644)
    Store(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("kind", ["folder", "link", "missing folder", "not a database", "fifo"])
def test_what_is_no_store_is_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "s.db"
    if kind == "folder":
        path.mkdir()
    elif kind == "link":
        Store(tmp_path / "real.db").close()
        path.symlink_to(tmp_path / "real.db")
    elif kind == "missing folder":
        path = tmp_path / "no" / "s.db"
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.write_bytes(b"this is no database, " * 100)
    with pytest.raises(WeaksupError) as caught:
        Store(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_store_of_a_newer_weaksup_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    Store(path).close()
    _sql(path, "INSERT INTO migrations VALUES ('m999_the_future')")
    with pytest.raises(UsageError, match="m999_the_future"):
        Store(path)


def test_a_store_with_a_trigger_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    Store(path).close()
    _sql(path, "CREATE TRIGGER evil AFTER INSERT ON ledger BEGIN DELETE FROM answers; END")
    with pytest.raises(UsageError, match="evil"):
        Store(path)


def test_the_migrations_make_the_tables_that_the_code_uses() -> None:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        migrate(connection, where="memory")
        migrate(connection, where="memory")  # a second time changes nothing
        found = inspect(connection)
        for table in METADATA.sorted_tables:
            made = {column["name"]: column for column in found.get_columns(table.name)}
            assert set(made) == set(table.columns.keys())
            for column in table.columns:
                assert made[column.name]["nullable"] == column.nullable or column.primary_key
    engine.dispose()


def test_a_store_of_the_first_version_keeps_its_answers_and_its_sums(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        MIGRATIONS[0](connection)
        connection.exec_driver_sql("CREATE TABLE migrations (name VARCHAR NOT NULL PRIMARY KEY)")
        connection.exec_driver_sql("INSERT INTO migrations VALUES ('m001_answers_and_ledger')")
        connection.exec_driver_sql("INSERT INTO answers VALUES ('a', X'78', 'h', 30, 'm', 5, 6, 1.0)")
        connection.exec_driver_sql("INSERT INTO budgets VALUES ('r', 130, 7)")
        for i, (key, cost, state, opened) in enumerate(
            [("a", 30, "done", 86_399.5), ("b", 100, "unknown", 86_400.0), ("c", 0, "open", 86_401.0)]
        ):
            row = f"{i}, '{key}', 'r', 't', 'm', 'p', 7, {cost}, '{state}', '', 1, 'x', {opened}, 2"
            connection.exec_driver_sql(f"INSERT INTO ledger VALUES ({row})")
    engine.dispose()
    with Store(path) as store:
        assert store.unsettled.cost == 7  # whoever held it is gone
        account = store.account("r")
        assert (account.spent, account.held, account.calls, account.tokens) == (137, 0, 3, 11)
        assert store.day_account("1970-01-01").spent == 30
        assert store.day_account("1970-01-02").spent == 107


def test_a_large_store_of_the_first_version_is_brought_up_in_a_statement_a_day_not_a_call() -> None:
    engine = create_engine("sqlite://")
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *about: statements.append(about[2]))
    row = "INSERT INTO ledger VALUES (:id, :id, 'r', 't', 'm', 'p', 7, 1, 'done', '', 1, 'x', :opened, 2)"
    opened = [86_400 * (i % 3) + i / 7 for i in range(600)]
    with engine.begin() as connection:
        MIGRATIONS[0](connection)
        connection.execute(text(row), [{"id": i, "opened": moment} for i, moment in enumerate(opened)])
        statements.clear()
        MIGRATIONS[1](connection)
        days = connection.exec_driver_sql("SELECT day, count(*) FROM ledger GROUP BY day ORDER BY day").all()
        assert {str(day) for (day,) in connection.exec_driver_sql("SELECT day FROM ledger WHERE id = 5")} == {
            "1970-01-03"
        }
    engine.dispose()
    assert days == [("1970-01-01", 200), ("1970-01-02", 200), ("1970-01-03", 200)]
    assert len(statements) < 40


def test_the_index_of_open_calls_is_used(tmp_path: Path) -> None:
    from weaksup.store import ledger

    with Store(tmp_path / "s.db") as store, store._database.reading() as connection:
        for statement in (ledger._FIND_OPEN.params(keys=["x"]), ledger._ALL_OPEN):
            words = statement.compile(compile_kwargs={"literal_binds": True})
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}").all()
            assert "ledger_one_open_call_a_key" in str(plan)


def test_many_may_open_a_new_store_at_once(tmp_path: Path) -> None:
    code = "import sys; from weaksup.store import Store; Store(sys.argv[1]).close()"
    command = [sys.executable, "-c", code, str(tmp_path / "s.db")]
    runs = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(3)]
    assert [run.communicate()[1] for run in runs] == [b""] * 3


def test_a_full_disk_is_one_line_and_the_store_works_again_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    code = """
import resource, signal, sys
from weaksup.errors import DiskError
from weaksup.store import Answer, Charge, Store
store = Store(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
kept = 0
try:
    for i in range(100):
        store.settle(store.reserve(Charge(str(i), "r", "t", "m", "p", 1), cap=1000), Answer(str(i), b"x" * 20_000, 1))
        kept += 1
except DiskError as error:
    print(kept, error)
"""
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    kept, _, said = done.stdout.partition(" ")
    assert "free some space" in said
    assert done.stderr == ""
    with Store(path) as store:
        assert len(store.find(str(i) for i in range(100))[0]) >= int(kept) > 0
        assert store.account("r").spent >= int(kept)


def test_a_store_that_is_held_too_long_by_another_process_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("weaksup.store.sqlite_file._PATIENCE", 0.05)
    store = Store(tmp_path / "s.db")
    other = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DiskError, match="held by another process"):
        store.reap()
    other.execute("ROLLBACK")
    other.close()
    assert store.reap().calls == 0
    store.close()


@pytest.mark.parametrize(
    ("said", "kind", "advice"),
    [
        ("database or disk is full", DiskError, "free some space"),
        ("disk I/O error", DiskError, "free some space"),
        ("attempt to write a readonly database", DiskError, "permissions"),
        ("unable to open database file", DiskError, "permissions"),
        ("database is locked", DiskError, "held by another process"),
        ("database disk image is malformed", UsageError, "move it away"),
        ("no such column: x", UsageError, "move it away"),
    ],
)
def test_every_error_of_the_file_is_one_line_with_advice(said: str, kind: type[WeaksupError], advice: str) -> None:
    error = _explained(Path("s.db"), said)
    assert type(error) is kind
    assert advice in str(error)
    assert "\n" not in str(error)


def test_a_table_that_is_gone_is_one_line(tmp_path: Path) -> None:
    with Store(tmp_path / "s.db") as store:
        _sql(tmp_path / "s.db", "DROP TABLE accounts")
        with pytest.raises(UsageError, match="no such table"):
            store.reserve(Charge("a", "r", "t", "m", "p", 1), cap=9)
        with pytest.raises(UsageError, match="no such table"):
            store.account("r")


def _sql(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement)
    connection.close()
