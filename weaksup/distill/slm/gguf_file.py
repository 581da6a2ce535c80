"""Write a language model as one GGUF file, which llama.cpp reads; `gguf` knows the format and the names of weights."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.slm.gguf_tokens import CannotWrite, add_tokens

if TYPE_CHECKING:
    from weaksup.distill.slm.causal_folder import Causal

__all__ = ["FAMILIES", "GGUF", "CannotWrite", "write_gguf"]

GGUF = "model.gguf"
FAMILIES = {"llama": "llama", "mistral": "llama", "qwen2": "qwen2", "qwen3": "qwen3"}  # by the words of GGUF
_F16 = 1  # the file type: matrices of 16 bits, vectors of 32
_ROPES = ("default", "linear", "llama3")


def write_gguf(model: Causal, *, template: str, example: Sequence[int]) -> bytes:
    """Return the file; `template` is the chat template, `example` the tokens of a prompt as it writes it.

    Raises CannotWrite, with the reason, where the model or its tokenizer is of a kind that is not known here.
    """
    import gguf

    config = model.module.config
    family = FAMILIES.get(config.model_type)
    if family is None:
        raise CannotWrite(f'expected a model of type {", ".join(FAMILIES)}, got "{config.model_type}"')
    if getattr(config, "use_sliding_window", True) and getattr(config, "sliding_window", None):
        raise CannotWrite("some layers of the model see only the nearest tokens")
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / GGUF
        writer = gguf.GGUFWriter(path, family)
        try:
            _add_shape(writer, config, model.name)
            add_tokens(writer, model, template=template, example=example)
            _add_weights(writer, model, family)
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_tensors_to_file()
        finally:
            writer.close()
        return path.read_bytes()


def _add_shape(writer: Any, config: Any, name: str) -> None:
    rope = config.rope_parameters
    if rope.get("rope_type", "default") not in _ROPES or rope.get("partial_rotary_factor", 1) != 1:
        raise CannotWrite(f'expected positions of type {", ".join(_ROPES)}, got "{rope.get("rope_type")}"')
    if config.hidden_act != "silu":
        raise CannotWrite(f'expected silu between layers, got "{config.hidden_act}"')
    writer.add_name(name)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(rope["rope_theta"])
    writer.add_rope_dimension_count(_head(config))
    writer.add_key_length(_head(config))
    writer.add_value_length(_head(config))
    writer.add_vocab_size(config.vocab_size)
    writer.add_file_type(_F16)
    if rope.get("rope_type") == "linear":
        writer.add_rope_scaling_type(_linear())
        writer.add_rope_scaling_factor(rope["factor"])


def _add_weights(writer: Any, model: Causal, family: str) -> None:
    import gguf

    config = model.module.config
    arch = {name: key for key, name in gguf.MODEL_ARCH_NAMES.items()}[family]
    names = gguf.get_tensor_name_map(arch, config.num_hidden_layers)
    if config.rope_parameters.get("rope_type") == "llama3":
        writer.add_tensor("rope_freqs.weight", _rope_factors(config))
    for name, value in sorted(model.module.state_dict().items()):
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        found = names.get_name(name, try_suffixes=(".weight", ".bias"))
        if found is None:
            raise CannotWrite(f'the weight "{name}" has no place in it')
        part: NDArray[Any] = value.detach().numpy()
        if family == "llama" and ("q_proj" in name or "k_proj" in name):
            heads = config.num_attention_heads if "q_proj" in name else config.num_key_value_heads
            part = _by_pairs(part, heads)
        writer.add_tensor(found, part.astype(np.float16) if part.ndim > 1 else part.astype(np.float32))


def _by_pairs(part: NDArray[Any], heads: int) -> NDArray[Any]:
    """Order the rows of each head as llama.cpp turns them: neighbours together, where Hugging Face has two halves."""
    return part.reshape(heads, 2, len(part) // heads // 2, *part.shape[1:]).swapaxes(1, 2).reshape(part.shape)


def _rope_factors(config: Any) -> NDArray[np.float32]:
    """Return what Llama 3.1 divides the frequency of each pair by: long waves by `factor`, short ones by nothing."""
    rope = config.rope_parameters
    waves = 2 * math.pi * rope["rope_theta"] ** (np.arange(0, _head(config), 2) / _head(config))
    before = rope["original_max_position_embeddings"]
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    share = np.clip((before / waves - low) / (high - low), 0, 1)
    return np.asarray(1 / ((1 - share) / rope["factor"] + share), np.float32)


def _head(config: Any) -> int:
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)


def _linear() -> Any:
    import gguf

    return gguf.RopeScalingType.LINEAR
