"""The HTML reports of an analysis and of a fit: one file each, no network, hostile text shown as text."""

from weaksup.report.fit_page import render_fit_report
from weaksup.report.page import render_report

__all__ = ["render_fit_report", "render_report"]
