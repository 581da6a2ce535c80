"""What each step was made from: a step runs again only when its inputs, its settings or its outputs changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from weaksup import __version__
from weaksup.files import write_text

__all__ = ["Stamps", "digest_file", "digest_of"]

Json = dict[str, Any]


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file, or of a folder's files with their names; "" where there is nothing."""
    found = hashlib.sha256()
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    if not path.exists():
        return ""
    for file in files:
        found.update(str(file.relative_to(path.parent)).encode())
        with file.open("rb") as stream:
            found.update(hashlib.file_digest(stream, "sha256").digest())
    return found.hexdigest()


def digest_of(value: object) -> str:
    """Return the SHA-256 of a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(slots=True)
class Stamps:
    """The record beside the outputs, in `state.json`: for each step a key, the outputs' digests, and its summary."""

    folder: Path
    steps: dict[str, Json] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path) -> Stamps:
        """Read the record; one that is damaged counts as none, so everything runs again."""
        try:
            steps = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            steps = {}
        return cls(folder, steps if isinstance(steps, dict) else {})

    def run(
        self,
        name: str,
        made_from: Mapping[str, object],
        outputs: Sequence[str],
        work: Callable[[], Json],
        *,
        whole: Callable[[Json], bool] = lambda _: True,
    ) -> tuple[Json, bool]:
        """Return a step's summary, and whether it stood already; else do the work, and record it if it is `whole`."""
        key = digest_of({"step": name, "version": __version__, **made_from})
        before = self.steps.get(name, {})
        if before.get("key") == key and before.get("outputs") == self._digests(outputs):
            return before["summary"], True
        self.steps.pop(name, None)
        summary = work()
        if whole(summary):
            self.steps[name] = {"key": key, "outputs": self._digests(outputs), "summary": summary}
        write_text(self.folder / "state.json", json.dumps(self.steps, indent=1) + "\n")
        return summary, False

    def _digests(self, outputs: Sequence[str]) -> dict[str, str]:
        return {name: digest_file(self.folder / name) for name in outputs}
