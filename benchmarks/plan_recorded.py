"""Plans against recorded answers: the plan sees texts, what is charged are the tokens that providers counted."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from weaksup.labeling_functions import PromptFunction, prompt_function
from weaksup.labels import LabelSpace, SoftLabels
from weaksup.llm import Price, Tier, ask
from weaksup.llm.pricing.prices import Usage
from weaksup.pipeline.plan.making import make_plan
from weaksup.protocols import Prompt, Reply
from weaksup.store import Store
from weaksup.votes import Source, VoteMatrix

__all__ = ["Recorded", "compare_recorded"]

ASKED_BEFORE = 50
SETS = {
    "sms_openai": (("gpt-4o-mini", "0.15", "0.60"), ("gpt-4.1", "2", "8"), ("gpt-5-nano", "0.05", "0.40")),
    "babe_annomatic": (("gpt-3.5-turbo-1106", "1", "2"), ("gpt-4-1106-preview", "10", "30")),
    "mmlu_zellinger": (("gpt-4o-mini", "0.15", "0.60"), ("llama3.1-70b", "0.9", "0.9")),
}


@dataclass(slots=True, eq=False)
class Recorded:
    """Answer with what was recorded; what a call will use is guessed from its text, as of a real endpoint."""

    records: Mapping[str, tuple[str, int, int]]  # by the row's id: label, tokens in, tokens out
    model: str
    most_output: int
    kind: ClassVar[str] = "openai"
    params: Mapping[str, Any] = field(default_factory=dict)

    def open(self) -> None:
        """Be ready."""

    def close(self) -> None:
        """Let go of nothing."""

    def request(self, prompt: Prompt, row: Any, /) -> dict[str, Any]:
        """Name the record, and say how long the prompt is."""
        return {"recorded": self.model, "id": row["id"], "bytes": len((prompt.system + prompt.user).encode())}

    def bound(self, request: Mapping[str, Any]) -> Usage:
        """Return a token a byte, and room for the instructions that were recorded, which are not known."""
        return Usage(request["bytes"] + 1000, self.most_output)

    def expect(self, request: Mapping[str, Any]) -> Usage:
        """Return four bytes a token."""
        return Usage(request["bytes"] // 4 + 10, 12)

    def send(self, request: Mapping[str, Any]) -> bytes:
        """Return the record."""
        return json.dumps(self.records[request["id"]]).encode()

    def read(self, body: bytes) -> Reply:
        """Read a record."""
        label, read, written = json.loads(body)
        return Reply(json.dumps({"label": label}), read, written, model=self.model)


def compare_recorded(folder: Path) -> list[dict[str, Any]]:
    """Plan for every set and model, ask the plan's rows, and say how far the likely cost was off."""
    found = []
    for name, models in SETS.items():
        frame = pd.read_parquet(folder / f"{name}.parquet")
        frame = frame[frame.prompt_id == frame.prompt_id.iloc[0]].drop_duplicates(["item_id", "model"])
        for model, read, write in models:
            price = Price(Decimal(read), Decimal(write), source="the provider's list")
            part = frame[frame.model == model].dropna(subset=["input_tokens", "output_tokens"])
            found += [_compare(name, part, model, price, before) for before in (0, ASKED_BEFORE)]
    return found


def _compare(name: str, part: pd.DataFrame, model: str, price: Price, before: int) -> dict[str, Any]:
    names = sorted(part.gold.dropna().astype(str).unique())
    labels = LabelSpace(names)
    ids = tuple(part.item_id.astype(str))
    columns = zip(part.label.astype(str), part.input_tokens.astype(int), part.output_tokens.astype(int), strict=True)
    records = dict(zip(ids, columns, strict=True))
    most = int(part.output_tokens.max())
    tier = Tier("recorded", Recorded(records, model, most), price, share=0.3)
    rows = [{"id": i, "text": text} for i, text in zip(ids, part.text.astype(str), strict=True)]
    votes, soft = _doubtful(ids, part.gold.astype(str), labels)
    prompt = _prompt(labels)
    draw = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "store.db") as store:
        some = sorted(draw.choice(len(rows), before, replace=False).tolist())
        ask([rows[i] for i in some], prompt, tier, store, run="before", budget_usd=100)
        plan = make_plan(votes, soft, rows, prompt, tiers=[tier], store=store)
        place = {row["id"]: row for row in rows}
        wanted = [place[i] for i in plan.chosen[plan.tiers[0].source]]
        asked = ask(wanted, prompt, tier, store, run="ask", budget_usd=100)
    return {
        "set": name,
        "model": model,
        "rows": len(wanted),
        "asked_before": before,
        "tokens_are": plan.tiers[0].basis,
        "low": plan.cost.low,
        "likely": plan.cost.likely,
        "high": plan.cost.high,
        "charged": asked.spent,
        "likely_off": asked.spent / plan.cost.likely - 1,
        "within_10_percent": abs(asked.spent / plan.cost.likely - 1) <= 0.1,
        "above_high": asked.spent > plan.cost.high,
        "below_low": asked.spent < plan.cost.low,
    }


def _doubtful(ids: tuple[str, ...], gold: pd.Series[str], labels: LabelSpace) -> tuple[VoteMatrix, SoftLabels]:
    """Return two functions that disagree on some rows, and doubts drawn by chance: the cost is what is looked at."""
    n, k = len(ids), len(labels)
    draw = np.random.default_rng(0)
    codes = gold.map({name: i for i, name in enumerate(labels.names)}).fillna(0).to_numpy(np.int64)
    doubt = draw.uniform(0, 0.5, n)
    proba = np.repeat(doubt[:, None] / (k - 1), k, axis=1)
    proba[np.arange(n), codes] = 1 - doubt
    values = np.column_stack([codes, np.where(doubt > 0.3, (codes + 1) % k, codes)]).astype(np.int16)
    votes = VoteMatrix(values, ids, (Source("one"), Source("two")), labels)
    return votes, SoftLabels(ids, proba, np.ones(n, np.bool_), labels)


def _prompt(labels: LabelSpace) -> PromptFunction:
    @prompt_function(labels=labels)
    def kind(_: Any) -> str:
        return "Which label fits?"

    return kind
