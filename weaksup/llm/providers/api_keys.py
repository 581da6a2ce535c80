"""Keys of providers: from the environment, or from a file that nobody else can read. They are never in settings."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from weaksup.errors import ConfigError

__all__ = ["read_api_key"]

_MOST_BYTES = 10_000


def read_api_key(*, env: str | None, file: Path | None, where: str) -> str:
    """Return the key that a variable or a file holds; raise `ConfigError` where there is none. `where` names the tier.

    A file that others than its owner can read is refused, as ssh does.
    """
    if file is not None:
        return _from_file(file, where)
    if env is None:
        raise ConfigError(
            f'{where}: write api_key_env = "NAME", the environment variable that holds the key, or '
            'api_key_file = "PATH"'
        )
    key = os.environ.get(env, "").strip()
    if not key:
        raise ConfigError(f"{where}: expected the key in the environment variable {env}; set it")
    return _sendable(key, f"the environment variable {env}", where)


def _from_file(file: Path, where: str) -> str:
    try:
        with file.open("rb") as opened:
            about = os.fstat(opened.fileno())
            data = opened.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{where}: cannot read the key in {file}: {error.strerror}") from None
    if os.name != "nt" and stat.S_IMODE(about.st_mode) & 0o077:
        mode = f"{stat.S_IMODE(about.st_mode):o}"
        raise ConfigError(f"{where}: the key in {file} can be read by others (mode {mode}); run: chmod 600 {file}")
    key = data.decode("utf-8", "replace").strip()
    if not key or len(data) > _MOST_BYTES:
        raise ConfigError(f"{where}: expected {file} to hold the key and nothing else, got {len(data):,} bytes")
    return _sendable(key, str(file), where)


def _sendable(key: str, source: str, where: str) -> str:
    """Refuse what no header can carry, without showing it."""
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise ConfigError(f"{where}: expected one key of plain characters in {source}, got something else")
    return key
