"""llama.cpp says what the student says."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distill.tiny_causal import CHAT, write_tiny_causal
from distill.toy import SPACE, make_corpus
from tiny_gguf import need

from weaksup.distill import save_bundle
from weaksup.distill.slm.causal_folder import read_causal
from weaksup.distill.slm.gguf_file import CannotWrite, write_gguf
from weaksup.distill.slm.question import Question, find_prompt
from weaksup.distill.slm.student import SlmStudent, fit_slm
from weaksup.distill.targets import make_targets
from weaksup.llm import ask, make_tier
from weaksup.llm.providers.gguf import Gguf
from weaksup.llm.tiers import read_tables
from weaksup.pipeline.asking import choose_prompt
from weaksup.store import Store

TEXTS, GOLD = make_corpus(60)
LONG = {
    "rope_type": "llama3",
    "rope_theta": 500.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
KINDS: dict[str, dict[str, Any]] = {
    "llama": {},
    "llama, tied": {"tie_word_embeddings": True},
    "llama, no chat template": {"chat": None},
    "llama, characters": {"pieces": "characters"},
    "llama, a space first": {"pieces": "a space first", "seed": 3},
    "llama, digits": {"pieces": "smollm"},
    "llama 3": {"pieces": "llama-bpe", "rope_parameters": LONG},
    "llama, longer": {"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 100.0}},
    "mistral": {"family": "mistral", "sliding_window": None},
    "qwen2": {"family": "qwen2", "pieces": "qwen2", "seed": 5},
    "qwen3": {"family": "qwen3"},
}
WHOLE = re.compile(r"[\u0120\u2581]?[A-Za-z0-9 {}:.,]+")  # ASCII, with a mark for a space or without
ODD = ["", "Ärger 帮助 \U0001f44d", "a  b\n\tc  ", "<s> </s> 12345 it's 2024, IT'S  \n\n ok", "x" * 200, "\u2581"]


@pytest.fixture(autouse=True)
def _runner() -> None:
    need("xllamacpp")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store.db") as opened:
        yield opened


def serve(path: Path) -> Iterator[Any]:
    provider = Gguf(path, threads=1, context=1024, slots=2)
    provider.open()
    yield provider
    provider.close()


@pytest.mark.parametrize("kind", KINDS)
def test_its_next_tokens_are_torchs(kind: str, tmp_path: Path) -> None:
    causal = read_causal(str(write_tiny_causal(tmp_path / "tiny", TEXTS, **KINDS[kind])))
    module, tokenizer = causal.module.half().float(), causal.tokenizer
    question = Question(find_prompt(None, SPACE)[0], tokenizer, 900)
    path = tmp_path / "model.gguf"
    path.write_bytes(write_gguf(causal, template=question.template, example=question.ids("")))
    compared = 0
    for provider in serve(path):
        for text in [*TEXTS[:25], *ODD]:
            ids = question.ids(text)
            said = complete(provider, question.show(text))
            assert said["usage"]["prompt_tokens"] == len(ids), text
            found = greedy(module, tokenizer, ids)
            told = said["choices"][0]["logprobs"]["content"]
            assert [token["id"] for token in told[: len(found)]] == found, text
            if found:
                assert told[0]["logprob"] == pytest.approx(next_log_proba(module, ids, found[0]), abs=0.02)
                compared += 1
    assert compared >= 3


def complete(provider: Gguf, prompt: Any) -> Any:
    messages = [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}]
    body = {"messages": messages, "max_tokens": 6, "temperature": 0, "logprobs": True, "top_logprobs": 1}
    said: list[str] = []
    provider._server.handle_chat_completions(json.dumps(body), said.append)
    return json.loads("".join(said))


def greedy(module: Any, tokenizer: Any, ids: list[int]) -> list[int]:
    """The likeliest next tokens, as long as they are so by more than rounding, and whole characters.

    llama.cpp does not tell of tokens that are a part of a character.
    """
    import torch

    out: list[int] = []
    with torch.no_grad():
        while len(out) < 6:
            best = torch.topk(module(torch.tensor([[*ids, *out]])).logits[0, -1], 2)
            token = int(best.indices[0])
            name = tokenizer.convert_ids_to_tokens(token) or ""
            if best.values[0] - best.values[1] < 0.02 or not WHOLE.fullmatch(name):
                break
            out.append(token)
    return out


def next_log_proba(module: Any, ids: list[int], token: int) -> float:
    import torch

    with torch.no_grad():
        return float(module(torch.tensor([ids])).logits[0, -1].log_softmax(dim=0)[token])


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> SlmStudent:
    folder = write_tiny_causal(tmp_path_factory.mktemp("models") / "tiny", TEXTS)
    return fit_slm(make_targets(TEXTS, np.eye(3)[GOLD], labels=SPACE), model=str(folder), epochs=4, rate=5e-3, batch=8)


def test_a_tier_gives_the_students_labels_for_nothing(taught: SlmStudent, tmp_path: Path, store: Store) -> None:
    folder = save_bundle(taught, tmp_path / "slm")
    tier = make_tier({**read_tables(folder / "tiers.toml")[0], "threads": 1}, folder=folder)
    prompt = choose_prompt(folder / "prompts.py", SPACE)
    texts = [*make_corpus(30, seed=4)[0], *ODD]
    rows = [{"id": f"r{i}", "text": text} for i, text in enumerate(texts)]
    asked = ask(rows, prompt, tier, store, run="r", budget_usd=0)
    assert (asked.outcomes.answered, asked.spent) == (len(texts), 0)
    proba = np.sort(taught.predict_proba(texts), axis=1)
    sure = proba[:, -1] - proba[:, -2] > 0.05
    votes = np.array([asked.votes[row["id"]] for row in rows])
    assert sure.sum() > 10
    assert (votes == taught.predict_proba(texts).argmax(axis=1))[sure].all()


def test_it_answers_in_form_without_being_held_to_it(taught: SlmStudent, tmp_path: Path) -> None:
    folder = save_bundle(taught, tmp_path / "slm")
    for provider in serve(folder / "model.gguf"):
        for text in make_corpus(10, seed=5)[0]:
            prompt = taught.question.show(text)
            body = provider.request(prompt, None)["body"] | {"max_completion_tokens": 40}
            del body["response_format"]
            reply = provider.read(provider.send({"body": body}))
            assert not reply.fault
            assert taught.question.prompt.read(reply.text).code >= 0


def test_what_cannot_be_written_is_said_and_the_folder_is_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_tiny_causal(tmp_path / "gpt", TEXTS[:12], family="gpt_neox")
    targets = make_targets(TEXTS[:12], np.eye(3)[GOLD[:12]], labels=SPACE)
    student = fit_slm(targets, model=str(folder), epochs=1)
    with caplog.at_level(logging.WARNING):
        files = student.files()
    assert "model.gguf is not written: expected a model of type llama" in caplog.text
    assert "model.gguf" not in files
    assert {"model.safetensors", "config.json", "tokenizer.json"} <= set(files)
    (tmp_path / "tiers.toml").write_bytes(files["tiers.toml"])
    (table,) = read_tables(tmp_path / "tiers.toml")
    tier = make_tier(table, folder=tmp_path)
    assert (tier.model, tier.price.source) == ("slm", "free: a server on this machine")


def odd_tokenizer(folder: Path, **values: Any) -> None:
    path = folder / "tokenizer.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize(
    ("what", "spoil"),
    [
        ("splits texts in a way", lambda f: odd_tokenizer(f, pre_tokenizer={"type": "Whitespace"})),
        ("splits texts in a way", lambda f: odd_tokenizer(f, normalizer={"type": "Lowercase"})),
        (
            "type BPE",
            lambda f: odd_tokenizer(f, model={"type": "WordLevel", "vocab": {"<unk>": 0}, "unk_token": "<unk>"}),
        ),
    ],
)
def test_a_tokenizer_that_llama_cpp_would_not_follow_is_refused(tmp_path: Path, what: str, spoil: Any) -> None:
    folder = write_tiny_causal(tmp_path / "tiny", TEXTS[:12], chat=CHAT)
    spoil(folder)
    causal = read_causal(str(folder))
    with pytest.raises(CannotWrite, match=what):
        write_gguf(causal, template=CHAT, example=[0])
