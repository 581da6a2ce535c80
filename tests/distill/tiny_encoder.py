"""A small encoder with random weights, in the layout of Hugging Face, made in the test."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from distill.toy import make_corpus
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from weaksup.distill.neural.bert_graph import weight_shapes

__all__ = ["CONFIG", "PLACES", "WORDS", "make_encoder", "make_tokenizer", "write_onnx"]

WORDS, PLACES = 200, 40
CONFIG = {
    "model_type": "bert",
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "vocab_size": WORDS,
    "max_position_embeddings": PLACES,
    "type_vocab_size": 2,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
}


def make_tokenizer() -> Tokenizer:
    """Train word pieces on the toy corpus."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=WORDS, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(make_corpus(200)[0], trainer)
    ends = [("[CLS]", tokenizer.token_to_id("[CLS]")), ("[SEP]", tokenizer.token_to_id("[SEP]"))]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    tokenizer.enable_padding(length=16)  # as some folders come: it must be taken back
    return tokenizer


def make_encoder(folder: Path, **changes: object) -> Path:
    """Write the folder; `changes` go into its config.json."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {**CONFIG, **changes}
    rng = np.random.default_rng(0)
    shapes = weight_shapes(32, 64, 2, WORDS, PLACES)
    shapes["embeddings.token_type_embeddings.weight"] = (2, 32)
    weights = {}
    for name, shape in shapes.items():
        centre = 1.0 if name.endswith("LayerNorm.weight") else 0.0
        drawn = centre + 0.2 * rng.standard_normal(shape)
        weights[name] = drawn.astype(np.float16).astype(np.float32)  # as they will be packed
    save_file(weights, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config))
    make_tokenizer().save(str(folder / "tokenizer.json"))
    return folder


def write_onnx(folder: Path, *, axes: int = 3, operator: str = "Gather", inputs: tuple[str, ...] = ()) -> None:
    """Write an encoder as exporters do: word vectors times the mask, with a name that our own nodes have, too."""
    rng = np.random.default_rng(1)
    table = numpy_helper.from_array(rng.standard_normal((WORDS, 8)).astype(np.float32), "constant_0")
    given = [helper.make_tensor_value_info(n, TensorProto.INT64, ["b", "s"]) for n in ("input_ids", *inputs)]
    nodes = [helper.make_node(operator, ["constant_0", "input_ids"], ["cast_1"])]
    if "attention_mask" in inputs:
        axis = numpy_helper.from_array(np.array([2]), "axis")
        nodes += [
            helper.make_node("Unsqueeze", ["attention_mask", "axis"], ["mask"]),
            helper.make_node("Cast", ["mask"], ["mask_f"], to=1),
            helper.make_node("Mul", ["cast_1", "mask_f"], ["last_hidden_state"]),
        ]
        tables = [table, axis]
    else:
        nodes, tables = [helper.make_node(operator, ["constant_0", "input_ids"], ["last_hidden_state"])], [table]
    name = "last_hidden_state"
    if axes == 2:
        nodes.append(helper.make_node("ReduceMean", [name], ["sentence_embedding"], axes=[1], keepdims=0))
        name = "sentence_embedding"
    out = helper.make_tensor_value_info(name, TensorProto.FLOAT, ["b", *(["s"] if axes == 3 else []), 8])
    graph = helper.make_graph(nodes, "g", given, [out], tables)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
