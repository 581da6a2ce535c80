"""A comparison of label models on a terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from weaksup.cli import render

if TYPE_CHECKING:
    from weaksup.label_models.compare import Compared, Comparison

__all__ = ["tell"]

_LABELS = 6
_LABEL = 16
_NAMES = 4


def tell(comparison: Comparison) -> None:
    """Write the comparison to stdout."""
    c = comparison
    render.line(f"{render.counted(c.rows, 'row')}, {c.covered:,} with a vote, {render.counted(len(c.models), 'model')}")
    _models(c)
    if c.judged:
        _scores(c)
    if c.models:
        _shares(c)
        _agreement(c)
    _health(c)
    for name, reason in c.refused.items():
        render.line(f"\n{name}: no result")
        render.line(f"  {reason}")


def _models(c: Comparison) -> None:
    columns = ["model", "seconds", "mean confidence", "undecided", "differs from majority", "findings"]
    rows = [
        (m.name, m.seconds, m.mean_confidence, m.undecided, m.differs_from_majority, len(m.health)) for m in c.models
    ]
    render.table("Models", columns, rows)


def _scores(c: Comparison) -> None:
    rows = [
        (m.name, s.accuracy, f"{s.low:.3f}-{s.high:.3f}", s.macro_f1, s.brier, s.nll, s.ece)
        for m in c.models
        if (s := m.score)
    ]
    columns = ["model", "accuracy", "95%", "macro F1", "Brier", "NLL", "ECE"]
    render.table(f"On {c.judged:,} covered rows with gold", columns, rows)


def _shares(c: Comparison) -> None:
    """Show the labels that the first model gives most often."""
    first = c.models[0].shares
    names = sorted(first, key=lambda name: -first[name])[:_LABELS]
    names = [name for name in first if name in names]
    rows = [(m.name, *(render.percent(m.shares[name]) for name in names)) for m in c.models]
    title = "Labels" if len(names) == len(first) else f"Labels, the {len(names)} most frequent of {len(first):,}"
    render.table(title, ["model", *(render.cut(name, _LABEL) for name in names)], rows)


def _agreement(c: Comparison) -> None:
    every = range(len(c.models))
    both = [[c.kappa[i, j] if j > i else c.agreement[i, j] for j in every] for i in every]
    rows = [
        (m.name, i + 1, *("-" if math.isnan(value) else f"{value:.2f}" for value in both[i]))
        for i, m in enumerate(c.models)
    ]
    title = "Equal labels, as a share of the covered rows; above the diagonal Cohen's kappa"
    render.table(title, ["model", "", *(str(i + 1) for i in every)], rows)


def _health(c: Comparison) -> None:
    """Tell each finding once, with the models that have it."""
    found: dict[tuple[str, str], list[Compared]] = {}
    advice = {}
    for model in c.models:
        for finding in model.health:
            found.setdefault((finding.name, finding.text), []).append(model)
            advice[finding.name, finding.text] = finding.advice
    for (name, text), models in found.items():
        render.line(f"\n{name} ({_who(models, len(c.models))}): {text}")
        render.line(f"  {advice[name, text]}")


def _who(models: list[Compared], every: int) -> str:
    if len(models) == every:
        return "every model"
    more = len(models) - _NAMES
    return ", ".join(m.name for m in models[:_NAMES]) + (f" and {more} more" if more > 0 else "")
