"""The adaptive way to ask what a plan says: a campaign, which judges every row again after each round."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from plan_cases import Case, Config, draw_case

from weaksup.corpus import open_corpus
from weaksup.label_models import LabelModel
from weaksup.labels import SoftLabels
from weaksup.llm import Tier
from weaksup.pipeline.campaign import Campaign
from weaksup.pipeline.purchases import Purse
from weaksup.pipeline.team import Team
from weaksup.routing.plan import Plan
from weaksup.store import Store
from weaksup.votes import Source, VoteMatrix

__all__ = ["ask_campaign", "draw_voted_case"]

ROWS, FUNCTIONS = 300, 6


def draw_voted_case(config: Config) -> Case:
    """Draw a corpus whose doubts are the label model's: six functions vote on half of the rows, right on 65 to 85 %."""
    case = draw_case(replace(config, rows=ROWS))
    draw, k = np.random.default_rng([config.number, 17]), config.labels
    columns = []
    for _ in range(FUNCTIONS):
        right, votes = draw.random(ROWS) < draw.uniform(0.65, 0.85), draw.random(ROWS) < 0.5
        wrong = (case.gold + draw.integers(1, k, ROWS)) % k
        columns.append(np.where(votes, np.where(right, case.gold, wrong), -1))
    sources = tuple(Source(f"function {j}") for j in range(FUNCTIONS))
    matrix = VoteMatrix(np.column_stack(columns).astype(np.int16), case.votes.ids, sources, case.votes.labels)
    return replace(case, config=replace(config, rows=ROWS), votes=matrix, soft=_fit(matrix, None))


def ask_campaign(case: Case, plan: Plan, tiers: Sequence[Tier], store: Store) -> None:
    """Run a campaign within the limits of the plan."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corpus.jsonl"
        path.write_text("\n".join(map(json.dumps, case.rows)), encoding="utf-8")
        team, purse = Team(tuple(tiers), case.prompt), Purse(store, "ask", Decimal(1000))
        Campaign(case.votes, open_corpus(path), team, purse, _fit, limits=plan.limits).run()


def _fit(votes: VoteMatrix, gold: Any) -> SoftLabels:
    return LabelModel().fit(votes, gold=gold).soft_labels(votes)
