"""What asking would cost and change, before a cent is spent."""

from weaksup.pipeline.plan.making import make_plan
from weaksup.pipeline.plan.project import plan_project, project_rows
from weaksup.pipeline.plan.team import plan_team, tight_limits

__all__ = ["make_plan", "plan_project", "plan_team", "project_rows", "tight_limits"]
