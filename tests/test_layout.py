"""The house stands as pyproject.toml says: packages, links, names, lazy imports."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import weaksup

ROOT = Path(__file__).parent.parent
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
HOMES = {"weaksup": ROOT / "weaksup"} | {
    f"weaksup.{n}": ROOT / n for n in ("cli", "label_models", "labeling_functions")
}
HEAVY = ["cvxpy", "numpy", "onnx", "onnxruntime", "openai", "pandas", "pyarrow", "rich", "scipy", "sklearn", "snorkel"]
HEAVY += ["spacy", "sqlalchemy", "torch"]


def _packages() -> set[str]:
    found = set()
    for name, home in HOMES.items():
        for init in home.rglob("__init__.py"):
            if not any(part.is_symlink() for part in init.parents if part != ROOT and ROOT in part.parents):
                found.add(".".join([name, *init.parent.relative_to(home).parts]))
    return found


def test_every_folder_with_code_is_packaged() -> None:
    assert set(SETTINGS["tool"]["setuptools"]["packages"]) == _packages()


def test_each_link_resolves_to_the_real_folder() -> None:
    for name in ("cli", "label_models", "labeling_functions"):
        link = ROOT / "weaksup" / name
        if link.is_symlink():
            assert link.resolve() == ROOT / name


def test_every_module_imports_and_has_the_public_names_it_lists() -> None:
    for info in pkgutil.walk_packages(weaksup.__path__, "weaksup."):
        module = importlib.import_module(info.name)
        names = getattr(module, "__all__", [])
        assert len(set(names)) == len(names), info.name
        assert all(hasattr(module, name) for name in names), info.name


def test_every_public_name_of_the_package_loads() -> None:
    for name in weaksup.__all__:
        assert getattr(weaksup, name) is not None
        assert name in dir(weaksup)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = weaksup.nothing


def _loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize(
    "code", ["import weaksup", "from weaksup.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass"]
)
def test_help_and_a_bare_import_load_nothing_heavy(code: str) -> None:
    assert not _loaded_by(code) & set(HEAVY)
