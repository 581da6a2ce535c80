"""Read a causal language model from a folder, as Hugging Face writes it.

Nothing is downloaded, no code of the folder is run, nothing is unpickled.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from weaksup.errors import MissingExtra, UsageError

__all__ = ["TOKENIZER", "Causal", "quiet", "read_causal"]

TOKENIZER = "tokenizer.json"
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.safetensors")
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_NEEDED = ("transformers", "peft", "gguf", "safetensors", "tokenizers")
_NAMES = (  # of the files that a tokenizer is made of
    TOKENIZER,
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "tokenizer.model",
    "vocab.json",
    "merges.txt",
)


@dataclass(frozen=True, slots=True, eq=False)
class Causal:
    """A language model: the torch module, its tokenizer with the files it is made of, and its configuration."""

    name: str
    module: Any = field(repr=False)
    tokenizer: Any = field(repr=False)
    config: dict[str, Any] = field(repr=False)
    tokenizer_files: dict[str, bytes] = field(repr=False)

    @property
    def longest(self) -> int:
        """How many tokens it can read; as many as every layer sees at once, where some see only the nearest."""
        text = self.module.config.get_text_config()
        limits = [getattr(text, "max_position_embeddings", None)]
        if getattr(text, "use_sliding_window", True):
            limits.append(getattr(text, "sliding_window", None))
        return min([limit for limit in limits if isinstance(limit, int) and limit > 0], default=4096)


def read_causal(model: object) -> Causal:
    """Read the folder `model`: config.json, model.safetensors (or its parts) and tokenizer.json.

    Raises UsageError where something is missing, pickled, quantised, an adapter, or wants to run code of its own.
    """
    if not isinstance(model, str):
        got = "none" if model is None else repr(model)
        raise UsageError(
            f"student slm: expected model=FOLDER of a causal language model, got {got}; name it: --set model=FOLDER"
        )
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise MissingExtra(f'student slm: {missing[0]} is not installed; run: pip install "weaksup[slm]"')
    folder = Path(model).expanduser()
    if not folder.is_dir():
        got = f"got {model}, which is none" if folder.exists() else f"but there is no folder {model}"
        raise UsageError(f"student slm: expected model to be a folder of a language model, {got}")
    config = _check(folder)
    files = {name: (folder / name).read_bytes() for name in _NAMES if (folder / name).is_file()}
    return Causal(folder.resolve().name, _read_module(folder), _read_tokenizer(folder), config, files)


def _check(folder: Path) -> dict[str, Any]:
    """Refuse what must not be opened; return the configuration."""
    if (folder / "adapter_config.json").exists():
        raise UsageError(f"student slm: expected a whole model in {folder}, got an adapter; merge it into its model")
    config = _read_json(folder / "config.json")
    settings = [folder / name for name in ("config.json", "tokenizer_config.json", "generation_config.json")]
    for path in settings:
        if path.exists() and _read_json(path).get("auto_map"):
            raise UsageError(
                f"student slm: {path} names code to run (auto_map), which weaksup never runs; take another"
            )
    if config.get("quantization_config"):
        raise UsageError(f"student slm: expected plain weights in {folder}, got quantised ones; take the original")
    if not any((folder / name).exists() for name in _WEIGHTS):
        pickled = sorted(path.name for pattern in _PICKLED for path in folder.glob(pattern))
        got = f"{pickled[0]}, which would be unpickled; convert it" if pickled else "none"
        raise UsageError(f"student slm: expected model.safetensors in {folder}, got {got}")
    parts = _read_json(folder / _WEIGHTS[1]).get("weight_map") if (folder / _WEIGHTS[1]).exists() else {}
    odd = [part for part in _values(parts) if not _PART.fullmatch(part)]
    if odd:
        raise UsageError(f"student slm: expected parts in safetensors beside {folder / _WEIGHTS[1]}, got {odd[0]!r}")
    if not (folder / TOKENIZER).exists():
        raise UsageError(f"student slm: expected {TOKENIZER} in {folder}, found none")
    return config


def _values(parts: object) -> list[str]:
    """Return the files that an index names; one that is no index names none that is right."""
    return sorted(set(map(str, parts.values()))) if isinstance(parts, dict) else [""]


def _read_module(folder: Path) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    read: Any = AutoModelForCausalLM.from_pretrained
    fixed = {"local_files_only": True, "use_safetensors": True, "trust_remote_code": False}
    try:
        with quiet(), torch.random.fork_rng(devices=[]):
            module, told = read(
                folder, **fixed, dtype=torch.float32, output_loading_info=True, attn_implementation="sdpa"
            )
    except Exception as error:  # noqa: BLE001  (transformers and safetensors raise many kinds)
        raise UsageError(f"student slm: cannot read the model in {folder}: {_line(error)}") from None
    for what in ("missing_keys", "mismatched_keys"):
        if told.get(what):
            first = sorted(map(str, told[what]))[0]
            raise UsageError(f"student slm: expected the weights of config.json in {folder}; {first} is missing or odd")
    if not all(bool(torch.isfinite(value).all()) for value in module.state_dict().values()):
        raise UsageError(f"student slm: expected numbers as weights in {folder}, got some that are none")
    return module.eval().requires_grad_(False)


def _read_tokenizer(folder: Path) -> Any:
    from transformers import PreTrainedTokenizerFast

    try:
        with quiet():
            found = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # noqa: BLE001  (tokenizers raises plain Exception)
        raise UsageError(f"student slm: cannot read the tokenizer in {folder}: {_line(error)}") from None
    if found.eos_token_id is None:
        raise UsageError(
            f"student slm: expected an eos_token in {folder / 'tokenizer_config.json'}, which ends answers"
        )
    return found


def _read_json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise UsageError(f"student slm: expected {path}, found none") from None
    except (OSError, ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise UsageError(f"student slm: expected a JSON object in {path}")
    return data


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the library's bars and advice off the terminal: what matters is said in one line."""
    import logging

    from transformers.utils import logging as told

    loud: Any = told
    level, bars = loud.get_verbosity(), loud.is_progress_bar_enabled()
    loud.set_verbosity(logging.CRITICAL)
    loud.disable_progress_bar()
    try:
        yield
    finally:
        loud.set_verbosity(level)
        if bars:
            loud.enable_progress_bar()


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
