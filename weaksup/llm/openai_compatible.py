"""Any endpoint that speaks the OpenAI chat protocol: OpenAI, vLLM, Ollama, llama.cpp, LM Studio, DeepSeek, Mistral."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from weaksup.errors import ConfigError
from weaksup.llm.addresses import OPENAI_URL, checked_url, is_loopback
from weaksup.llm.api_keys import read_api_key
from weaksup.llm.chat import (
    Fitting,
    chat_body,
    check_params,
    error_text,
    most_tokens,
    read_completion,
    usual_tokens,
)
from weaksup.llm.failures import Ambiguous, NotSent, Refused, SendError, from_status, retry_after
from weaksup.llm.prices import Usage
from weaksup.llm.provider import Request
from weaksup.protocols import Prompt, Reply

__all__ = ["OpenAICompatible"]

_MOST_BYTES = 1_000_000  # of an answer; one label needs 100
_MOST_ERROR_BYTES = 20_000
_CONNECT_SECONDS = 10.0
_HEADERS = {
    "accept",
    "connection",
    "content-length",
    "content-type",
    "host",
    "idempotency-key",
    "user-agent",
}
# Causes that the SDK gives for a call that never left: by name, as the class differs with the SDK's version.
_NEVER_SENT = {"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "LocalProtocolError"}


@dataclass(slots=True, eq=False)
class OpenAICompatible:
    """One model at one address. The SDK's own retries are off, redirects are not followed, bodies are limited.

    The key is read from the environment variable named by `api_key_env`, or from `api_key_file`, which nobody else may
    read; it is cut out of everything that comes back. Plain http goes to this machine only.
    """

    model: str
    base_url: str = OPENAI_URL
    api_key_env: str | None = None
    api_key_file: Path | None = None
    max_tokens: int = 100
    timeout: float = 60.0
    params: Mapping[str, Any] = field(default_factory=lambda: {"temperature": 0})
    where: str = "openai"
    kind: ClassVar[str] = "openai"
    _client: Any = field(default=None, init=False, repr=False)
    _key: str = field(default="", init=False, repr=False)
    _users: int = field(default=0, init=False, repr=False)
    _fitting: Fitting = field(init=False, repr=False)
    _lock: Any = field(default_factory=threading.Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        self.base_url = checked_url(self.base_url, self.where)
        # OpenAI wants the new name of the limit; the others know the old one, and some ignore the new one.
        self._fitting = Fitting(new_limit=self.base_url == OPENAI_URL)
        check_params(self.params, self.where)
        if not (self.max_tokens >= 1 and self.timeout > 0):
            raise ConfigError(f"{self.where}: expected max_tokens >= 1 and timeout > 0")

    def open(self) -> None:
        """Read the key and make the client; nothing is sent."""
        with self._lock:
            if self._client is None:
                self._connect()
            self._users += 1

    def close(self) -> None:
        """Close the connections when the last user is done."""
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._client.close()
                self._client = None

    def _connect(self) -> None:
        self._key = self._read_key()
        from openai import DefaultHttpxClient, Timeout

        limits = Timeout(self.timeout, connect=min(_CONNECT_SECONDS, self.timeout))
        # The SDK's own connections, without the layers above them, which more than double the processor time of a call.
        self._client = DefaultHttpxClient(
            timeout=limits,
            follow_redirects=False,
            trust_env=not is_loopback(self.base_url),  # a proxy has no business between this machine and itself
            event_hooks={"request": [self._trim_request], "response": [self._check_response]},
        )

    def _trim_request(self, request: Any) -> None:
        """Take out every header that is not needed: what comes from the environment may hold secrets."""
        for name in list(request.headers):
            if name not in _HEADERS:
                del request.headers[name]
        request.headers["accept-encoding"] = "identity"
        if self._key:
            request.headers["authorization"] = f"Bearer {self._key}"

    def _read_key(self) -> str:
        if self.api_key_env is None and self.api_key_file is None and is_loopback(self.base_url):
            return ""
        return read_api_key(env=self.api_key_env, file=self.api_key_file, where=self.where)

    def request(self, prompt: Prompt, _row: Any, /) -> Request:
        """Say what would be sent; further samples of one prompt are further requests."""
        body = chat_body(prompt, model=self.model, max_tokens=self.max_tokens, params=self.params)
        return {"url": self.base_url, "body": body} | ({"sample": prompt.sample} if prompt.sample else {})

    def bound(self, request: Request) -> Usage:
        """Return one token a byte."""
        return most_tokens(request["body"])

    def expect(self, request: Request) -> Usage:
        """Return the usual length of the prompt's tokens and of a label in JSON."""
        return usual_tokens(request["body"])

    def send(self, request: Request) -> bytes:
        """Send the request once and return the whole body, or raise a `SendError`."""
        sent = self._fitting.apply(request["body"])
        headers = {"Idempotency-Key": _idempotency_key([sent, request.get("sample", 0)])}
        try:
            url = f"{self.base_url}/chat/completions"
            with self._client.stream("POST", url, json=sent, headers=headers) as response:
                return self._without_key(self._whole_body(response))
        except SendError as error:
            raise self._fitted(sent, error) from None
        except UnicodeEncodeError:
            raise NotSent("the prompt holds half a character (a lone surrogate)", retry=False, counts=False) from None
        except Exception as error:
            if not type(error).__module__.startswith("httpx"):  # its name differs with the SDK's version
                raise
            raise _connection_error(error) from None

    def _whole_body(self, response: Any) -> bytes:
        """Read the body up to the limits on bytes and time."""
        end = time.monotonic() + self.timeout
        parts: list[bytes] = []
        size = 0
        try:
            for part in response.iter_bytes():
                parts.append(part)
                size += len(part)
                if size > _MOST_BYTES:
                    raise Ambiguous(f"the answer is longer than {_MOST_BYTES:,} bytes", retry=False)
                if time.monotonic() > end:
                    raise Ambiguous(f"the answer took longer than {self.timeout:g} s")
        except SendError:
            raise
        except Exception as error:  # noqa: BLE001  (the SDK passes on whatever its transport raises while reading)
            raise Ambiguous(f"the answer broke off ({type(error).__name__})") from None
        return b"".join(parts)

    def _check_response(self, response: Any) -> None:
        """See every response before the SDK does: an error, or a packed body, is read here and no further."""
        if response.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
            raise Ambiguous("the answer is compressed, though identity was asked for", retry=False)
        if response.status_code == 200:
            return
        said = bytearray()
        try:
            for part in response.iter_raw():
                said += part
                if len(said) > _MOST_ERROR_BYTES:
                    break
        except Exception:  # noqa: BLE001, S110  (the status is what counts)
            pass
        wait = retry_after(response.headers.get("retry-after"), now=time.time())
        text = error_text(self._without_key(bytes(said[:_MOST_ERROR_BYTES])))
        raise from_status(response.status_code, text, wait=wait, where=self.where)

    def _fitted(self, sent: Mapping[str, Any], error: SendError) -> SendError:
        """Turn a refusal of a parameter into leave to try at once without it."""
        if not isinstance(error, Refused) or error.retry or error.fatal is not None:
            return error
        with self._lock:
            changed = self._fitting.learn(sent, error.reason)
        return Refused(error.reason, at_once=True) if changed else error

    def _without_key(self, body: bytes) -> bytes:
        """Some endpoints echo the key."""
        return body.replace(self._key.encode(), b"[key]") if self._key else body

    def read(self, body: bytes) -> Reply:
        """Read a chat completion."""
        return read_completion(body)


def _idempotency_key(sent: object) -> str:
    """Gateways that know the header answer a repeated call once; nothing here counts on it."""
    return hashlib.sha256(json.dumps(sent, sort_keys=True).encode()).hexdigest()


def _connection_error(error: Exception) -> SendError:
    cause = type(error).__name__
    if cause in _NEVER_SENT:
        return NotSent(f"no connection ({cause})")
    return Ambiguous(f"the connection broke ({cause})")
