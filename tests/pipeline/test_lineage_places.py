"""What is told of who was asked holds no place on a disk."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from weaksup import LabelSpace, Source, VoteMatrix
from weaksup.labeling_functions import prompt_function
from weaksup.llm import make_tier
from weaksup.pipeline.lineage import note_asked

SPACE = LabelSpace(["HAM", "SPAM"])


@prompt_function(labels=SPACE)
def spam(x: Any) -> str:
    return "What is it?"


@pytest.mark.parametrize(
    ("model", "told"),
    [("/models/small", "small"), ("~/models/small", "small"), ("org/small", "org/small"), ("small", "small")],
)
def test_a_model_that_its_server_names_by_a_path_is_told_by_its_name(model: str, told: str) -> None:
    tier = make_tier({"name": "own", "provider": "vllm", "model": model})
    votes = VoteMatrix(np.zeros((1, 1), np.int16), ("a",), (Source("own spam"),), SPACE)
    (asked,) = note_asked(votes, {"own spam": (tier, spam)}, []).origin["asked"]
    assert asked["model"] == told
