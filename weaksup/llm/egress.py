"""What may leave: the fields that a tier is shown, what is cut out of them, and tiers that stay on this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NoReturn

from weaksup.corpus.rows import Row, row_type
from weaksup.errors import ConfigError
from weaksup.llm.providers.addresses import is_loopback
from weaksup.llm.redaction import KINDS, redact

__all__ = ["Egress", "check_local", "must_stay_local"]

LOCAL_ONLY = "WEAKSUP_LOCAL_ONLY"


@dataclass(frozen=True, slots=True)
class Egress:
    """The fields of a row that a prompt may show to a tier (`None`: all), and the kinds of things cut out of them."""

    fields: tuple[str, ...] | None = None
    redact: tuple[str, ...] = ()
    where: str = "tier"

    def __post_init__(self) -> None:
        odd = [kind for kind in self.redact if kind not in KINDS]
        if odd:
            raise ConfigError(f'{self.where}: "redact": expected some of {", ".join(KINDS)}, got "{odd[0]}"')

    @property
    def holds_back(self) -> bool:
        """Whether a row is changed at all."""
        return self.fields is not None or bool(self.redact)

    def clean(self, row: Row) -> Row:
        """Return the row as the tier may see it; to read a field that may not leave raises `ConfigError`."""
        shown = row.as_dict()
        if self.fields is not None:
            shown = {name: shown[name] for name in shown if name in self.fields}
        if self.redact:
            shown = {name: self._redacted(value) for name, value in shown.items()}
        withheld = frozenset(row.as_dict()) - frozenset(shown)
        return _shown_type(tuple(shown), withheld, self.where)(shown.values())

    def _redacted(self, value: Any) -> Any:
        if isinstance(value, str):
            return redact(value, self.redact)
        if (written := _as_text(value)) is not None:
            cut = redact(written, self.redact)
            return value if cut == written else cut
        if isinstance(value, Mapping):
            return MappingProxyType({self._redacted(k): self._redacted(v) for k, v in value.items()})
        return tuple(map(self._redacted, value)) if isinstance(value, (tuple, list)) else value


def _as_text(value: Any) -> str | None:
    """Return a whole number or bytes as a text: a card number in a column of numbers is one all the same."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    whole = not isinstance(value, bool) and (
        isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    )
    return str(int(value)) if whole else None


@lru_cache(maxsize=64)
def _shown_type(columns: tuple[str, ...], withheld: frozenset[str], where: str) -> type[Row]:
    """Make the row class of a schema whose other fields are withheld."""

    def refuse(name: object) -> NoReturn:
        advice = "add it to the tier's fields, or leave it out of the prompt"
        raise ConfigError(f'{where}: the prompt reads the field "{name}", which may not leave; {advice}')

    base = row_type(columns)

    class Shown(base):  # type: ignore[misc, valid-type]  # made at run time, from a schema
        __slots__ = ()

        def __getattr__(self, name: str) -> Any:
            if name in withheld:
                refuse(name)
            raise AttributeError(name)

        def __getitem__(self, key: Any) -> Any:
            return refuse(key) if key in withheld else base.__getitem__(self, key)

        def get(self, name: str, default: Any = None) -> Any:
            return refuse(name) if name in withheld else base.get(self, name, default)

    return Shown


def must_stay_local() -> bool:
    """Say whether the environment forbids tiers elsewhere; anything but 0, false, no and nothing does."""
    return os.environ.get(LOCAL_ONLY, "").strip().lower() not in ("", "0", "false", "no")


def check_local(provider: object, *, where: str, reason: str) -> None:
    """Refuse a provider that sends to another machine; one without an address works in this process."""
    url = getattr(provider, "base_url", None)
    if url is not None and not is_loopback(url):
        raise ConfigError(f"{where}: {reason}, and {url} is another machine; use a local tier (gguf, student, ollama)")
