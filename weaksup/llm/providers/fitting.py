"""What one endpoint accepts of a request, learned from what it refuses: each part is written in the next way it has."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Fitting", "Form", "Way", "as_it_is", "or_none"]

Body = Mapping[str, Any]
Form = tuple[int, ...]
"""For each part of a request, which of its ways is used."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to write a part: `write` makes it from the body in its strictest form.

    A refusal that holds one of the `words` (in lower case) speaks of this way.
    """

    write: Callable[[dict[str, Any]], dict[str, Any]]
    words: tuple[str, ...] = ()


def as_it_is(body: dict[str, Any]) -> dict[str, Any]:
    """Leave a body as it is: the first way of most parts."""
    return body


def or_none(name: str, drop: Callable[[dict[str, Any]], dict[str, Any]], words: Iterable[str] = ()) -> tuple[Way, Way]:
    """Return the ways of a parameter that an endpoint can do without."""
    return Way(as_it_is, (name.lower(), *words)), Way(drop)


class Fitting:
    """The parts of a request with their ways, strictest first; safe to use from many threads.

    What must not be left out, the limit on an answer's length, has no way that leaves it out: the budget rests on it.
    """

    def __init__(self, *parts: Sequence[Way]) -> None:
        self._parts = parts
        self._form: Form = (0,) * len(parts)
        self._lock = threading.Lock()

    @property
    def form(self) -> Form:
        """The form that the endpoint accepts, as far as is known."""
        return self._form

    def apply(self, body: Body, form: Form | None = None) -> dict[str, Any]:
        """Return the body in a form; the present one if none is given."""
        fitted = dict(body)
        for ways, at in zip(self._parts, self._form if form is None else form, strict=True):
            fitted = ways[at].write(fitted)
        return fitted

    def learn(self, body: Body, form: Form, refusal: str) -> bool:
        """Read a refusal of the body in the form that was sent; return whether another form is worth trying."""
        said = refusal.lower()
        with self._lock:
            for number, (ways, at) in enumerate(zip(self._parts, form, strict=True)):
                other = (*form[:number], at + 1, *form[number + 1 :])
                spoken_of = at + 1 < len(ways) and any(word in said for word in ways[at].words)
                if spoken_of and self.apply(body, other) != self.apply(body, form):
                    known = max(self._form[number], at + 1)  # another thread may have learned more meanwhile
                    self._form = (*self._form[:number], known, *self._form[number + 1 :])
                    return True
        return False
