"""What the model is asked about a text, in its own tokens, and what the answers are: the words of the tiers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from weaksup.errors import UsageError
from weaksup.labeling_functions import PromptFunction, load_lf_module
from weaksup.labels import LabelSpace
from weaksup.protocols import Prompt

__all__ = ["PLAIN", "QUESTION", "Question", "find_prompt"]

QUESTION = "Which label fits the document best?"
# For a model that brings no chat template; the server then uses this one, too.
PLAIN = (
    "{{ bos_token }}{% for message in messages %}{{ message['content'] }}\n\n{% endfor %}"
    "{% if add_generation_prompt %}Answer: {% endif %}"
)
_DAY = "26 Jul 2024"  # some templates write the date; a seed must give the same bytes tomorrow
_CHARS = 16  # a token, at most: what is beyond need not be read to see that a text is too long


def find_prompt(prompt: object, labels: LabelSpace) -> tuple[PromptFunction, str | None]:
    """Return the prompt function, and the question that it always asks, where it is made here.

    `prompt` is a prompt function, a Python file with one, the question itself, or nothing for the usual question.
    """
    if isinstance(prompt, PromptFunction):
        return prompt.bind(labels), None
    if prompt is not None and not isinstance(prompt, str):
        raise UsageError(f"student slm: expected a question or a Python file as prompt, got {prompt!r}")
    if prompt is not None and prompt.endswith(".py"):
        found = [p for p in load_lf_module(Path(prompt)).prompts if isinstance(p, PromptFunction)]
        if len(found) != 1:
            raise UsageError(f"student slm: expected one @prompt_function in {prompt}, got {len(found)}")
        return found[0].bind(labels), None
    question = QUESTION if prompt is None else prompt.strip()
    if not question:
        raise UsageError("student slm: expected a question as prompt, got an empty text")
    return PromptFunction("slm", partial(_ask, question), labels), question


def _ask(question: str, _row: Any) -> str:
    return question


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """A prompt in the tokens of a model; texts are cut so that it has at most `limit` of them.

    `asked` is the question, where it is always the same.
    """

    prompt: PromptFunction
    tokenizer: Any
    limit: int
    asked: str | None = None

    @property
    def template(self) -> str:
        """How messages become one text: as the model brings it, or plainly."""
        found = self.tokenizer.chat_template
        if found is None:
            return PLAIN if self.tokenizer.bos_token is not None else PLAIN.removeprefix("{{ bos_token }}")
        if not isinstance(found, str):
            raise UsageError("student slm: expected one chat template, got several; keep one in tokenizer_config.json")
        return found

    def ids(self, text: str) -> list[int]:
        """Return the tokens of the prompt about a text, whose end is cut off where they would be too many."""
        found = self._encode(self.write(text[: self.limit * _CHARS]))
        if len(found) <= self.limit:
            return found
        low, high = 0, min(len(text), self.limit * _CHARS)  # characters that fit, and that do not
        while high - low > 1:
            middle = (low + high) // 2
            fits = len(self._encode(self.write(text[:middle]))) <= self.limit
            low, high = (middle, high) if fits else (low, middle)
        found = self._encode(self.write(text[:low]))
        if len(found) > self.limit:
            raise UsageError(
                f"student slm: expected a question of at most {self.limit} tokens, got {len(found)} without any text; "
                "raise max_tokens, or take a model that reads more"
            )
        return found

    def answers(self) -> list[list[int]]:
        """Return the tokens of each label's answer, as they stand behind a prompt, and the one that ends it."""
        before = self.write("")
        start = self._encode(before)
        found = []
        for word in self.show("").answers:
            answer = f'{{"label": {json.dumps(word, ensure_ascii=False)}}}'
            both = self._encode(before + answer)
            ids = both[len(start) :] if both[: len(start)] == start else self._encode(answer)
            found.append([*ids, int(self.tokenizer.eos_token_id)])
        if len(set(map(tuple, found))) < len(found):
            raise UsageError("student slm: expected labels that the tokenizer tells apart, got two that it does not")
        return found

    def write(self, text: str) -> str:
        """Return the prompt about a text as a server would write it."""
        shown = self.show(text)
        messages = [{"role": "system", "content": shown.system}, {"role": "user", "content": shown.user}]
        try:
            written: str = self.tokenizer.apply_chat_template(
                messages, chat_template=self.template, tokenize=False, add_generation_prompt=True, date_string=_DAY
            )
        except Exception as error:  # noqa: BLE001  (a template may raise what it likes)
            raise _bad_template(" ".join(str(error).split())[:200]) from None
        if shown.system not in written or shown.user not in written:  # servers would put them in as they see fit
            raise _bad_template("it leaves one out, or changes it")
        return written

    def show(self, text: str) -> Prompt:
        """Return the prompt about a text."""
        try:
            return self.prompt.render({"id": "", "text": text})
        except (AttributeError, LookupError) as error:
            reason = " ".join(str(error).split())[:200]
            raise UsageError(
                f'student slm: prompt "{self.prompt.name}" fails on a row that has a text and nothing else ({reason})'
            ) from None

    def _encode(self, text: str) -> list[int]:
        found: Sequence[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return list(found)


def _bad_template(reason: str) -> UsageError:
    return UsageError(
        f"student slm: the model's chat template cannot write a system and a user message ({reason}); remove the "
        "template from the folder, and a plain one is used"
    )
