"""One fit in a process of its own: seconds, peak memory, and an end where it takes too long."""

from __future__ import annotations

import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection

import numpy as np
from numpy.typing import NDArray
from peers import PEERS, FitPredict, Ints

from weaksup import VoteMatrix
from weaksup.label_models import create

__all__ = ["Fit", "NoFitError", "fit_alone", "fit_predict", "prepare", "timed", "warm_up"]

# Forked for every fit from a server that has imported everything and run nothing, so no fit sees what another left.
_SERVER = multiprocessing.get_context("forkserver")
_LATE = {"minimax": "cvxpy", "generative": "torch", "snorkel": "snorkel.labeling.model"}  # imported in their fits
_KIB = 1 if sys.platform == "darwin" else 1024  # bytes that a unit of ru_maxrss has


class NoFitError(Exception):
    """A model that gave no probabilities; the message says why."""


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Probabilities [n, k], the seconds of fit and predict, and by how many MiB memory rose above where it was."""

    proba: NDArray[np.float64]
    seconds: float
    peak_mib: float


def prepare(names: Iterable[str]) -> None:
    """Name the models before the first fit, so that the server imports what theirs need, once."""
    late = {"crowdkit.aggregation" if name.startswith("crowd-kit ") else _LATE.get(name, "pandas") for name in names}
    _SERVER.set_forkserver_preload(["weaksup.label_models", *sorted(late)])


def fit_predict(name: str) -> FitPredict:
    """Return the function that fits a model and gives probabilities."""
    return PEERS[name] if name in PEERS else lambda votes, k: create(name, k).fit(votes).predict_proba(votes)


def warm_up(name: str) -> None:
    """Fit a model to a few rows, so that what it imports late, or takes once, counts in no measure."""
    _ = np.ones((300, 300)) @ np.ones((300, 300))  # BLAS takes its buffers
    fit_predict(name)(np.random.default_rng(0).integers(-1, 2, (40, 12)), 2)


def timed(function: FitPredict, votes: VoteMatrix | Ints, k: int) -> tuple[NDArray[np.float64], float]:
    """Return the probabilities and the seconds they took."""
    start = time.perf_counter()
    proba = function(votes, k)
    return proba, time.perf_counter() - start


def fit_alone(name: str, votes: Ints, k: int, limit: float | None) -> Fit:
    """Fit a model in a child process, which is stopped after `limit` seconds, if there is a limit."""
    here, there = _SERVER.Pipe(duplex=False)
    child = _SERVER.Process(target=_fit, args=(there, name, votes, k), daemon=True)
    child.start()
    there.close()
    try:
        if not here.poll(limit):
            raise NoFitError(f"stopped after {limit:.0f} s")
        answer = here.recv()
    except EOFError:
        raise NoFitError("its process died") from None
    finally:
        child.kill()
        child.join()
        here.close()
    if isinstance(answer, str):
        raise NoFitError(answer)
    return Fit(*answer)


def _fit(pipe: Connection, name: str, votes: Ints, k: int) -> None:
    os.dup2(2, 1)  # stdout is for the results; some models talk
    try:
        warm_up(name)
        before = _peak()
        proba, seconds = timed(fit_predict(name), votes, k)
        pipe.send((proba, seconds, (_peak() - before) / 2**20))
    except Exception as error:  # noqa: BLE001  (whatever a model raises is its result)
        pipe.send(" ".join(f"{type(error).__name__}: {error}".split())[:200])


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB
