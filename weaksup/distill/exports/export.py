"""Export a bundle: checked first, written whole or not at all, over nothing but an older export of the same form."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from weaksup.distill.bundle.fields import FIELDS
from weaksup.distill.bundle.folder import check_folder, write_folder
from weaksup.distill.bundle.predict import load_bundle
from weaksup.distill.bundle.seal import MODEL, bad_bundle, read_sealed
from weaksup.distill.exports.formats import FORMATS, TENSORS, Opened
from weaksup.errors import UsageError
from weaksup.files import atomic_path

__all__ = ["Exported", "export_bundle"]

_ALONE = {"onnx": (".onnx", MODEL), "safetensors": (".safetensors", TENSORS)}  # may be written as one file
_SOMETIMES = {"labels.svg", "reliability.svg", "selective.svg", FIELDS}  # in an export, as its bundle is
_HEAD = 1 << 20  # bytes in which a model file names its maker
_ENDINGS = {ending for ending, _ in _ALONE.values()}


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: the bytes of each file, by name; in `path`, which is a folder or the one file itself."""

    path: Path
    format: str
    files: dict[str, int]


def export_bundle(bundle: str | Path, output: str | Path, *, format: str) -> Exported:  # noqa: A002  (its plain name)
    """Write a bundle in another form: "onnx", "safetensors", "sklearn-free" or "hf".

    "onnx": the model file and what it needs; "safetensors": weights and vocabulary; "sklearn-free": those, and one
    Python file that predicts with numpy alone; "hf": the same as a folder of the Hugging Face Hub. The first two may
    be one file, where `output` ends in .onnx or .safetensors. The same bundle gives the same bytes.

    Raises UsageError where the bundle is refused, where its kind does not fit the format, and where `output` holds
    other files or lies in the bundle.
    """
    if format not in FORMATS:
        raise UsageError(f'export: expected a format of {", ".join(FORMATS)}; got "{format}"')
    folder = Path(bundle).parent if Path(bundle).name == MODEL else Path(bundle)
    target = Path(output)
    ending, alone = _ALONE.get(format, ("", ""))
    _check_apart(folder, target)
    if target.suffix in _ENDINGS - {ending}:
        raise UsageError(f"export: expected {f'NAME{ending} or ' if ending else ''}a folder for {format}, got {target}")
    load_bundle(folder)
    opened = Opened(folder, *read_sealed(folder))
    try:
        files = FORMATS[format](opened)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise bad_bundle(folder, f"expected facts as weaksup writes them ({type(error).__name__})") from None
    if ending and target.suffix == ending:
        _write_file(target, alone, files)
        return Exported(target, format, {target.name: len(files[alone])})
    older = "one that holds nothing but such an export"
    check_folder(target, is_older=lambda there: _is_older(there, set(files)), what="the export", older=older)
    write_folder(target, files)
    return Exported(target, format, {name: len(data) for name, data in sorted(files.items())})


def _check_apart(folder: Path, target: Path) -> None:
    inside = folder.resolve()
    if inside == target.resolve() or inside in target.resolve().parents:
        raise UsageError(f"expected an output outside the bundle, which is sealed; got {target}")


def _write_file(target: Path, name: str, files: dict[str, bytes]) -> None:
    beside = sorted(set(files) - {name, "labels.json"})
    if beside:
        raise UsageError(f"{target}: expected a folder, as the model needs {', '.join(beside)} beside it")
    with atomic_path(target) as part:
        part.write_bytes(files[name])


def _is_older(folder: Path, names: set[str]) -> bool:
    """Tell whether a folder holds an export with such files, with or without pictures: its model says whose it is."""
    there = list(folder.iterdir())
    alike = {file.name for file in there} <= names | _SOMETIMES
    models = [file for file in there if file.name in names & {MODEL, TENSORS}]
    plain = all(file.is_file() and not file.is_symlink() for file in there)
    return alike and plain and len(models) == 1 and _is_ours(models[0])


def _is_ours(model: Path) -> bool:
    with model.open("rb") as file:
        return b"weaksup" in file.read(_HEAD)
