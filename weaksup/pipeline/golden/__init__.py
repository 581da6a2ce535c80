"""The golden set: what changes is scored on true labels before it may replace what is in use."""

from weaksup.pipeline.golden.gate import Evaluation, check_in_use, open_store, prepare_evaluation

__all__ = ["Evaluation", "check_in_use", "open_store", "prepare_evaluation"]
