"""The part of a model card that says where a model comes from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from weaksup.distill.card.facts import Facts, Json
from weaksup.distill.card.marks import code, plain, table

__all__ = ["tell_lineage"]

_NAMED = 40  # sources


def tell_lineage(facts: Facts) -> str:
    """Say what it was trained on, and what made that."""
    lineage, made = facts.lineage, _table(facts.lineage, "made_from")
    rows = [("rows", _rows(facts.training))]
    rows += [("corpus", _files(_table(lineage, "corpus").get("files")))]
    rows += [("labels", _hashed(lineage.get("labels"), lineage.get("labels_sha256")))]
    rows += [("votes", _hashed(made.get("votes"), made.get("votes_sha256")))]
    lfs = _table(lineage, "labeling_functions")
    rows += [("labeling functions", _hashed(lfs.get("module"), lfs.get("sha256")))]
    rows += [("sources", _sources(made.get("sources")))]
    rows += [("label model", plain(made.get("model", "")))]
    parts = [table(["", ""], [row for row in rows if row[1]])]
    asked = _tables(lineage, "asked")
    if asked:
        parts.append(_asked(asked, lineage.get("cost_usd")))
    parents = [code(str(one.get("seal"))[:16]) for one in _tables(lineage, "parents")]
    if parents:
        parts.append(f"Earlier students voted on its rows: {', '.join(parents)} (the seals of their bundles).")
    parts.append("`manifest.json` holds all of it, and the SHA-256 of every file.")
    return "## What it learned from\n\n" + "\n\n".join(parts)


def _rows(training: Json) -> str:
    rows, texts, gold = (training.get(name) for name in ("rows", "distinct_texts", "gold_rows"))
    if not isinstance(rows, int):
        return ""
    found = f"{rows:,}"
    found += f", {texts:,} different texts" if isinstance(texts, int) else ""
    return found + (f", {gold:,} with a true label" if isinstance(gold, int) and gold else "")


def _asked(asked: list[Json], cost: object) -> str:
    rows = []
    for one in asked:
        who = plain(one.get("tier", one.get("source", "")))
        prompt = _hashed(one.get("prompt"), one.get("prompt_sha256"))
        rows.append((who, plain(one.get("model", "")), prompt, _count(one.get("rows")), _count(one.get("answered"))))
    paid = f"\n\nThe answers cost ${cost:,.4f}." if isinstance(cost, int | float) else ""
    return table(["asked", "model", "prompt", "rows", "answered"], rows) + paid


def _sources(found: object) -> str:
    if not isinstance(found, list):
        return ""
    names = [plain(one["name"]) for one in found if isinstance(one, Mapping) and "name" in one]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _files(found: object) -> str:
    return ", ".join(plain(_name(one)) for one in found[:5]) if isinstance(found, list) else ""


def _hashed(name: object, digest: object) -> str:
    shown = plain(_name(name)) if name else ""
    return f"{shown} ({code(str(digest)[:16])})" if digest else shown


def _name(path: object) -> str:
    """Leave the folders of a path away: they are nobody's business."""
    return PureWindowsPath(PurePosixPath(str(path)).name).name


def _count(number: object) -> str:
    return f"{number:,}" if isinstance(number, int) else "-"


def _tables(found: Json, name: str) -> list[Json]:
    value = found.get(name)
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _table(found: Json, name: str) -> Mapping[str, Any]:
    value = found.get(name)
    return value if isinstance(value, Mapping) else {}
