"""Run the examples that stand beside labeling functions: they are their unit tests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from weaksup.errors import ConfigError, VoteError, WeaksupError
from weaksup.label_sets import PRESENT
from weaksup.labeling_functions.examples import Example
from weaksup.labeling_functions.module import load_lf_module
from weaksup.labeling_functions.one_row import chunk_of
from weaksup.labeling_functions.open_labels import OpenLabels
from weaksup.labeling_functions.voters import as_voters
from weaksup.labels import ABSTAIN, LabelSpace
from weaksup.protocols import ChunkVotes, Voter

__all__ = ["ExampleCase", "Failure", "check_examples", "example_cases"]


@dataclass(frozen=True, slots=True)
class Failure:
    """An example whose vote is not the expected one; `str(failure)` is one line."""

    lf: str
    example: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f'labeling function "{self.lf}", example {self.example}: expected {self.expected}, got {self.got}'


@dataclass(frozen=True, slots=True)
class ExampleCase:
    """One example of one labeling function, as a test case."""

    lf: Voter
    example: Example
    labels: LabelSpace | None

    def check(self) -> None:
        """Raise `AssertionError`, in one line, where the vote is not the expected one."""
        failure = self.failure()
        if failure is not None:
            raise AssertionError(str(failure))

    def failure(self) -> Failure | None:
        """Vote on the example and return what went wrong, if anything."""
        labels = self.labels or OpenLabels()
        try:
            wanted = labels.encode([self.example.expected])
            if labels.first_invalid(wanted) is not None:
                raise VoteError(f"expected {labels.expected}, got {self.example.expected!r:.60}")
            voted = self.lf.vote(chunk_of(self.example.row), labels)
        except WeaksupError as error:
            return self._failure(str(error))
        if voted.errors:
            return self._failure(f"{type(voted.errors[0]).__name__}: {voted.errors[0]}")
        return None if np.array_equal(voted.codes, wanted) else self._failure(_said(voted, labels))

    def _failure(self, got: str) -> Failure:
        expected = self.example.expected
        return Failure(
            lf=self.lf.name,
            example=_shown(self.example.row.get("text", "")),
            expected="no vote" if expected is None or expected == ABSTAIN else str(expected),
            got=" ".join(got.split()),
        )

    def __str__(self) -> str:
        return f"{self.lf.name}-{self.example.row.get('id')}"


def check_examples(lfs: Iterable[Any], labels: LabelSpace | None = None) -> list[Failure]:
    """Run all examples of the labeling functions, each as a chunk of one row; return the failures."""
    failures = (case.failure() for case in _cases(as_voters(lfs), labels))
    return [failure for failure in failures if failure is not None]


def example_cases(module: str | Path) -> tuple[str, list[Any]]:
    """Give pytest the examples of an LF module, an `ExampleCase` each.

    `@pytest.mark.parametrize(*example_cases("lfs.py"))` above `def test_examples(example): example.check()`.
    """
    import pytest

    loaded = load_lf_module(module)
    cases = _cases(loaded.lfs, loaded.labels)
    if not cases:
        raise ConfigError(
            f"{loaded.path}: expected examples beside the labeling functions, found none; add examples=[...]"
        )
    return "example", [pytest.param(case, id=str(case)) for case in cases]


def _cases(lfs: Iterable[Voter], labels: LabelSpace | None) -> list[ExampleCase]:
    return [
        ExampleCase(lf, example, labels or getattr(lf, "labels", None))
        for lf in lfs
        for example in getattr(lf, "examples", ())
    ]


def _said(voted: ChunkVotes, labels: LabelSpace) -> str:
    if labels.first_invalid(voted.codes) is not None:
        return f"{voted.invalid[0]}, which is no label"
    if (voted.codes == ABSTAIN).all():
        return "no vote"
    if labels.multi:
        said = zip(labels.names, voted.codes[0].tolist(), strict=True)
        return str({name: code == PRESENT for name, code in said if code != ABSTAIN})
    code = int(voted.codes[0])
    names = labels.seen if isinstance(labels, OpenLabels) else labels.names
    return names[code] if code < len(names) else str(code)


def _shown(text: object) -> str:
    line = " ".join(str(text).split())
    return f'"{line if len(line) <= 60 else line[:57] + "..."}"'
