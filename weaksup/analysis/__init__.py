"""What the votes look like: coverage, overlaps, conflicts, accuracy where gold exists, and the rows behind them."""

from weaksup.analysis.analyze import analyze
from weaksup.analysis.examples import Texts
from weaksup.analysis.lf_analysis import LFAnalysis
from weaksup.analysis.multi import MultiAnalysis, MultiLFAnalysis, analyze_multi
from weaksup.analysis.nouns import Analysis, Example, Fight, Finding, LabelBalance, LabelScore, Share, SourceStats

__all__ = [
    "Analysis",
    "Example",
    "Fight",
    "Finding",
    "LFAnalysis",
    "LabelBalance",
    "LabelScore",
    "MultiAnalysis",
    "MultiLFAnalysis",
    "Share",
    "SourceStats",
    "Texts",
    "analyze",
    "analyze_multi",
]
