"""The HTML report of an analysis: one file, no network, hostile text shown as text."""

from weaksup.report.page import render_report

__all__ = ["render_report"]
