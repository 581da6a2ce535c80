"""The kinds of students by name; another package adds one by the entry point `weaksup.students`."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from weaksup.errors import UsageError

__all__ = ["DEFAULT", "KINDS", "SETS", "find_kind", "find_sets_kind"]

DEFAULT = "linear"
GROUP = "weaksup.students"
KINDS = {
    "linear": "weaksup.distill.linear.student:fit_linear",
    "embedbag": "weaksup.distill.neural.embedbag:fit_embedbag",
    "embedding": "weaksup.distill.neural.embedding:fit_embedding",
    "transformer": "weaksup.distill.neural.transformer:fit_transformer",
    "slm": "weaksup.distill.slm.student:fit_slm",
}
SETS = {
    "linear": "weaksup.distill.linear.sets:fit_sets",
}


def find_sets_kind(name: str) -> Callable[..., Any]:
    """Return the function that trains a kind on label sets: `fit(texts, soft, *, seed, **settings) -> Student`."""
    if name not in SETS:
        raise UsageError(f'student of rows with several labels: expected {", ".join(SETS)}; got "{name}"')
    module, function = SETS[name].split(":")
    return getattr(import_module(module), function)  # type: ignore[no-any-return]


def find_kind(name: str) -> Callable[..., Any]:
    """Return the function that trains a kind: `fit(targets, *, seed, **settings) -> Student`."""
    if name in KINDS:
        module, function = KINDS[name].split(":")
        return getattr(import_module(module), function)  # type: ignore[no-any-return]
    plugged = {point.name: point for point in entry_points(group=GROUP)}
    if name not in plugged:
        raise UsageError(f'student: expected one of {", ".join([*KINDS, *sorted(plugged)])}; got "{name}"')
    return plugged[name].load()  # type: ignore[no-any-return]
