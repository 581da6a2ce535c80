"""Load a module of labeling functions, named by path or by import path; nothing but that module is imported."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from weaksup.errors import ConfigError, WeaksupError
from weaksup.labeling_functions.voters import as_voters, is_voter
from weaksup.labels import LabelSpace
from weaksup.protocols import PromptFunctionProtocol, Voter

__all__ = ["LFModule", "load_lf_module"]


@dataclass(frozen=True, slots=True)
class LFModule:
    """What a module holds: its labeling functions and prompt functions in the order of definition, its label space.

    `labels` is `None` where the module has none: then its votes can only be class indices. `fingerprint` is the SHA-256
    of the module's source, and of the bundles that its labeling functions vote by.
    """

    lfs: tuple[Voter, ...]
    labels: LabelSpace | None
    prompts: tuple[PromptFunctionProtocol, ...]
    path: Path
    fingerprint: str


def load_lf_module(source: str | Path) -> LFModule:
    """Load `path/lfs.py` or `package.module`; raise `ConfigError`, in one line, for whatever is wrong with it.

    Names that begin with an underscore are left out; lists and tuples of labeling functions count as their items.
    """
    module, path = _import_path(Path(source)) if _is_path(source) else _import_name(str(source))
    things = list(_public(module))
    try:
        lfs = as_voters(_distinct(things, is_voter))
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    prompts = tuple(_distinct(things, _is_prompt))
    if not lfs and not prompts:
        raise ConfigError(f"{path}: expected labeling functions, found none; write @labeling_function above a def")
    labels = _label_space(path, things, lfs)
    return LFModule(lfs, labels, prompts, path, _fingerprint(path, lfs))


def _fingerprint(path: Path, lfs: tuple[Voter, ...]) -> str:
    found = hashlib.sha256(path.read_bytes())
    for lf in lfs:
        found.update(getattr(lf, "made_from", "").encode())
    return found.hexdigest()


def _is_path(source: str | Path) -> bool:
    return isinstance(source, Path) or source.endswith(".py") or "/" in source or "\\" in source


def _import_path(path: Path) -> tuple[ModuleType, Path]:
    if not path.is_file():
        raise ConfigError(f"expected a module of labeling functions, got {path}, which is not a file")
    path = path.resolve()
    name = f"_weaksup_lfs_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path, loader=_FreshLoader(name, str(path)))
    if spec is None or spec.loader is None:  # pragma: no cover  (a loader is given)
        raise ConfigError(f"expected a Python file, got {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        _run(spec.loader.exec_module, module, path)
    except BaseException:
        del sys.modules[name]
        raise
    return module, path


class _FreshLoader(SourceFileLoader):
    """Compile the file as it is now: a cached .pyc could be of an edit ago, and none is left in the user's folder."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code


def _import_name(name: str) -> tuple[ModuleType, Path]:
    if not all(part.isidentifier() for part in name.split(".")):
        raise ConfigError(f'expected a module of labeling functions ("lfs.py" or "package.module"), got "{name}"')
    top = name.partition(".")[0]
    if top not in sys.modules and importlib.util.find_spec(top) is None:
        _import_from_here(top)
    module = _run(importlib.import_module, name, name)
    if module.__file__ is None:
        raise ConfigError(f'expected a module of labeling functions, got the package "{name}"; name a module inside it')
    return module, Path(module.__file__)


def _import_from_here(top: str) -> None:
    """Import a top-level module from the working folder without putting the folder on `sys.path`."""
    spec: ModuleSpec | None = PathFinder.find_spec(top, [str(Path.cwd())])
    if spec is None:
        raise ConfigError(
            f'expected a module of labeling functions, got "{top}": none of that name is installed or here'
        )
    module = importlib.util.module_from_spec(spec)
    sys.modules[top] = module
    if spec.loader is not None:
        try:
            _run(spec.loader.exec_module, module, top)
        except BaseException:
            del sys.modules[top]
            raise


def _run(step: Callable[[Any], Any], subject: Any, where: object) -> Any:
    """Run the user's module; whatever it raises becomes one line with file and line."""
    try:
        return step(subject)
    except SyntaxError as error:
        text = (error.text or "").strip()[:60]
        raise ConfigError(f"{error.filename or where}, line {error.lineno}: {error.msg}: {text}") from None
    except (Exception, SystemExit) as error:  # noqa: BLE001  (user code: any failure is told in one line)
        if isinstance(error, ModuleNotFoundError) and f"{where}.".startswith(f"{error.name}."):
            raise ConfigError(f'expected a module of labeling functions, got "{where}": {error}') from None
        raise ConfigError(f"{_place(error, where)}: {_words(error)}") from None


def _words(error: BaseException) -> str:
    said = " ".join(str(error).split())[:300]
    if isinstance(error, WeaksupError):
        return said
    hint = (
        "; only the named module is imported: install what it needs" if isinstance(error, ModuleNotFoundError) else ""
    )
    return f"{type(error).__name__}: {said}{hint}"


def _place(error: BaseException, where: object) -> str:
    """Find the user's line: the last frame in the module's own file, or the last that is not weaksup's or Python's."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if isinstance(where, Path) and f.filename == str(where)]
    ours = {Path(__file__).parent, Path(importlib.__file__).parent}
    other = [f for f in frames if not f.filename.startswith("<") and Path(f.filename).parent not in ours]
    best = own or other
    return f"{best[-1].filename}, line {best[-1].lineno}" if best else str(where)


def _public(module: ModuleType) -> Iterator[Any]:
    for name, value in vars(module).items():
        if not name.startswith("_"):
            yield from value if isinstance(value, (list, tuple)) else [value]


def _distinct(things: list[Any], wanted: Callable[[Any], bool]) -> list[Any]:
    return list({id(thing): thing for thing in things if wanted(thing)}.values())


def _is_prompt(thing: Any) -> bool:
    if isinstance(thing, (type, ModuleType)):
        return False
    return all(callable(getattr(thing, verb, None)) for verb in ("render", "parse")) and hasattr(thing, "name")


def _label_space(path: Path, things: list[Any], lfs: tuple[Voter, ...]) -> LabelSpace | None:
    written: list[Any] = [thing for thing in things if isinstance(thing, LabelSpace)]
    spaces: list[LabelSpace] = []
    for space in written or [getattr(lf, "labels", None) for lf in lfs]:
        if isinstance(space, LabelSpace) and space not in spaces:
            spaces.append(space)
    if len(spaces) > 1:
        shown = " and ".join(f"({', '.join(space.names[:3])}, ...)" for space in spaces[:2])
        raise ConfigError(f"{path}: expected one label space, got {len(spaces)}: {shown}; keep one")
    return spaces[0] if spaces else None
