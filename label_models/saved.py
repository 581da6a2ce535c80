"""Keep a fitted label model as JSON and npz; nothing that is read can run."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from weaksup.errors import DiskError, UsageError
from weaksup.files import atomic_path, write_text

__all__ = ["SavedModel", "read_model", "write_model"]

_FORMAT = 1
_FIELD = re.compile(r"[a-z][a-z0-9_]*_")
_savez: Callable[..., None] = np.savez  # its stub takes every array for the option allow_pickle


@dataclass(frozen=True, slots=True)
class SavedModel:
    """A model as it lies on disk: its registered name, constructor options, and learned fields."""

    model: str
    options: Mapping[str, Any]
    learned: Mapping[str, Any]


def write_model(folder: str | Path, model: str, options: Mapping[str, Any], learned: Mapping[str, Any]) -> None:
    """Write arrays.npz, then model.json; floats keep every bit."""
    home = Path(folder)
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DiskError(f"cannot make the folder {home}: {error.strerror}; name another one") from None
    arrays = {name: value for name, value in learned.items() if isinstance(value, np.ndarray)}
    plain = {name: value for name, value in learned.items() if name not in arrays}
    with atomic_path(home / "arrays.npz") as part, part.open("wb") as file:
        _savez(file, **arrays)
    info = {"format": _FORMAT, "model": model, "options": dict(options), "learned": plain, "arrays": sorted(arrays)}
    write_text(home / "model.json", json.dumps(info, indent=1) + "\n")


def read_model(folder: str | Path) -> SavedModel:
    """Read what `write_model` wrote; anything else is a `UsageError`."""
    home = Path(folder)
    refusal = f"expected a folder with a saved label model, got {home}, which is not one; write it with model.save"
    try:
        info = json.loads((home / "model.json").read_text(encoding="utf-8"))
        with (home / "arrays.npz").open("rb") as file, np.load(file, allow_pickle=False) as found:
            arrays = {name: found[name] for name in info["arrays"]}
        if info["format"] != _FORMAT:
            raise UsageError(f"saved label model {home}: expected format {_FORMAT}, got {info['format']}; fit it again")
        plain = {name: tuple(v) if isinstance(v, list) else v for name, v in info["learned"].items()}
        learned = {**plain, **arrays}
        if not all(map(_FIELD.fullmatch, learned)):
            raise UsageError(refusal)
        return SavedModel(info["model"], info["options"], learned)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile):
        raise UsageError(refusal) from None
