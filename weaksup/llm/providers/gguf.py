"""A language model in this process: llama.cpp reads a GGUF file (extra `local`). No key, no network, no price."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from weaksup.errors import ConfigError, MissingExtra, UsageError
from weaksup.llm.failures import NotSent, Refused, SendError, error_text, from_status
from weaksup.llm.pricing.prices import Usage
from weaksup.llm.providers.chat import PARAMS, chat_body, completion_tokens, read_completion, usual_completion
from weaksup.llm.providers.params import check_params
from weaksup.llm.providers.provider import Request
from weaksup.llm.providers.records import file_hash
from weaksup.protocols import Prompt, Reply

__all__ = ["Gguf"]

_MAGIC = b"GGUF"


@dataclass(slots=True, eq=False)
class Gguf:
    """Answer with the model in the file `path`. `slots` answers are made at a time, each of up to `context` tokens.

    `threads` is how many cores it uses; 0 leaves that to llama.cpp. The answer is held to the schema by a grammar.
    """

    path: Path
    max_tokens: int = 100
    context: int = 4096
    slots: int = 4
    threads: int = 0
    params: Mapping[str, Any] = field(default_factory=lambda: {"temperature": 0})
    where: str = "gguf"
    kind: ClassVar[str] = "gguf"
    _server: Any = field(default=None, init=False, repr=False)
    _users: int = field(default=0, init=False, repr=False)
    _hash: str = field(default="", init=False, repr=False)
    _lock: Any = field(default_factory=threading.Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        check_params(self.params, PARAMS, self.where)
        if min(self.max_tokens, self.context, self.slots) < 1 or self.threads < 0:
            raise ConfigError(f"{self.where}: expected max_tokens, context and slots of at least 1, and threads >= 0")
        if find_spec("xllamacpp") is None:
            raise MissingExtra(f'{self.where}: xllamacpp is not installed; run: pip install "weaksup[local]"')
        try:
            with self.path.open("rb") as file:
                start = file.read(len(_MAGIC))
        except OSError as error:
            raise UsageError(f"{self.where}: cannot read the model {self.path}: {error.strerror}") from None
        if start != _MAGIC:
            raise UsageError(f"{self.where}: expected a GGUF file, got {self.path}, which is something else")

    @property
    def model(self) -> str:
        """The name of the file."""
        return self.path.stem

    def open(self) -> None:
        """Load the model."""
        with self._lock:
            if self._server is None:
                self._server = self._start()
            self._users += 1

    def close(self) -> None:
        """Let go of the model when the last user is done."""
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._server = None

    def _start(self) -> Any:
        import xllamacpp

        settings = xllamacpp.CommonParams()
        settings.model.path = str(self.path)
        settings.n_ctx, settings.n_parallel = self.context * self.slots, self.slots
        settings.use_jinja, settings.warmup, settings.ui, settings.verbosity = True, False, False, -1
        if self.threads:
            settings.cpuparams.n_threads = self.threads
        # It listens on loopback whether it is used or not; a key that nobody knows keeps others on this machine out.
        settings.hostnames, settings.port, settings.api_keys = ["127.0.0.1"], 0, [secrets.token_hex(16)]
        settings.endpoint_metrics = True
        try:
            server = xllamacpp.Server(settings)
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:200]
            raise UsageError(f"{self.where}: llama.cpp cannot run {self.path} ({reason}); try another file") from None
        # A server that is stopped before its loop runs never ends (xllamacpp 2026.10); this answer comes from the loop.
        server.handle_metrics()
        return server

    def request(self, prompt: Prompt, _row: Any, /) -> Request:
        """Say what would be asked of which file; further samples of one prompt are further requests."""
        self._hash = self._hash or file_hash(self.path)
        sample = {"sample": prompt.sample} if prompt.sample else {}
        body = chat_body(prompt, model="", max_tokens=self.max_tokens, params=self.params)
        return {"gguf": self._hash, "body": body} | sample

    def bound(self, request: Request) -> Usage:
        """Return one token a byte: a byte-level tokenizer never makes more."""
        return completion_tokens(request["body"])

    def expect(self, request: Request) -> Usage:
        """Return the usual length of the prompt's tokens and of a label in JSON."""
        return usual_completion(request["body"])

    def send(self, request: Request) -> bytes:
        """Return the whole answer; nothing leaves the process."""
        said: list[str] = []
        server = self._server  # kept here: another thread may close the tier
        if server is None:
            raise NotSent("the model is not open", retry=False)
        try:
            server.handle_chat_completions(json.dumps(request["body"]), said.append)
        except (RuntimeError, ValueError) as error:
            raise Refused(f"llama.cpp refused the request: {error_text(str(error).encode())}", retry=False) from None
        body = "".join(said).encode()
        fault = _fault(body, self.where)
        if fault is not None:
            raise fault
        return body

    def read(self, body: bytes) -> Reply:
        """Read a chat completion."""
        return read_completion(body)


def _fault(body: bytes, where: str) -> SendError | None:
    """Return the error that stands in the place of an answer."""
    try:
        error = json.loads(body)["error"]
        status = int(error["code"])
    except (ValueError, LookupError, TypeError):
        return None
    return from_status(status, error_text(body), wait=None, where=where)
