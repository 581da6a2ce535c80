"""Label models of other packages, found by the entry-point group `weaksup.label_models`.

A package offers one by a name and a class, in its pyproject.toml:

    [project.entry-points."weaksup.label_models"]
    mine = "mypackage.models:MyModel"

The class is a `BaseLabelModel` whose `name` is that name, or one that is made with the number of classes and has
`fit(votes)` and `predict_proba(votes)` for arrays [n, m], -1 for abstain.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint, entry_points
from inspect import signature
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from weaksup.errors import UsageError
from weaksup.label_models.base import BaseLabelModel, Floats1d, Floats2d
from weaksup.patterns import Patterns

__all__ = ["GROUP", "ForeignModel", "find_plugins", "homes", "load_plugin"]

GROUP = "weaksup.label_models"


class ForeignModel(BaseLabelModel):
    """Put a class that knows nothing of this package behind its contract.

    The class sees covered rows only. `seed` and `class_balance` are handed on where it has a parameter of that name;
    a balance that it does not take is refused, as gold is. Confidences are not heeded. What it learns is its own, so
    `save` refuses.

    made_      the foreign object
    """

    foreign: ClassVar[Callable[..., Any]]

    made_: Any

    def _learn(self, patterns: Patterns, *, balance: Floats1d | None, gold: Floats2d | None) -> None:
        rows = patterns.index[patterns.covered[patterns.index]]
        if gold is not None or not len(rows):
            what = "no gold, as it takes none" if len(rows) else "at least one vote, got none"
            raise UsageError(f'label model "{self.name}": expected {what}')
        make = type(self).foreign
        self.made_ = self._call(make, self.k_, **({"seed": self.seed} if _takes(make, "seed") else {}))
        given = {} if balance is None else {"class_balance": balance}
        if given and not _takes(self.made_.fit, "class_balance"):
            raise UsageError(f'label model "{self.name}": expected no class balance, as it takes none')
        self._call(self.made_.fit, patterns.values[rows].astype(np.int64), **given)

    def _infer(self, patterns: Patterns) -> Floats2d:
        proba = np.full((len(patterns), self.k_), 1.0 / self.k_)
        covered = patterns.covered
        said = self._call(self.made_.predict_proba, patterns.values[covered].astype(np.int64))
        shape = (int(covered.sum()), self.k_)
        try:
            proba[covered] = np.asarray(said, np.float64).reshape(shape)
        except (TypeError, ValueError):
            raise UsageError(f'label model "{self.name}": expected probabilities {list(shape)}, got others') from None
        if not ((proba >= 0).all() and np.allclose(proba.sum(axis=1), 1.0, atol=1e-6)):
            raise UsageError(f'label model "{self.name}": expected probabilities that sum to 1 in each row')
        return proba

    def _call(self, function: Callable[..., Any], *given: Any, **named: Any) -> Any:
        try:
            return function(*given, **named)
        except Exception as error:
            raise UsageError(f'label model "{self.name}" failed: {_one_line(error)}; ask its authors') from error

    def save(self, folder: str | Path) -> None:  # noqa: ARG002
        """Refuse: what a foreign class learned is not known."""
        raise UsageError(f'label model "{self.name}": only a BaseLabelModel can be saved; fit it again instead')


def find_plugins() -> dict[str, list[EntryPoint]]:
    """Return the entry points of the group by name, none of them loaded; a name that two packages offer has two."""
    found: dict[str, list[EntryPoint]] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        found.setdefault(entry.name, []).append(entry)
    return found


def load_plugin(entries: Sequence[EntryPoint]) -> type[BaseLabelModel]:
    """Return the class behind one name; what cannot be used is refused in one line that names the distribution."""
    entry = entries[0]
    about = f'label model "{entry.name}" of {homes(entries)}'
    if len(entries) > 1:
        raise UsageError(f"{about}: expected one distribution to offer this name; uninstall the others")
    try:
        found = entry.load()
    except (Exception, SystemExit) as error:  # a stranger's import may raise anything
        raise UsageError(f"{about} cannot be loaded: {_one_line(error)}; mend or uninstall {homes(entries)}") from error
    if not isinstance(found, type) or not all(callable(getattr(found, f, None)) for f in ("fit", "predict_proba")):
        raise UsageError(f"{about}: expected a class with fit and predict_proba, got {entry.value}; ask its authors")
    if not issubclass(found, BaseLabelModel):
        return type(found.__name__, (ForeignModel,), {"name": entry.name, "foreign": found})
    if getattr(found, "name", None) != entry.name:
        raise UsageError(f'{about}: expected a class whose name is "{entry.name}", as its entry point says')
    return found


def homes(entries: Sequence[EntryPoint]) -> str:
    """Name the distributions that offer a name."""
    return " and ".join(sorted(entry.dist.name if entry.dist else "no distribution" for entry in entries))


def _takes(function: Callable[..., Any], name: str) -> bool:
    try:
        return name in signature(function).parameters
    except ValueError:  # written in C
        return False


def _one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
