"""Which process holds a reservation, and whether it still lives."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

__all__ = ["Owner", "is_alive", "this_process"]


@dataclass(frozen=True, slots=True)
class Owner:
    """A process. `boot` names the boot of the machine and the moment the process began: pids come back, these do not.

    A process on another machine, or in a container that this one cannot see, counts as dead: its open calls are then
    charged in full, which is never too little, and corrected when it settles them.
    """

    pid: int
    boot: str


def this_process() -> Owner:
    """Return the owner of the reservations that this process makes."""
    return _owner(os.getpid())  # asked each time: a fork changes it


@lru_cache(maxsize=1)
def _owner(pid: int) -> Owner:
    return Owner(pid, f"{_boot_id()}/{_began(pid)}")


def is_alive(owner: Owner) -> bool:
    """Say whether the process runs on this boot of this machine."""
    if not owner.boot.startswith(f"{_boot_id()}/"):
        return False
    if Path("/proc/self/stat").exists():
        return owner.boot == f"{_boot_id()}/{_began(owner.pid)}"
    return _answers_signal(owner.pid)


@lru_cache(maxsize=1)
def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return "boot"


def _began(pid: int) -> str:
    """Return the clock tick at which the process began, or "" where it is gone (a zombie is gone) or not known."""
    try:
        # The second field is the program's name in brackets and may hold spaces; the rest follows the last bracket.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return "" if fields[0] in "ZX" else fields[19]
    except (OSError, IndexError):
        return ""


def _answers_signal(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True  # it lives, and belongs to somebody else
    except OSError:
        return False
    return True
