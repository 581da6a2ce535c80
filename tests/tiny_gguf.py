"""A language model of half a megabyte with random weights: it knows nothing, and speaks the protocol like any other."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

__all__ = ["need", "write_tiny_gguf"]

_WIDTH, _LAYERS, _HEADS, _HIDDEN, _CONTEXT = 64, 2, 4, 128, 2048
_CHAT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_UNKNOWN, _CONTROL, _BYTE, _NORMAL = 2, 3, 6, 1  # token types of the format


def need(module: str) -> Any:
    """Import a module of the extra `local`; where it is missing the test is skipped, or fails where all is required."""
    return import_module(module) if os.environ.get("WEAKSUP_REQUIRE_ALL") else pytest.importorskip(module)


def write_tiny_gguf(path: Path, seed: int = 0) -> Path:
    """Write a llama with a vocabulary of bytes and ASCII characters."""
    gguf = need("gguf")
    special = [b"<unk>", b"<s>", b"</s>", b"<|im_start|>", b"<|im_end|>"]
    letters = [b"\xe2\x96\x81", *(bytes([c]) for c in range(33, 127))]  # a space is written as U+2581
    tokens = [*special, *(b"<0x%02X>" % b for b in range(256)), *letters]
    types = [_UNKNOWN, *[_CONTROL] * 4, *[_BYTE] * 256, *[_NORMAL] * len(letters)]
    scores = [0.0] * (len(special) + 256) + [-32.0 - i for i in range(len(letters))]
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("tiny-random")
    writer.add_context_length(_CONTEXT)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(_LAYERS)
    writer.add_feed_forward_length(_HIDDEN)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(_WIDTH // _HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_file_type(0)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores(scores)
    writer.add_token_types(types)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(4)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(2)
    writer.add_add_bos_token(True)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(_CHAT)
    _add_weights(writer, len(tokens), np.random.default_rng(seed))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_weights(writer: Any, vocabulary: int, rng: np.random.Generator) -> None:
    def weights(*shape: int, scale: float = 0.8) -> Any:
        return (rng.standard_normal(shape) * scale / np.sqrt(shape[-1])).astype(np.float32)

    ones = np.ones(_WIDTH, np.float32)
    writer.add_tensor("token_embd.weight", weights(vocabulary, _WIDTH, scale=3.2))
    writer.add_tensor("output_norm.weight", ones)
    writer.add_tensor("output.weight", weights(vocabulary, _WIDTH, scale=3.2))
    for layer in range(_LAYERS):
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", ones)
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", weights(_WIDTH, _WIDTH))
        writer.add_tensor(f"blk.{layer}.ffn_gate.weight", weights(_HIDDEN, _WIDTH))
        writer.add_tensor(f"blk.{layer}.ffn_up.weight", weights(_HIDDEN, _WIDTH))
        writer.add_tensor(f"blk.{layer}.ffn_down.weight", weights(_WIDTH, _HIDDEN))
