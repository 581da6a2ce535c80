"""Weak supervision in code: label a corpus with functions, ask a model where they disagree, ship a small model.

Names load on first use, so `import weaksup` is light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weaksup.analysis import LFAnalysis, analyze
    from weaksup.apply import apply_lfs, apply_to_file
    from weaksup.corpus import Corpus, open_corpus
    from weaksup.label_models import LabelModel, MajorityVote, SnorkelLabelModel
    from weaksup.labeling_functions import LabelingFunction, labeling_function
    from weaksup.labeling_functions.preprocessors import preprocessor
    from weaksup.labeling_functions.prompts import PromptFunction, prompt_function
    from weaksup.labels import ABSTAIN, LabelSpace, SoftLabels
    from weaksup.slices import Slice, find_slices, rows_to_ask
    from weaksup.votes import Source, VoteMatrix

__version__ = "0.1.0"

_HOMES = {
    "ABSTAIN": "labels",
    "Corpus": "corpus",
    "LFAnalysis": "analysis",
    "LabelModel": "label_models",
    "LabelSpace": "labels",
    "LabelingFunction": "labeling_functions",
    "MajorityVote": "label_models",
    "PromptFunction": "labeling_functions.prompts",
    "Slice": "slices",
    "SnorkelLabelModel": "label_models",
    "SoftLabels": "labels",
    "Source": "votes",
    "VoteMatrix": "votes",
    "analyze": "analysis",
    "apply_lfs": "apply",
    "apply_to_file": "apply",
    "find_slices": "slices",
    "labeling_function": "labeling_functions",
    "open_corpus": "corpus",
    "preprocessor": "labeling_functions.preprocessors",
    "prompt_function": "labeling_functions.prompts",
    "rows_to_ask": "slices",
}

__all__ = [
    "ABSTAIN",
    "Corpus",
    "LFAnalysis",
    "LabelModel",
    "LabelSpace",
    "LabelingFunction",
    "MajorityVote",
    "PromptFunction",
    "Slice",
    "SnorkelLabelModel",
    "SoftLabels",
    "Source",
    "VoteMatrix",
    "analyze",
    "apply_lfs",
    "apply_to_file",
    "find_slices",
    "labeling_function",
    "open_corpus",
    "preprocessor",
    "prompt_function",
    "rows_to_ask",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'weaksup' has no attribute '{name}'")
    return getattr(import_module(f"weaksup.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
