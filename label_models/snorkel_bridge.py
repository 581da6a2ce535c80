"""Snorkel's LabelModel behind the contract of the house."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from weaksup.errors import MissingExtra, UsageError
from weaksup.label_models.base import BaseLabelModel, Floats1d, Floats2d
from weaksup.label_models.cast import cast_votes
from weaksup.label_models.softmax import softmax
from weaksup.patterns import Patterns

__all__ = ["SnorkelLabelModel"]


class SnorkelLabelModel(BaseLabelModel):
    """Fit snorkel.labeling.model.LabelModel (A. Ratner et al., 2019) and answer from what it learned.

        min over mu of || O - mu diag(balance) mu^T ||^2 off the diagonal blocks, O how often two votes come together

    Snorkel trains on the covered rows and on the sources that voted, of which it needs at least 3. The class balance is
    the given one, else that of gold (as its Y_dev), else uniform; gold teaches nothing else. Confidences are not
    heeded. The seed is Snorkel's. Cost: as Snorkel's, (sources x classes)^2 x classes a step, on rows, not patterns.
    Its own save and load are never used: they pickle.

    mu_        float64 [m k, k]: P(source j says l | class c) at [j k + l, c]; 1 for sources that never voted
    """

    name = "snorkel"
    options: ClassVar[tuple[str, ...]] = ("cardinality", "seed", "epochs")

    mu_: Floats2d

    def __init__(self, cardinality: int | None = None, *, seed: int = 0, epochs: int = 500) -> None:
        super().__init__(cardinality, seed=seed)
        self.epochs = epochs

    def _learn(self, patterns: Patterns, *, balance: Floats1d | None, gold: Floats2d | None) -> None:
        m, k = self.m_, self.k_
        self.mu_ = np.ones((m * k, k))
        if balance is None and gold is not None and gold.any():
            counts = gold.sum(axis=0) + 1.0  # one pseudo-row each: a class that gold lacks must not become impossible
            self.class_balance_ = counts / counts.sum()
        spoke = np.flatnonzero((patterns.values >= 0).any(axis=0))
        if not patterns.covered.any():
            return
        if len(spoke) < 3:
            raise UsageError(
                f'label model "snorkel": expected votes of at least 3 sources, got {len(spoke)}; '
                'add labeling functions, or fit "default" or "majority"'
            )
        rows = patterns.index[patterns.covered[patterns.index]]
        votes = patterns.values[rows][:, spoke].astype(np.int64)
        learned = _train(votes, self.class_balance_, self.epochs, self.seed).reshape(len(spoke), k, k)
        self.mu_.reshape(m, k, k)[spoke] = learned

    def _infer(self, patterns: Patterns) -> Floats2d:
        every = np.arange(self.m_ * self.k_)
        votes = cast_votes(patterns, self.k_, every)
        return softmax(votes.says @ np.log(self.mu_) + np.log(self.class_balance_))


def _train(votes: np.ndarray, balance: Floats1d, epochs: int, seed: int) -> Floats2d:
    """Return Snorkel's mu [m k, k]; the random state of numpy, torch and random is left as it was."""
    import random

    try:
        import torch
        from snorkel.labeling.model import LabelModel
    except ImportError:
        raise MissingExtra('label model "snorkel": expected snorkel; pip install snorkel') from None
    before = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        try:
            model = LabelModel(cardinality=len(balance), verbose=False)
            model.fit(votes, class_balance=balance.tolist(), n_epochs=epochs, seed=seed, progress_bar=False)
        finally:
            random.setstate(before[0])
            np.random.set_state(before[1])
    mu: Floats2d = model.mu.cpu().detach().numpy().astype(np.float64)
    return mu
