"""Start onnxruntime on a model file of a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from weaksup.distill.bundle.seal import MODEL, bad_bundle

__all__ = ["broken", "start_session"]


def start_session(folder: Path, model: bytes) -> Any:
    """Return an `onnxruntime.InferenceSession`; raise UsageError where the file cannot be run."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # batches run side by side instead
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001  (onnxruntime raises many kinds; each means the same here)
        raise broken(folder, error) from None


def broken(folder: Path, error: Exception) -> Exception:
    """Make the error for a model that onnxruntime does not run."""
    first = (str(error).splitlines() or [type(error).__name__])[0]
    return bad_bundle(folder, f"onnxruntime cannot run {MODEL} ({first[:200]})")
