"""What a trained language model leaves: files that servers read, and what weaksup needs to ask it."""

from __future__ import annotations

import json
import logging
import tempfile
from pathlib import Path
from typing import Any

from weaksup.distill.slm.causal_folder import Causal, quiet
from weaksup.distill.slm.gguf_file import GGUF, CannotWrite, write_gguf
from weaksup.distill.slm.question import Question

__all__ = ["pack"]

_TEMPLATE = "chat_template.jinja"
_CONTEXT = 4096  # tokens that the tier reads where nothing is said
_HERE = """\
[[tiers]]
name = "slm"
gguf = "model.gguf"       # llama.cpp in this process: pip install "weaksup[local]"
context = {context}
"""
_SERVED = """\
[[tiers]]
name = "slm"
vllm = "slm"              # vllm serve FOLDER --served-model-name slm; or any server of the OpenAI protocol
base_url = "http://127.0.0.1:8000/v1"
"""
_PROMPTS = '''\
"""The question that the model was trained on: weaksup ask VOTES --prompts prompts.py --tier tiers.toml"""

from weaksup.labeling_functions import prompt_function


@prompt_function
def slm(row):
    return {question!r}
'''
_log = logging.getLogger(__name__)


def pack(model: Causal, question: Question) -> dict[str, bytes]:
    """Return the files by name; without model.gguf where the model cannot be written so, which is logged in one line.

    "prompt.json" holds the prompt about an empty text, for servers that are asked by others; "prompts.py" is there
    where the question is always the same.
    """
    files = {**_save(model), **model.tokenizer_files}
    if model.tokenizer.chat_template is None:
        files[_TEMPLATE] = question.template.encode()
    try:
        files[GGUF] = write_gguf(model, template=question.template, example=question.ids(""))
        missing = ""
    except CannotWrite as error:
        missing = str(error)
        _log.warning(
            "student slm: %s is not written: %s; the folder itself can be served, by vLLM for one", GGUF, missing
        )
    files["tiers.toml"] = _tiers(model, missing).encode()
    shown = question.show("")
    words = {"system": shown.system, "user": shown.user, "answers": list(shown.answers)}
    files["prompt.json"] = f"{json.dumps(words, ensure_ascii=False, indent=1)}\n".encode()
    if question.asked is not None:
        files["prompts.py"] = _PROMPTS.format(question=question.asked).encode("utf-8", "replace")
    return files


def _tiers(model: Causal, missing: str) -> str:
    if missing:
        return f"# {GGUF} is not there: {missing}\n\n{_SERVED}"
    here = _HERE.format(context=min(_CONTEXT, model.longest))
    other = "".join(f"# {line}\n" for line in _SERVED.splitlines())
    return f"{here}\n# Or over HTTP:\n{other}"


def _save(model: Causal) -> dict[str, bytes]:
    """Return config.json, generation_config.json and model.safetensors, with weights of 16 bits."""
    import torch

    weights = {name: value.half() for name, value in model.module.state_dict().items()}
    with quiet(), tempfile.TemporaryDirectory() as place:
        model.module.save_pretrained(place, state_dict=weights, max_shard_size="1TB")
        files = {path.name: path.read_bytes() for path in sorted(Path(place).iterdir())}
    config: dict[str, Any] = {**json.loads(files["config.json"]), "dtype": str(torch.float16).removeprefix("torch.")}
    if "torch_dtype" in model.config:  # what older readers look for
        config["torch_dtype"] = config["dtype"]
    files["config.json"] = f"{json.dumps(config, indent=2, sort_keys=True)}\n".encode()
    return files
