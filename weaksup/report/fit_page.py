"""Render what a label model made of the votes, and how far to trust it: one self-contained page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from weaksup import __version__
from weaksup.report.diagram import reliability_diagram
from weaksup.report.environment import environment, nonce_of
from weaksup.report.scale import nice_top

__all__ = ["render_fit_report"]


def render_fit_report(result: Mapping[str, Any], *, title: str, extra: Mapping[str, str] | None = None) -> str:
    """Return the page of a fit; the same input gives the same bytes.

    `result` is plain JSON, as `weaksup fit --json` prints it: model, rows, covered, undecided, mean_confidence,
    differs_from_majority, majority_ties, class_balance {label: share}, counts {label: {model, majority}},
    sources [{name, votes, coverage, accuracy}] and health [{name, text, advice}]. These may be there too: low, high
    and basis of a source ("gold" or "opinion"), and gold {rows, model, majority}, both
    {accuracy, low, high, brier}, with its calibration, a `CalibrationReport` as JSON; agreement and audit, of what
    tiers and people answered, an `Agreement` and an `AuditScore` as JSON. `extra` are facts to show under the title.
    """
    facts = dict(extra or {})
    calibration = (result.get("gold") or {}).get("calibration")
    pictures = []
    if calibration:
        before, after = calibration["before"]["bins"], calibration["after"]["bins"]
        pictures = [reliability_diagram(before, after), reliability_diagram(after, before)]
    labels = list(result["counts"])
    return (
        environment()
        .get_template("fit.html")
        .render(
            r=result,
            title=title,
            facts=facts,
            nonce=nonce_of([title, facts, result]),
            version=__version__,
            calibration=calibration,
            said={name: _said(calibration[name]["bins"]) for name in ("before", "after")} if calibration else {},
            pictures=pictures,
            measured=any(source.get("basis") == "gold" for source in result["sources"]),
            colour={label: at % 8 for at, label in enumerate(labels)},
            top=nice_top(max((source["coverage"] or 0.0 for source in result["sources"]), default=1.0)),
        )
    )


def _said(bins: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the mean confidence and the accuracy over all bins."""
    held = [b for b in bins if b["rows"]]
    rows = sum(b["rows"] for b in held)
    return {
        "confidence": sum(b["rows"] * b["confidence"] for b in held) / rows,
        "accuracy": sum(b["correct"] for b in held) / rows,
    }
