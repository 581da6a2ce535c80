"""A small corpus with a rule that n-grams can learn."""

from __future__ import annotations

import numpy as np

from weaksup import LabelSpace

__all__ = ["SPACE", "make_corpus"]

WORDS = {
    "billing": "invoice refund charged twice card price Rechnung",
    "bug": "crash broken error freezes Ärger İnternet straße",
    "how": "where do I find settings please 帮助 помощь 👍",
}
SHARED = "the a my we it is and on today again hello thanks 2024 :-)"
SPACE = LabelSpace({"billing": "money", "bug": "broken", "how": "a question"})


def make_corpus(n: int, seed: int = 0) -> tuple[list[str], np.ndarray]:
    """Make n texts of three classes: shared words, and one to three of the class's own."""
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, 3, n)
    own = [words.split() for words in WORDS.values()]
    texts = []
    for c in gold.tolist():
        parts = [*rng.choice(SHARED.split(), rng.integers(0, 6)), *rng.choice(own[c], rng.integers(1, 4))]
        texts.append(" ".join(rng.permutation(parts)))
    return texts, gold
