"""When to stop training: after as many epochs as predict rows kept out of training best."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.linear.softmax import Floats
from weaksup.distill.linear.strength import DIGITS, FOLDS, splits_of
from weaksup.distill.targets import Targets
from weaksup.label_models.calibration import fit_temperature

__all__ = ["Stopped", "train_until_best"]

Network = TypeVar("Network")
Rows = NDArray[np.int64]
_PATIENCE = 2  # epochs without a gain, after which no more are tried


@dataclass(frozen=True, slots=True, eq=False)
class Stopped(Generic[Network]):
    """A network and how long it was trained; `training` is what a bundle says of it, as JSON."""

    network: Network
    epochs: int
    training: dict[str, Any] = field(default_factory=dict)


def train_until_best(
    targets: Targets,
    train: Callable[[Rows], Iterator[Network]],
    log_proba: Callable[[Network, Rows], Floats],
    *,
    epochs: int,
    seed: int,
    folds: int = FOLDS,
) -> Stopped[Network]:
    """Train on all rows for the epochs that have the least cross-entropy on rows kept out: by gold if enough has it.

    `train(rows)` gives a network after each of `epochs`, always in the same steps; `log_proba` reads one on other rows.
    What is kept out is that of `linear.strength.splits_of`. With too few texts to keep any out, it trains for all
    `epochs`.
    """
    every = np.arange(len(targets.texts))
    splits, judged = splits_of(targets, seed, folds=folds)
    if not splits:
        return Stopped(_last(train(every), epochs), epochs)
    held = [rows for _, rows in splits]
    asked = np.concatenate(held)
    aim = targets.weights[asked, None] * targets.proba[asked]
    losses: list[float] = []
    said: list[Floats] = []
    for networks in zip(*(train(kept) for kept, _ in splits), strict=True):
        said.append(np.vstack([log_proba(network, rows) for network, rows in zip(networks, held, strict=True)]))
        losses.append(float(-(aim * said[-1]).sum() / targets.weights[asked].sum()))
        if len(losses) - int(np.argmin(losses)) > _PATIENCE:
            break
    best = int(np.argmin(losses))
    training = {
        "held_out_loss": {str(i + 1): round(loss, DIGITS) for i, loss in enumerate(losses)},
        "held_out_rows": judged,
        "held_out_texts": len(asked),
        "held_out_temperature": round(fit_temperature(said[best], aim), DIGITS),
    }
    return Stopped(_last(train(every), best + 1), best + 1, training)


def _last(networks: Iterator[Network], epochs: int) -> Network:
    """Take the network after so many epochs."""
    return next(islice(networks, epochs - 1, None))
