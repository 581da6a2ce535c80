"""The threshold that a bundle promises for a wanted precision: looked up in what was measured when it was packed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from weaksup.errors import UsageError

__all__ = ["promised_threshold"]


def promised_threshold(precision: float, thresholds: Mapping[str, Any] | None, metrics: Mapping[str, Any]) -> float:
    """Return the confidence from which on at least `precision` of the answers are right.

    Of the measured points whose lower bound is that high, the one that answers most rows. `thresholds` and `metrics`
    are those of a bundle. Raises UsageError, with what it can promise, where no point is good enough.
    """
    if isinstance(precision, bool) or not isinstance(precision, (int, float)) or not 0 < precision < 1:
        raise UsageError(f"precision: expected a share between 0 and 1, such as 0.95; got {precision!r:.60}")
    points = list(_points(thresholds, metrics))
    if not points:
        raise UsageError(
            f"precision {precision:g}: this bundle promises none, as it was not scored; distill it again with --gold"
        )
    good = [(share, threshold) for at_least, share, threshold in points if at_least >= precision]
    if not good:
        best = math.floor(1000 * max(points)[0]) / 1000
        raise UsageError(
            f"precision {precision:g}: this bundle promises {best:g} at most; score it with more gold, or ask for less"
        )
    return max(good)[1]


def _points(thresholds: Mapping[str, Any] | None, metrics: Mapping[str, Any]) -> Iterator[tuple[float, float, float]]:
    """Give (bound, share answered, threshold) of what was measured; what is not three numbers is passed over."""
    wanted = (thresholds or {}).get("wanted")
    curve = metrics.get("selective")
    for found in (wanted, curve):
        for one in found if isinstance(found, list) else []:
            values = [one.get(name) for name in ("at_least", "share", "threshold")] if isinstance(one, dict) else []
            numbers = [float(value) for value in values if isinstance(value, (int, float)) and 0 <= value <= 1]
            if len(numbers) == 3:
                yield numbers[0], numbers[1], numbers[2]
