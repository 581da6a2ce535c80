"""`weaksup run` tells of its student what `weaksup distill` does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from weaksup import SoftLabels, VoteMatrix
from weaksup.corpus import open_corpus
from weaksup.demo import write_starter
from weaksup.distill import load_bundle
from weaksup.distill.bundle.seal import to_bytes
from weaksup.pipeline import run_project
from weaksup.pipeline.gold import project_gold
from weaksup.pipeline.teaching import Lesson, keep_out, teach
from weaksup.project import Project


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scored")
    write_starter(folder)
    for name in ("tickets", "gold"):
        path = folder / "data" / f"{name}.csv"
        path.write_text("".join(path.read_text(encoding="utf-8").splitlines(keepends=True)[:201]), encoding="utf-8")
    return folder


def test_the_bundle_of_a_run_has_the_numbers_of_a_lesson_of_its_own(made: Path) -> None:
    project = Project.load(made)
    found = run_project(project).steps["distill"]
    out = made / "out"
    corpus = open_corpus(project.path(project.corpus.path), text=project.corpus.text, id=project.corpus.id)
    soft = SoftLabels.load(str(out / "labels.parquet"))
    texts = [str(row["text"]) for row in corpus.lookup(soft.ids, ["text"]).values()]
    truth = project_gold(project, corpus, soft.ids, soft.labels)
    votes = VoteMatrix.load(out / "votes_asked.parquet")
    card = teach(Lesson(texts, soft, truth=truth, votes=votes, seed=project.student.seed), keep_out(texts, truth)).card
    packed = json.loads(to_bytes(card.metrics))  # where there is nothing to divide by, null
    assert json.loads(to_bytes(found["metrics"])) == packed
    assert load_bundle(out / "student").metrics == packed
    assert found["calibration"]["by"] == "gold"
    assert {"thresholds", "calibration", "score", "lf_only"} <= set(found)
    assert [tier["name"] for tier in card.metrics["tiers"]]
