from __future__ import annotations

import sys
from hashlib import sha256
from pathlib import Path

import pytest

from weaksup.errors import ConfigError
from weaksup.labeling_functions import load_lf_module
from weaksup.labels import LabelSpace

GOOD = """
from weaksup import LabelSpace
from weaksup.labeling_functions import keywords, labeling_function, LabelingFunction
import re

LABELS = LabelSpace(["HAM", "SPAM"])

@labeling_function(examples=[("b", "SPAM")])
def zebra(x):
    return "SPAM" if "b" in x.text else None

def plain(x):
    return None

apple = keywords("apple", ["a"], label="HAM")
alias = zebra
_draft = keywords("draft", ["a"], label="HAM")
SUITE = [keywords(f"k{i}", [f"w{i}"], label="SPAM") for i in range(2)]

class Asker:
    name = "asker"
    def render(self, row): ...
    def parse(self, text): ...

ask = Asker()
"""


def write(folder: Path, code: str, name: str = "lfs.py") -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(code, encoding="utf-8")
    return path


def test_a_module_gives_its_functions_in_order_of_definition_with_its_label_space(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    module = load_lf_module(str(path))
    assert [lf.name for lf in module.lfs] == ["zebra", "apple", "k0", "k1"]
    assert module.labels == LabelSpace(["HAM", "SPAM"])
    assert [prompt.name for prompt in module.prompts] == ["asker"]
    assert module.path == path.resolve()
    assert module.fingerprint == sha256(path.read_bytes()).hexdigest()


def test_only_the_named_file_is_imported_and_nothing_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "import json\n" + GOOD)
    write(tmp_path, "raise RuntimeError", "json.py")
    write(tmp_path, "raise RuntimeError", "conftest.py")
    monkeypatch.chdir(tmp_path)
    search_path = list(sys.path)
    load_lf_module("lfs.py")
    assert sys.path == search_path
    assert sorted(p.name for p in tmp_path.iterdir()) == ["conftest.py", "json.py", "lfs.py"]
    assert "lfs" not in sys.modules
    assert any(name.startswith("_weaksup_lfs_lfs_") for name in sys.modules)
    assert path.exists()


def test_an_edited_file_is_read_anew(tmp_path: Path) -> None:
    first = load_lf_module(write(tmp_path, GOOD))
    second = load_lf_module(write(tmp_path, GOOD.replace("zebra", "zebro")))
    assert second.lfs[0].name == "zebro"
    assert first.fingerprint != second.fingerprint


def test_a_module_is_found_by_import_path_also_in_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "", "ws_test_package/__init__.py")
    write(tmp_path, GOOD, "ws_test_package/rules.py")
    write(tmp_path, GOOD, "ws_test_module.py")
    monkeypatch.chdir(tmp_path)
    search_path = list(sys.path)
    assert load_lf_module("ws_test_package.rules").lfs[0].name == "zebra"
    assert load_lf_module("ws_test_module").path.name == "ws_test_module.py"
    assert sys.path == search_path
    with pytest.raises(ConfigError, match=r'got "ws_test_package.nope": No module named'):
        load_lf_module("ws_test_package.nope")


def test_prompt_functions_alone_make_a_module(tmp_path: Path) -> None:
    path = write(tmp_path, "class A:\n name='a'\n def render(self, r): ...\n def parse(self, t): ...\na = A()\n")
    module = load_lf_module(path)
    assert (module.lfs, [p.name for p in module.prompts], module.labels) == ((), ["a"], None)


def test_a_label_space_may_stand_at_the_functions(tmp_path: Path) -> None:
    code = (
        "from weaksup import LabelSpace\nfrom weaksup.labeling_functions import keywords as _keywords\n"
        "f = _keywords('f', ['a'], label='X', labels=LabelSpace(['X', 'Y']))\n"
    )
    assert load_lf_module(write(tmp_path, code)).labels == LabelSpace(["X", "Y"])


HEAD = "from weaksup import LabelSpace\nfrom weaksup.labeling_functions import *\n"
SPACE = "LABELS = LabelSpace(['HAM', 'SPAM'])\n"
BAD = {
    "syntax": ("def f(:\n", r"lfs.py, line 1: invalid syntax: def f\(:"),
    "name": ("a = 1\nb = nope\n", "lfs.py, line 2: NameError: name 'nope' is not defined"),
    "missing import": ("import nope_nope\n", "lfs.py, line 1: ModuleNotFoundError.*only the named module is imported"),
    "exit": ("import sys\n\nsys.exit('bye')\n", "lfs.py, line 3: SystemExit: bye"),
    "own error": (HEAD + "f = keywords(\n'f', [], label=1)\n", 'lfs.py, line [34]: keywords "f": expected at least'),
    "nothing": ("x = 1\n", "lfs.py: expected labeling functions, found none"),
    "two spaces": (
        HEAD + SPACE + "OTHER = LabelSpace(['A', 'B'])\nf = keywords('f', ['a'], label='A')\n",
        r"expected one label space, got 2: \(HAM, SPAM, ...\) and \(A, B, ...\)",
    ),
    "twice": (
        HEAD + SPACE + "f = keywords('f', ['a'], label=0)\ng = keywords('f', ['b'], label=0)\n",
        'lfs.py: two labeling functions are named "f"',
    ),
    "not utf-8": ("# coding: nope\n", "lfs.py, line 0|lfs.py, line None|unknown encoding"),
}


@pytest.mark.parametrize(("code", "message"), BAD.values(), ids=BAD.keys())
def test_a_module_that_cannot_be_used_gives_one_line(tmp_path: Path, code: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        load_lf_module(write(tmp_path, code))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nope.py", "got nope.py, which is not a file"),
        ("folder/", "which is not a file"),
        ("not a name", 'got "not a name"'),
        ("nope_nope.lfs", "none of that name is installed or here"),
        ("xml", r"expected labeling functions, found none"),
    ],
)
def test_a_name_that_is_no_module_gives_one_line(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_lf_module(name)


def test_a_folder_without_code_is_no_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ws_empty_folder").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match='"ws_empty_folder"'):
        load_lf_module("ws_empty_folder")


def test_a_module_from_the_working_folder_that_fails_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "x = 1 / 0\n", "ws_broken_module.py")
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        with pytest.raises(ConfigError, match=r"ws_broken_module.py, line 1: ZeroDivisionError"):
            load_lf_module("ws_broken_module")
    assert "ws_broken_module" not in sys.modules
