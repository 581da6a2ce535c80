"""A folder that is no encoder is told in one line, before anything is trained."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distill.tiny_encoder import CONFIG, WORDS, make_encoder, write_onnx
from distill.toy import SPACE, make_corpus
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from weaksup.distill import Student, train
from weaksup.distill.neural import encoder_folder
from weaksup.errors import UsageError

TEXTS, GOLD = make_corpus(60)


def teach(folder: Path) -> Student:
    return train(TEXTS, np.eye(3)[GOLD], labels=SPACE, kind="embedding", model=str(folder), strengths=(10.0,))


def _no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def _foreign_onnx(folder: Path) -> None:
    _no_weights(folder)
    write_onnx(folder, operator="Loop")


def _onnx_with_more_inputs(folder: Path) -> None:
    _no_weights(folder)
    write_onnx(folder, inputs=("pixel_values",))


def _config(**changes: object) -> Any:
    def change(folder: Path) -> None:
        (folder / "config.json").write_text(json.dumps({**CONFIG, **changes}))

    return change


def _nan(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights["embeddings.LayerNorm.bias"] = np.full(32, np.nan, np.float32)
    save_file(weights, folder / "model.safetensors")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_no_weights, "found neither"),
        (_foreign_onnx, "the operator ai.onnx.Loop"),
        (_onnx_with_more_inputs, "pixel_values"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"\x80\x04pickle"), "cannot read"),
        (_nan, "got some that are none"),
        (_config(model_type="gpt2"), "got 'gpt2'"),
        (_config(hidden_size=48), "expected embeddings.word_embeddings.weight"),
        (_config(num_hidden_layers=3), "expected encoder.layer.2"),
        (_config(num_attention_heads="4"), "expected num_attention_heads"),
        (_config(num_attention_heads=5), "heads that divide 32"),
        (_config(hidden_act="swish"), "got 'swish'"),
        (lambda folder: (folder / "config.json").write_text("["), "a JSON object"),
        (lambda folder: (folder / "config.json").unlink(), "config.json"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "tokenizer.json"),
        (lambda folder: (folder / "tokenizer.json").write_text("{}"), "expected a tokenizer"),
        (shutil.rmtree, "there is no folder"),
    ],
)
def test_a_folder_that_is_no_encoder_is_told_in_one_line(tmp_path: Path, change: Any, expected: str) -> None:
    folder = make_encoder(tmp_path / "tiny")
    change(folder)
    with pytest.raises(UsageError) as told:
        teach(folder)
    assert expected in str(told.value)
    assert "\n" not in str(told.value)


def test_a_tokenizer_with_more_tokens_than_the_encoder_is_refused(tmp_path: Path) -> None:
    folder = make_encoder(tmp_path)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.add_tokens([f"token{i}" for i in range(WORDS)])
    tokenizer.save(str(folder / "tokenizer.json"))
    with pytest.raises(UsageError, match="expected tokens below"):
        teach(folder)


def test_an_encoder_that_no_bundle_can_hold_is_refused_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder_folder, "LARGEST_MODEL", 10_000)
    with pytest.raises(UsageError, match="expected an encoder of at most"):
        teach(make_encoder(tmp_path))
