"""Prompt functions: labeling functions in two pure halves, a prompt for the row and a vote from the reply.

They never call a model: `weaksup.llm.ask` does, under a budget.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, overload

from weaksup.corpus.rows import Row
from weaksup.errors import ConfigError, UsageError
from weaksup.labeling_functions.aliases import Aliases, label_words
from weaksup.labeling_functions.base import check_name
from weaksup.labeling_functions.one_row import as_row, thaw
from weaksup.labeling_functions.prompt_words import answer_form, data_notice, item_ids
from weaksup.labeling_functions.readings import read_label, read_labels
from weaksup.labeling_functions.shots import FewShot
from weaksup.labels import LabelSpace
from weaksup.protocols import Prompt, Reading

__all__ = ["PromptFunction", "prompt_function"]

_SYSTEM = "You label documents. Each document gets exactly one label."
_QUESTION = "Which label fits the document best?"
_NOT_PLAIN = re.compile(r"[^ -~]")


@dataclass(frozen=True, slots=True, eq=False)
class PromptFunction:
    """A named function from a row to a question about it, or to the fields that the model is shown.

    Where it returns a text, that is the question, and the document is the row's text. Where it returns a mapping, those
    fields are the document, and the question is the function's docstring. The document itself does not belong in the
    question: there, a text could pass for an instruction.

    `clean` is what every row goes through before it is shown, `wants` what is asked for beside a label ("reason",
    "confidence"), `examples` the gold that is shown, `sample` how often the same was asked before. With `aliases` the
    model sees and writes other words for the labels: a mapping of every label, or "letters".
    """

    name: str
    function: Callable[[Any], object]
    labels: LabelSpace | None = None
    version: str = "1"
    system: str = _SYSTEM
    clean: Callable[[Row], Row] | None = None
    wants: tuple[str, ...] = ()
    examples: FewShot | None = None
    sample: int = 0
    aliases: Aliases | None = None
    _shown: tuple[str, ...] = field(init=False, repr=False, default=())

    def __post_init__(self) -> None:
        if self.labels is not None:
            shown = label_words(self.aliases, self.labels, where=f'prompt "{self.name}"')
            object.__setattr__(self, "_shown", shown)

    def bind(self, labels: LabelSpace) -> PromptFunction:
        """Return the prompt function with a label space, unless it has one of its own: then the two must agree."""
        if self.labels is not None and self.labels.names != labels.names:
            mine, yours = (", ".join(space.names[:6]) for space in (self.labels, labels))
            what = f'prompt "{self.name}": its labels are {mine}; the votes have {yours}'
            raise ConfigError(f"{what}; use one label space")
        return self if self.labels is not None else replace(self, labels=labels)

    def fitted(self, *, clean: Callable[[Row], Row] | None, wants: tuple[str, ...]) -> PromptFunction:
        """Return the prompt function as a tier may be asked it: see `clean` and `wants`."""
        return replace(self, clean=clean, wants=wants)

    def by_name(self) -> PromptFunction:
        """Return the prompt function with the labels' own names: people, students and records answer with those."""
        return self if self.aliases is None else replace(self, aliases=None)

    def sampled(self, number: int) -> PromptFunction:
        """Return the same question asked once more: sample 0, 1, 2, ... are different requests in the same words."""
        return replace(self, sample=number)

    def with_examples(self, examples: FewShot) -> PromptFunction:
        """Return the prompt function with answered examples before the document."""
        odd = [answer for answer in examples.answers if answer not in self._labels().names]
        if odd:
            there = ", ".join(self._labels().names[:6])
            raise ConfigError(f'prompt "{self.name}": expected examples of {there}, got one of "{odd[0]}"')
        return replace(self, examples=examples)

    def render(self, row: Any) -> Prompt:
        """Turn a row into a prompt: labels, their descriptions and the guideline, the question, the document last."""
        row = as_row(row)
        question, document = self._show(row)
        shots = "".join(f'Document: {shot}\nAnswer: {{"label": {word}}}\n\n' for shot, word in self._examples(row))
        return self._prompt(f"{question}\n\n{shots}Document: {document}")

    def render_many(self, rows: Sequence[Any]) -> Prompt:
        """Turn several rows, which have the same question, into one prompt; `read_many` reads the reply.

        Each document gets an id that depends on what it says: a reply that mixes up the order cannot pass for a good
        one. Examples must be the same for every row.
        """
        shown = [self._show(as_row(row)) for row in rows]
        questions = {question for question, _ in shown}
        if len(questions) != 1:
            raise UsageError(f'prompt "{self.name}": expected rows with one question, got {len(questions)} questions')
        if self.examples is not None and self.examples.how == "similar":
            raise ConfigError(f'prompt "{self.name}": similar examples need a request for each row; use balanced ones')
        items = item_ids([document for _, document in shown])
        shots = "".join(
            f'Document example{i}: {shot}\nAnswer: {{"example{i}": {{"label": {word}}}}}\n\n'
            for i, (shot, word) in enumerate(self._examples(None), 1)
        )
        lines = "\n".join(f"Document {item}: {document}" for item, (_, document) in zip(items, shown, strict=True))
        return self._prompt(f"{questions.pop()}\n\n{shots}{lines}", items)

    def _show(self, row: Row) -> tuple[str, str]:
        """Return the question about a row, and the document as one line of JSON."""
        row = row if self.clean is None else self.clean(row)
        made = self.function(row)
        if isinstance(made, Mapping):
            return inspect.getdoc(self.function) or _QUESTION, _slot(made)
        if isinstance(made, str):
            return made.strip() or _QUESTION, _slot({"text": row.get("text", "")})
        wanted = "a question (a text) or fields to show (a mapping)"
        raise UsageError(f'prompt "{self.name}": expected {wanted}, got {type(made).__name__}; return one of them')

    def _examples(self, row: Row | None) -> list[tuple[str, str]]:
        """Return the documents to show with a row, or with every row, and their answers, both as JSON."""
        names, words = self._labels().names, self._words()
        picked = self.examples.pick(row) if self.examples else []
        return [(self._show(shot)[1], _quoted(words[names.index(answer)])) for shot, answer in picked]

    def _prompt(self, user: str, items: tuple[str, ...] = ()) -> Prompt:
        system = self._instructions(many=bool(items))
        return Prompt(_sendable(system), _sendable(user), self._words(), self.wants, items, self.sample)

    def read(self, text: str) -> Reading:
        """Read a reply; whatever is not exactly one label (or alias) is an abstain with a reason."""
        return read_label(text, self._words())

    def read_many(self, text: str, items: Sequence[str]) -> tuple[Reading, ...]:
        """Read the reply to `render_many`: a reading for each of its items; one that is not clear abstains."""
        return read_labels(text, items, self._words())

    def parse(self, text: str) -> int:
        """Return the class index of a reply, or ABSTAIN."""
        return self.read(text).code

    def __call__(self, row: Any) -> Prompt:
        """Show the prompt of a row; a text or a mapping of fields will do."""
        return self.render(row)

    def __repr__(self) -> str:
        return f"PromptFunction {self.name}"

    def _labels(self) -> LabelSpace:
        if self.labels is None:
            raise UsageError(f'prompt "{self.name}" has no labels; write @prompt_function(labels=...), or bind(labels)')
        return self.labels

    def _words(self) -> tuple[str, ...]:
        """Return the words for the labels that the model sees, by class index."""
        self._labels()
        return self._shown

    def _instructions(self, *, many: bool) -> str:
        space = self._labels()
        names = [_quoted(word) for word in self._words()]
        lines = [
            f"- {name}: {' '.join(text.split())}" if text else f"- {name}"
            for name, text in zip(names, space.descriptions, strict=True)
        ]
        parts = [self.system.strip(), "Labels:\n" + "\n".join(lines)]
        parts += [f"Guideline:\n{space.guideline.strip()}"] if space.guideline.strip() else []
        parts += [data_notice(many=many), answer_form(names, self.wants, many=many)]
        return "\n\n".join(parts)


