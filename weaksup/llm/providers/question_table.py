"""The table that people fill in: CSV or JSONL, one question a line, the column `label` empty until it is answered."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from weaksup.errors import ConfigError, UsageError
from weaksup.files import write_text
from weaksup.llm.providers.records import Columns, read_columns

__all__ = ["COLUMNS", "add_questions", "check_table", "read_answers"]

COLUMNS = ("key", "id", "question", "choices", "label", "reason")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run


def check_table(path: Path, where: str) -> None:
    """Refuse a file that cannot become the table."""
    if path.suffix.lower() not in (".csv", ".jsonl"):
        raise ConfigError(f"{where}: expected a .csv or .jsonl file for people to fill in, got {path}")
    if not path.parent.is_dir():
        raise ConfigError(f"{where}: expected the folder of {path} to exist; make it")


def read_answers(path: Path, where: str) -> dict[str, dict[str, str]]:
    """Return label and reason of the answered questions by key; no file means no answers yet.

    Raises UsageError where one question has two different labels.
    """
    columns = _columns(path, where)
    if not columns:
        return {}
    reasons = columns.get("reason", [None] * len(columns["key"]))
    found: dict[str, dict[str, str]] = {}
    for key, label, reason in zip(columns["key"], columns["label"], reasons, strict=True):
        if key is None or label is None or not str(label).strip():
            continue
        answer = {"label": str(label).strip(), "reason": str(reason or "").strip()}
        if found.setdefault(str(key), answer)["label"] != answer["label"]:
            raise UsageError(f'{where}: {path} has two labels for the question "{key}"; keep one of the lines')
    return found


def add_questions(path: Path, questions: Sequence[Mapping[str, str]], where: str) -> None:
    """Add the questions that the table does not have; what people wrote stays as it is."""
    text = _text(path)
    known = set(_columns(path, where).get("key", []))
    new = [question for question in questions if question["key"] not in known]
    if new:
        text += "" if not text or text.endswith("\n") else "\n"
        write_text(path, text + (_json_lines(new) if path.suffix.lower() == ".jsonl" else _csv_lines(new, text)))


def _text(path: Path) -> str:
    if not path.exists():
        return ""
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        return file.read()


def _json_lines(questions: Sequence[Mapping[str, str]]) -> str:
    return "".join(json.dumps(question, ensure_ascii=False) + "\n" for question in questions)


def _columns(path: Path, where: str) -> Columns:
    """Return the columns of the table; nothing where it has no line yet."""
    text = _text(path).strip()
    if path.suffix.lower() == ".csv" and text and "\n" not in text:
        missing = [name for name in ("key", "label") if name not in _header(text)]
        if missing:
            raise UsageError(f'{where}: {path} has no column "{missing[0]}"; the columns are {", ".join(COLUMNS)}')
        return {}
    return read_columns(path, COLUMNS, need=("key", "label"), where=where) if text else {}


def _header(text: str) -> list[str]:
    return next(csv.reader(io.StringIO(text.removeprefix("\ufeff"))), [])


def _csv_lines(questions: Sequence[Mapping[str, str]], text: str) -> str:
    """Write lines in the order of the columns that the file has by now: people move columns about."""
    header = _header(text)
    made = io.StringIO(newline="")
    writer = csv.DictWriter(made, header or COLUMNS, restval="", extrasaction="ignore", lineterminator="\n")
    if not header:
        writer.writeheader()
    writer.writerows({name: _shown(value) for name, value in question.items()} for question in questions)
    return made.getvalue()


def _shown(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
