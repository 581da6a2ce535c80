"""What a run refuses before any work is done."""

from __future__ import annotations

from pathlib import Path

from weaksup.errors import ConfigError, ShortfallError
from weaksup.labeling_functions import load_lf_module
from weaksup.llm.providers.student import StudentProvider
from weaksup.pipeline.golden import check_in_use
from weaksup.pipeline.project_campaign import project_policy, project_team
from weaksup.project import Project

__all__ = ["check_ready"]


def check_ready(project: Project) -> None:
    """Refuse what could not be asked, a model without a price say, and what the golden set did not accept.

    Refused is also the run's own student as a labeling function or tier: on the rows that taught it, it would agree
    with itself.
    """
    module = load_lf_module(project.path(project.labeling.module))
    labels = module.labels
    for lf in module.lfs:
        _refuse_own(project, f'labeling function "{lf.name}"', getattr(lf, "folder", None))
    if project.tiers and labels is not None and not labels.multi:
        for tier in project_team(project, labels).tiers:
            if isinstance(tier.provider, StudentProvider):
                _refuse_own(project, f'tier "{tier.given_name}"', tier.provider.path)
        project_policy(project, labels)
    if project.golden is not None and (line := check_in_use(project)):
        raise ShortfallError(line)


def _refuse_own(project: Project, who: str, folder: Path | None) -> None:
    if folder is not None and folder.resolve() == (project.out / "student").resolve():
        raise ConfigError(
            f"{who}: expected a student of other rows, got the one that this run writes; copy it elsewhere, or write "
            'start_from = "last" in [student], which keeps it silent on rows that taught it'
        )
