"""What the parts of the house expect of each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from weaksup.corpus import Chunk
    from weaksup.corpus.rows import Row
    from weaksup.labels import LabelSpace
    from weaksup.votes import VoteMatrix

__all__ = [
    "ChunkVotes",
    "FittingPrompt",
    "LabelModelProtocol",
    "NamingPrompt",
    "Prompt",
    "PromptFunctionProtocol",
    "Reading",
    "Reply",
    "Voter",
]


@dataclass(frozen=True, slots=True)
class ChunkVotes:
    """Votes of one source on one chunk: `codes` int16 [n]; `errors` maps positions to the exception raised there.

    In a multi-label space codes are [n, k]: 1 present, 0 absent, -1 abstains.

    A code of -2 marks a value that is no label; `invalid` maps such positions to the value, as text.
    """

    codes: NDArray[np.int16]
    errors: Mapping[int, BaseException] = field(default_factory=dict)
    invalid: Mapping[int, str] = field(default_factory=dict)


@runtime_checkable
class Voter(Protocol):
    """A labeling function, as `apply` sees it: every kind of LF answers for a whole chunk."""

    @property
    def name(self) -> str:
        """The name that reports and votes carry."""
        ...

    def vote(self, chunk: Chunk, labels: LabelSpace) -> ChunkVotes:
        """Vote on every row of the chunk, in order."""
        ...


class LabelModelProtocol(Protocol):
    """Combine votes into probabilities; never sees a document."""

    def fit(self, votes: VoteMatrix | NDArray[Any]) -> Self:
        """Learn how far each source can be trusted."""
        ...

    def predict_proba(self, votes: VoteMatrix | NDArray[Any]) -> NDArray[np.float64]:
        """Return probabilities [n, k]; rows sum to 1."""
        ...


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is sent for one row: a system text, a user text, and the answers allowed.

    `wants` says what an answer holds beside its label: "reason", "confidence". A prompt about several rows names each
    by an id in `items`. `sample` counts the times that the same question was asked before.
    """

    system: str
    user: str
    answers: tuple[str, ...]
    wants: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    sample: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: the text and what was counted; `None` where the provider did not say.

    `cost` is in micro-dollars, where the provider states it itself. `fault` says why the text must not be read as an
    answer (refused, cut off); it is empty where the text is whole.
    """

    text: str
    input_tokens: int | None = None
    output_tokens: int | None = None
    model: str = ""
    cost: int | None = None
    confidence: float | None = None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reply says: a class index, or ABSTAIN with the reason; `confidence` in 0..1 where the reply has one.

    `because` is the reason that the answerer gave for its label.
    """

    code: int
    reason: str = ""
    confidence: float | None = None
    because: str = ""


class PromptFunctionProtocol(Protocol):
    """A prompted labeling function in two pure halves; it never calls a model."""

    @property
    def name(self) -> str:
        """The name that reports and votes carry."""
        ...

    @property
    def version(self) -> str:
        """Changes when old answers must not be used again."""
        ...

    def render(self, row: Any) -> Prompt:
        """Turn a row into a prompt."""
        ...

    def read(self, text: str) -> Reading:
        """Turn a reply into a reading; never raise."""
        ...

    def parse(self, text: str) -> int:
        """Turn a reply into a class index, or ABSTAIN when it is no clean answer."""
        ...


@runtime_checkable
class FittingPrompt(PromptFunctionProtocol, Protocol):
    """A prompt function that a tier can hold to what may leave, and ask for more than a label."""

    def fitted(self, *, clean: Callable[[Row], Row] | None, wants: tuple[str, ...]) -> Self:
        """Return it so that every row that it shows has gone through `clean`; `wants` as in `Prompt`."""
        ...


@runtime_checkable
class NamingPrompt(PromptFunctionProtocol, Protocol):
    """A prompt function that may show a model other words for the labels."""

    def by_name(self) -> Self:
        """Return it with the labels' own names, for those who answer with these: people, students, records."""
        ...


Rows = Sequence[Any]
