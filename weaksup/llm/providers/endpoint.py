"""A model at an address: what the providers that speak HTTP have in common, whatever their protocol."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from weaksup.errors import ConfigError
from weaksup.llm.failures import Refused, SendError
from weaksup.llm.pricing.prices import Usage
from weaksup.llm.providers.addresses import checked_url
from weaksup.llm.providers.fitting import Fitting, Form
from weaksup.llm.providers.params import check_params
from weaksup.llm.providers.provider import Request
from weaksup.llm.providers.wire import Wire
from weaksup.protocols import Prompt, Reply

__all__ = ["Endpoint"]

_MOST_TOKENS, _LONGEST = 1_000_000, 86_400


@dataclass(slots=True, eq=False)
class Endpoint(ABC):
    """One model at one address; a protocol is a subclass. There are no retries here: `weaksup.llm.calls` has them.

    The key is read from the environment variable named by `api_key_env`, or from `api_key_file`, which nobody else may
    read; it is cut out of everything that comes back. Plain http goes to this machine only. `params` are those that the
    tier sets, by the names of PARAMS.
    """

    model: str
    base_url: str = ""
    api_key_env: str | None = None
    api_key_file: Path | None = None
    max_tokens: int = 100
    timeout: float = 60.0
    params: Mapping[str, Any] = field(default_factory=lambda: {"temperature": 0})
    where: str = "tier"
    kind: ClassVar[str]
    home: ClassVar[str]  # the address of the provider that made the protocol
    version: ClassVar[str] = ""  # the part of the path that some write into base_url
    known: ClassVar[frozenset[str]]  # what `params` may hold
    usual: ClassVar[Mapping[str, Any]] = {"temperature": 0}  # what a tier's `params` start with
    key_header: ClassVar[tuple[str, str]]
    headers: ClassVar[Mapping[str, str]] = {}
    _wire: Wire = field(init=False, repr=False)
    _fitting: Fitting = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.base_url = self.address(checked_url(self.base_url or self.home, self.where))
        self._fitting = self._new_fitting()
        check_params(self.params, self.known, self.where)
        if not (1 <= self.max_tokens <= _MOST_TOKENS and 0 < self.timeout <= _LONGEST):
            what = f"max_tokens from 1 to {_MOST_TOKENS:,} and a timeout above 0, of {_LONGEST:,} s at most"
            raise ConfigError(f"{self.where}: expected {what}, got {self.max_tokens} and {self.timeout:g}")
        self._wire = Wire(
            self.base_url,
            self.timeout,
            self.where,
            self.api_key_env,
            self.api_key_file,
            self.key_header,
            self.headers,
        )

    @classmethod
    def address(cls, url: str) -> str:
        """Return an address as `base_url` holds it: without a slash at the end, and without the protocol's version."""
        return url.rstrip("/").removesuffix(cls.version)

    @abstractmethod
    def _new_fitting(self) -> Fitting:
        """Return the ways in which a body may be written."""

    @abstractmethod
    def _path(self) -> str:
        """Return where bodies are posted to, below the address."""

    @abstractmethod
    def _strictest(self, prompt: Prompt) -> dict[str, Any]:
        """Return the body for a prompt, in its strictest form."""

    @abstractmethod
    def bound(self, request: Request) -> Usage:
        """Return the most that a call can use: one token a byte, and the limit on the answer."""

    @abstractmethod
    def expect(self, request: Request) -> Usage:
        """Return the usual length of the prompt's tokens and of a label in JSON."""

    @abstractmethod
    def read(self, body: bytes) -> Reply:
        """Read an answer; raise `Ambiguous` where the body is none (an HTML page, half a JSON, an error)."""

    @property
    def wire(self) -> Wire:
        """The connections, for transports that send something else to the same address (batches)."""
        return self._wire

    def open(self) -> None:
        """Read the key and make the client; nothing is sent."""
        self._wire.open()

    def close(self) -> None:
        """Close the connections when the last user is done."""
        self._wire.close()

    def request(self, prompt: Prompt, _row: Any, /) -> Request:
        """Say what would be sent; further samples of one prompt are further requests."""
        sample = {"sample": prompt.sample} if prompt.sample else {}
        return {"url": self.base_url, "body": self._strictest(prompt)} | sample

    def body(self, request: Request) -> dict[str, Any]:
        """Return the JSON that `send` posts: the body in the form that the endpoint accepts, as far as is known."""
        return self._fitting.apply(request["body"])

    def send(self, request: Request) -> bytes:
        """Send the request once and return the whole body, or raise a `SendError`."""
        form = self._fitting.form
        sent = self._fitting.apply(request["body"], form)
        headers = {"Idempotency-Key": _idempotency_key([sent, request.get("sample", 0)])}
        try:
            return self._wire.post(self._path(), sent, headers=headers)
        except SendError as error:
            raise self._fitted(request["body"], form, error) from None

    def learn(self, request: Request, refusal: SendError) -> bool:
        """Read a refusal of a request in its present form; return whether another form is worth sending."""
        return self._fitted(request["body"], self._fitting.form, refusal).at_once

    def _fitted(self, body: Mapping[str, Any], form: Form, error: SendError) -> SendError:
        """Turn a refusal of a parameter into leave to try at once without it."""
        if not isinstance(error, Refused) or error.retry or error.fatal is not None:
            return error
        changed = self._fitting.learn(body, form, error.reason)
        return Refused(error.reason, at_once=True) if changed else error


def _idempotency_key(sent: object) -> str:
    """Gateways that know the header answer a repeated call once; nothing here counts on it."""
    return hashlib.sha256(json.dumps(sent, sort_keys=True).encode()).hexdigest()
