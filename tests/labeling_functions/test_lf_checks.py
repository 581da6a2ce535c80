from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import weaksup.labeling_functions
from weaksup.errors import ConfigError
from weaksup.labeling_functions import (
    check_examples,
    example_cases,
    keywords,
    labeling_function,
    lookup,
    preprocessor,
    regex,
    spacy_phrases,
)
from weaksup.labels import LabelSpace

LABELS = LabelSpace(["HAM", "SPAM"])
MODULE = """
from weaksup import LabelSpace
from weaksup.labeling_functions import keywords

LABELS = LabelSpace(["HAM", "SPAM"])
free = keywords("free", ["free"], label="SPAM", examples=[("free!", "SPAM"), ({"text": "no", "lang": "en"}, None)])
wrong = keywords("wrong", ["a"], label="HAM", examples=[("b", "HAM")])
"""


@preprocessor
def lower(x: Any) -> dict[str, str]:
    return {"low": x.text.lower()}


def test_examples_that_hold_give_no_failures_for_any_kind_of_function() -> None:
    @labeling_function(preprocessors=[lower], examples=[("FREE", 1), ({"text": "no", "lang": "en"}, -1), ("x", None)])
    def python(x: Any) -> str | None:
        return "SPAM" if "free" in x.low else None

    lfs = [
        python,
        keywords("k", ["free"], label="SPAM", examples=[("Free", "SPAM"), ("freed", None)]),
        regex("r", r"\d", label="HAM", examples=[("1", "HAM"), ("one", None)]),
        lookup("l", {"de": "HAM"}, field="lang", examples=[({"lang": "de"}, "HAM"), ({"lang": "en"}, None)]),
        spacy_phrases("s", ["click here"], label="SPAM", examples=[("Click here!", "SPAM")]),
    ]
    assert check_examples(lfs, LABELS) == []
    assert check_examples(lfs[1:]) == []


def test_each_failure_is_one_line_that_says_what_came() -> None:
    @labeling_function(examples=[("a\n" * 60, "SPAM"), ("x", "EGGS"), ("!", "HAM"), ("7", "HAM")])
    def rule(x: Any) -> Any:
        return {"!": 1 / 0 if x.text == "!" else 0, "7": 7}.get(x.text)

    failures = [str(f) for f in check_examples([rule], LABELS)]
    assert failures == [
        f'labeling function "rule", example "{"a " * 28}a...": expected SPAM, got no vote',
        'labeling function "rule", example "x": expected EGGS, got expected one of HAM, SPAM, an index 0 to 1, or None '
        "/ -1 to abstain, got 'EGGS'",
        'labeling function "rule", example "!": expected HAM, got ZeroDivisionError: division by zero',
        'labeling function "rule", example "7": expected HAM, got 7, which is no label',
    ]
    wanted_none = keywords("k", ["a"], label="HAM", examples=[("a", None)])
    assert [str(f) for f in check_examples([wanted_none])] == [
        'labeling function "k", example "a": expected no vote, got HAM'
    ]
    by_index = labeling_function(name="i", examples=[("a", 1)])(lambda x: 3)
    assert [f.got for f in check_examples([by_index])] == ["3"]
    no_column = lookup("l", {"a": 1}, field="lang", examples=[("a", 1)])
    assert "expected a column" in str(check_examples([no_column], LABELS)[0])


def test_example_cases_run_as_pytest_parameters(tmp_path: Path) -> None:
    (tmp_path / "lfs.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "test_lfs.py").write_text(
        "import pytest\nfrom weaksup.labeling_functions import example_cases\n\n"
        '@pytest.mark.parametrize(*example_cases("lfs.py"))\ndef test_examples(example): example.check()\n',
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir=.", "test_lfs.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 failed, 2 passed" in done.stdout
    assert "FAILED test_lfs.py::test_examples[wrong-example 1]" in done.stdout
    assert 'AssertionError: labeling function "wrong", example "b": expected HAM, got no vote' in done.stdout


def test_example_cases_check_themselves(tmp_path: Path) -> None:
    path = tmp_path / "lfs.py"
    path.write_text(MODULE, encoding="utf-8")
    argument, cases = example_cases(path)
    assert (argument, [case.id for case in cases]) == (
        "example",
        ["free-example 1", "free-example 2", "wrong-example 1"],
    )
    cases[0].values[0].check()
    with pytest.raises(AssertionError, match='"wrong", example "b": expected HAM, got no vote'):
        cases[2].values[0].check()


def test_a_module_without_examples_is_told_instead_of_passing(tmp_path: Path) -> None:
    path = tmp_path / "lfs.py"
    path.write_text(MODULE.partition("free =")[0] + 'f = keywords("f", ["a"], label="HAM")\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="expected examples beside the labeling functions, found none"):
        example_cases(path)


def test_every_public_name_loads() -> None:
    package = weaksup.labeling_functions
    assert sorted(package.__all__) == list(package.__all__)
    assert all(getattr(package, name).__name__ == name for name in package.__all__)
    assert set(package.__all__) <= set(dir(package))
    with pytest.raises(AttributeError, match="has no attribute 'nope'"):
        _ = package.nope
