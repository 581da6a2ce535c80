"""What runs the model of a bundle, by its kind: raw texts in, probabilities out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.bundle.graph_check import find_fault
from weaksup.distill.bundle.seal import MODEL, bad_bundle

__all__ = ["Run", "open_runtime"]

Run = Callable[[NDArray[Any]], NDArray[np.float32]]  # texts, objects [n] -> [n, k]
_INPUT, _PROBABILITIES = "text", "probabilities"


def open_runtime(folder: Path, kind: object, files: Mapping[str, bytes], names: Sequence[str]) -> Run:
    """Return the function that classifies texts; raise UsageError where the files are no model of this kind."""
    runtimes = {"linear": _open_text_graph}
    if not isinstance(kind, str) or kind not in runtimes:
        raise bad_bundle(folder, f"expected a student of kind {', '.join(runtimes)}, got {kind!r}; update weaksup")
    return runtimes[kind](folder, files, names)


def _open_text_graph(folder: Path, files: Mapping[str, bytes], names: Sequence[str]) -> Run:
    """Open a graph that reads raw texts itself, and try it on one."""
    fault = find_fault(files[MODEL])
    if fault:
        raise bad_bundle(folder, f"{MODEL} is no student of weaksup: {fault}")
    session = _start(folder, files[MODEL])
    try:
        label, proba = session.run(["label", _PROBABILITIES], {_INPUT: np.array(["a"], object)})
    except Exception as error:  # noqa: BLE001  (onnxruntime raises many kinds; each means the same here)
        raise _broken(folder, error) from None
    if proba.shape != (1, len(names)) or label[0] not in names:
        raise bad_bundle(folder, f"{MODEL} and labels.json do not belong together")

    def run(texts: NDArray[Any]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = session.run([_PROBABILITIES], {_INPUT: texts})[0]
        return found

    return run


def _start(folder: Path, model: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # batches run side by side instead
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001  (as above)
        raise _broken(folder, error) from None


def _broken(folder: Path, error: Exception) -> Exception:
    return bad_bundle(folder, f"onnxruntime cannot run {MODEL} ({str(error).splitlines()[0][:200]})")
