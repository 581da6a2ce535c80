from __future__ import annotations

import subprocess
import sys
from collections import Counter
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from snorkel.labeling import LabelingFunction as SnorkelFunction
from snorkel.labeling import PandasLFApplier
from snorkel.labeling import labeling_function as snorkel_function
from snorkel.preprocess import preprocessor as snorkel_preprocessor

from weaksup.apply import apply_lfs
from weaksup.corpus import open_corpus
from weaksup.labeling_functions.snorkel_bridge import Point, SnorkelLF
from weaksup.labeling_functions.voters import as_voters, is_voter
from weaksup.labels import LabelSpace

SEEN: Counter[str] = Counter()


@snorkel_preprocessor(memoize=True)  # type: ignore[untyped-decorator]
def lower(x: Any) -> Any:
    SEEN[x.id] += 1
    x.low = x.text.lower()
    return x


@snorkel_function(pre=[lower])  # type: ignore[untyped-decorator]
def free(x: Any) -> int:
    return 1 if "free" in x.low else -1


@snorkel_function(pre=[lower], resources={"words": {"hello", "thanks"}})  # type: ignore[untyped-decorator]
def polite(x: Any, words: set[str]) -> int:
    return 0 if words & set(x.low.split()) else -1


@snorkel_function()  # type: ignore[untyped-decorator]
def writes(x: Any) -> int:
    x.text = "free"
    x["other"] = "1"
    return 1 if len(x.get("lang", "")) == 2 and "lang" in x else -1


def frame(rows: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    words = ["free", "Hello", "thanks", "cash", "see", "you", "FREE", "now"]
    texts = [" ".join(rng.choice(words, rng.integers(1, 6))) for _ in range(rows)]
    data = pd.DataFrame({"id": [f"r{i}" for i in range(rows)], "text": texts, "lang": rng.choice(["en", "deu"], rows)})
    return data.sample(frac=1, random_state=seed)


@snorkel_function()  # type: ignore[untyped-decorator]
def shouts(x: Any) -> int:
    return 1 if x.text.isupper() else 0 if x.text.islower() else -1


@snorkel_function()  # type: ignore[untyped-decorator]
def long(x: Any) -> int:
    return 2 if len(x["text"].split()) > 4 else -1


# At 5,000 rows without preprocessors: Snorkel copies each row for them by pickle, which takes it 20 seconds.
SUITES = {1: [free, polite, writes], 61: [free, polite, writes], 5000: [shouts, long]}


@cache
def snorkels_matrix(rows: int) -> Any:
    return PandasLFApplier(SUITES[rows]).apply(frame(rows), progress_bar=False)


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("rows", list(SUITES))
def test_votes_equal_snorkels_label_matrix_also_shuffled_and_in_workers(rows: int, workers: int) -> None:
    data = frame(rows)
    votes = apply_lfs(SUITES[rows], data, workers=workers, chunk_rows=700)
    assert np.array_equal(np.asarray(votes), snorkels_matrix(rows))
    assert votes.ids == tuple(data["id"])
    assert votes.names == tuple(lf.name for lf in SUITES[rows])


def test_a_memoised_preprocessor_runs_once_a_row_and_its_memo_ends_with_the_chunk() -> None:
    SEEN.clear()
    data = frame(10)
    apply_lfs([free, polite], data, chunk_rows=4, labels=LabelSpace(["HAM", "SPAM"]))
    assert {f"r{i}": 1 for i in range(10)} == SEEN
    assert len(lower._cache) <= 4


def test_a_snorkel_function_that_writes_to_its_row_changes_nothing_for_the_next() -> None:
    rows = next(iter(open_corpus(frame(5)).scan()))
    before = [tuple(row) for row in rows.rows]
    SnorkelLF(writes).vote(rows, LabelSpace(["HAM", "SPAM"]))
    assert [tuple(row) for row in rows.rows] == before


def test_snorkel_functions_are_recognised_and_called_on_one_row() -> None:
    (voter,) = as_voters([free])
    assert is_voter(free)
    assert not is_voter(SnorkelFunction)
    assert (voter.name, repr(voter)) == ("free", "SnorkelLF free")
    assert SnorkelLF(free)({"id": "a", "text": "FREE"}) == 1
    assert Point(a=[1]).get("b", 2) == 2


def test_snorkel_is_not_imported_when_the_user_has_not() -> None:
    code = (
        "import sys; from weaksup.apply import apply_lfs; from weaksup.labeling_functions import labeling_function\n"
        "apply_lfs([labeling_function(name='a')(lambda x: 1)], [{'text': 'a'}])\n"
        "heavy = {'snorkel', 'spacy', 'torch', 'sklearn'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
