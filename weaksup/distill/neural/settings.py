"""Check what a user sets."""

from __future__ import annotations

from typing import Any

from weaksup.errors import UsageError

__all__ = ["above_zero", "whole"]


def whole(kind: str, name: str, value: Any, least: int, most: int) -> None:
    """Raise UsageError unless the value is a whole number from `least` to `most`."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise UsageError(f"student {kind}: expected {name} to be a whole number from {least} to {most}, got {value!r}")


def above_zero(kind: str, name: str, value: Any, most: float) -> None:
    """Raise UsageError unless the value is a number above 0 and at most `most`."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value <= most:
        raise UsageError(f"student {kind}: expected {name} to be above 0 and at most {most:g}, got {value!r}")
