from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faults.asker import Spam, fake_rows
from tiny_gguf import need, write_tiny_gguf

from weaksup.errors import ConfigError, MissingExtra, UsageError
from weaksup.labeling_functions import prompt_function
from weaksup.labels import LabelSpace
from weaksup.llm import Tier, ask, estimate, make_tier
from weaksup.llm.failures import NotSent, Refused
from weaksup.llm.grouped import ask_items
from weaksup.llm.providers.gguf import Gguf
from weaksup.store import Store

SPACE = LabelSpace({"HAM": "from a person", "SPAM": "an unwanted offer"})


@prompt_function(labels=SPACE)
def kind(x: Any) -> str:
    return "What is it?"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need("xllamacpp")
    return write_tiny_gguf(tmp_path_factory.mktemp("models") / "tiny.gguf")


@pytest.fixture
def tier(model: Path) -> Tier:
    return make_tier({"name": "home", "gguf": model.name, "threads": 1, "slots": 2}, folder=model.parent)


def test_a_model_in_this_process_answers_with_labels_and_costs_nothing(tier: Tier, store: Store) -> None:
    assert (tier.kind, tier.model, tier.price.source) == ("gguf", "tiny", "free: a model in this process")
    planned = estimate(fake_rows(12), kind, tier, store)
    assert (planned.calls, planned.likely, planned.most) == (12, 0, 0)
    asked = ask(fake_rows(12), kind, tier, store, run="r", budget_usd=0)
    assert set(asked.votes) == {row["id"] for row in fake_rows(12)}
    assert set(asked.votes.values()) <= {0, 1}  # random weights, but a grammar: never anything else
    assert (asked.outcomes.answered, asked.spent, asked.notes) == (12, 0, ())
    again = ask(fake_rows(12), kind, tier, store, run="r", budget_usd=0)
    assert (again.votes, again.outcomes.cached) == (asked.votes, 12)


def test_log_probabilities_become_the_confidence(model: Path, store: Store) -> None:
    tier = make_tier({"name": "home", "gguf": str(model), "logprobs": True, "threads": 1})
    asked = ask(fake_rows(4), kind, tier, store, run="r", budget_usd=0)
    assert set(asked.confidence) == set(asked.votes)
    assert all(0 <= sure < 0.5 for sure in asked.confidence.values())


def test_each_sample_is_a_question_of_its_own(model: Path, store: Store) -> None:
    params = {"temperature": 5.0}
    tier = make_tier({"name": "home", "gguf": str(model), "params": params, "samples": 7, "threads": 1})
    asked = ask(fake_rows(4), kind, tier, store, run="r", budget_usd=0)
    assert len(store.ledger()) == 28
    assert {round(sure * 7) for sure in asked.confidence.values()} != {7}  # random weights do not agree seven times


def test_a_model_that_nobody_asked_anything_closes(model: Path) -> None:
    provider = Gguf(model, threads=1)
    for _ in range(20):
        provider.open()
        provider.close()
    assert provider._server is None


def test_another_file_is_another_question(model: Path, tmp_path: Path) -> None:
    other = write_tiny_gguf(tmp_path / "tiny.gguf", seed=1)
    row = fake_rows(1)[0]
    prompt = Spam().render(row)
    one, two = (Gguf(path).request(prompt, row) for path in (model, other))
    assert one["gguf"] != two["gguf"]
    assert one["body"] == two["body"]
    renamed = model.with_name("renamed.gguf")
    renamed.write_bytes(model.read_bytes())
    assert Gguf(renamed).request(prompt, row) == one


def test_a_document_that_is_too_long_fails_alone(model: Path, store: Store) -> None:
    tier = make_tier({"name": "home", "gguf": str(model), "context": 1500, "slots": 1, "threads": 1})
    rows = [*fake_rows(2), {"id": "long", "text": "x" * 4000}]
    asked = ask(rows, kind, tier, store, run="r", budget_usd=0)
    assert set(asked.votes) == {"r0", "r1"}
    assert "context size" in asked.reasons["long"]


def test_what_llama_cpp_refuses_is_a_failure_in_one_line(model: Path) -> None:
    provider = Gguf(model, threads=1)
    with pytest.raises(NotSent):
        provider.send({"body": {}})
    provider.open()
    try:
        for body in ({}, {"messages": 5}):
            with pytest.raises(Refused, match="llama") as caught:
                provider.send({"body": body})
            assert "\n" not in caught.value.reason
    finally:
        provider.close()
    assert provider._server is None


