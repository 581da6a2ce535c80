"""Weak supervision in code: label a corpus with functions, ask a model where they disagree, ship a small model.

Names load on first use, so `import weaksup` is light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weaksup.analysis import LFAnalysis, analyze, analyze_multi
    from weaksup.apply import apply_lfs, apply_multi, apply_to_file
    from weaksup.corpus import Corpus, open_corpus
    from weaksup.distill import Student, load_bundle
    from weaksup.label_models import LabelModel, MajorityVote, MultiLabelModel, SnorkelLabelModel, fit_labels
    from weaksup.label_sets import SoftLabelSets
    from weaksup.labeling_functions import LabelingFunction, labeling_function
    from weaksup.labeling_functions.preprocessors import preprocessor
    from weaksup.labeling_functions.prompts import PromptFunction, prompt_function
    from weaksup.labels import ABSTAIN, LabelSpace, SoftLabels
    from weaksup.multi_votes import MultiVotes, read_votes
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
    "MultiLabelModel": "label_models",
    "MultiVotes": "multi_votes",
    "PromptFunction": "labeling_functions.prompts",
    "Slice": "slices",
    "SnorkelLabelModel": "label_models",
    "SoftLabelSets": "label_sets",
    "SoftLabels": "labels",
    "Source": "votes",
    "Student": "distill",
    "VoteMatrix": "votes",
    "analyze": "analysis",
    "analyze_multi": "analysis",
    "apply_lfs": "apply",
    "apply_multi": "apply",
    "apply_to_file": "apply",
    "find_slices": "slices",
    "fit_labels": "label_models",
    "labeling_function": "labeling_functions",
    "load_bundle": "distill",
    "open_corpus": "corpus",
    "preprocessor": "labeling_functions.preprocessors",
    "prompt_function": "labeling_functions.prompts",
    "read_votes": "multi_votes",
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
    "MultiLabelModel",
    "MultiVotes",
    "PromptFunction",
    "Slice",
    "SnorkelLabelModel",
    "SoftLabelSets",
    "SoftLabels",
    "Source",
    "Student",
    "VoteMatrix",
    "analyze",
    "analyze_multi",
    "apply_lfs",
    "apply_multi",
    "apply_to_file",
    "find_slices",
    "fit_labels",
    "labeling_function",
    "load_bundle",
    "open_corpus",
    "preprocessor",
    "prompt_function",
    "read_votes",
    "rows_to_ask",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'weaksup' has no attribute '{name}'")
    return getattr(import_module(f"weaksup.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
