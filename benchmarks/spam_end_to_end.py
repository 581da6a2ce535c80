"""The whole path on real text messages: the gallery's labeling functions, recorded answers of two models, a student.

    python benchmarks/spam_end_to_end.py            # reads $WEAKSUP_DATA (default ../shared/data), writes results

Labeling functions and tiers see the train split alone; the student is scored once, on the test split. Answers were
recorded from the models named, at their list price; what they cost is charged as recorded. "all_gold" is the same
student trained on the true label of every message of the train split. The messages of the two
files are matched by their letters and digits, for one of them is in lower case.
"""

from __future__ import annotations

import argparse
import html
import json
import os
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from weaksup.distill import load_bundle, train
from weaksup.labels import LabelSpace
from weaksup.metrics import bootstrap, f1
from weaksup.pipeline import run_project
from weaksup.project import Project

RESULTS = Path(__file__).parent / "results" / "spam_end_to_end.json"
CHEAP, PREMIUM = "gpt-4o-mini", "gpt-4.1"
Predict = Callable[[Sequence[str]], NDArray[np.floating[Any]]]
SETTINGS = """
output = "{name}"
[corpus]
path = "train.parquet"
[labeling]
module = "{lfs}"
"""
ASKING = """
[ask]
prompts = "prompts.py"
budget_usd = {budget}
[[tiers]]
name = "cheap"
provider = "replay"
path = "answers.parquet"
model = "gpt-4o-mini"
share = 1.0
[[tiers]]
name = "premium"
provider = "replay"
path = "answers.parquet"
model = "gpt-4.1"
share = 0.02
"""
PROMPTS = """
from weaksup import prompt_function
@prompt_function
def is_spam(x):
    return "Is this text message unwanted advertising or fraud?"
"""


def main() -> None:
    """Run with and without the tiers, score both students, write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("WEAKSUP_DATA", "../shared/data")))
    data = parser.parse_args().data
    messages = pd.read_parquet(data / "text" / "sms.parquet", columns=["split", "text", "label"])
    answers = _answers(data / "llm" / "sms_openai.parquet")
    messages["key"] = messages.text.map(_key)
    train, test = (messages[messages.split == split].reset_index(drop=True) for split in ("train", "test"))
    train["id"] = [f"train-{i}" for i in train.index]
    recorded = train[["id", "key"]].merge(answers, on="key").rename(columns={"id": "item_id"}).drop(columns="key")
    everything = float(recorded[recorded.model == PREMIUM].cost_usd.sum())
    found: dict[str, Any] = {
        "train_rows": len(train),
        "train_rows_with_answers": int(recorded.item_id.nunique()),
        "test_rows": len(test),
        "premium_on_everything_usd": round(everything, 6),
    }
    with tempfile.TemporaryDirectory() as temp:
        folder = Path(temp)
        train[["id", "text"]].to_parquet(folder / "train.parquet", index=False)
        recorded.to_parquet(folder / "answers.parquet", index=False)
        (folder / "prompts.py").write_text(PROMPTS, encoding="utf-8")
        for name, asking in (("lf_only", ""), ("with_answers", ASKING)):
            found[name] = _run(folder, name, asking.format(budget=round(everything / 10, 6)), test)
    found["all_gold"] = _score(_train_on_gold(train), test)
    found["share_of_gold_f1"] = found["with_answers"]["f1"] / found["all_gold"]["f1"]
    spent = found["with_answers"]["spent_usd"]
    found["share_of_premium_cost"] = spent / everything
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))
    print("bars: student F1 >= .90 and >= .97 of that of the student on all gold, share of premium's cost <= .10")


def _run(folder: Path, name: str, asking: str, test: pd.DataFrame) -> dict[str, Any]:
    lfs = Path(__file__).parent.parent / "labeling_functions" / "gallery" / "spam.py"
    text = SETTINGS.format(name=name, lfs=lfs.as_posix()) + asking
    (folder / "weaksup.toml").write_text(text, encoding="utf-8")
    summary = run_project(Project.load(folder))
    tiers = summary.steps.get("ask", {}).get("tiers", [])
    return {
        **_score(load_bundle(summary.folder / "student").predict_proba, test),
        "coverage": summary.steps["analyze"]["covered"],
        "asked": {tier["source"]: tier["answered"] for tier in tiers},
        "spent_usd": sum(tier["spent_usd"] for tier in tiers),
    }


def _train_on_gold(messages: pd.DataFrame) -> Predict:
    """Train the same student on the true labels of all messages that the others learn from."""
    one_hot = np.eye(2)[messages.label.to_numpy()]
    return train(messages.text.tolist(), one_hot, labels=LabelSpace(["HAM", "SPAM"])).predict_proba


def _score(predict: Predict, test: pd.DataFrame) -> dict[str, Any]:
    gold, said = test.label.to_numpy(), predict(test.text.tolist()).argmax(axis=1)
    low, high = bootstrap(lambda truth, guess: f1(truth, guess, positive=1), gold, said)
    return {"f1": f1(gold, said, positive=1), "f1_low": low, "f1_high": high}


def _answers(path: Path) -> pd.DataFrame:
    columns = ["text", "model", "label", "input_tokens", "output_tokens", "cost_usd"]
    answers = pd.read_parquet(path, columns=columns)
    answers = answers[answers.model.isin([CHEAP, PREMIUM])]
    answers["key"] = answers.pop("text").map(_key)
    return answers.drop_duplicates(["key", "model"])


def _key(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", html.unescape(text).lower())


if __name__ == "__main__":
    main()
