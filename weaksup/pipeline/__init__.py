"""The one path, as weaksup.toml describes it: apply, analyze, fit, ask, distill."""

from weaksup.pipeline.run import Summary, run_project

__all__ = ["Summary", "run_project"]
