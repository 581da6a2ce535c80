"""A small project with a golden set and two replayed tiers, whose every answer a test chooses."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weaksup.project import Project

__all__ = ["GoldenProject", "make_golden_project"]

LFS = """
from weaksup import LabelSpace
from weaksup.labeling_functions import keywords

LABELS = LabelSpace({"HAM": "from a person", "SPAM": "an unwanted offer"})
offers = keywords("offers", ["win", "prize"], label="SPAM")
greets = keywords("greets", ["hello", "dear"], label="HAM")
money = keywords("money", ["cash", "prize"], label="SPAM")
"""
PROMPTS = """
from weaksup.labeling_functions import prompt_function

@prompt_function
def spam(x):
    return "What kind of message is this?"
"""
WORDS = ("win a prize", "hello you", "dear friend", "cash and a prize", "see you", "win cash")


@dataclass(frozen=True)
class GoldenProject:
    """The folder, and the true labels by id."""

    folder: Path
    truth: Mapping[str, str]

    def load(self) -> Project:
        """Read weaksup.toml."""
        return Project.load(self.folder)

    def answer(
        self, tier: str, wrong: Iterable[int] = (), silent: Iterable[int] = (), missing: Iterable[int] = ()
    ) -> None:
        """Write what a tier answers: the truth, but on some rows the other label, no label, or nothing at all."""
        lines = []
        for i, (name, label) in enumerate(self.truth.items()):
            other = {"HAM": "SPAM", "SPAM": "HAM"}[label]
            said = None if i in set(silent) else other if i in set(wrong) else label
            record = {"item_id": name, "label": said, "model": tier, "cost_usd": COSTS[tier]}
            lines += [] if i in set(missing) else [json.dumps(record)]
        (self.folder / f"{tier}.jsonl").write_text("\n".join(lines) + "\n")

    def edit(self, before: str, after: str, file: str = "weaksup.toml") -> None:
        """Replace a text in a file."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after), encoding="utf-8")

    @property
    def record(self) -> dict[str, Any]:
        """What golden.json holds."""
        found: dict[str, Any] = json.loads((self.folder / "golden.json").read_text(encoding="utf-8"))
        return found


COSTS = {"cheap": 0.0001, "other": 0.0002, "premium": 0.001}


def make_golden_project(
    folder: Path, *, rows: int = 60, tiers: tuple[str, ...] = ("cheap", "premium")
) -> GoldenProject:
    """Write the project; every tier answers right."""
    texts = {f"g{i:03}": f"{WORDS[i % len(WORDS)]} {i}" for i in range(rows)}
    truth = {name: "SPAM" if "win" in text or "prize" in text else "HAM" for name, text in texts.items()}
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{name},{text},{truth[name]}" for name, text in texts.items()]
    (folder / "golden.csv").write_text("\n".join(["id,text,label", *lines]) + "\n")
    (folder / "corpus.csv").write_text("id,text\nc1,hello\nc2,win a prize\n")
    (folder / "lfs.py").write_text(LFS)
    (folder / "prompts.py").write_text(PROMPTS)
    tables = [
        f'[[tiers]]\nname = "{name}"\nprovider = "replay"\npath = "{name}.jsonl"\nmodel = "{name}"\nshare = {share}\n'
        for name, share in zip(tiers, (1.0, 0.2), strict=False)
    ]
    head = '[corpus]\npath = "corpus.csv"\n[ask]\nbudget_usd = 1.0\n[golden]\npath = "golden.csv"\nbudget_usd = 0.5\n'
    (folder / "weaksup.toml").write_text(head + "".join(tables))
    made = GoldenProject(folder, truth)
    for tier in tiers:
        made.answer(tier)
    return made
