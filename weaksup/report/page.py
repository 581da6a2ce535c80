"""Render the report: templates in, one self-contained page out."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from weaksup import __version__
from weaksup.report.format import breakable, by_label, compact, count, counted, percent, rows, shown, visible
from weaksup.report.heat import heat_map
from weaksup.report.scale import nice_top

if TYPE_CHECKING:
    from weaksup.analysis import Analysis

__all__ = ["render_report"]


def render_report(analysis: Analysis, *, title: str, extra: Mapping[str, str] | None = None) -> str:
    """Return the page; the same input gives the same bytes.

    `extra` are facts to show under the title, such as the files that were read. Nothing in the page comes from
    elsewhere, and its content security policy forbids every request, form and script but its own.
    """
    facts = dict(extra or {})
    fights = {frozenset((fight.first, fight.second)): at for at, fight in enumerate(analysis.fights)}
    return (
        _environment()
        .get_template("report.html")
        .render(
            a=analysis,
            title=title,
            facts=facts,
            nonce=_nonce(analysis, title, facts),
            version=__version__,
            heat=heat_map(analysis, fights),
            colour={label: at % 8 for at, label in enumerate(analysis.labels)},
            number={source.name: at for at, source in enumerate(analysis.sources)},
            top=nice_top(max((source.coverage.high for source in analysis.sources if analysis.rows), default=1.0)),
        )
    )


def _nonce(analysis: Analysis, title: str, facts: Mapping[str, str]) -> str:
    # Who writes a text cannot write its nonce into it: the nonce is a digest over that text too.
    content = json.dumps([title, facts, analysis.to_json()], sort_keys=True)
    return b64encode(sha256(content.encode()).digest()[:18]).decode()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("weaksup.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
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
    return environment
