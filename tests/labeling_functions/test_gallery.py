"""The gallery: every suite's examples hold, and the ticket suite is as good on the embedded corpus as it was."""

from __future__ import annotations

import ast
import shutil
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import weaksup.labeling_functions.gallery as gallery
from weaksup.corpus import Chunk
from weaksup.demo import LABELS, load_tickets
from weaksup.labeling_functions import ExampleCase, LFModule, example_cases, load_lf_module

FOLDER = Path(gallery.__file__).parent
SUITES = {path.stem: path for path in sorted(FOLDER.glob("*.py")) if path.stem != "__init__"}
CASES = [case for path in SUITES.values() for case in example_cases(path)[1]]


@cache
def suite(name: str) -> LFModule:
    return load_lf_module(SUITES[name])


def count_votes(module: LFModule, texts: list[str]) -> np.ndarray:
    """Return the votes for each class, [n, k]."""
    assert module.labels is not None
    chunk = Chunk(pa.RecordBatch.from_pydict({"id": [str(i) for i in range(len(texts))], "text": texts}))
    votes = [lf.vote(chunk, module.labels) for lf in module.lfs]
    assert not any(vote.errors or vote.invalid for vote in votes)
    codes = np.stack([vote.codes for vote in votes])
    return np.stack([(codes == k).sum(axis=0) for k in range(len(module.labels))], axis=1)


@pytest.mark.parametrize("example", CASES)
def test_every_example_of_the_gallery_holds(example: ExampleCase) -> None:
    example.check()


@pytest.mark.parametrize("name", SUITES)
def test_a_suite_has_a_described_label_space_and_names_that_differ(name: str) -> None:
    module = suite(name)
    assert module.labels is not None
    assert all(module.labels.descriptions)
    assert module.labels.guideline
    assert not module.prompts
    assert len({lf.name for lf in module.lfs}) == len(module.lfs) >= 14


@pytest.mark.parametrize("name", SUITES)
def test_every_labeling_function_has_an_example_and_every_label_two_functions_or_more(name: str) -> None:
    module = suite(name)
    voted: Counter[object] = Counter()
    for lf in module.lfs:
        labels = {example.expected for example in lf.examples} - {None}  # type: ignore[attr-defined]
        assert labels, lf.name
        voted.update(labels)
    assert module.labels is not None
    assert all(voted[label] >= 2 for label in module.labels.names), voted


@pytest.mark.parametrize("name", SUITES)
def test_a_suite_is_one_file_that_works_where_it_is_copied_to(name: str, tmp_path: Path) -> None:
    copy = tmp_path / "lfs.py"
    shutil.copy(SUITES[name], copy)
    assert [lf.name for lf in load_lf_module(copy).lfs] == [lf.name for lf in suite(name).lfs]
    imports = [node for node in ast.walk(ast.parse(copy.read_text())) if isinstance(node, ast.ImportFrom)]
    assert {str(node.module).partition(".")[0] for node in imports} <= {"__future__", "typing", "weaksup"}


@pytest.mark.parametrize("name", SUITES)
def test_no_text_however_odd_is_a_fault(name: str) -> None:
    odd = [
        "",
        " ",
        "\x00",
        "\u2028",
        "?" * 1000,
        "(" * 1000,
        "to " * 1000,
        "please " * 1000,
        "\U0001f600",
        "\u0130STANBUL",
        "a\nb",
        "n't" * 500,
    ]
    assert len(count_votes(suite(name), odd)) == len(odd)


def test_the_ticket_suite_has_the_labels_of_the_embedded_corpus() -> None:
    assert suite("support_tickets").labels == LABELS


def test_on_the_embedded_tickets_the_suite_covers_most_and_its_majority_is_mostly_right() -> None:
    tickets = load_tickets()
    counts = count_votes(suite("support_tickets"), [ticket.text for ticket in tickets])
    gold = np.array([LABELS.index(ticket.label) for ticket in tickets])
    best = counts == counts.max(axis=1, keepdims=True)
    covered = counts.any(axis=1)
    right = best[np.arange(len(gold)), gold] / best.sum(axis=1)  # of a tie between t labels, the right one counts 1/t
    assert covered.mean() >= 0.76  # 0.789 when it was written
    assert right[covered].mean() >= 0.735  # 0.762 then; 0.759 on the tickets that its author had not read
