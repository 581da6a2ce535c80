"""A project: the folder that holds weaksup.toml, and what the file says."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from weaksup.errors import ConfigError, UsageError
from weaksup.files import first_fault

__all__ = [
    "AskSettings",
    "CorpusSettings",
    "DayCaps",
    "FitSettings",
    "GoldenSettings",
    "LabelingSettings",
    "Project",
    "StudentSettings",
]

FILE_NAME = "weaksup.toml"

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Minutes = Annotated[float, Field(ge=0, lt=1e9)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CorpusSettings(_Section):
    """[corpus]: where the rows are. `gold` names a column of true labels: it is used to score, never to learn."""

    path: str
    text: str = "text"
    id: str | None = None
    encoding: str = "utf-8"
    gold: str | None = None
    gold_path: str | None = None  # the gold column lives in another file with the same ids


class LabelingSettings(_Section):
    """[labeling]: the module with the labeling functions and the label space."""

    module: str = "lfs.py"
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    max_faults: Share = 0.01


class FitSettings(_Section):
    """[label_model]: which model combines the votes."""

    name: str = "default"
    class_balance: dict[str, float] | None = None


class DayCaps(_Section):
    """[ask.day]: the most that all runs of a store use on one UTC day."""

    usd: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    calls: Count | None = None
    tokens: Count | None = None
    people_minutes: Minutes | None = None


class AskSettings(_Section):
    """[ask]: the prompt, and the caps for the whole project: dollars, calls, tokens, minutes of people's time.

    `also` names prompts that the first of several tiers is asked too: where they disagree, a row is in doubt. `store`
    is a file or a PostgreSQL URL; `[ask.day]` caps what all runs of it use on one UTC day.
    """

    prompts: str = "prompts.py"
    prompt: str | None = None  # where the file has several
    also: tuple[str, ...] = ()
    budget_usd: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    calls: Count | None = None
    tokens: Count | None = None
    people_minutes: Minutes | None = None
    day: DayCaps = DayCaps()
    store: str | None = None


class StudentSettings(_Section):
    """[student]: the small classifier; `settings` are those of its kind, a `model` among them is a folder.

    `fields` names columns that it reads beside the text.
    `start_from` is a bundle that votes on this corpus too, or "last": the student of the run before on other rows.
    """

    kind: str = "linear"
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    settings: dict[str, Any] = {}
    fields: tuple[str, ...] = ()
    start_from: str | None = None

    @model_validator(mode="after")
    def _is_known(self) -> Self:
        """Check it here, before anything is spent."""
        from weaksup.distill.bundle.seal import SERVED
        from weaksup.distill.training import check_student

        if self.kind == SERVED:
            raise ValueError(f'expected a kind that labels the rows here, got "{SERVED}"; make it by `weaksup distill`')
        if self.kind != "linear" or self.settings:
            try:
                check_student(self.kind, self.settings)
            except UsageError as error:
                raise ValueError(str(error).removeprefix("student: ")) from None
        return self


class GoldenSettings(_Section):
    """[golden]: rows with their true labels, on which a change is scored before it may replace what is in use.

    `budget_usd` caps what all evaluations spend; a change may lower the accuracy by `tolerance` at most.
    """

    path: str
    label: str = "label"
    id: str | None = None  # that of the corpus
    budget_usd: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    tolerance: Share = 0.0


class Project(_Section):
    """What weaksup.toml says; paths in it are relative to its folder."""

    corpus: CorpusSettings
    labeling: LabelingSettings = LabelingSettings()
    label_model: FitSettings = FitSettings()
    ask: AskSettings | None = None
    tiers: tuple[dict[str, Any], ...] = ()
    policy: dict[str, Any] = {}  # read by `routing.policy_table`, which knows tiers and labels
    local_only: bool = False  # no tier may send to another machine
    student: StudentSettings = StudentSettings()
    golden: GoldenSettings | None = None
    output: str = "out"
    folder: Path = Path()

    @model_validator(mode="after")
    def _fields_are_no_gold(self) -> Self:
        """Refuse a student that would read the true labels, or the text twice."""
        for use, column in (("gold", self.corpus.gold), ("text", self.corpus.text)):
            if column in self.student.fields:
                raise ValueError(f'student.fields: expected other columns than [corpus] {use} = "{column}"')
        return self

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a project from its folder or its weaksup.toml."""
        file = Path(path) / FILE_NAME if Path(path).is_dir() else Path(path)
        try:
            data = tomllib.loads(file.read_text(encoding="utf-8"))
            return cls(**data, folder=file.parent.resolve())
        except FileNotFoundError:
            raise ConfigError(f"expected a {FILE_NAME} at {file}, found none; `weaksup init DIR` writes one") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{file}: expected TOML, got {error}") from None
        except ValidationError as error:
            raise ConfigError(f"{file}: {first_fault(error)}") from None

    def path(self, name: str) -> Path:
        """Return a path named in weaksup.toml as seen from the project's folder."""
        return self.folder / name

    @property
    def student_settings(self) -> dict[str, Any]:
        """What `weaksup.distill.train` takes: the kind of the student, and its settings with paths seen from here."""
        settings = {"kind": self.student.kind, **self.student.settings}
        if isinstance(settings.get("model"), str):
            settings["model"] = str(self.path(settings["model"]))
        return settings

    @property
    def out(self) -> Path:
        """The folder that the steps write into."""
        return self.folder / self.output
