"""The scores of a model that gives any number of labels a row."""

from __future__ import annotations

from weaksup.distill.card.facts import Json
from weaksup.distill.card.marks import percent, plain, span, table

__all__ = ["tell_sets"]


def tell_sets(gold: Json) -> str:
    """Say how good it is: all labels of all rows together, and each by itself (see `SetsEvaluation`)."""
    rows = [("all labels together (micro F1)", f"{gold['micro_f1']:.3f}", span(gold["micro_f1_interval"], share=False))]
    rows.append(("mean over labels (macro F1)", f"{gold['macro_f1']:.3f}", "-"))
    if gold["exact"] is not None:
        rows.append(("rows with all labels right", percent(gold["exact"]), span(gold["exact_interval"])))
    labels = [_label(name, score) for name, score in gold["labels"].items()]
    return "\n\n".join(
        [
            f"## How good it is\n\nMeasured on {gold['rows']:,} rows with true labels that it was not trained on.",
            table(["", "score", "95 %"], rows),
            table(["label", "gold rows", "found (recall)", "right when said (precision)", "F1", "95 %"], labels),
        ]
    )


def _label(name: str, score: Json | None) -> tuple[str, ...]:
    if score is None:
        return (plain(name), "0", "-", "-", "-", "-")
    shares = [percent(score[what]) if score[what] is not None else "-" for what in ("recall", "precision")]
    f1 = "-" if score["f1"] is None else f"{score['f1']:.3f}"
    interval = "-" if score["f1_interval"] is None else span(score["f1_interval"], share=False)
    return (plain(name), f"{score['gold']:,}", *shares, f1, interval)
