"""Cut out of a text what points at a person: e-mail addresses, IBANs, card numbers, telephone numbers.

A short list of patterns, meant to err on the side of cutting too much. Names and addresses are not on it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

__all__ = ["KINDS", "redact"]

_EMAIL = re.compile(r"(?<![\w.%+'-])[\w.%+'-]++@[\w-]++(?:\.[\w-]++)+")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]){11,30}")
_CARD = re.compile(r"(?<![0-9])[0-9](?:[ -]?[0-9]){12,18}")
_PHONE = re.compile(r"(?<![\w+])(?:\+|\((?=[0-9 ]{1,6}\)))?[0-9](?:[ ()./-]{0,2}[0-9]){6,14}(?![0-9])")
_DATE = re.compile(r"(?:[0-9]{4}([-./])[0-9]{1,2}\1[0-9]{1,2}|[0-9]{1,2}([-./])[0-9]{1,2}\2[0-9]{4})")

_DOUBLED = str.maketrans("0123456789", "0246813579")
# What web pages, word processors and other scripts write in the place of plain signs; one sign stands for one.
_SPACES, _DASHES = (
    "\u00a0\u2002\u2003\u2007\u2008\u2009\u200a\u202f\u3000",
    "\u2010\u2011\u2012\u2013\u2014\u2212\uff0d",
)
_DIGITS = {zero + i: str(i) for zero in (0x0660, 0x06F0, 0x0966, 0xFF10) for i in range(10)}
_PLAIN = str.maketrans({**dict.fromkeys(_SPACES, " "), **dict.fromkeys(_DASHES, "-"), "\uff0b": "+", "\uff20": "@"})
_PLAIN |= _DIGITS


def redact(text: str, kinds: Sequence[str]) -> str:
    """Put `[EMAIL]`, `[IBAN]`, `[CARD]`, `[PHONE]` in the place of what was found; `kinds` are of `KINDS`.

    >>> redact("Ann (ann@example.org, +49 30 901820) paid from DE89 3704 0044 0532 0130 00", KINDS)
    'Ann ([EMAIL], [PHONE]) paid from [IBAN]'
    """
    for kind, (pattern, valid) in _PATTERNS.items():  # in this order: an IBAN holds what looks like a number
        if kind in kinds:
            text = _cut(text, pattern, valid, f"[{kind.upper()}]")
    return text


def _cut(text: str, pattern: re.Pattern[str], valid: Callable[[str], bool], mark: str) -> str:
    """Replace, at each match, the longest valid part that starts there and ends where a group of characters ends."""
    parts: list[str] = []
    kept = at = 0
    plain = text.translate(_PLAIN)
    while found := pattern.search(plain, at):
        start = found.start()
        end = next((e for e in range(found.end(), start + 2, -1) if _ends(plain, e) and valid(plain[start:e])), 0)
        if end:
            parts += [text[kept:start], mark]
            kept = end
        at = end or start + 1
    return "".join([*parts, text[kept:]])


def _ends(text: str, end: int) -> bool:
    return text[end - 1].isalnum() and not text[end : end + 1].isalnum()


def _plain(text: str) -> str:
    return text.replace(" ", "").replace("-", "")


def _is_iban(text: str) -> bool:
    """Check the two digits of an IBAN (ISO 13616): the number that the letters stand for is 1 modulo 97."""
    plain = _plain(text).upper()
    return 15 <= len(plain) <= 34 and int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def _is_card(text: str) -> bool:
    """Check the last digit of a card number (Luhn, ISO/IEC 7812): every other digit counts as its double's digits."""
    plain = _plain(text)
    if not 13 <= len(plain) <= 19:
        return False
    return (sum(map(int, plain[::-2])) + sum(map(int, plain[-2::-2].translate(_DOUBLED)))) % 10 == 0


def _is_phone(text: str) -> bool:
    """Take ten digits and more for a telephone number, from seven on where they are written as one; never a date."""
    digits = sum(c.isdigit() for c in text)
    written = text[0] in "+(0" or digits < len(text)
    return 7 <= digits <= 15 and (written or digits >= 10) and _DATE.fullmatch(text) is None


_PATTERNS: dict[str, tuple[re.Pattern[str], Callable[[str], bool]]] = {
    "email": (_EMAIL, bool),
    "iban": (_IBAN, _is_iban),
    "card": (_CARD, _is_card),
    "phone": (_PHONE, _is_phone),
}
KINDS = tuple(_PATTERNS)
"""What can be cut out."""
