"""Random small corpora for checking plans: texts in several scripts, doubts that are true chances, answers that err."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.labeling_functions import PromptFunction, prompt_function
from weaksup.labels import LabelSpace, SoftLabels
from weaksup.votes import Source, VoteMatrix

__all__ = ["Case", "Config", "draw_case", "draw_config"]

_WORDS = """
latin the quick brown fox and why this parcel never came although it was paid for last week
german Überweisung Kündigung trotzdem während größer Straße möchte bitte Rückzahlung prüfen
cyrillic пожалуйста верните деньги потому что посылка не пришла вовремя снова жду ответа
arabic من فضلك أعد المال لأن الطرد لم يصل في الوقت المحدد
chinese 请 尽快 退款 因为 包裹 没有 按时 到达 我 已经 等了 两个 星期 还 没有 收到 任何 回复
emoji 🎉 😡 📦 💶 👍🏽 🙏 ok ???
"""
SCRIPTS = {name: words for name, *words in map(str.split, _WORDS.strip().splitlines())}
NAMES = ("refund", "cancel order", "delivery", "praise", "complaint", "other", "billing question", "spam")
STATED = "what a customer wants, in the words of the handbook"
_PLACE = re.compile(r"#(\d+)#")


@dataclass(frozen=True, slots=True)
class Config:
    """One configuration: `stored` rows were asked before; prices in whole micro-dollars a token; faults in 0..1."""

    number: int
    rows: int
    script: str
    length: int
    labels: int
    described: bool
    tiers: int
    prices: tuple[tuple[int, int], ...]
    accuracy: tuple[float, ...]
    max_tokens: int
    share: float
    stored: int
    faults: float


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A corpus with votes, labels whose doubts are true chances, the truth, and a prompt."""

    config: Config
    rows: list[dict[str, str]]
    votes: VoteMatrix
    soft: SoftLabels
    gold: NDArray[np.int64]
    prompt: PromptFunction

    def answer(self, body: Any, *, tier: int) -> str:
        """Return what a tier says to a request: the true label, or by a chance of its own another one."""
        found = _PLACE.search(body["messages"][-1]["content"])
        assert found is not None
        row, k = int(found.group(1)), len(self.soft.labels)
        draw = np.random.default_rng([self.config.number, tier, row])
        right = draw.random() < self.config.accuracy[tier]
        code = int(self.gold[row]) if right else (int(self.gold[row]) + 1 + int(draw.integers(k - 1))) % k
        return self.soft.labels.names[code]


def draw_config(number: int, *, faults: bool) -> Config:
    """Draw configuration `number`."""
    draw = np.random.default_rng([number, 7])
    tiers = 1 + int(draw.random() < 0.3)
    cheap = (int(draw.integers(1, 6)), int(draw.integers(2, 30)))
    prices = (cheap, (cheap[0] * int(draw.integers(2, 12)), cheap[1] * int(draw.integers(2, 12))))[:tiers]
    rows = int(draw.integers(60, 200))
    return Config(
        number,
        rows,
        str(draw.choice(list(SCRIPTS))),
        int(draw.integers(3, 120)),
        int(draw.integers(2, len(NAMES) + 1)),
        bool(draw.random() < 0.5),
        tiers,
        prices,
        (float(draw.uniform(0.7, 0.9)), float(draw.uniform(0.9, 0.98)))[:tiers],
        int(draw.integers(20, 200)),
        float(draw.uniform(0.2, 0.9)),
        int(draw.choice([0, 5, 12, 25, rows // 3])),
        float(draw.uniform(0.05, 0.4)) if faults else 0.0,
    )


def draw_case(config: Config) -> Case:
    """Draw the corpus of a configuration."""
    draw = np.random.default_rng([config.number, 11])
    n, k = config.rows, config.labels
    words = SCRIPTS[config.script]
    sizes = np.maximum(1, draw.lognormal(np.log(config.length), 0.6, n)).astype(int)
    texts = [f"#{i}# " + " ".join(draw.choice(words, size)) for i, size in enumerate(sizes.tolist())]
    names = NAMES[:k]
    labels = LabelSpace(dict.fromkeys(names, STATED)) if config.described else LabelSpace(names)
    doubt = draw.beta(0.8, 1.6, n) * (1 - 1 / k)
    top, rival = draw.integers(k, size=n), draw.integers(1, k, n)
    wrong = draw.random(n) < doubt
    gold = np.where(wrong, (top + rival) % k, top)
    proba = np.repeat(doubt[:, None] / (k - 1), k, axis=1)
    proba[np.arange(n), top] = 1 - doubt
    votes = np.column_stack([top, np.where(doubt > 0.3, (top + 1) % k, top), np.where(doubt > 0.6, -1, top)])
    ids = tuple(f"r{i}" for i in range(n))
    sources = tuple(Source(name) for name in ("one", "two", "three"))

    @prompt_function(labels=labels)
    def wanted(_: Any) -> str:
        return "What does the customer want?"

    return Case(
        config,
        [{"id": name, "text": text} for name, text in zip(ids, texts, strict=True)],
        VoteMatrix(votes.astype(np.int16), ids, sources, labels),
        SoftLabels(ids, proba, np.ones(n, np.bool_), labels),
        gold.astype(np.int64),
        wanted,
    )
