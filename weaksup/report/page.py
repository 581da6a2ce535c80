"""Render the report: templates in, one self-contained page out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from weaksup import __version__
from weaksup.report.environment import environment, nonce_of
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
        environment()
        .get_template("report.html")
        .render(
            a=analysis,
            title=title,
            facts=facts,
            nonce=nonce_of([title, facts, analysis.to_json()]),
            version=__version__,
            heat=heat_map(analysis, fights),
            colour={label: at % 8 for at, label in enumerate(analysis.labels)},
            number={source.name: at for at, source in enumerate(analysis.sources)},
            top=nice_top(max((source.coverage.high for source in analysis.sources if analysis.rows), default=1.0)),
        )
    )
