"""A language model learns by LoRA what the tiers are asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distill.tiny_causal import write_tiny_causal
from distill.toy import SPACE, make_corpus
from hypothesis import given, settings
from hypothesis import strategies as st

from weaksup.distill import load_bundle, save_bundle, train
from weaksup.distill.slm.adapters import Adapters
from weaksup.distill.slm.causal_folder import read_causal
from weaksup.distill.slm.question import Question, find_prompt
from weaksup.distill.slm.reading import answer_log_proba
from weaksup.distill.slm.student import SlmStudent, fit_slm
from weaksup.distill.slm.trie import make_trie
from weaksup.distill.targets import make_targets
from weaksup.errors import UsageError
from weaksup.labeling_functions import prompt_function

ODD = ["", "invoice", "\U0001f600 Ünïcode <s> \x00", '"}', "word " * 2000]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_causal(tmp_path_factory.mktemp("models") / "tiny", make_corpus(200)[0], seed=1)


@pytest.fixture(scope="module")
def taught(folder: Path) -> SlmStudent:
    texts, gold = make_corpus(200)
    return fit_slm(make_targets(texts, np.eye(3)[gold], labels=SPACE), model=str(folder), epochs=12, rate=5e-3, batch=8)


def briefly(folder: Path, texts: list[str], gold: np.ndarray, **how: Any) -> SlmStudent:
    return fit_slm(make_targets(texts, np.eye(3)[gold], labels=SPACE), model=str(folder), epochs=1, **how)


@given(st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=5), min_size=1, max_size=6, unique_by=tuple))
def test_the_way_to_each_answer_in_the_tree_is_its_tokens(answers: list[list[int]]) -> None:
    ended = [[*ids, 9] for ids in answers]
    trie = make_trie(ended)
    depth_of = np.concatenate([[0], trie.depth])
    for ids, path in zip(ended, trie.paths, strict=True):
        edges = np.flatnonzero(path)
        order = edges[np.argsort(depth_of[trie.source[edges]])]
        assert trie.tokens[order].tolist() == ids
    assert trie.sees.sum(axis=1).tolist() == trie.depth.tolist()


@settings(max_examples=15, deadline=None)
@given(st.lists(st.lists(st.integers(4, 200), min_size=1, max_size=12), min_size=1, max_size=5))
def test_the_tree_says_what_each_answer_alone_would(folder: Path, prompts: list[list[int]]) -> None:
    import torch

    module = read(folder)
    answers = [[7, 8, 1], [7, 9, 10, 1], [11, 1]]
    with torch.no_grad():
        found = answer_log_proba(module, make_trie(answers), prompts).numpy()
        for said, prompt in zip(found, prompts, strict=True):
            for value, answer in zip(said, answers, strict=True):
                logits = module(torch.tensor([[*prompt, *answer]])).logits[0].log_softmax(dim=1)
                steps = logits[len(prompt) - 1 : -1].gather(1, torch.tensor(answer)[:, None])
                assert value == pytest.approx(float(steps.sum()), abs=1e-3)


_READ: dict[Path, Any] = {}


def read(folder: Path) -> Any:
    if folder not in _READ:
        _READ[folder] = read_causal(str(folder)).module
    return _READ[folder]


def test_it_learns_a_rule_and_the_loss_falls(taught: SlmStudent) -> None:
    texts, gold = make_corpus(90, seed=1)
    proba = taught.predict_proba(texts)
    assert (proba.argmax(axis=1) == gold).mean() > 0.65  # by chance a third
    loss = list(taught.training["loss"].values())
    assert loss[-1] < 0.1 * loss[0]
    assert taught.training["held_out_rows"] == "votes"
    assert taught.training["distinct_texts"] == len(set(make_corpus(200)[0]))


def test_rows_are_distributions_and_the_other_texts_change_nothing(taught: SlmStudent) -> None:
    texts = [*ODD, *make_corpus(9, seed=2)[0]]
    proba = taught.predict_proba(texts)
    assert proba.shape == (len(texts), 3)
    assert np.allclose(proba.sum(axis=1), 1)
    for i, text in enumerate(texts):
        assert (taught.predict_proba([text])[0] == proba[i]).all()
    assert taught.predict_proba([]).shape == (0, 3)
    with pytest.raises(UsageError, match=r"write \[text\]"):
        taught.predict_proba("one")


def test_a_temperature_keeps_the_label(taught: SlmStudent) -> None:
    texts = make_corpus(20, seed=3)[0]
    cool = taught.cooled(3.0)
    assert cool.predict(texts) == taught.predict(texts)
    assert (cool.predict_proba(texts).max(axis=1) <= taught.predict_proba(texts).max(axis=1)).all()
    assert cool.cooled(1 / 3).temperature == pytest.approx(1)
    assert cool.training["temperature"] == 3.0


def test_a_seed_gives_the_same_bytes_in_any_order_of_rows(folder: Path) -> None:
    texts, gold = make_corpus(24)
    first = briefly(folder, texts, gold).files()
    assert briefly(folder, texts[::-1], gold[::-1]).files() == first
    other = briefly(folder, texts, gold, seed=1).files()
    assert other["model.safetensors"] != first["model.safetensors"]
    assert other["tokenizer.json"] == first["tokenizer.json"]


def test_only_adapters_move_and_adding_them_in_changes_no_answer(folder: Path) -> None:
    import torch

    causal = read_causal(str(folder))
    before = {name: value.clone() for name, value in causal.module.state_dict().items()}
    question = Question(find_prompt(None, SPACE)[0], causal.tokenizer, 300)
    trie, prompts = make_trie(question.answers()), [question.ids(text) for text in make_corpus(8)[0]]
    adapters = Adapters(causal.module, trie, rank=4, seed=0)
    start = adapters.log_proba(prompts)
    for _ in range(3):
        adapters.learn(prompts, np.eye(3)[[0, 1, 2, 0, 1, 2, 0, 1]], rate=1e-2)
    moved = dict(causal.module.named_parameters())
    kept = {name.replace(".base_layer", ""): value for name, value in moved.items() if "lora_" not in name}
    assert all(torch.equal(value, before[name]) for name, value in kept.items())
    trained = adapters.log_proba(prompts)
    assert np.abs(trained - start).max() > 0.01
    merged = adapters.merged()
    with torch.no_grad():
        found = answer_log_proba(merged, trie, prompts).double().log_softmax(dim=1).numpy()
    assert np.allclose(found, trained, atol=1e-3)
    changed = {name for name, value in merged.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {name for name in before if name.endswith("_proj.weight")}


def test_soft_labels_teach_their_shares(folder: Path) -> None:
    texts = [f"text {i}" for i in range(16)]
    proba = np.tile([0.6, 0.3, 0.1], (16, 1))
    found = fit_slm(make_targets(texts, proba, labels=SPACE), model=str(folder), epochs=30, rate=5e-3, batch=16)
    assert np.abs(found.predict_proba(texts[:5]) - proba[:5]).max() < 0.15


def test_it_is_asked_what_the_prompt_function_asks(folder: Path) -> None:
    @prompt_function(labels=SPACE, aliases="letters")
    def which(x: Any) -> str:
        return f"Which is it, of {len(x.text)} letters?"

    texts, gold = make_corpus(12)
    student = briefly(folder, texts, gold, prompt=which)
    files = student.files()
    assert json.loads(files["prompt.json"])["answers"] == ["A", "B", "C"]
    assert "prompts.py" not in files  # the user has it
    assert "of 3 letters" in student.question.write("abc")
    assert student.predict_proba(texts).shape == (12, 3)


def test_the_usual_question_and_a_text_are_written_beside_the_model(folder: Path, tmp_path: Path) -> None:
    from weaksup.pipeline.asking import choose_prompt

    texts, gold = make_corpus(12)
    for given_prompt in (None, 'Is "it" {this}?'):
        student = briefly(folder, texts, gold, prompt=given_prompt)
        (tmp_path / "prompts.py").write_bytes(student.files()["prompts.py"])
        asked = choose_prompt(tmp_path / "prompts.py", SPACE)
        assert asked.render(texts[0]) == student.question.show(texts[0])
    again = briefly(folder, texts, gold, prompt=str(tmp_path / "prompts.py"))
    assert again.question.write("a") == student.question.write("a")


def test_long_texts_are_cut_and_a_question_that_does_not_fit_is_refused(taught: SlmStudent, folder: Path) -> None:
    question = taught.question
    assert question.limit == 512
    for text in ("word " * 2000, "\U0001f600" * 600, "x" * 100_000):
        ids = question.ids(text)
        assert 500 < len(ids) <= 512
    with pytest.raises(UsageError, match="question of at most 32 tokens, got"):
        briefly(folder, ["a", "b", "c"], np.arange(3), prompt="Which? " * 40, max_tokens=32)


def test_the_folder_says_how_it_is_served_and_is_replaced(taught: SlmStudent, tmp_path: Path) -> None:
    target = save_bundle(taught, tmp_path / "slm")
    save_bundle(taught, target)
    manifest = json.loads((target / "manifest.json").read_bytes())
    assert manifest["kind"] == "slm"
    assert set(manifest["files"]) == {path.name for path in target.iterdir()} - {"manifest.json"}
    assert "tiers.toml" in (target / "README.md").read_text()
    with pytest.raises(
        UsageError, match=r"which a tier serves: weaksup ask VOTES --prompts .*prompts.py --tier"
    ) as told:
        load_bundle(target)
    assert "\n" not in str(told.value)


def test_the_folder_is_a_model_that_can_be_trained_again(taught: SlmStudent, tmp_path: Path) -> None:
    target = save_bundle(taught, tmp_path / "slm")
    again = read_causal(str(target))
    for name, value in taught.model.module.state_dict().items():
        assert (again.module.state_dict()[name] == value).all()
    config = json.loads((target / "config.json").read_bytes())
    assert config["dtype"] == "float16"
    texts, gold = make_corpus(12)
    assert briefly(target, texts, gold).predict_proba(texts).shape == (12, 3)


def test_train_makes_one_by_name(folder: Path) -> None:
    texts, gold = make_corpus(9)
    student = train(texts, np.eye(3)[gold], labels=SPACE, kind="slm", model=str(folder), epochs=1)
    assert isinstance(student, SlmStudent)
    with pytest.raises(UsageError, match="expected settings among batch, epochs, max_tokens, model"):
        train(texts, np.eye(3)[gold], labels=SPACE, kind="slm", model=str(folder), strengths=(1.0,))
