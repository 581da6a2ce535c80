"""Write a model card in Markdown, and its pictures beside it; the same facts give the same bytes."""

from __future__ import annotations

from weaksup.distill.card import usage as ways
from weaksup.distill.card.facts import Facts
from weaksup.distill.card.lineage import tell_lineage
from weaksup.distill.card.marks import plain, shorten, table
from weaksup.distill.card.pictures import draw_labels, draw_reliability, draw_selective
from weaksup.distill.card.scores import tell_limits, tell_scores, tell_sureness

__all__ = ["CARD", "draw_card"]

CARD = "README.md"
_NAMED = 6  # labels in the title
_TEXT_KINDS = {"linear", "embedbag"}  # whose model.onnx reads raw text


def draw_card(facts: Facts, *, usage: str | None = None, header: str = "") -> dict[str, bytes]:
    """Return README.md and its pictures by file name; `usage` says how to run it, in place of a bundle's own words.

    Nothing of a corpus is in it but the names of labels, sources, columns and files.
    """
    pictures = _draw(facts)
    if usage is None:
        here = ways.in_a_bundle(multi=facts.multi, reads_text=facts.kind in _TEXT_KINDS)
        usage = ways.on_a_server() if facts.kind == "slm" else here
    if facts.fields and facts.kind != "slm":
        usage += ways.in_rows(facts.fields)
    parts = [
        _title(facts),
        usage,
        tell_scores(facts, pictures),
        tell_sureness(facts, pictures),
        tell_lineage(facts),
        tell_limits(facts),
    ]
    body = "\n\n".join(part.strip("\n") for part in parts if part)
    return {CARD: f"{header}{body}\n".encode(), **pictures}


def _draw(facts: Facts) -> dict[str, bytes]:
    found, gold = {}, facts.gold
    if gold is None:
        return {}
    found["labels.svg"] = draw_labels(gold["classes"])
    if facts.metrics.get("reliability"):
        found["reliability.svg"] = draw_reliability(facts.metrics["reliability"], rows=gold["rows"], ece=gold["ece"])
    if facts.metrics.get("selective"):
        promised = facts.thresholds or {}
        found["selective.svg"] = draw_selective(
            facts.metrics["selective"],
            wanted=promised.get("wanted", []),
            rows=gold["rows"],
            level=promised.get("level", 0.95),
        )
    return found


def _title(facts: Facts) -> str:
    names = facts.names
    shown = ", ".join(plain(shorten(name, 40)) for name in names[:_NAMED])
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    about = facts.labels.get("descriptions") or [""] * len(names)
    rows = [(plain(name), plain(text) or "-") for name, text in zip(names, about, strict=False)]
    said = facts.labels.get("guideline")
    version = plain(facts.labels.get("version", "1"))
    guideline = f"\n\nGuideline (version {version}): {plain(said)}" if said else f"\n\nGuideline version: {version}."
    which = f"which of {len(names)} labels {'it has, any number of them' if facts.multi else 'fits'}"
    read = ""
    if facts.fields:
        names_of = ", ".join(plain(name) for name in facts.fields)
        read = f" Beside the text it reads the fields {names_of}."
    return (
        f"# Text classifier: {shown}{more}\n\n"
        f"Given a text, it says {which}, and how sure it is.{read} "
        f"It is a `{plain(facts.kind)}` student of weaksup {plain(facts.version)}, trained on labels that were made by "
        "programs, not by hand. It runs on a CPU, without a network.\n\n"
        f"{table(['label', 'meaning'], rows)}{guideline}"
    )
