"""What runs the model of a bundle, by its kind: raw texts in, probabilities out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.bundle.graph_check import BAG_OPERATORS, OPERATORS, Operators, find_fault
from weaksup.distill.bundle.seal import MODEL, bad_bundle
from weaksup.distill.bundle.session import broken, start_session
from weaksup.distill.bundle.token_graph import open_token_graph

__all__ = ["Run", "open_runtime"]

Run = Callable[[NDArray[Any]], NDArray[np.float32]]  # texts, objects [n] -> [n, k]
_INPUT, _PROBABILITIES = "text", "probabilities"


def open_runtime(folder: Path, kind: object, files: Mapping[str, bytes], names: Sequence[str]) -> Run:
    """Return the function that classifies texts; raise UsageError where the files are no model of this kind."""
    runtimes: dict[str, Callable[[Path, Mapping[str, bytes], Sequence[str]], Run]] = {
        "linear": partial(_open_text_graph, operators=OPERATORS),
        "embedbag": partial(_open_text_graph, operators=BAG_OPERATORS),
        "embedding": open_token_graph,
        "transformer": open_token_graph,
    }
    if not isinstance(kind, str) or kind not in runtimes:
        raise bad_bundle(folder, f"expected a student of kind {', '.join(runtimes)}, got {kind!r}; update weaksup")
    return runtimes[kind](folder, files, names)


def _open_text_graph(folder: Path, files: Mapping[str, bytes], names: Sequence[str], *, operators: Operators) -> Run:
    """Open a graph that reads raw texts itself, and try it on one."""
    fault = find_fault(files[MODEL], operators)
    if fault:
        raise bad_bundle(folder, f"{MODEL} is no student of weaksup: {fault}")
    session = start_session(folder, files[MODEL])
    try:
        label, proba = session.run(["label", _PROBABILITIES], {_INPUT: np.array(["a"], object)})
    except Exception as error:  # noqa: BLE001  (onnxruntime raises many kinds; each means the same here)
        raise broken(folder, error) from None
    if proba.shape != (1, len(names)) or (label.ndim == 1 and label[0] not in names):
        raise bad_bundle(folder, f"{MODEL} and labels.json do not belong together")

    def run(texts: NDArray[Any]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = session.run([_PROBABILITIES], {_INPUT: texts})[0]
        return found

    return run
