"""The manifest of a bundle: what every file must be, to the byte, and a seal on the manifest itself."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from weaksup.errors import UsageError

__all__ = [
    "FAMILY",
    "FILES",
    "FORMAT",
    "LARGEST_MODEL",
    "MANIFEST",
    "MODEL",
    "SERVED",
    "bad_bundle",
    "is_bundle",
    "make_manifest",
    "read_sealed",
    "to_bytes",
]

FAMILY = "weaksup student"
FORMAT = f"{FAMILY} 1"
MODEL, MANIFEST = "model.onnx", "manifest.json"
FILES = (MODEL, "labels.json", "metrics.json")  # what every bundle has, beside the manifest
LARGEST_MODEL = 256 << 20  # bytes
SERVED = "slm"  # the kind of student that is no model.onnx
_LARGEST = {MODEL: LARGEST_MODEL, "tokenizer.json": 64 << 20}
_LARGEST_OTHER = 16 << 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

Json = dict[str, Any]


def to_bytes(data: Mapping[str, Any]) -> bytes:
    """Write JSON in the one way that a bundle has."""
    text = json.dumps(data, ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False)
    return f"{text}\n".encode("utf-8", "surrogatepass")


def make_manifest(files: Mapping[str, bytes], info: Mapping[str, Any]) -> bytes:
    """List the files with size and SHA-256; the seal is the SHA-256 of all the rest."""
    listed = {name: {"bytes": len(data), "sha256": sha256(data).hexdigest()} for name, data in files.items()}
    manifest = {**info, "format": FORMAT, "files": listed}
    return to_bytes({**manifest, "seal": sha256(to_bytes(manifest)).hexdigest()})


def read_sealed(folder: Path) -> tuple[Json, dict[str, bytes]]:
    """Return the manifest and the content of every file it lists; raise UsageError where anything is not as sealed.

    Refused are changed, missing and unknown files, links, and files too large to be read.
    """
    manifest = _read_manifest(folder)
    listed = manifest["files"]
    found = set(os.listdir(folder)) - {MANIFEST}  # noqa: PTH208  (names, not paths)
    for name in sorted(found - set(listed)):
        raise bad_bundle(folder, f"the manifest does not know {name!r}; remove it")
    files = {}
    for name, expected in listed.items():
        data = _read(folder, name)
        if expected != {"bytes": len(data), "sha256": sha256(data).hexdigest()}:
            raise bad_bundle(folder, f"{name} is not what was packed; take a fresh copy, or distill again")
        files[name] = data
    return manifest, files


def is_bundle(folder: Path) -> bool:
    """Tell whether a folder looks like a bundle of any version, whole or not."""
    try:
        return f'"format": "{FAMILY} ' in (folder / MANIFEST).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False


def _read_manifest(folder: Path) -> Json:
    if not folder.exists():
        raise UsageError(f"expected a bundle written by `weaksup distill`, but there is no folder {folder}")
    if not folder.is_dir():
        raise UsageError(f"expected a bundle written by `weaksup distill`, got {folder}, which is no folder")
    if not (folder / MANIFEST).exists():
        raise UsageError(f"expected a bundle written by `weaksup distill`, got {folder}, which has no {MANIFEST}")
    data = _read(folder, MANIFEST)
    try:
        manifest = json.loads(data)
        sealed = dict(manifest)
        seal = sealed.pop("seal")
        whole = to_bytes(manifest) == data and sha256(to_bytes(sealed)).hexdigest() == seal
    except (ValueError, TypeError, KeyError, RecursionError):
        whole = False
    if not whole:
        raise bad_bundle(folder, f"{MANIFEST} is not what was packed; take a fresh copy, or distill again")
    if manifest.get("format") != FORMAT:
        raise bad_bundle(folder, f'expected the format "{FORMAT}", got {manifest.get("format")!r}; update weaksup')
    if manifest.get("kind") == SERVED:
        raise UsageError(
            f"expected a bundle that runs here, got {folder}, a language model, which a tier serves: weaksup ask VOTES "
            f"--prompts {folder / 'prompts.py'} --tier {folder / 'tiers.toml'}"
        )
    listed = manifest.get("files")
    if not isinstance(listed, dict) or not set(FILES) <= set(listed) or not all(map(_NAME.fullmatch, listed)):
        raise bad_bundle(folder, f"expected {MANIFEST} to list {', '.join(FILES)} by plain names")
    return dict(manifest)


def _read(folder: Path, name: str) -> bytes:
    """Read one file of a bundle, whole; links are not followed."""
    limit = _LARGEST.get(name, _LARGEST_OTHER)
    try:
        handle = os.open(folder / name, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        raise bad_bundle(folder, f"{name} is missing; take a fresh copy, or distill again") from None
    except OSError as error:
        raise bad_bundle(folder, f"cannot read {name} ({error.strerror}); expected a plain file") from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise bad_bundle(folder, f"{name} is no plain file")
    with os.fdopen(handle, "rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise bad_bundle(folder, f"{name} is larger than {limit >> 20} MB")
    return data


def bad_bundle(folder: Path, what: str) -> UsageError:
    """Make the error for a bundle that is refused."""
    return UsageError(f"bundle {folder} is refused: {what}")
