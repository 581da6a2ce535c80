"""Where labels come from: noted step by step beside the votes, and told by the bundle in the end.

Votes carry it in their `origin`, which goes from file to file: `labeling_functions` (see `apply.origin`), `parents`
(seals of the bundles that voted), `asked` (who was asked what, on how many rows) and `cost_usd` (all that the run of
that name spent). No place of a file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from weaksup import __version__
from weaksup.distill import load_bundle
from weaksup.labeling_functions import PromptFunction
from weaksup.labels import ABSTAIN, read_lineage
from weaksup.llm import Asked, Tier
from weaksup.llm.providers.student import StudentProvider
from weaksup.votes import VoteMatrix

__all__ = ["labels_meta", "note_asked", "note_parent", "student_lineage"]

Json = dict[str, Any]
_CARRIED = ("labeling_functions", "asked", "cost_usd", "parents")


def note_asked(
    votes: VoteMatrix, shelf: Mapping[str, tuple[Tier, PromptFunction]], asked: Iterable[Asked]
) -> VoteMatrix:
    """Return votes whose origin says who was asked: tier and prompt by source, as in `Team.shelf`.

    Asking the same again changes nothing: rows are counted in the votes, money over the whole run.
    """
    before = {one["source"]: one for one in votes.origin.get("asked", [])}
    for name, (tier, prompt) in shelf.items():
        if name in votes.names:
            before[name] = _asked(votes, name, tier, prompt)
            if isinstance(tier.provider, StudentProvider):
                votes = note_parent(votes, name, str(load_bundle(tier.provider.path).manifest["seal"]))
    spent = max((one.run_spent for one in asked), default=0) / 1e6
    more = {"asked": list(before.values()), "cost_usd": spent}
    return replace(votes, origin={**votes.origin, **more})


def note_parent(votes: VoteMatrix, source: str, seal: str) -> VoteMatrix:
    """Return votes whose origin says that a source is the bundle with this seal."""
    before = [one for one in votes.origin.get("parents", []) if one["source"] != source]
    return replace(votes, origin={**votes.origin, "parents": [*before, {"source": source, "seal": seal}]})


def labels_meta(votes: VoteMatrix, model: str, *, machines: int = 0) -> Json:
    """Return what stands beside labels that a label model made of these votes; with several machines, routing did."""
    model = f"{model}, with routing" if machines > 1 else model
    sources = [{"name": s.name, "kind": s.kind, "group": s.group} for s in votes.sources]
    return {"origin": dict(votes.origin), "lineage": {"model": model, "sources": sources, "weaksup": __version__}}


def student_lineage(labels: str | Path) -> Json:
    """Return what a bundle says of the labels in a file that `weaksup fit`, `ask` or `run` wrote.

    `labels` and `labels_sha256`; `corpus` {files}; `made_from`, how the label model was fitted, and what was noted in
    the origin. The same file gives the same lineage.
    """
    info = read_lineage(str(labels))
    origin = info.get("origin") or {}
    name, made = PurePath(labels).name, info.get("lineage") or {}
    found: Json = {"labels": name, "labels_sha256": _digest(Path(labels)), "made_from": made}
    if origin.get("paths"):
        found["corpus"] = {"files": [PurePath(path).name for path in origin["paths"]]}
    return {**found, **{name: origin[name] for name in _CARRIED if name in origin}}


def _digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _asked(votes: VoteMatrix, name: str, tier: Tier, prompt: PromptFunction) -> Json:
    j = votes.names.index(name)
    seen = len(votes) if votes.asked is None else int(votes.asked[:, j].sum())
    said = int((votes.values[:, j] != ABSTAIN).sum())
    is_path = tier.model.startswith(("/", "~"))  # so some servers name their model
    model = tier.model.rpartition("/")[2] if is_path else tier.model
    who = {"source": name, "tier": tier.name, "provider": tier.kind, "model": model}
    return {**who, "prompt": prompt.name, "prompt_sha256": _file_of(prompt), "rows": seen, "answered": said}


def _file_of(prompt: PromptFunction) -> str:
    """Return the SHA-256 of the module that a prompt is written in; "" where there is none."""
    code = getattr(prompt.function, "__code__", None)
    return "" if code is None or not Path(code.co_filename).is_file() else _digest(Path(code.co_filename))
