"""The pictures of a model card: do the probabilities mean what they say, what does abstaining bring, score by label."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from weaksup.distill.card.marks import shorten
from weaksup.distill.card.svg import BLUE, GREY, INK, ORANGE, Plane, dot, drawing, line, polyline, text
from weaksup.metrics import wilson

__all__ = ["LABELS", "draw_labels", "draw_reliability", "draw_selective"]

LABELS = 20  # that a picture shows
_ROW = 40.0
_WIDE, _HIGH = 430.0, 384.0
_DIM = "#57606a"
_DASHED = ' stroke-dasharray="5 4"'

Json = Mapping[str, Any]


def draw_reliability(bins: Sequence[Json], *, rows: int, ece: float) -> bytes:
    """Draw how often the rows of each confidence are right, with 95 % intervals; on the diagonal it is as often.

    Bins: low, high, rows, confidence, correct.
    """
    held = [b for b in bins if b["rows"]]
    ends = [wilson(b["correct"], b["rows"]) for b in held]
    lowest = min([b["confidence"] for b in held], default=0.0)
    start = math.floor(lowest * 5) / 5 if lowest < 1 else 0.8
    plane = Plane((start, 1.0), (0.0, 1.0))
    parts = plane.frame("When it says 90 %, is it right 9 times in 10?", "confidence", "right")
    parts.append(line((plane.x(start), plane.y(start)), (plane.x(1), plane.y(1)), GREY, width=1.5, more=_DASHED))
    most = max((b["rows"] for b in held), default=1)
    for b, (low, high) in zip(held, ends, strict=True):
        x, share = plane.x(b["confidence"]), b["correct"] / b["rows"]
        parts.append(line((x, plane.y(low)), (x, plane.y(high)), BLUE, width=1.5))
        radius = 3 + 5 * math.sqrt(b["rows"] / most)
        parts.append(dot(x, plane.y(share), radius, BLUE, more=' fill-opacity="0.75"'))
    says = f"{rows:,} rows, mean gap {100 * ece:.1f} points (ECE)"
    parts += _foot(says, "larger dots hold more rows; upright lines: 95 % intervals")
    return drawing(_WIDE, _HIGH, f"Share of right answers against confidence: {says}", parts)


def draw_selective(curve: Sequence[Json], *, wanted: Sequence[Json], rows: int, level: float) -> bytes:
    """Draw how often it is right when it answers only its surest rows, and the bound that holds for new rows.

    Points: share, accuracy, at_least. `wanted`: precision, threshold and share of those that the bundle promises.
    """
    points = sorted(curve, key=lambda point: point["share"])
    lowest = min([point["at_least"] for point in points], default=0.0)
    bottom = min(math.floor(max(lowest - 0.02, 0.0) * 10) / 10, 0.9)
    plane = Plane((0.0, 1.0), (bottom, 1.0))
    parts = plane.frame("Answer less, be right more often", "share of rows that get an answer", "right")
    for one in wanted:
        if one.get("threshold") is not None:
            at = (plane.x(one["share"]), plane.y(one["precision"]))
            parts.append(line((plane.LEFT, at[1]), at, ORANGE, more=' stroke-dasharray="2 3"'))
            parts.append(dot(*at, 4, "#ffffff", more=f' stroke="{ORANGE}"'))
    parts.append(polyline([(plane.x(p["share"]), plane.y(p["at_least"])) for p in points], GREY, more=_DASHED))
    parts.append(polyline([(plane.x(p["share"]), plane.y(p["accuracy"])) for p in points], BLUE))
    parts += [
        f'<circle cx="{plane.x(p["share"]):.2f}" cy="{plane.y(p["accuracy"]):.2f}" r="3" fill="{BLUE}"/>'
        for p in points
    ]
    parts += _foot(f"blue: on {rows:,} rows; dashed: at least so many, {100 * level:g} % sure", "rings: promised")
    return drawing(_WIDE, _HIGH, f"Share of right answers against the share of rows answered, on {rows:,} rows", parts)


def _foot(*lines: str) -> list[str]:
    return [text(Plane.LEFT, 350 + 17 * i, words, fill=_DIM) for i, words in enumerate(lines)]


def draw_labels(classes: Mapping[str, Json]) -> bytes:
    """Draw recall and precision of each label with 95 % intervals; of many, those with the lowest F1."""
    known = [name for name in classes if classes[name]["f1"] is not None]  # the others: no gold, and never said
    worst = sorted(known, key=lambda name: (classes[name]["f1"], name))[:LABELS]
    shown = [name for name in classes if name in set(worst)]
    left, width, top = 170.0, 400.0, 58.0
    height = top + _ROW * len(shown) + 52
    more = f" (the {LABELS} worst of {len(classes)})" if len(classes) > LABELS else ""
    parts = [text(20, 26, f"Score by label{more}", more=' font-size="14" font-weight="600"')]
    parts += [
        text(left, 46, "● found (recall)", fill=BLUE),
        text(left + 130, 46, "■ right when said (precision)", fill=ORANGE),
    ]
    foot = top + _ROW * len(shown)
    for n in range(6):
        x = left + width * n / 5
        parts.append(line((x, top), (x, foot), "#eaeef2"))
        parts.append(text(x, foot + 17, f"{20 * n}%", anchor="middle", fill=_DIM))
    for i, name in enumerate(shown):
        parts += _label_row(name, classes[name], left, width, top + _ROW * i)
    parts.append(text(left, foot + 38, "lines: 95 % intervals; rows with gold in brackets", fill=_DIM))
    return drawing(620, height, "Recall and precision of each label with 95 % intervals.", parts)


def _label_row(name: str, score: Json, left: float, width: float, top: float) -> list[str]:
    parts = [text(left - 12, top + 24, f"{shorten(name, 16)} ({score['gold']:,})", anchor="end", fill=INK)]
    for what, colour, y in (("recall", BLUE, top + 14), ("precision", ORANGE, top + 27)):
        low, high = score[f"{what}_interval"]
        value, x = score[what], left + width * (score[what] or 0)
        if value is None or (what == "precision" and not score["predicted"]) or not score["gold"]:
            continue
        parts.append(line((left + width * low, y), (left + width * high, y), colour, width=1.5))
        square = f'<rect x="{x - 4:.2f}" y="{y - 4:.2f}" width="8" height="8" fill="{colour}"/>'
        parts.append(dot(x, y, 4.5, colour) if what == "recall" else square)
    return parts
