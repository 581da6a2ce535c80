"""The benchmark of label models: any folder of vote sets, one JSON object, scores and intervals that are right."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from simulated_votes import simulate

from weaksup.label_models import LabelModel, MajorityVote
from weaksup.metrics import accuracy, brier, f1

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture
def vote_sets(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(BENCHMARKS)
    import vote_sets

    return vote_sets


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write sets of odd shapes: splits missing, gold missing, no crowd, few sources, rows and sources without votes."""
    votes, truth = simulate([0.7, 0.8, 0.9], k=3, n=200)
    votes[:20] = -1
    silent = np.hstack([votes, np.full((200, 1), -1)])
    np.savez(tmp_path / "three.npz", L_train=silent[:150], L_test=silent[150:], y_test=truth[150:], n_classes=3)
    np.savez(tmp_path / "pair.npz", L_valid=votes[:, :2], y_valid=truth, n_classes=3)
    np.savez(tmp_path / "unknown.npz", L_train=votes, y_train=np.full(200, -1), n_classes=3)
    return tmp_path


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, BENCHMARKS / "label_models.py", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_json_is_all_that_is_printed_and_every_set_with_gold_is_scored(folder: Path) -> None:
    done = run("--votes", folder, "--models", "default, majority", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {model: list(sets) for model, sets in found.items()} == {name: ["pair", "three"] for name in found}
    assert list(found) == ["default", "majority"]
    for sets in found.values():
        for measures in sets.values():
            assert list(measures) == ["score", "metric", "brier", "ece", "seconds", "peak_mib"]
    assert "unknown: skipped, no row has a vote and gold" in done.stderr


@pytest.mark.slow
def test_a_model_without_a_result_is_told_and_stops_no_other(folder: Path) -> None:
    done = run("--votes", folder, "--models", "snorkel,majority", "--json")
    found = json.loads(done.stdout)
    assert {model: list(sets) for model, sets in found.items()} == {"snorkel": ["three"], "majority": ["pair", "three"]}
    assert "snorkel on pair: no result, it needs 3 sources, got 2" in done.stderr


def test_a_set_is_scored_as_the_protocol_says(folder: Path) -> None:
    done = run("--votes", folder, "--models", "default", "--json")
    votes, truth = simulate([0.7, 0.8, 0.9], k=3, n=200)
    votes[:20] = -1
    covered = (votes >= 0).any(axis=1)
    gold = np.where(np.arange(200) < 150, -1, truth)[covered]
    proba = LabelModel(3).fit(votes[covered]).predict_proba(votes[covered])
    found = json.loads(done.stdout)["default"]["three"]
    assert found["metric"] == "accuracy"
    assert found["brier"] == pytest.approx(brier(gold, proba))
    assert found["score"] == pytest.approx(accuracy(gold, proba.argmax(axis=1)), abs=0.02)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--models", "default,oracle"), "expected models out of default, majority, .*; got oracle"),
        (("--models", "default"), "expected vote files NAME.npz in .*, got none; .*"),
    ],
)
def test_what_cannot_be_run_is_one_line(words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    done = run("--votes", tmp_path, *words, "--json")
    assert done.returncode == 1
    assert done.stdout == ""
    assert re.fullmatch(f"{message}\n", done.stderr)


@pytest.mark.parametrize("name", ["sms", "other"])
def test_scores_break_ties_at_random_and_resampled_scores_lie_around_them(name: str, vote_sets: Any) -> None:
    votes, truth = simulate([0.6, 0.7, 0.8, 0.8], n=600, coverage=0.7)
    keep = (votes >= 0).any(axis=1)
    data = vote_sets.VoteSet(name, votes[keep], truth[keep], 2)
    probas = [model.fit(data.votes).predict_proba(data.votes) for model in (LabelModel(2), MajorityVote(2))]
    assert (probas[1][:, 0] == 0.5).any()
    scores = [vote_sets.score(data, proba)["score"] for proba in probas]
    draws = vote_sets.resample(data, [*probas, probas[0]])
    assert draws.shape == (vote_sets.ROUNDS, 3)
    assert (draws[:, 0] == draws[:, 2]).all()
    assert draws.mean(axis=0)[:2] == pytest.approx(scores, abs=0.01)
    expected = np.sqrt(scores[0] * (1 - scores[0]) / len(data.gold))
    assert draws[:, 0].std() == pytest.approx(expected, rel=0.35)
    labels = probas[0].argmax(axis=1)
    alone = f1(data.gold, labels, 1) if name == "sms" else accuracy(data.gold, labels)
    assert scores[0] == pytest.approx(alone, abs=0.01)


def test_a_fit_that_takes_too_long_or_fails_is_stopped_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    from one_fit import NoFitError, fit_alone

    votes, _ = simulate([0.7, 0.8, 0.9], n=50)
    fit = fit_alone("majority", votes, 2, None)
    assert fit.proba == pytest.approx(MajorityVote(2).fit(votes).predict_proba(votes))
    assert fit.peak_mib >= 0
    with pytest.raises(NoFitError, match="stopped after 0 s"):
        fit_alone("majority", votes, 2, 0.0)
    with pytest.raises(NoFitError, match="VoteError: votes: row"):
        fit_alone("majority", votes + 1, 2, None)


def test_crowd_kit_gives_distributions_whatever_it_makes_of_the_votes(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("crowdkit")
    monkeypatch.syspath_prepend(BENCHMARKS)
    from peers import PEERS

    votes, _ = simulate([0.7, 0.8, 0.9, 0.9], k=3, n=60, coverage=0.9)
    votes = votes[(votes >= 0).any(axis=1)]
    for name in ("dawid-skene", "one-coin", "wawa", "m-msr"):
        proba = PEERS[f"crowd-kit {name}"](votes, 4)
        assert proba.shape == (len(votes), 4)
        assert proba.sum(axis=1) == pytest.approx(1.0)
        assert (proba >= 0).all()
        assert (proba[:, 3] < 0.5).all()


def test_the_tables_show_every_model_and_every_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    import label_model_tables

    group = {"sets": 2, "score": 0.7, "brier": 0.3, "ece": 0.1, "seconds": 0.2, "interval": [0.6, 0.8], "peak_mib": 3.2}
    gap = {"score": 0.02, "interval": [-0.01, 0.03], "worst": -0.004, "worst set": "sms", "worst interval": [-0.1, 0.1]}
    text = label_model_tables.label_models(
        {
            "limit_s": 60.0,
            "averages": {
                "default": {"weak supervision": group | {"minus majority": gap}, "crowd": group | {"sets": 1}},
                "majority": {"weak supervision": group | {"minus majority": gap}, "crowd": group},
                "slow": {"crowd": group},
            },
            "speed": {"sets": {"ratio": 120.4, "ratio on one thread": 99.0}},
            "100,000 x 20, 50 classes": {"default": {"seconds": 2.0}, "snorkel": {"no result": "stopped after 60 s"}},
        }
    )
    cells = "+0.020 | -0.010 to +0.030 | -0.004 (sms) | 0.300 | 0.100 | 0.200 | 3 |"
    assert f"| default | 2 | 0.700 | 0.600 to 0.800 | {cells}" in text
    assert "| majority | 2 | 0.700 | 0.600 to 0.800 | - | - | - |" in text
    assert "| slow | 0 | - |" in text
    assert "| sets | 120 | 99 |" in text
    assert "default: 2.0 s; snorkel: stopped after 60 s." in text
