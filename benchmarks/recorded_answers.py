"""Recorded answers of language models as tiers to route between; every answer is charged as recorded.

A file has the columns item_id, text, gold, model, label, confidence, cost_usd, prompt_id. An answer that is null, or no
label of the gold, is an abstain: it is charged, and wrong.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from weaksup.labels import ABSTAIN, LabelSpace
from weaksup.routing import Ladder
from weaksup.votes import Source, VoteMatrix

__all__ = ["Record", "Recording", "read_recording"]

SMALL = 0.1  # a signal nobody named costs at most this share of the premium tier
COLUMNS = ["item_id", "text", "gold", "model", "label", "confidence", "cost_usd", "prompt_id"]


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What one model said to one prompt: class `label` [n], `confidence` [n] or NaN, and dollars `cost` [n]."""

    label: NDArray[np.int64]
    confidence: NDArray[np.float64]
    cost: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """Rows, their gold [n], what each tier would say, and which tiers there are."""

    name: str
    texts: tuple[str, ...]
    gold: NDArray[np.int64]
    labels: LabelSpace
    ladder: Ladder
    records: dict[str, Record] = field(repr=False)

    @property
    def cheap(self) -> Record:
        """The cheap tier's record."""
        return self.records[self.ladder.first]

    @property
    def premium(self) -> Record:
        """The premium tier's record."""
        return self.records[self.ladder.teacher]

    def nothing_asked(self) -> VoteMatrix:
        """Return votes of these rows, without a source."""
        ids = tuple(map(str, range(len(self.texts))))
        return VoteMatrix(np.empty((len(ids), 0), np.int16), ids, (), self.labels)

    def buy(self, votes: VoteMatrix, name: str, rows: NDArray[np.int64]) -> VoteMatrix:
        """Ask one tier about some rows: `weaksup.routing.Buy`."""
        record, asked = self.records[name], self._asked(votes, name)
        asked[rows] = True
        said = {votes.ids[i]: int(record.label[i]) for i in np.flatnonzero(asked).tolist()}
        told = np.flatnonzero(asked & np.isfinite(record.confidence))
        sure = {votes.ids[i]: float(record.confidence[i]) for i in told.tolist()}
        return votes.with_source(Source(name, "tier", name.partition("/")[0]), said, confidence=sure)

    def cost(self, votes: VoteMatrix) -> float | None:
        """Return what all answers in the votes cost, as a share of premium on everything; None where that is free."""
        paid = sum(float(self.records[name].cost[self._asked(votes, name)].sum()) for name in votes.names)
        everything = float(self.premium.cost.sum())
        return paid / everything if everything > 0 else None

    @staticmethod
    def _asked(votes: VoteMatrix, name: str) -> NDArray[np.bool_]:
        if name not in votes.names or votes.asked is None:
            return np.full(len(votes), name in votes.names)
        return votes.asked[:, votes.names.index(name)].copy()


def read_recording(
    path: Path, *, cheap: str, premium: str, prompt: str | None = None, signals: list[str] | None = None
) -> Recording:
    """Read a file; both tiers answer `prompt`, the first that they share if not given.

    Signals are the other prompts of the cheap model and the other models, where they cost at most a tenth of premium on
    everything; with `signals` the models named, whatever they cost, and the cheap model's prompts; none if it is empty.
    """
    frame = _read(path)
    items = frame.drop_duplicates("item_id").set_index("item_id")
    names = sorted(items.gold.dropna().astype(str).unique())
    labels = LabelSpace(names)
    parts = [part for _, part in frame.groupby(["model", "prompt_id"], sort=True)]
    found = {(p.model.iloc[0], p.prompt_id.iloc[0]): _record(p, items.index, names) for p in parts}
    chosen = prompt or next((p for m, p in found if m == cheap and (premium, p) in found), "")
    for model in (cheap, premium):
        if (model, chosen) not in found:
            there = ", ".join(sorted("/".join(key) for key in found))
            sys.exit(f'{path}: expected answers of "{model}" to prompt "{chosen or "?"}"; it has: {there}')
    most = SMALL * float(found[premium, chosen].cost.sum())
    wanted = [key for key in found if key != (cheap, chosen) and key[0] != premium]
    if signals is None:
        wanted = [key for key in wanted if found[key].cost.sum() <= most]
    else:
        own = [key for key in wanted if signals and key[0] == cheap and found[key].cost.sum() <= most]
        wanted = own + [key for key in wanted if key[0] in signals and key not in own]
    ladder = Ladder((f"{cheap}/{chosen}", f"{premium}/{chosen}"), tuple(map("/".join, wanted)))
    kept = {"/".join(key): found[key] for key in [(cheap, chosen), (premium, chosen), *wanted]}
    gold = items.gold.astype(str).map({name: i for i, name in enumerate(names)}).fillna(ABSTAIN).to_numpy(np.int64)
    return Recording(path.stem, tuple(items.text.astype(str)), gold, labels, ladder, kept)


def _read(path: Path) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(path, columns=COLUMNS)
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"{path}: expected Parquet with the columns {', '.join(COLUMNS)}; {str(error).splitlines()[0]}")
    return frame.assign(model=frame.model.astype(str), prompt_id=frame.prompt_id.fillna("").astype(str))


def _record(part: pd.DataFrame, items: pd.Index[Any], names: list[str]) -> Record:
    rows = part.drop_duplicates("item_id").set_index("item_id").reindex(items)
    codes = {name: i for i, name in enumerate(names)}
    label = np.array([codes.get(str(said), ABSTAIN) for said in rows.label], np.int64)
    cost = rows.cost_usd.fillna(0.0).to_numpy(np.float64)
    return Record(label, rows.confidence.to_numpy(np.float64), cost)
