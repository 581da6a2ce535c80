"""Causal language models of a quarter of a megabyte with random weights, in the folders that Hugging Face writes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from distill.toy import SPACE
from tiny_gguf import need

from weaksup.distill.slm.causal_folder import quiet
from weaksup.distill.slm.gguf_tokens import SPLITS
from weaksup.distill.slm.question import find_prompt

__all__ = ["CHAT", "Pieces", "write_tiny_causal"]

Pieces = Literal["gpt-2", "smollm", "llama-bpe", "qwen2", "characters", "a space first"]

CHAT = (
    "{{ bos_token }}{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_SPECIAL = ["<s>", "</s>", "<|im_start|>", "<|im_end|>"]
_LOUD = 4.0  # random weights must speak up, or all tokens are about as likely


def write_tiny_causal(
    folder: Path,
    texts: Sequence[str],
    *,
    family: str = "llama",
    pieces: Pieces = "gpt-2",
    chat: str | None = CHAT,
    seed: int = 0,
    **config: Any,
) -> Path:
    """Write a model of a family; what all prompts say is two tokens.

    Its BPE is over bytes, split as `pieces` says, or over characters.
    """
    torch, transformers = need("torch"), need("transformers")
    tokenizer = _tokenizer(texts, pieces)
    settings = {
        "vocab_size": tokenizer.get_vocab_size() + 3,  # some models have more rows than tokens
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 1024,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "initializer_range": 0.1,
        **config,
    }
    settings |= {"head_dim": 16} if family in ("qwen3", "llama") else {}
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(seed)
        model = transformers.AutoModelForCausalLM.from_config(transformers.AutoConfig.for_model(family, **settings))
        with torch.no_grad():
            model.get_output_embeddings().weight.mul_(_LOUD)
            if not model.config.tie_word_embeddings:
                model.get_input_embeddings().weight.mul_(_LOUD)
        model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    said = {"bos_token": "<s>", "eos_token": "</s>", "tokenizer_class": "PreTrainedTokenizerFast"}
    said |= {} if chat is None else {"chat_template": chat}
    (folder / "tokenizer_config.json").write_text(json.dumps(said))
    return folder


def _tokenizer(texts: Sequence[str], pieces: Pieces) -> Any:
    lib = need("tokenizers")
    pre = lib.pre_tokenizers
    prompt = find_prompt(None, SPACE)[0].render("")
    shown = [*texts, "\n\nDocument: ", *(json.dumps({"label": name}) for name in SPACE.names)] * 3
    characters = pieces in ("characters", "a space first")
    if characters:
        made = lib.Tokenizer(lib.models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
        if pieces == "characters":
            made.pre_tokenizer = pre.Metaspace(prepend_scheme="never", split=False)
        else:
            change = lib.normalizers
            made.normalizer = change.Sequence([change.Prepend("\u2581"), change.Replace(" ", "\u2581")])
        first, special = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256))], [*_SPECIAL, "<unk>"]
        shown = [piece for text in shown for piece in text.split()]  # no token over two words
    else:
        made = lib.Tokenizer(lib.models.BPE(ignore_merges=pieces == "llama-bpe"))
        made.pre_tokenizer = _splitter(pre, pieces)
        made.normalizer = lib.normalizers.NFC() if pieces == "qwen2" else None
        first, special = [], _SPECIAL
    alphabet = [] if characters else pre.ByteLevel.alphabet()
    tokens = [*_SPECIAL, *first]
    trainer = lib.trainers.BpeTrainer(
        vocab_size=600, special_tokens=tokens, initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator(shown, trainer)
    data = json.loads(made.to_str())
    data["added_tokens"] = [token for token in data["added_tokens"] if token["content"] in special]
    made = lib.Tokenizer.from_str(json.dumps(data))
    made.add_tokens([lib.AddedToken(said, normalized=False) for said in (prompt.system, prompt.user[:-2])])
    return made


def _splitter(pre: Any, pieces: Pieces) -> Any:
    last = pre.ByteLevel(add_prefix_space=False, use_regex=pieces in ("gpt-2", "smollm"))
    if pieces == "gpt-2":
        return last
    if pieces == "smollm":
        return pre.Sequence([pre.Digits(individual_digits=True), last])
    pattern = need("tokenizers").Regex(next(regex for regex, name in SPLITS.items() if name == pieces))
    return pre.Sequence([pre.Split(pattern, "isolated"), last])
