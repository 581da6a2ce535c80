"""The origin of votes: where the rows came from, and which labeling functions voted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from weaksup.labeling_functions import LFModule

__all__ = ["note_lfs"]


def note_lfs(origin: Mapping[str, Any], module: LFModule) -> dict[str, Any]:
    """Return the origin of a corpus with the module that voted: name, fingerprint, and the seals of its bundles."""
    voted = {"module": module.path.name, "sha256": module.fingerprint}
    seals = [(lf.name, getattr(lf, "made_from", "")) for lf in module.lfs]
    parents = [{"source": name, "seal": seal} for name, seal in seals if seal]
    return {**origin, "labeling_functions": voted, **({"parents": parents} if parents else {})}
