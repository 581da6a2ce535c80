"""What the tests of the store share."""

from __future__ import annotations

from faults.places import new_place, place, server

__all__ = ["new_place", "place", "server"]
