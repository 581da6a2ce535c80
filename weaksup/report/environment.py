"""The templates' surroundings: filters, escaping, and the nonce that lets a page run its own script alone."""

from __future__ import annotations

import json
from base64 import b64encode
from functools import cache
from hashlib import sha256

from jinja2 import Environment, PackageLoader, StrictUndefined

from weaksup.report.format import breakable, by_label, compact, count, counted, percent, rows, shown, visible

__all__ = ["environment", "nonce_of"]


def nonce_of(content: object) -> str:
    """Return a nonce for a page that shows `content`, plain JSON.

    Who writes a text cannot write its nonce into it: the nonce is a digest over that text too.
    """
    text = json.dumps(content, sort_keys=True)
    return b64encode(sha256(text.encode()).digest()[:18]).decode()


@cache
def environment() -> Environment:
    """Return the environment in which every page is rendered: all values are escaped, missing ones are errors."""
    made = Environment(
        loader=PackageLoader("weaksup.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {
        "breakable": breakable,
        "by_label": by_label,
        "compact": compact,
        "count": count,
        "counted": counted,
        "percent": percent,
        "rows": rows,
        "shown": shown,
        "visible": visible,
    }
    return made
