"""What makes the labels of a project: digests of all that a tier's answers, and the routing, depend on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weaksup.errors import ConfigError
from weaksup.labeling_functions import PromptFunction, load_lf_module
from weaksup.labeling_functions.module import LFModule
from weaksup.labels import LabelSpace
from weaksup.llm import Tier, source_of
from weaksup.llm.tiers import PROVIDERS
from weaksup.pipeline.asking import ask_settings
from weaksup.pipeline.project_campaign import project_policy, project_team
from weaksup.pipeline.stamps import digest_file, digest_of
from weaksup.pipeline.team import Team
from weaksup.project import Project
from weaksup.routing.policy import Policy

__all__ = ["Made", "Scored", "read_scored"]

# Settings of a tier that change neither its questions nor its answers: what it costs, how fast it goes, whose key.
_NOT_THE_ANSWERS = {
    "api_key_env",
    "api_key_file",
    "base_url",  # told in words
    "batch",
    "concurrency",
    "free",
    "local_only",
    "name",
    "price",
    "requests_a_minute",
    "share",
    "slots",
    "threads",
    "timeout",
    "tokens_a_minute",
}
_NAMED = {"provider", "model", *PROVIDERS}  # told in words
_ROUTED_BY = ("price", "share", "free")  # what a tier costs decides where it is asked
_SECTIONS = {"label_model", "policy"}  # sections that the labels depend on


@dataclass(frozen=True, slots=True)
class Made:
    """What a thing is made of: words or digests, by part ("prompt", "model", ...)."""

    parts: Mapping[str, str]

    @property
    def digest(self) -> str:
        """The hash of all parts."""
        return digest_of(dict(self.parts))

    def changes(self, before: Mapping[str, str]) -> tuple[str, ...]:
        """Say which parts are not as they were: "prompt", "model gpt-5-nano -> gpt-4.1"."""
        names = [name for name in {**before, **self.parts} if before.get(name) != self.parts.get(name)]
        return tuple(
            f"{name} {before[name]} -> {self.parts[name]}"
            if name in _IN_WORDS and name in before and name in self.parts
            else name
            for name in names
        )


_IN_WORDS = {"model", "address", "label model"}  # parts that are words


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """What is scored: the machines of `team` with their prompts, and what the project makes of their answers.

    `shelf` has a tier and a prompt by name: that of the tier, and for further prompts of the first tier
    `tier/prompt`; `made` is by these names, `routing` of the whole. `people` are tiers that are not asked.
    """

    module: LFModule
    labels: LabelSpace
    team: Team
    policy: Policy
    people: tuple[Tier, ...]
    shelf: Mapping[str, tuple[Tier, PromptFunction]]
    made: Mapping[str, Made]
    routing: Made


def read_scored(project: Project) -> Scored:
    """Read the tiers, the prompts and the labeling functions of a project, checked; nothing is sent."""
    if not project.tiers:
        raise ConfigError("evaluate: expected a project with [[tiers]] to score, found none in weaksup.toml")
    module = load_lf_module(project.path(project.labeling.module))
    if module.labels is None or module.labels.multi:
        found = "none" if module.labels is None else "one with multi=True"
        raise ConfigError(f"{project.labeling.module}: expected a LabelSpace with one label a row, found {found}")
    whole = project_team(project, module.labels)
    _check_names([tier.name for tier in whole.tiers])
    if not whole.machines:
        raise ConfigError("evaluate: expected a tier that a machine answers for; people are not scored")
    team = Team(whole.machines, whole.prompt, whole.also)
    tables = [table for tier, table in zip(whole.tiers, project.tiers, strict=True) if tier in team.tiers]
    shelf = {_name(tier, prompt, team): (tier, prompt) for tier, prompt in team.shelf.values()}
    parts = {tier.name: _tier(tier, table, project.folder) for tier, table in zip(team.tiers, tables, strict=True)}
    file = digest_file(project.path(ask_settings(project).prompts))
    made = {name: Made({**_question(prompt, file), **parts[tier.name]}) for name, (tier, prompt) in shelf.items()}
    return Scored(
        module,
        module.labels,
        team,
        project_policy(project, module.labels),
        tuple(tier for tier in whole.tiers if tier not in team.tiers),
        shelf,
        made,
        _routing(project, module, made, tables),
    )


def _name(tier: Tier, prompt: PromptFunction, team: Team) -> str:
    return tier.name if prompt is team.prompt else source_of(tier, prompt).name


def _check_names(names: Sequence[str]) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f'tiers: expected different names, got "{twice}" twice; rename one')


def _question(prompt: PromptFunction, file: str) -> dict[str, str]:
    labels = {} if prompt.labels is None else prompt.labels.to_json()
    return {"prompt": digest_of([file, prompt.name, prompt.version]), "labels": digest_of(labels)}


def _tier(tier: Tier, table: Mapping[str, Any], folder: Path) -> dict[str, str]:
    kept = {key: value for key, value in table.items() if key not in _NOT_THE_ANSWERS}
    files = {key: digest_file(path) for key, value in kept.items() if (path := _file(value, folder)) is not None}
    address = getattr(tier.provider, "base_url", "")
    return {
        "model": f"{tier.kind}/{tier.model}",
        **({"address": address} if address else {}),
        "settings": digest_of({key: value for key, value in kept.items() if key not in {*files, *_NAMED}}),
        **({"files": digest_of(files)} if files else {}),
    }


def _file(value: object, folder: Path) -> Path | None:
    """Return the file, or the folder of a student, that a setting names."""
    if not isinstance(value, str) or not value:
        return None
    path = folder / Path(value).expanduser()
    return path if path.is_file() or (path / "manifest.json").is_file() else None


def _routing(project: Project, module: LFModule, made: Mapping[str, Made], tables: Sequence[Mapping[str, Any]]) -> Made:
    terms = [{key: table[key] for key in _ROUTED_BY if key in table} for table in tables]
    sections = project.model_dump(mode="json", include=_SECTIONS)
    return Made(
        {
            "labeling functions": module.fingerprint,
            "label model": project.label_model.name,
            **{f"[{name}]": digest_of(value) for name, value in sections.items()},
            "order and terms of the tiers": digest_of([list(made), terms]),
            **{f'tier "{name}"': one.digest for name, one in made.items()},
        }
    )