def test_a_file_that_is_no_model_is_named(tmp_path: Path, model: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read the model .*gone\.gguf"):
        make_tier({"name": "x", "gguf": "gone.gguf"}, folder=tmp_path)
    (tmp_path / "a.gguf").write_bytes(b"PK\x03\x04")
    with pytest.raises(UsageError, match="expected a GGUF file"):
        make_tier({"name": "x", "gguf": "a.gguf"}, folder=tmp_path)
    (tmp_path / "b.gguf").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(UsageError, match="llama.cpp cannot run") as caught:
        make_tier({"name": "x", "gguf": "b.gguf"}, folder=tmp_path).provider.open()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("odd", [{"context": 0}, {"slots": 0}, {"threads": -1}, {"max_tokens": 0}])
def test_a_setting_that_is_out_of_range_is_refused(model: Path, odd: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        make_tier({"name": "x", "gguf": str(model), **odd})
    with pytest.raises(ConfigError, match='"n" is not a parameter'):
        make_tier({"name": "x", "gguf": str(model), "params": {"n": 2}})


def test_without_the_extra_the_line_that_installs_it_is_shown(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    monkeypatch.setattr("weaksup.llm.providers.gguf.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r'pip install "weaksup\[local\]"'):
        make_tier({"name": "x", "gguf": str(model)})


def test_nobody_else_on_this_machine_can_use_the_model(tier: Tier) -> None:
    import urllib.error
    import urllib.request

    provider = tier.provider
    assert isinstance(provider, Gguf)
    provider.open()
    try:
        url = f"{provider._server.listening_address}/v1/chat/completions"
        body = json.dumps({"messages": [{"role": "user", "content": "hi"}], "max_tokens": 1}).encode()
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": "application/json"}))
        assert caught.value.code == 401
        caught.value.close()
    finally:
        provider.close()


@pytest.fixture(scope="module")
def server(model: Path) -> Iterator[str]:
    """The address of a real OpenAI-compatible server."""
    xllamacpp = need("xllamacpp")
    settings = xllamacpp.CommonParams()
    settings.model.path = str(model)
    settings.hostnames, settings.port = ["127.0.0.1"], 0
    settings.n_ctx, settings.n_parallel, settings.cpuparams.n_threads = 8192, 4, 1
    settings.use_jinja, settings.warmup, settings.ui, settings.verbosity = True, False, False, -1
    settings.endpoint_metrics = True
    running = xllamacpp.Server(settings)
    running.handle_metrics()  # see Gguf
    yield f"{running.listening_address}/v1"
    del running


def test_a_real_server_holds_its_answers_to_the_schema(server: str, store: Store) -> None:
    tier = make_tier({"name": "real", "llamacpp": "tiny", "base_url": server, "logprobs": True})
    asked = ask(fake_rows(12), kind, tier, store, run="r", budget_usd=0)
    assert (asked.outcomes.answered, asked.outcomes.rows) == (12, 12)
    assert set(asked.confidence) == set(asked.votes)
    assert (asked.spent, asked.unknown) == (0, 0)


@pytest.mark.parametrize("here", [True, False], ids=["in process", "server"])
def test_several_items_are_held_to_the_schema_too(server: str, model: Path, store: Store, here: bool) -> None:
    where = {"gguf": str(model), "threads": 1} if here else {"llamacpp": "tiny", "base_url": server}
    asked = ask_items(fake_rows(9), kind, make_tier({"name": "real", **where}), store, items=3, run="r", budget_usd=0)
    assert asked.outcomes.answered == asked.outcomes.rows == len(asked.votes) == 9


def test_a_reason_and_a_confidence_are_asked_for(server: str, store: Store) -> None:
    tier = make_tier({"name": "real", "llamacpp": "tiny", "base_url": server, "reason": True, "confidence": True})
    asked = ask(fake_rows(3), kind, tier, store, run="r", budget_usd=0)
    # Random weights write sentences without end; what is whole has all three parts.
    assert asked.outcomes.rows == len(asked.votes) == 3
    assert set(asked.outcomes.abstained) <= {"cut off at max_tokens"}


def test_a_real_server_of_anthropics_protocol_is_read_and_what_it_cuts_off_is_no_label(
    server: str, store: Store
) -> None:
    here = {"name": "real", "anthropic": "tiny", "base_url": server, "price": {"input": 1, "output": 2}}
    tier = make_tier({**here, "max_tokens": 20})
    asked = ask(fake_rows(3), kind, tier, store, run="r", budget_usd=1)
    # llama.cpp leaves tools to the model's template, which has none here: random weights write on until the limit.
    assert asked.outcomes.abstained == {"cut off at max_tokens": 3}
    assert asked.spent > 3 * 2 * 20
    assert asked.unknown == 0
