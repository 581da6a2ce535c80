"""Labeling functions in plain Python."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, overload

from weaksup.corpus.rows import Chunk
from weaksup.errors import ConfigError
from weaksup.labeling_functions.examples import Example, read_examples
from weaksup.labeling_functions.one_row import as_row
from weaksup.labeling_functions.preprocessors import Failed, Preprocessor, check_chain, prepare_rows
from weaksup.labels import LabelSpace
from weaksup.protocols import ChunkVotes

__all__ = ["LabelingFunction", "check_name", "labeling_function", "vote_rows"]


@dataclass(frozen=True, slots=True, eq=False)
class LabelingFunction:
    """A named function from a row to a label name, a class index, or `None` / -1 to abstain.

    In a multi-label space it may also return a list of labels, or a mapping of labels to True, False or None.

    `resources` are passed as keyword arguments; `labels`, if given, is the label space that the votes belong to.
    """

    name: str
    function: Callable[..., Any]
    resources: Mapping[str, Any] = field(default_factory=dict)
    preprocessors: tuple[Preprocessor, ...] = ()
    examples: tuple[Example, ...] = ()
    labels: LabelSpace | None = None

    def __call__(self, row: Any) -> Any:
        """Return the raw vote on one row; a text or a mapping of fields will do."""
        if self.preprocessors or isinstance(row, (str, Mapping)):
            row = as_row(row)
        for step in self.preprocessors:
            row = step(row)
        return self.function(row, **self.resources)

    def vote(self, chunk: Chunk, labels: LabelSpace) -> ChunkVotes:
        """Vote on every row of the chunk; an exception is a fault of its row and stops nothing."""
        call = partial(self.function, **self.resources) if self.resources else self.function
        if not self.preprocessors:
            return vote_rows(call, chunk.rows, labels)
        return _vote_prepared(call, prepare_rows(chunk, self.preprocessors), labels)

    def __repr__(self) -> str:
        return f"LabelingFunction {self.name}"


@overload
def labeling_function(function: Callable[..., Any], /) -> LabelingFunction: ...
@overload
def labeling_function(
    *,
    name: str | None = None,
    resources: Mapping[str, Any] | None = None,
    preprocessors: Sequence[Preprocessor] = (),
    examples: Iterable[object] = (),
    labels: LabelSpace | None = None,
) -> Callable[[Callable[..., Any]], LabelingFunction]: ...
def labeling_function(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    resources: Mapping[str, Any] | None = None,
    preprocessors: Sequence[Preprocessor] = (),
    examples: Iterable[object] = (),
    labels: LabelSpace | None = None,
) -> LabelingFunction | Callable[[Callable[..., Any]], LabelingFunction]:
    """Make a labeling function of `row -> vote`; works with and without parentheses.

    >>> @labeling_function(examples=[("please subscribe", "SPAM"), ("hello", None)])
    ... def asks_to_subscribe(x):
    ...     return "SPAM" if "subscribe" in x.text.lower() else None
    >>> asks_to_subscribe("Subscribe now!")
    'SPAM'
    """

    def wrap(function: Callable[..., Any]) -> LabelingFunction:
        made = check_name(name or getattr(function, "__name__", ""))
        if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
            raise ConfigError(f'labeling function "{made}": expected a plain function, got an async one or a generator')
        return LabelingFunction(
            name=made,
            function=function,
            resources=dict(resources or {}),
            preprocessors=check_chain(made, preprocessors),
            examples=read_examples(made, examples),
            labels=labels,
        )

    if function is not None and not callable(function):
        raise ConfigError(f'labeling_function: expected a function, got "{function}"; write name="{function}"')
    return wrap if function is None else wrap(function)


def check_name(name: object) -> str:
    """Return the name of a labeling function; it becomes a column of the votes, so some names are refused."""
    if not isinstance(name, str) or not name.strip() or not name.isprintable() or name == "<lambda>":
        raise ConfigError(f'labeling function: expected a printable name, got {name!r}; write name="..."')
    if name == "id" or name.startswith("confidence("):
        raise ConfigError(f'labeling function: the name "{name}" is taken by the votes file; choose another')
    return name


def vote_rows(call: Callable[[Any], Any], rows: Sequence[Any], labels: LabelSpace) -> ChunkVotes:
    """Call a function on every row, [n]. KeyboardInterrupt and SystemExit go through."""
    raw: list[Any] = []
    errors: dict[int, BaseException] = {}
    keep = raw.append
    for row in rows:  # row by row, because the functions are Python
        try:
            keep(call(row))
        except Exception as error:  # noqa: BLE001  (user code: every failure is a fault of that row)
            errors[len(raw)] = error
            keep(None)
    codes = labels.encode(raw)
    bad = labels.invalid_rows(codes).tolist()
    return ChunkVotes(codes, errors, {i: _show(raw[i]) for i in bad})


def _vote_prepared(call: Callable[[Any], Any], rows: Sequence[Any], labels: LabelSpace) -> ChunkVotes:
    good = [i for i, row in enumerate(rows) if not isinstance(row, Failed)]
    voted = vote_rows(call, [rows[i] for i in good], labels)
    codes = labels.abstains(len(rows))
    codes[good] = voted.codes
    errors: dict[int, BaseException] = {i: row.error for i, row in enumerate(rows) if isinstance(row, Failed)}
    errors.update({good[i]: error for i, error in voted.errors.items()})
    return ChunkVotes(codes, errors, {good[i]: value for i, value in voted.invalid.items()})


def _show(value: object) -> str:
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001  (user code)
        text = f"a {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."
