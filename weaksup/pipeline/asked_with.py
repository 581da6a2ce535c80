"""What asking is made from: as long as none of it changes, the plan stands, and so do the answers."""

from __future__ import annotations

from collections.abc import Sequence

from weaksup.pipeline.asking import ask_settings
from weaksup.pipeline.stamps import digest_file
from weaksup.project import Project

__all__ = ["asked_with", "tier_digests"]


def asked_with(project: Project, votes: Sequence[str]) -> dict[str, object]:
    """Return what a plan is made from: the digests of the votes, the prompt, tiers, caps and policy."""
    settings = ask_settings(project)
    return {
        "votes": votes,
        "model": project.label_model.model_dump(),
        "prompt": digest_file(project.path(settings.prompts)),
        "tiers": project.tiers,
        "ask": settings.model_dump(),
        "policy": project.policy,
    }


def tier_digests(project: Project) -> list[str]:
    """Return the digests of what tiers' settings name: recorded answers, people's table, the folder of a student."""
    values = [value for table in project.tiers for value in table.values() if isinstance(value, str)]
    paths = [project.path(value) for value in values]
    return [digest_file(path) for path in paths if path.is_file() or (path / "manifest.json").is_file()]
