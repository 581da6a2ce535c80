"""Label models of other libraries as functions of votes [n, m], covered rows only, and k: probabilities [n, k].

Snorkel's LabelModel trains as its users train it: 500 epochs, seed 0, no class balance. crowd-kit's aggregators run as
they come. Where one gives labels only, each label gets probability 1; where it gives NaN (a task whose workers all have
skill 0, a matrix that cannot be completed), the row is uniform.

Tried and left out (Python 3.11): FlyingSquid 0.0.0a0 imports a class of pgmpy that pgmpy no longer has, and takes two
classes only; ws-benchmark (wrench) pins torch 1.9, which no longer installs; snorkel-metal 0.5 needs tensorboardX, and
is what became Snorkel's LabelModel; skweak labels spans of spaCy documents, cleanlab's multiannotator scores need a
classifier's probabilities: neither takes a vote matrix.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["PEERS", "FitPredict", "Ints", "snorkel", "snorkel_as_installed"]

Ints = NDArray[np.signedinteger[Any]]  # votes [n, m], -1 for abstain
FitPredict = Callable[[Any, int], NDArray[np.float64]]

SNORKEL_EPOCHS = 500
_CROWD_KIT: dict[str, tuple[str, dict[str, Any]]] = {
    "dawid-skene": ("DawidSkene", {}),
    "one-coin": ("OneCoinDawidSkene", {}),
    "glad": ("GLAD", {"silent": True}),
    "mace": ("MACE", {"random_state": 0}),
    "wawa": ("Wawa", {}),
    "zero-based-skill": ("ZeroBasedSkill", {}),
    "m-msr": ("MMSR", {"random_state": 0}),
}


def snorkel(votes: Ints, k: int) -> NDArray[np.float64]:
    """Fit and ask Snorkel's model on one thread, where its small matrices are fastest."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return snorkel_as_installed(votes, k)
    finally:
        torch.set_num_threads(threads)


def snorkel_as_installed(votes: Ints, k: int) -> NDArray[np.float64]:
    """Fit and ask Snorkel's model as its users do, with torch's own choice of threads."""
    from snorkel.labeling.model import LabelModel

    model = LabelModel(cardinality=k, verbose=False)
    model.fit(votes, n_epochs=SNORKEL_EPOCHS, seed=0, progress_bar=False)
    proba: NDArray[np.float64] = model.predict_proba(votes)
    return proba


def _crowd_kit(name: str) -> FitPredict:
    """Return the function that runs one of crowd-kit's aggregators."""

    def fit_predict(votes: Ints, k: int) -> NDArray[np.float64]:
        import pandas as pd
        from crowdkit import aggregation
        from sklearn.base import BaseEstimator

        kind, options = _CROWD_KIT[name]
        # crowd-kit 1.4 asks scikit-learn whether Wawa is fitted, and scikit-learn 1.7 answers its own estimators only.
        made = type(kind, (getattr(aggregation, kind), BaseEstimator), {})
        task, worker = np.nonzero(votes >= 0)
        said = pd.DataFrame({"task": task, "worker": worker, "label": votes[task, worker]})
        model = made(**options)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it calls pandas in ways that pandas will drop
            if hasattr(model, "fit_predict_proba"):
                found = model.fit_predict_proba(said)
            else:
                found = pd.get_dummies(model.fit_predict(said).astype("int64"), dtype=float)
        proba = found.reindex(index=range(len(votes)), columns=range(k)).to_numpy(np.float64, copy=True)
        proba[np.isnan(proba).all(axis=1)] = 1.0
        proba = np.nan_to_num(proba)
        normal: NDArray[np.float64] = proba / proba.sum(axis=1, keepdims=True)
        return normal

    return fit_predict


PEERS: dict[str, FitPredict] = {"snorkel": snorkel}
if find_spec("crowdkit") is not None:
    PEERS |= {f"crowd-kit {name}": _crowd_kit(name) for name in _CROWD_KIT}
