"""Send over HTTP to one address: one attempt, no redirects, limited bodies, and a key that comes back nowhere.

All protocols use it. It is the client that the openai package brings, without the layers above it: a provider's own SDK
retries by itself, follows redirects and reads without a limit, and each of these can cost money that nobody counts.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from weaksup.llm.failures import Ambiguous, NotSent, SendError, error_text, from_status, retry_after, retry_delay
from weaksup.llm.providers.addresses import is_loopback
from weaksup.llm.providers.api_keys import read_api_key
from weaksup.llm.providers.lines import cut_lines

__all__ = ["MOST_BYTES", "Wire"]

MOST_BYTES = 1_000_000  # of an answer; one label needs 100
_MOST_ERROR_BYTES = 20_000
_MOST_FILE_BYTES = 1_000_000_000  # of the results of a batch
_CONNECT_SECONDS = 10.0
_HEADERS = {
    "accept",
    "connection",
    "content-length",
    "content-type",
    "host",
    "idempotency-key",
    "transfer-encoding",
    "user-agent",
}
# Causes that the client gives for a call that never left: by name, as the class differs with its version.
_NEVER_SENT = {"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "LocalProtocolError"}


@dataclass(slots=True, eq=False)
class Wire:
    """The connections to `base_url`; `where` names the tier in messages.

    The key is read when it is opened, from the environment variable `api_key_env` or from `api_key_file`, and goes into
    the header `key_header` = (name, what stands before the key). Plain loopback needs none. `headers` go with every
    call, and no others but those that HTTP needs: what comes from the environment may hold secrets.
    """

    base_url: str
    timeout: float
    where: str
    api_key_env: str | None = None
    api_key_file: Path | None = None
    key_header: tuple[str, str] = ("authorization", "Bearer ")
    headers: Mapping[str, str] = field(default_factory=dict)
    _client: Any = field(default=None, init=False, repr=False)
    _key: str = field(default="", init=False, repr=False)
    _users: int = field(default=0, init=False, repr=False)
    _lock: Any = field(default_factory=threading.Lock, init=False, repr=False)

    def open(self) -> None:
        """Read the key and make the client; nothing is sent. Raise `ConfigError` where there is no key."""
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
        if self.api_key_env is not None or self.api_key_file is not None or not is_loopback(self.base_url):
            self._key = read_api_key(env=self.api_key_env, file=self.api_key_file, where=self.where)
        from openai import DefaultHttpxClient, Timeout

        self._client = DefaultHttpxClient(
            timeout=Timeout(self.timeout, connect=min(_CONNECT_SECONDS, self.timeout)),
            follow_redirects=False,
            trust_env=not is_loopback(self.base_url),  # a proxy has no business between this machine and itself
            event_hooks={"request": [self._trim_request], "response": [self._check_response]},
        )

    def _trim_request(self, request: Any) -> None:
        for name in list(request.headers):
            if name not in _HEADERS:
                del request.headers[name]
        request.headers.update({"accept-encoding": "identity", **self.headers})
        if self._key:
            name, before = self.key_header
            request.headers[name] = before + self._key

    def post(self, path: str, body: Mapping[str, Any], *, headers: Mapping[str, str] | None = None) -> bytes:
        """Send a body as JSON and return the whole answer, without the key; raise a `SendError` for all else."""
        with self.stream("POST", path, json=body, headers=headers) as response:
            return self.whole(response)

    @contextmanager
    def stream(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[Any]:
        """Send, and hand out the response (its status is 200) before it is read: `whole` and `parts` read it."""
        if self._client is None:
            raise NotSent("the tier is not open", retry=False)
        try:
            with self._client.stream(
                method, f"{self.base_url}{path}", json=json, content=content, headers=dict(headers or {})
            ) as response:
                yield response
        except UnicodeEncodeError:
            raise NotSent("the prompt holds half a character (a lone surrogate)", retry=False, counts=False) from None
        except Exception as error:
            if isinstance(error, SendError) or not type(error).__module__.startswith("httpx"):
                raise  # the module's name differs with the client's version
            raise _connection_error(error) from None

    def whole(self, response: Any, *, most_bytes: int = MOST_BYTES) -> bytes:
        """Read a body up to the limits on bytes and time; the key is cut out of it, as some endpoints echo it."""
        return self._without_key(b"".join(self.parts(response, most_bytes=most_bytes)))

    def lines(self, response: Any, *, seconds: float) -> Iterator[bytes | None]:
        """Read a file line by line, as it comes, without the key; a line longer than an answer may be is `None`."""
        for line in cut_lines(self.parts(response, most_bytes=_MOST_FILE_BYTES, seconds=seconds), most=MOST_BYTES):
            yield None if line is None else self._without_key(line)

    def parts(self, response: Any, *, most_bytes: int, seconds: float | None = None) -> Iterator[bytes]:
        """Read a body as it comes, up to the limits on bytes and time: `seconds`, or the timeout."""
        seconds = self.timeout if seconds is None else seconds
        end = time.monotonic() + seconds
        size = 0
        try:
            for part in response.iter_bytes():
                yield part
                size += len(part)
                if size > most_bytes:
                    raise Ambiguous(f"the answer is longer than {most_bytes:,} bytes", retry=False)
                if time.monotonic() > end:
                    raise Ambiguous(f"the answer took longer than {seconds:g} s")
        except SendError:
            raise
        except Exception as error:  # noqa: BLE001  (the client passes on whatever its transport raises while reading)
            raise Ambiguous(f"the answer broke off ({type(error).__name__})") from None

    def _check_response(self, response: Any) -> None:
        """See every response before it is read: an error, or a packed body, is read here and no further."""
        if response.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
            raise Ambiguous("the answer is compressed, though identity was asked for", retry=False)
        if response.status_code == 200:
            return
        said = bytearray()
        end = time.monotonic() + self.timeout
        try:
            for part in response.iter_raw():
                said += part
                if len(said) > _MOST_ERROR_BYTES or time.monotonic() > end:
                    break
        except Exception:  # noqa: BLE001, S110  (the status is what counts)
            pass
        body = self._without_key(bytes(said[:_MOST_ERROR_BYTES]))
        wait = retry_after(response.headers.get("retry-after"), now=time.time())
        wait = retry_delay(body) if wait is None else wait
        raise from_status(response.status_code, error_text(body), wait=wait, where=self.where)

    def _without_key(self, body: bytes) -> bytes:
        return body.replace(self._key.encode(), b"[key]") if self._key else body


def _connection_error(error: Exception) -> SendError:
    cause = type(error).__name__
    if cause in _NEVER_SENT:
        return NotSent(f"no connection ({cause})")
    return Ambiguous(f"the connection broke ({cause})")