def _slot(fields: Mapping[str, Any]) -> str:
    """Write the document as one line of JSON that it cannot leave."""
    plain = {str(name): thaw(value) for name, value in fields.items()}
    return _NOT_PLAIN.sub(_escape, json.dumps(plain, ensure_ascii=False, default=str))


def _escape(match: re.Match[str]) -> str:
    """Keep what can be seen; write control and direction characters, tags, line separators, surrogates as escapes."""
    char = match.group()
    return char if char.isprintable() else json.dumps(char)[1:-1]


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)


def _sendable(text: str) -> str:
    """Replace lone surrogates, which cannot be sent (in the document they are escapes by now)."""
    return text.encode("utf-8", "replace").decode("utf-8")


@overload
def prompt_function(function: Callable[[Any], str | Mapping[str, Any]], /) -> PromptFunction: ...
@overload
def prompt_function(
    *,
    name: str | None = None,
    labels: LabelSpace | None = None,
    version: str = "1",
    system: str = _SYSTEM,
    aliases: Aliases | None = None,
) -> Callable[[Callable[[Any], str | Mapping[str, Any]]], PromptFunction]: ...
def prompt_function(
    function: Callable[[Any], str | Mapping[str, Any]] | None = None,
    /,
    *,
    name: str | None = None,
    labels: LabelSpace | None = None,
    version: str = "1",
    system: str = _SYSTEM,
    aliases: Aliases | None = None,
) -> PromptFunction | Callable[[Callable[[Any], str | Mapping[str, Any]]], PromptFunction]:
    """Make a prompt function; works with and without parentheses. A new `version` asks everything again.

    >>> @prompt_function(labels=LabelSpace({"HAM": "from a person", "SPAM": "an unwanted offer"}))
    ... def is_spam(x):
    ...     return "What kind of message is this?"
    >>> is_spam("Win a prize!").user
    'What kind of message is this?\\n\\nDocument: {"text": "Win a prize!"}'
    >>> is_spam.parse('{"label": "SPAM"}'), is_spam.parse("surely not SPAM")
    (1, -1)
    """

    def wrap(function: Callable[[Any], str | Mapping[str, Any]]) -> PromptFunction:
        made = check_name(name or getattr(function, "__name__", ""))
        if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
            raise ConfigError(f'prompt "{made}": expected a plain function, got an async one or a generator')
        return PromptFunction(made, function, labels, version, system, aliases=aliases)

    if function is not None and not callable(function):
        raise ConfigError(f'prompt_function: expected a function, got "{function}"; write name="{function}"')
    return wrap if function is None else wrap(function)
