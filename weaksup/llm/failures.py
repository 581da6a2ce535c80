"""How a call can fail, what each failure means for the money, and how long to wait before the next attempt.

    NotSent     the provider never saw the call          no charge
    Refused     it said no (3xx, 4xx, 429, 529)          no charge
    Ambiguous   it was sent; nobody knows what happened  charged in full (timeout, reset, 5xx, no whole answer)

`fatal` is set where every further call would fail the same way: a wrong key, an unknown model.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from weaksup.errors import ProviderError, UsageError, WeaksupError

__all__ = [
    "Ambiguous",
    "NotSent",
    "Refused",
    "Retries",
    "SendError",
    "error_text",
    "from_status",
    "no_answer",
    "one_line",
    "retry_after",
    "retry_delay",
]

_NO_QUOTA = re.compile(
    r"insufficient_quota|insufficient balance|billing_hard_limit|credit balance is too low", re.IGNORECASE
)
_BAD_KEY = re.compile(r"api key not valid|api_key_invalid", re.IGNORECASE)  # Google says so with status 400
_DELAY = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)s")


class SendError(Exception):
    """A call that brought no answer.

    `retry`: another attempt may help. `at_once`: the request was changed, so the attempt does not count. `wait`: the
    seconds that the provider asked for. `counts`: it says something about the provider's health.
    """

    def __init__(
        self,
        reason: str,
        *,
        retry: bool = True,
        at_once: bool = False,
        wait: float | None = None,
        counts: bool = True,
        fatal: WeaksupError | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry = retry and fatal is None
        self.at_once = at_once
        self.wait = wait
        self.counts = counts
        self.fatal = fatal


class NotSent(SendError):  # noqa: N818  (the name says what happened, as in errors.py)
    """The provider never saw the call."""


class Refused(SendError):  # noqa: N818
    """The provider said no, and charges nothing."""


class Ambiguous(SendError):  # noqa: N818
    """The call was sent, and nobody knows whether it was billed."""


def no_answer(what: str, body: bytes) -> Ambiguous:
    """Return the error for a body that came with status 200 and is not `what` was expected."""
    return Ambiguous(f"no {what} in the answer: {one_line(body[:80].decode('utf-8', 'replace'))}")


def from_status(status: int, said: str, *, wait: float | None, where: str) -> SendError:
    """Say what an HTTP status other than 200 means; `said` is what the provider wrote, `where` names the tier."""
    reason = f"HTTP {status}" + (f": {said}" if said else "")
    if 300 <= status < 400:
        advice = "redirects are not followed; set base_url to the final address"
        return Refused(reason, fatal=UsageError(f"{where}: expected an answer, got {reason}; {advice}"))
    if status in (400, 402, 403, 429) and (status == 402 or _NO_QUOTA.search(said)):
        return Refused(reason, fatal=ProviderError(f"{where}: the account has no credit left ({reason}); add some"))
    if status in (401, 403) or (status == 400 and _BAD_KEY.search(said)):
        return Refused(reason, fatal=UsageError(f"{where}: the provider refused the key ({reason}); check it"))
    if status == 404:
        return Refused(reason, fatal=UsageError(f"{where}: no such model or address ({reason}); check model, base_url"))
    # A gateway that gave up waiting (408, 499) does not know what the model behind it did.
    if status in (408, 499) or (not 400 <= status < 500 and status != 529):
        return Ambiguous(reason, wait=wait)
    return Refused(reason, retry=status in (409, 425, 429, 529), wait=wait)


def retry_after(header: str | None, *, now: float) -> float | None:
    """Read a Retry-After header, seconds or a date; `None` where it says nothing that can be obeyed."""
    text = (header or "").strip()
    if re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,9})?", text):
        return float(text)
    try:
        when = parsedate_to_datetime(text)
        moment = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
    return max(0.0, moment - now)


def retry_delay(body: bytes) -> float | None:
    """Read the wait that Google states in the body of an error; `None` where there is none that can be obeyed."""
    try:
        delays = [detail.get("retryDelay") for detail in json.loads(body)["error"]["details"]]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    found = [_DELAY.fullmatch(delay) for delay in delays if isinstance(delay, str)]
    return max((float(match.group(1)) for match in found if match), default=None)


def error_text(body: bytes) -> str:
    """Return the message of an error body in one short line, with the parameter that it names."""
    text = body.decode("utf-8", "replace")
    try:
        error = json.loads(text)["error"]
        words = error if isinstance(error, str) else " ".join(_words(error))
    except (ValueError, LookupError, TypeError, RecursionError):
        words = text
    return one_line(words)[:500]


def one_line(words: str) -> str:
    """Return what a provider wrote as one line, without signs that steer a terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())


def _words(error: Mapping[str, Any]) -> list[str]:
    named = {str(error["message"]): None} | {str(error[k]): None for k in ("code", "param") if error.get(k)}
    return list(named)


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a call is tried again, and how long the wait before it may be.

    An ambiguous failure costs money, so `ambiguous` of them end a row. After `in_a_row` rows that failed one after
    another the provider counts as down.
    """

    attempts: int = 4
    ambiguous: int = 2
    first_wait: float = 0.5
    longest_backoff: float = 20.0
    longest_wait: float = 90.0
    in_a_row: int = 5

    def wait(self, error: SendError, *, attempt: int, key: str) -> float | None:
        """Return the seconds to wait after failed attempt 1, 2, ...; `None` where the provider asks for too long."""
        if error.wait is not None:
            return error.wait if error.wait <= self.longest_wait else None
        longest: float = min(self.longest_backoff, self.first_wait * 2.0 ** (attempt - 1))
        spread = hashlib.sha256(f"{key} {attempt}".encode()).digest()[0] / 255  # the same on every run
        return longest * (0.5 + spread / 2)
