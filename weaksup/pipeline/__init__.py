"""The one path, as weaksup.toml describes it: apply, analyze, fit, ask, distill."""

from weaksup.pipeline.run import run_project
from weaksup.pipeline.summary import Summary

__all__ = ["Summary", "run_project"]
