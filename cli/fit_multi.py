"""What `weaksup fit` shows of multi-label votes: every label beside its majority vote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weaksup.cli import render

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from weaksup.label_models.multi import MultiLabelModel
    from weaksup.label_sets import SoftLabelSets
    from weaksup.multi_votes import MultiVotes

__all__ = ["report_multi", "tell_fit_multi"]

_LABELS = 4


def report_multi(
    model: MultiLabelModel, votes: MultiVotes, soft: SoftLabelSets, truth: NDArray[np.int16] | None
) -> dict[str, Any]:
    """Gather what a person should see before using the labels; truth [n, k] scores them, -1 where not known."""
    import numpy as np

    from weaksup.label_models.multi import MultiLabelModel

    hard, majority = soft.hard(), MultiLabelModel("majority").fit(votes).predict(votes)
    accuracies = model.source_accuracies(votes)
    balance, labels = model.class_balance_, {}
    for c, name in enumerate(votes.labels.names):
        labels[name] = {
            "covered": int(soft.covered[:, c].sum()),
            "present": int((hard[:, c] == 1).sum()),
            "absent": int((hard[:, c] == 0).sum()),
            "majority_present": int((majority[:, c] == 1).sum()),
            "share": balance[name],
            "share_given": name in model.shares_,
            "mean_probability": float(soft.proba[:, c].mean()) if len(votes) else None,
            "sources": {s: float(a) for s, a in zip(votes.names, accuracies[:, c], strict=True) if not np.isnan(a)},
        }
        if truth is not None:
            labels[name]["gold"] = _scores(truth[:, c], hard[:, c], majority[:, c], soft.proba[:, c])
    health = {name: [finding.to_json() for finding in found] for name, found in model.health(votes, gold=truth).items()}
    covered = int(soft.covered.any(axis=1).sum())
    return {"model": model.name, "rows": len(votes), "covered": covered, "by_label": labels, "health": health}


def _scores(
    truth: NDArray[np.int16], model: NDArray[np.int8], majority: NDArray[np.int8], proba: NDArray[np.float64]
) -> dict[str, Any] | None:
    """Score PRESENT on all rows whose truth is known; a row without a label counts as not found."""
    import numpy as np

    from weaksup.metrics import brier, class_scores

    if not (truth >= 0).any():
        return None
    scores: dict[str, Any] = {"rows": int((truth >= 0).sum()), "present": int((truth == 1).sum())}
    for key, labels in (("model", model), ("majority", majority)):
        present = class_scores(truth, labels, 2)[1]
        scores[key] = {"precision": present.precision, "recall": present.recall, "f1": present.f1}
    return {**scores, "brier": brier(truth, np.column_stack([1 - proba, proba]))}


def tell_fit_multi(result: dict[str, Any]) -> None:
    """Write the report to stdout."""
    render.line(f"{result['rows']:,} rows, {result['covered']:,} with a vote on any label -> {result['labels']}")
    labels = result["by_label"]
    columns = ["label", "rows with a vote", "PRESENT", "ABSENT", "PRESENT (majority)", "share of rows", "mean p"]
    rows = [
        (name, a["covered"], a["present"], a["absent"], a["majority_present"], _share(a), a["mean_probability"])
        for name, a in labels.items()
    ]
    render.table(f'Labels of model "{result["model"]}"', columns, rows)
    judged = [(name, a["gold"]) for name, a in labels.items() if a.get("gold")]
    if judged:
        columns = ["label", "gold", "precision", "recall", "F1", "F1 (majority)", "Brier"]
        render.table("PRESENT against gold", columns, [_score_line(name, gold) for name, gold in judged])
    _tell_health(result["health"])


def _share(label: dict[str, Any]) -> str:
    return render.percent(label["share"]) + (", given" if label["share_given"] else "")


def _score_line(name: str, gold: dict[str, Any]) -> tuple[Any, ...]:
    model, majority = gold["model"], gold["majority"]
    shares = map(render.percent, (model["precision"], model["recall"], model["f1"], majority["f1"]))
    return (name, gold["present"], *shares, gold["brier"])


def _tell_health(health: dict[str, list[dict[str, Any]]]) -> None:
    """Say each kind of finding once, with the labels it is about."""
    kinds: dict[str, dict[str, dict[str, Any]]] = {}
    for label, findings in health.items():
        for finding in findings:
            kinds.setdefault(finding["name"], {}).setdefault(label, finding)
    for name, found in kinds.items():
        first, more = next(iter(found.values())), list(found)[1:]
        render.line(f"\n{name}: {first['text']}")
        if more:
            shown = ", ".join(more[:_LABELS]) + (f" and {len(more) - _LABELS} more" if len(more) > _LABELS else "")
            render.line(f"  likewise: {shown}")
        render.line(f"  {first['advice']}")
