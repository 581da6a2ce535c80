from __future__ import annotations

from collections import Counter
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pytest

from weaksup.corpus import Chunk
from weaksup.errors import ConfigError
from weaksup.labeling_functions import labeling_function, preprocessor, spacy_doc
from weaksup.labels import LabelSpace

LABELS = LabelSpace(["HAM", "SPAM"])


def chunk(*texts: str) -> Chunk:
    return Chunk(pa.RecordBatch.from_pydict({"id": [f"r{i}" for i in range(len(texts))], "text": list(texts)}))


def test_a_preprocessor_adds_fields_for_its_own_functions_only() -> None:
    @preprocessor
    def lower(x: Any) -> dict[str, str]:
        return {"low": x.text.lower()}

    @labeling_function(preprocessors=[lower])
    def with_it(x: Any) -> str | None:
        return "SPAM" if "free" in x.low else None

    @labeling_function
    def without(x: Any) -> str | None:
        return "SPAM" if hasattr(x, "low") else None

    rows = chunk("FREE", "no")
    assert with_it.vote(rows, LABELS).codes.tolist() == [1, -1]
    assert without.vote(rows, LABELS).codes.tolist() == [-1, -1]
    assert with_it("Free!") == "SPAM"
    assert repr(lower) == "Preprocessor lower"


def test_preprocessors_run_in_order_and_may_return_a_row() -> None:
    @preprocessor(name="first")
    def one(x: Any) -> Any:
        return x.with_fields({"n": 1})

    @preprocessor()
    def two(x: Any) -> dict[str, int]:
        return {"n": x.n + 1, "text": x.text + "!"}

    @labeling_function(preprocessors=[one, two])
    def check(x: Any) -> int:
        assert (x.n, x.text) == (2, "a!")
        return 1

    voted = check.vote(chunk("a"), LABELS)
    assert (voted.codes.tolist(), dict(voted.errors)) == ([1], {})
    assert one.name == "first"


@pytest.mark.parametrize(("memo", "calls"), [(True, 1), (False, 2)])
def test_a_memo_runs_once_a_row_for_all_functions_of_a_chunk_and_goes_with_it(memo: bool, calls: int) -> None:
    seen: Counter[str] = Counter()

    @preprocessor(memo=memo)
    def costly(x: Any) -> dict[str, int]:
        seen[x.id] += 1
        return {"length": len(x.text)}

    lfs = [labeling_function(name=f"f{i}", preprocessors=[costly])(lambda x: x.length % 2) for i in range(2)]
    rows = chunk("a", "bb", "a")
    for lf in lfs:
        assert lf.vote(rows, LABELS).codes.tolist() == [1, 0, 1]
    assert seen == {"r0": calls, "r1": calls, "r2": calls}
    lfs[0].vote(chunk("a"), LABELS)
    assert seen["r0"] == calls + 1


def test_a_memo_is_shared_only_after_the_same_preprocessors() -> None:
    @preprocessor
    def upper(x: Any) -> dict[str, str]:
        return {"text": x.text.upper()}

    @preprocessor(memo=True)
    def first(x: Any) -> dict[str, str]:
        return {"first": x.text[0]}

    plain = labeling_function(name="plain", preprocessors=[first])(lambda x: "HAM" if x.first == "a" else None)
    upped = labeling_function(name="upped", preprocessors=[upper, first])(lambda x: "SPAM" if x.first == "A" else None)
    rows = chunk("a")
    assert [lf.vote(rows, LABELS).codes.tolist() for lf in (plain, upped, plain, upped)] == [[0], [1], [0], [1]]


def test_what_fails_in_a_preprocessor_is_an_error_of_the_row_for_each_function() -> None:
    @preprocessor(memo=True)
    def picky(x: Any) -> Any:
        return {"n": int(x.text)}

    @preprocessor
    def after(x: Any) -> Any:
        return {"m": x.n}

    lfs = [labeling_function(name=f"f{i}", preprocessors=[picky, after])(lambda x: [0, 9][x.m]) for i in range(2)]
    for lf in lfs:
        voted = lf.vote(chunk("0", "x", "2", "1"), LABELS)
        assert voted.codes.tolist() == [0, -1, -1, -2]
        assert {i: type(e).__name__ for i, e in voted.errors.items()} == {1: "ValueError", 2: "IndexError"}
        assert voted.invalid == {3: "9"}


def test_a_preprocessor_that_returns_nothing_says_so() -> None:
    @preprocessor
    def forgetful(x: Any) -> None:
        x.text.lower()

    lf = labeling_function(name="f", preprocessors=[forgetful])(lambda x: 1)
    error = lf.vote(chunk("a"), LABELS).errors[0]
    assert str(error) == 'preprocessor "forgetful" must return a mapping of new fields or a row, got NoneType'


def test_what_a_preprocessor_gives_cannot_be_changed_by_one_function_for_the_next() -> None:
    @preprocessor(memo=True)
    def words(x: Any) -> dict[str, Any]:
        return {"words": x.text.split(), "info": {"n": 1}}

    @labeling_function(preprocessors=[words])
    def greedy(x: Any) -> None:
        assert (type(x.words), type(x.info)) == (tuple, MappingProxyType)
        x.words.append("free")

    @labeling_function(preprocessors=[words])
    def honest(x: Any) -> str | None:
        return "SPAM" if "free" in x.words else None

    rows = chunk("a b")
    assert isinstance(greedy.vote(rows, LABELS).errors[0], AttributeError)
    assert honest.vote(rows, LABELS).codes.tolist() == [-1]


def test_what_is_no_preprocessor_is_refused() -> None:
    def plain(x: Any) -> dict[str, str]:
        return {}

    with pytest.raises(ConfigError, match="got plain; write @preprocessor above its def"):
        labeling_function(name="f", preprocessors=[plain])(lambda x: 1)  # type: ignore[list-item]
    with pytest.raises(ConfigError, match=r"write spacy_doc\(\)"):
        labeling_function(name="f", preprocessors=[spacy_doc])(lambda x: 1)  # type: ignore[list-item]
