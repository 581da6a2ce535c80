from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaksup.errors import ProviderError, UsageError
from weaksup.llm.failures import (
    Ambiguous,
    NotSent,
    Refused,
    Retries,
    SendError,
    error_text,
    from_status,
    no_answer,
    retry_after,
)

NOW = 1_700_000_000.0
DATE = format_datetime(datetime.fromtimestamp(NOW + 30, UTC), usegmt=True)


@given(st.integers(100, 599).filter(lambda s: s != 200), st.text(max_size=20))
def test_every_status_is_a_refusal_or_ambiguous_and_a_5xx_is_never_free(status: int, said: str) -> None:
    error = from_status(status, said, wait=None, where="tier")
    assert isinstance(error, Refused | Ambiguous)
    if 500 <= status != 529 or status < 300:
        assert isinstance(error, Ambiguous)


@pytest.mark.parametrize(
    ("status", "kind", "retry"),
    [
        (429, Refused, True),
        (529, Refused, True),
        (409, Refused, True),
        (400, Refused, False),
        (413, Refused, False),
        (422, Refused, False),
        (408, Ambiguous, True),
        (500, Ambiguous, True),
        (503, Ambiguous, True),
        (204, Ambiguous, True),
    ],
)
def test_a_status_says_whether_it_is_charged_and_worth_another_try(
    status: int, kind: type[SendError], retry: bool
) -> None:
    error = from_status(status, "", wait=None, where="tier")
    assert type(error) is kind
    assert error.retry is retry
    assert error.fatal is None


@pytest.mark.parametrize(
    ("status", "said", "kind", "word"),
    [
        (401, "", UsageError, "key"),
        (403, "", UsageError, "key"),
        (404, "", UsageError, "model"),
        (302, "", UsageError, "redirects"),
        (402, "", ProviderError, "credit"),
        (429, "insufficient_quota", ProviderError, "credit"),
    ],
)
def test_what_will_never_get_better_stops_at_once(status: int, said: str, kind: type[Exception], word: str) -> None:
    error = from_status(status, said, wait=3, where='tier "x"')
    assert isinstance(error, Refused)
    assert isinstance(error.fatal, kind)
    assert word in str(error.fatal)
    assert str(error.fatal).startswith('tier "x"')
    assert not error.retry


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        ("2", 2),
        (" 7 ", 7),
        ("1.5", 1.5),
        ("1000000000", 1e9),
        (DATE, 30),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Wed, 21 Oct 2015 07:28:00 -0000", 0),
        ("-5", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("1e3", None),
        ("٣", None),
        ("9" * 400, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, now=NOW) == seconds


@given(st.text())
def test_retry_after_never_raises_and_is_never_negative(header: str) -> None:
    seconds = retry_after(header, now=NOW)
    assert seconds is None or seconds >= 0


@given(st.integers(1, 30), st.text())
def test_waits_grow_to_a_limit_and_are_the_same_on_every_run(attempt: int, key: str) -> None:
    retries = Retries()
    wait = retries.wait(NotSent("x"), attempt=attempt, key=key)
    assert wait is not None
    assert 0.25 <= wait <= retries.longest_backoff
    assert wait == retries.wait(NotSent("x"), attempt=attempt, key=key)


def test_a_wait_the_provider_asked_for_is_obeyed_up_to_the_limit() -> None:
    retries = Retries(longest_wait=60)
    assert retries.wait(Refused("", wait=60), attempt=1, key="") == 60
    assert retries.wait(Refused("", wait=61), attempt=1, key="") is None


@given(st.binary(max_size=200))
def test_what_a_provider_wrote_is_shown_on_one_line_without_signs_that_steer_a_terminal(body: bytes) -> None:
    for shown in (no_answer("answer", body).reason, error_text(body), error_text(b"\x1b[2J\x1b]0;title\x07" + body)):
        assert shown.isprintable()
