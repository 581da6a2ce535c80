"""A PostgreSQL server of our own on loopback, for as long as the tests run."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = ["connect", "missing", "new_schema", "postgres"]


def missing() -> str:
    """Say what is missing to run a server, or return ""."""
    if find_spec("psycopg") is None:
        return "psycopg is not installed"
    if _program("initdb") is None:
        return "PostgreSQL is not installed"
    if os.getuid() == 0 and _user() is None:
        return "PostgreSQL does not run as root, and there is no user postgres"
    return ""


@contextmanager
def postgres() -> Iterator[str]:
    """Run a server in a folder of its own; yield the URL of its database."""
    folder = Path(tempfile.mkdtemp(prefix="weaksup-pg-"))
    user = _user() if os.getuid() == 0 else None
    if user:
        shutil.chown(folder, user, user)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data, log = folder / "data", folder / "log"

    def run(name: str, *arguments: str) -> None:
        program = _program(name)
        assert program is not None
        command = [str(program), "-D", str(data), *arguments]
        subprocess.run(command, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL)

    try:
        run("initdb", "-U", "tester", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync")
        options = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -c fsync=off -c max_connections=60"
        run("pg_ctl", "-w", "-l", str(log), "-o", options, "start")
        try:
            yield f"postgresql://tester@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def connect(url: str) -> Connection[tuple[Any, ...]]:
    """Connect without weaksup; each statement is a transaction."""
    import psycopg

    return psycopg.connect(url, autocommit=True)


def new_schema(url: str, name: str) -> str:
    """Make an empty schema; return the URL of a store in it."""
    with connect(url) as connection:
        connection.execute(f'CREATE SCHEMA "{name}"'.encode())
    return f"{url}?options=-csearch_path%3D{name}"


def _program(name: str) -> Path | None:
    found = shutil.which(name)
    if found:
        return Path(found)
    return max(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), default=None)


def _user() -> str | None:
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return None
