"""Preprocessors: what several labeling functions need of a row, computed once and shared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

from weaksup.corpus.rows import Chunk, Row
from weaksup.errors import ConfigError
from weaksup.labeling_functions.one_row import as_row, freeze

__all__ = ["Failed", "Preprocessor", "check_chain", "prepare_rows", "preprocessor"]

Memo = dict[Any, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Preprocessor:
    """Add fields to a row. `function(row, memo)` returns a mapping of fields or a row; `memo` lives for one chunk."""

    name: str
    function: Callable[[Row, Memo], Any]
    memo: bool = False

    def __call__(self, row: Any) -> Row:
        """Return the row with the new fields."""
        return self.run(as_row(row), {})

    def run(self, row: Row, memo: Memo) -> Row:
        """Return the row with the new fields; what is nested becomes read-only, for others may see it too."""
        made = self.function(row, memo)
        if isinstance(made, Row):
            return made
        if not isinstance(made, Mapping):
            got = type(made).__name__
            raise TypeError(f'preprocessor "{self.name}" must return a mapping of new fields or a row, got {got}')
        return row.with_fields({str(name): freeze(value) for name, value in made.items()})

    def __repr__(self) -> str:
        return f"Preprocessor {self.name}"


@dataclass(frozen=True, slots=True)
class Failed:
    """What stands in place of a row that a preprocessor could not make."""

    error: Exception


@overload
def preprocessor(function: Callable[[Any], Any], /) -> Preprocessor: ...
@overload
def preprocessor(*, name: str | None = None, memo: bool = False) -> Callable[[Callable[[Any], Any]], Preprocessor]: ...
def preprocessor(
    function: Callable[[Any], Any] | None = None, /, *, name: str | None = None, memo: bool = False
) -> Preprocessor | Callable[[Callable[[Any], Any]], Preprocessor]:
    """Make a preprocessor of `row -> mapping of new or changed fields` (or a row); works with and without parentheses.

    With `memo=True` the result for a row is kept while its chunk is at work, and shared by all labeling functions that
    begin with the same preprocessors: memory does not grow with the corpus.
    """

    def wrap(function: Callable[[Any], Any]) -> Preprocessor:
        made = name or getattr(function, "__name__", "preprocessor")
        return Preprocessor(str(made), lambda row, _memo: function(row), memo)

    return wrap if function is None else wrap(function)


def check_chain(name: str, chain: Sequence[object]) -> tuple[Preprocessor, ...]:
    """Return the preprocessors of a labeling function; raise `ConfigError` for what is none."""
    kept = tuple(item for item in chain if isinstance(item, Preprocessor))
    for item in chain:
        if not isinstance(item, Preprocessor):
            shown = getattr(item, "__name__", repr(item))
            advice = "write spacy_doc()" if shown == "spacy_doc" else "write @preprocessor above its def"
            raise ConfigError(f'labeling function "{name}": expected preprocessors, got {shown}; {advice}')
    return kept


def prepare_rows(chunk: Chunk, chain: tuple[Preprocessor, ...]) -> Sequence[Row | Failed]:
    """Run the chain on every row of the chunk, [n], starting after the longest part that is already in the memo."""
    rows: Sequence[Row | Failed] = chunk.rows
    done = 0
    for end in range(len(chain), 0, -1):
        if chain[:end] in chunk.memo:
            rows, done = chunk.memo[chain[:end]], end
            break
    for end in range(done + 1, len(chain) + 1):
        step = chain[end - 1]
        rows = [_run(step, row, chunk.memo) for row in rows]
        if step.memo:
            chunk.memo[chain[:end]] = rows
    return rows


def _run(step: Preprocessor, row: Row | Failed, memo: Memo) -> Row | Failed:
    if isinstance(row, Failed):
        return row
    try:
        return step.run(row, memo)
    except Exception as error:  # noqa: BLE001  (user code: every failure is a fault of that row)
        return Failed(error)
