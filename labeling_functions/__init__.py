"""Labeling functions: Python, declarative, linguistic, model and Snorkel's own, and the modules that hold them.

Names load on first use, so importing this package is light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weaksup.labeling_functions.base import LabelingFunction, labeling_function
    from weaksup.labeling_functions.checks import ExampleCase, Failure, check_examples, example_cases
    from weaksup.labeling_functions.linguistic import spacy_doc, spacy_entities, spacy_phrases, spacy_tokens
    from weaksup.labeling_functions.models import model_vote
    from weaksup.labeling_functions.module import LFModule, load_lf_module
    from weaksup.labeling_functions.patterns import keywords, lookup, regex
    from weaksup.labeling_functions.preprocessors import Preprocessor, preprocessor
    from weaksup.labeling_functions.prompts import PromptFunction, prompt_function
    from weaksup.labeling_functions.shots import FewShot, few_shot
    from weaksup.labeling_functions.voters import as_voters

_HOMES = {
    "ExampleCase": "checks",
    "Failure": "checks",
    "FewShot": "shots",
    "LFModule": "module",
    "LabelingFunction": "base",
    "Preprocessor": "preprocessors",
    "PromptFunction": "prompts",
    "as_voters": "voters",
    "check_examples": "checks",
    "example_cases": "checks",
    "few_shot": "shots",
    "keywords": "patterns",
    "labeling_function": "base",
    "load_lf_module": "module",
    "lookup": "patterns",
    "model_vote": "models",
    "preprocessor": "preprocessors",
    "prompt_function": "prompts",
    "regex": "patterns",
    "spacy_doc": "linguistic",
    "spacy_entities": "linguistic",
    "spacy_phrases": "linguistic",
    "spacy_tokens": "linguistic",
}

__all__ = [
    "ExampleCase",
    "Failure",
    "FewShot",
    "LFModule",
    "LabelingFunction",
    "Preprocessor",
    "PromptFunction",
    "as_voters",
    "check_examples",
    "example_cases",
    "few_shot",
    "keywords",
    "labeling_function",
    "load_lf_module",
    "lookup",
    "model_vote",
    "preprocessor",
    "prompt_function",
    "regex",
    "spacy_doc",
    "spacy_entities",
    "spacy_phrases",
    "spacy_tokens",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'weaksup.labeling_functions' has no attribute '{name}'")
    return getattr(import_module(f"weaksup.labeling_functions.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
