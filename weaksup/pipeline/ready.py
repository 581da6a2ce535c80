"""What a run refuses before any work is done."""

from __future__ import annotations

from weaksup.errors import ShortfallError
from weaksup.labeling_functions import load_lf_module
from weaksup.pipeline.golden import check_in_use
from weaksup.pipeline.project_campaign import project_policy, project_team
from weaksup.project import Project

__all__ = ["check_ready"]


def check_ready(project: Project) -> None:
    """Refuse what could not be asked, a model without a price say, and what the golden set did not accept."""
    labels = load_lf_module(project.path(project.labeling.module)).labels
    if project.tiers and labels is not None and not labels.multi:
        project_team(project, labels)
        project_policy(project, labels)
    if project.golden is not None and (line := check_in_use(project)):
        raise ShortfallError(line)
