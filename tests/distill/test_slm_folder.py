"""What is no causal language model, or wants more than to be read, is refused in one line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distill.tiny_causal import write_tiny_causal
from distill.toy import SPACE, make_corpus

from weaksup.distill.slm.causal_folder import read_causal
from weaksup.distill.slm.student import fit_slm
from weaksup.distill.targets import make_targets
from weaksup.errors import MissingExtra, UsageError

TEXTS, GOLD = make_corpus(12)
TARGETS = make_targets(TEXTS, np.eye(3)[GOLD], labels=SPACE)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_causal(tmp_path_factory.mktemp("models") / "tiny", TEXTS)


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "model")
    return tmp_path / "model"


def refused(folder: Path | str, match: str, **how: Any) -> None:
    with pytest.raises(UsageError, match=match) as told:
        fit_slm(TARGETS, model=str(folder), epochs=1, **how)
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 400


def change(path: Path, **values: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")


def cut(folder: Path) -> None:
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[: len(data) // 2])


def part(folder: Path) -> None:
    from safetensors.numpy import load_file, save_file

    found = load_file(folder / "model.safetensors")
    save_file(
        {k: v for k, v in found.items() if "layers.1.mlp" not in k}, folder / "model.safetensors", {"format": "pt"}
    )


def infinite(folder: Path) -> None:
    from safetensors.numpy import load_file, save_file

    found = load_file(folder / "model.safetensors")
    found["lm_head.weight"][0, 0] = np.inf
    save_file(found, folder / "model.safetensors", {"format": "pt"})


def in_parts(folder: Path, ending: str = "safetensors") -> None:
    from safetensors.numpy import load_file, save_file

    found = load_file(folder / "model.safetensors")
    names = {name: f"model-{1 + ('layers' in name)}.{ending}" for name in found}
    for part in set(names.values()):
        save_file({name: found[name] for name in found if names[name] == part}, folder / part, {"format": "pt"})
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": names}))
    (folder / "model.safetensors").unlink()


def elsewhere(folder: Path) -> None:
    in_parts(folder)
    index = folder / "model.safetensors.index.json"
    index.write_text(index.read_text().replace("model-2", "../model-2"))


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "pickled weights": (pickled, r"expected model.safetensors in .*, got pytorch_model.bin, which would be unpickled"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), r"expected model.safetensors in .*, got none"),
    "parts to unpickle": (lambda f: in_parts(f, "bin"), "expected parts in safetensors beside .*, got 'model-1.bin'"),
    "parts elsewhere": (elsewhere, r"expected parts in safetensors beside .*, got '../model-2.safetensors'"),
    "half the weights": (cut, "cannot read the model in"),
    "a layer is missing": (part, "layers.1.mlp.down_proj.weight is missing"),
    "a weight is no number": (infinite, "expected numbers as weights"),
    "no config": (lambda f: (f / "config.json").unlink(), "expected .*config.json, found none"),
    "a config that is no JSON": (lambda f: (f / "config.json").write_text("[1"), "expected a JSON object in"),
    "a config of nothing": (lambda f: (f / "config.json").write_text("{}"), "cannot read the model in"),
    "an encoder": (lambda f: change(f / "config.json", model_type="t5"), "cannot read the model in"),
    "code to run": (
        lambda f: change(f / "config.json", auto_map={"AutoModelForCausalLM": "evil.Model"}),
        "names code to run",
    ),
    "code to run in the tokenizer": (
        lambda f: change(f / "tokenizer_config.json", auto_map={"AutoTokenizer": ["evil.T", None]}),
        "names code to run",
    ),
    "an adapter": (lambda f: (f / "adapter_config.json").write_text("{}"), "got an adapter"),
    "quantised": (lambda f: change(f / "config.json", quantization_config={"bits": 4}), "got quantised ones"),
    "no tokenizer": (lambda f: (f / "tokenizer.json").unlink(), "expected tokenizer.json in"),
    "a broken tokenizer": (lambda f: (f / "tokenizer.json").write_text("{}"), "cannot read the tokenizer in"),
    "no end of an answer": (lambda f: change(f / "tokenizer_config.json", eos_token=None), "expected an eos_token"),
    "a template that raises": (
        lambda f: change(f / "tokenizer_config.json", chat_template="{{ raise_exception('no system\nrole') }}"),
        r"cannot write a system and a user message \(no system role\)",
    ),
    "a template that leaves the system out": (
        lambda f: change(f / "tokenizer_config.json", chat_template="{{ messages[-1]['content'] }}"),
        "it leaves one out",
    ),
    "a broken template": (
        lambda f: change(f / "tokenizer_config.json", chat_template="{% for %}"),
        "cannot write a system and a user message",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_folder_that_cannot_be_used_is_refused_in_one_line(folder: Path, fault: str) -> None:
    spoil, match = FAULTS[fault]
    spoil(folder)
    refused(folder, match)


def test_pickled_weights_beside_safe_ones_are_not_opened(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")
    assert read_causal(str(folder)).name == "model"


def test_weights_in_parts_are_read(folder: Path, whole: Path) -> None:
    in_parts(folder)
    found, expected = (read_causal(str(path)).module.state_dict() for path in (folder, whole))
    assert all((found[name] == value).all() for name, value in expected.items())


def test_no_model_and_odd_settings_are_refused(tmp_path: Path, whole: Path) -> None:
    refused(tmp_path / "gone", "expected model to be a folder of a language model, but there is no folder")
    with pytest.raises(UsageError, match="expected model=FOLDER"):
        fit_slm(TARGETS)
    with pytest.raises(UsageError, match="got 7"):
        read_causal(7)
    for name, value in {"rank": 0, "batch": 1.5, "rate": 0, "max_tokens": 3}.items():
        refused(whole, f"expected {name} to be", **{name: value})
    refused(whole, "expected a question as prompt", prompt=" ")
    refused(whole, "expected a question or a Python file as prompt, got 5", prompt=5)


def test_a_prompt_that_needs_other_fields_is_refused(whole: Path, tmp_path: Path) -> None:
    start = "from weaksup.labeling_functions import prompt_function\n"
    two = "".join(f"@prompt_function\ndef {name}(x):\n    return 'Which?'\n" for name in ("one", "two"))
    (tmp_path / "two.py").write_text(start + two)
    refused(whole, "expected one @prompt_function in .*two.py, got 2", prompt=str(tmp_path / "two.py"))
    (tmp_path / "more.py").write_text(f"{start}@prompt_function\ndef sender(x):\n    return x.sender\n")
    refused(whole, 'prompt "sender" fails on a row that has a text and nothing else', prompt=str(tmp_path / "more.py"))


@pytest.mark.parametrize(
    ("family", "settings", "match"),
    [
        ("mamba", {"state_size": 4, "time_step_rank": 4}, "cannot read the model in .*Mamba"),
        ("lfm2", {"layer_types": ["conv", "full_attention"]}, 'model of type "lfm2"'),
    ],
)
def test_a_model_that_does_not_look_back_by_attention_alone_is_refused(
    tmp_path: Path, family: str, settings: dict[str, Any], match: str
) -> None:
    refused(write_tiny_causal(tmp_path / family, TEXTS, family=family, **settings), match)


def test_without_the_extra_the_line_that_installs_it_is_shown(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weaksup.distill.slm.causal_folder.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r'pip install "weaksup\[slm\]"'):
        read_causal(str(whole))
