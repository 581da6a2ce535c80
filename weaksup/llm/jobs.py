"""From rows to the calls that they need: equal requests are one call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from weaksup.errors import UsageError, WeaksupError
from weaksup.llm.keys import request_key
from weaksup.llm.providers.provider import Provider, Request, row_field
from weaksup.protocols import PromptFunctionProtocol

__all__ = ["Job", "Jobs", "make_jobs", "make_request", "row_id"]


@dataclass(frozen=True, slots=True)
class Job:
    """One call: its key, a row to make the request of again, and the ids of all rows that it answers."""

    key: str
    row: Any
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Jobs:
    """The calls in the order of their first rows; `broken` maps ids to why the prompt function failed there."""

    calls: tuple[Job, ...]
    broken: dict[str, str]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.broken) + sum(len(job.ids) for job in self.calls)


def make_jobs(rows: Iterable[Any], prompt: PromptFunctionProtocol, provider: Provider) -> Jobs:
    """Render every row and group the rows whose requests are equal."""
    first: dict[str, Any] = {}
    ids: dict[str, list[str]] = {}
    broken: dict[str, str] = {}
    seen: set[str] = set()
    for row in rows:
        name = row_id(row, seen)
        try:
            key, _ = make_request(row, prompt, provider)
        except WeaksupError:
            raise
        except Exception as error:  # noqa: BLE001  (user code: a failure is of that row)
            broken[name] = f"the prompt function raised {type(error).__name__}"
            continue
        first.setdefault(key, row)
        ids.setdefault(key, []).append(name)
    return Jobs(tuple(Job(key, first[key], tuple(names)) for key, names in ids.items()), broken)


def make_request(row: Any, prompt: PromptFunctionProtocol, provider: Provider) -> tuple[str, Request]:
    """Return the key and the request of a row; the same for the same row, always."""
    rendered = prompt.render(row)
    request = provider.request(rendered, row)
    key = request_key(request, prompt_name=prompt.name, prompt_version=prompt.version, answers=tuple(rendered.answers))
    return key, request


def row_id(row: Any, seen: set[str]) -> str:
    """Return the id of a row and add it to `seen`; raise UsageError where there is none, or it was seen before."""
    value = row_field(row, "id")
    if value is None:
        raise UsageError("ask: expected rows with an id, got one without; give every row an id")
    name = str(value)
    if name in seen:
        raise UsageError(f'ask: two rows have the id "{name[:60]}"; ids must differ')
    seen.add(name)
    return name
