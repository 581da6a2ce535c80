from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from weaksup.store import owner
from weaksup.store.owner import Owner, is_alive, this_process


def test_this_process_lives_and_its_pid_at_another_time_or_boot_does_not() -> None:
    me = this_process()
    assert is_alive(me)
    assert not is_alive(Owner(me.pid, me.boot + "1"))
    assert not is_alive(Owner(me.pid, "another boot/" + me.boot.split("/")[1]))


def test_a_child_lives_until_it_ends_and_a_zombie_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    theirs = Owner(child.pid, f"{owner._boot_id()}/{owner._began(child.pid)}")
    assert is_alive(theirs)
    assert child.stdin is not None
    child.stdin.close()
    while owner._began(child.pid):  # it has ended, and nobody has waited for it
        pass
    assert not is_alive(theirs)
    child.wait()
    assert not is_alive(theirs)


@pytest.mark.parametrize(("raised", "alive"), [(None, True), (PermissionError, True), (ProcessLookupError, False)])
def test_without_proc_a_signal_tells(
    monkeypatch: pytest.MonkeyPatch, raised: type[OSError] | None, alive: bool
) -> None:
    def kill(pid: int, signal: int) -> None:
        if raised is not None:
            raise raised

    monkeypatch.setattr(Path, "exists", lambda self: False)
    monkeypatch.setattr("os.kill", kill)
    assert is_alive(this_process()) is alive


def test_without_a_boot_id_there_is_a_word_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(self: Path, **_: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    assert owner._boot_id.__wrapped__() == "boot"
