"""Write a tokenizer into a GGUF file: byte-level BPE whose way to split is known, or BPE over characters and bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weaksup.distill.slm.causal_folder import Causal

__all__ = ["SPLITS", "CannotWrite", "add_tokens"]

_NORMAL, _CONTROL, _USER, _UNUSED, _BYTE = 1, 3, 4, 5, 6  # token types of the format
_BYTE_TOKEN = re.compile(r"<0x[0-9A-F]{2}>")
_SPACE = "\u2581"
_DIGITS = "\\p{N}"
_WORDS = (  # what Llama 3 and its relatives split by; they differ in how many digits stay together
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|%s| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|"
    "\\s+(?!\\S)|\\s+"
)
_WHOLE_FIRST = "llama-bpe"  # where a whole word that is a token is not merged from its parts
SPLITS = {_WORDS % f"{_DIGITS}{{1,3}}": _WHOLE_FIRST, _WORDS % _DIGITS: "qwen2"}


class CannotWrite(Exception):  # noqa: N818  (says what cannot be done, and why)
    """The model has no form that llama.cpp is known to read the same way."""


def add_tokens(writer: Any, model: Causal, *, template: str, example: Sequence[int]) -> None:
    """Add the tokens, how a text is cut into them, the special ones and the chat template."""
    data = json.loads(model.tokenizer_files["tokenizer.json"])
    parts = data["model"]
    if parts.get("type") != "BPE":
        raise CannotWrite(f'expected a tokenizer of type BPE, got "{parts.get("type")}"')
    size = model.module.config.vocab_size
    names = {number: token for token, number in parts["vocab"].items()}
    added = {token["id"]: token for token in data.get("added_tokens") or []}
    names.update({number: token["content"] for number, token in added.items()})
    if max(names) >= size:
        raise CannotWrite(f"expected tokens below {size}, got {max(names)}")
    tokens = [names.get(i, f"[PAD{i}]") for i in range(size)]
    types = [_type(i, token, names, added) for i, token in enumerate(tokens)]
    merges = [merge.split(" ") if isinstance(merge, str) else merge for merge in parts["merges"]]
    if parts.get("byte_fallback"):
        _add_characters(writer, data, tokens, merges)
    else:
        _add_bytes(writer, data, merges)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    _add_special(writer, model.tokenizer, example)
    writer.add_chat_template(template)


def _type(number: int, token: str, names: Mapping[int, str], added: Mapping[int, Any]) -> int:
    if number not in names:
        return _UNUSED
    if number in added:
        return _CONTROL if added[number].get("special") else _USER
    return _BYTE if _BYTE_TOKEN.fullmatch(token) else _NORMAL


def _add_bytes(writer: Any, data: Mapping[str, Any], merges: Sequence[Sequence[str]]) -> None:
    """Byte-level BPE, as GPT-2 has it."""
    split = _split_name(data)
    if split is None or bool(data["model"].get("ignore_merges")) != (split == _WHOLE_FIRST):
        raise CannotWrite("the tokenizer splits texts in a way that is not known here")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(split)
    writer.add_token_merges([f"{left} {right}" for left, right in merges])


def _split_name(data: Mapping[str, Any]) -> str | None:
    """Return llama.cpp's name for how texts are split before BPE."""
    before = data.get("pre_tokenizer") or {}
    steps = before["pretokenizers"] if before.get("type") == "Sequence" else [before]
    changes = data.get("normalizer") or {}
    normal = changes.get("type")
    if not steps or steps[-1].get("type") != "ByteLevel" or steps[-1].get("add_prefix_space"):
        return None
    if steps[-1].get("use_regex", True):
        digits = [{"type": "Digits", "individual_digits": True}]
        known = {"gpt-2": [], "smollm": digits}
        return next((name for name, first in known.items() if steps[:-1] == first and normal is None), None)
    if len(steps) != 2 or steps[0].get("type") != "Split" or steps[0].get("behavior") != "Isolated":
        return None
    name = SPLITS.get(steps[0].get("pattern", {}).get("Regex", ""))
    return name if normal == ("NFC" if name == "qwen2" else None) else None


def _add_characters(
    writer: Any, data: Mapping[str, Any], tokens: Sequence[str], merges: Sequence[Sequence[str]]
) -> None:
    """BPE over characters with bytes for the others, as SentencePiece has it: an early merge scores high."""
    scores = {left + right: -float(rank) for rank, (left, right) in reversed(list(enumerate(merges)))}
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_scores([scores.get(token, -1e6) for token in tokens])
    writer.add_add_space_prefix(_space_prefix(data))


def _space_prefix(data: Mapping[str, Any]) -> bool:
    """Say whether a text, and what follows a special token, gets a space before it; it is written as one character."""
    before, changes = data.get("pre_tokenizer"), data.get("normalizer")
    if before and before.get("type") == "Metaspace" and changes is None and not before.get("split", True):
        scheme = before.get("prepend_scheme", "always")
        if before.get("replacement") == _SPACE and scheme in ("always", "never"):
            return bool(scheme == "always")
    if changes and not before:
        steps = changes["normalizers"] if changes["type"] == "Sequence" else [changes]
        replace = {"type": "Replace", "pattern": {"String": " "}, "content": _SPACE}
        if steps == [replace]:
            return False
        if steps == [{"type": "Prepend", "prepend": _SPACE}, replace]:
            return True
    raise CannotWrite("the tokenizer changes texts in a way that is not known here")


def _add_special(writer: Any, tokenizer: Any, example: Sequence[int]) -> None:
    writer.add_eos_token_id(tokenizer.eos_token_id)
    for name in ("bos", "unk", "pad"):
        number = getattr(tokenizer, f"{name}_token_id")
        if number is not None:
            getattr(writer, f"add_{name}_token_id")(number)
    starts = tokenizer.bos_token_id is not None and example[0] == tokenizer.bos_token_id
    writer.add_add_bos_token(starts)  # the template writes it, and llama.cpp does not write it twice
    writer.add_add_eos_token(False)
