"""Weak supervision in code: label a corpus with functions, ask a model where they disagree, ship a small model.

Names load on first use, so `import weaksup` is light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weaksup.labels import ABSTAIN, LabelSpace, SoftLabels
    from weaksup.votes import Source, VoteMatrix

__version__ = "0.1.0"

_HOMES = {
    "ABSTAIN": "weaksup.labels",
    "LabelSpace": "weaksup.labels",
    "SoftLabels": "weaksup.labels",
    "Source": "weaksup.votes",
    "VoteMatrix": "weaksup.votes",
}

__all__ = ["ABSTAIN", "LabelSpace", "SoftLabels", "Source", "VoteMatrix"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'weaksup' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
