"""The one path, from a corpus to a small classifier, as weaksup.toml describes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.analysis import analyze
from weaksup.apply import apply_to_file
from weaksup.corpus import Corpus, open_corpus
from weaksup.errors import ConfigError, DiskError
from weaksup.files import write_text
from weaksup.labeling_functions import load_lf_module
from weaksup.labels import SoftLabels
from weaksup.pipeline.asking import ask_settings, ask_tiers, make_tiers, soft_labels
from weaksup.pipeline.distilling import distill_labels
from weaksup.pipeline.gold import project_gold
from weaksup.pipeline.scores import compare
from weaksup.pipeline.stamps import Stamps, digest_file
from weaksup.project import Project
from weaksup.report import render_report
from weaksup.store import Store
from weaksup.votes import VoteMatrix

__all__ = ["Summary", "run_project"]

Json = dict[str, Any]
Watch = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class Summary:
    """What every step found, by step; which steps stood already; where the files are."""

    folder: Path
    steps: Mapping[str, Json]
    reused: tuple[str, ...]
    files: tuple[str, ...]

    @property
    def tiers(self) -> list[Json]:
        """What each tier brought."""
        found: list[Json] = self.steps.get("ask", {}).get("tiers", [])
        return found

    @property
    def stopped(self) -> str:
        """Why asking ended before the rows did: "budget", "provider", or "" where it did not."""
        return next((tier["stopped"] for tier in self.tiers if tier["stopped"]), "")

    @property
    def not_asked(self) -> int:
        """How many rows the budget did not reach."""
        return sum(tier["not_asked"] for tier in self.tiers)

    @property
    def failed(self) -> int:
        """How many rows were asked and brought no answer."""
        return sum(sum(tier["failed"].values()) for tier in self.tiers)

    def to_json(self) -> Json:
        """Return the summary as plain JSON."""
        return {"folder": str(self.folder), "reused": list(self.reused), **self.steps}


def run_project(project: Project, *, watch: Watch = lambda *_: None) -> Summary:
    """Do every step whose inputs or settings changed, and return what all of them found.

    `watch(step, done, total)` is called as work goes on. An interruption loses at most the step under way; answers that
    were paid for are in the store and are not paid for again.
    """
    return _Run(project, watch).everything()


@dataclass(slots=True)
class _Run:
    project: Project
    watch: Watch
    stamps: Stamps = field(init=False)
    corpus: Corpus = field(init=False)
    reused: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    found: dict[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        p = self.project
        try:
            p.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DiskError(f"cannot make the folder {p.out}: {error.strerror}; change `output`") from None
        self.stamps = Stamps.load(p.out)
        self.corpus = open_corpus(p.path(p.corpus.path), text=p.corpus.text, id=p.corpus.id, encoding=p.corpus.encoding)

    def everything(self) -> Summary:
        self._check_tiers()
        self._apply()
        self._analyze()
        self._fit("fit", "votes.parquet", "labels_lf.parquet")
        if self.project.tiers:
            self._ask()
            self._fit("refit", "votes_asked.parquet", "labels.parquet")
        self._distill()
        return Summary(self.project.out, self.found, tuple(self.reused), tuple(self.files))

    def _step(self, name: str, made_from: Mapping[str, object], outputs: list[str], work: Callable[[], Json]) -> None:
        self.watch(name, 0, None)
        self.found[name], stood = self.stamps.run(name, made_from, outputs, work, whole=_is_whole)
        self.files += outputs
        if stood:
            self.reused.append(name)

    def _out(self, name: str) -> Path:
        return self.project.out / name

    def _digest(self, *names: str) -> list[str]:
        return [digest_file(self._out(name)) for name in names]

    def _gold(self, votes: VoteMatrix) -> NDArray[np.int16] | None:
        return project_gold(self.project, self.corpus, votes.ids, votes.labels)

    def _gold_digest(self) -> object:
        c = self.project.corpus
        return [c.gold, digest_file(self.project.path(c.gold_path)) if c.gold_path else ""]

    def _check_tiers(self) -> None:
        """Refuse what could not be asked, a model without a price say, before any work is done."""
        if self.project.tiers:
            ask_settings(self.project)
            make_tiers(self.project)

    def _apply(self) -> None:
        p = self.project
        module = load_lf_module(p.path(p.labeling.module))
        if module.labels is None:
            raise ConfigError(
                f"{p.labeling.module}: expected a LabelSpace, found none; write LABELS = LabelSpace([...])"
            )
        if module.labels.multi:
            raise ConfigError(
                "multi-label votes: not in `weaksup run` yet; `weaksup apply`, `analyze` and `fit` take them"
            )

        def work() -> Json:
            applied = apply_to_file(
                module.lfs,
                self.corpus,
                self._out("votes.parquet"),
                labels=module.labels,
                workers=p.labeling.workers,
                max_faults=p.labeling.max_faults,
                progress=lambda rows: self.watch("apply", rows, None),
                origin=self.corpus.origin(),
            )
            return {
                "rows": applied.rows,
                "read": applied.counts.read,
                "rejected": applied.counts.rejected,
                "duplicates": applied.counts.duplicates,
                "rejects": [str(reject) for reject in applied.rejects[:5]],
                "faults": sum(applied.fault_counts.values()),
                "notes": list(applied.notes),
            }

        made_from = {"corpus": self.corpus.fingerprint(), "lfs": module.fingerprint, "faults": p.labeling.max_faults}
        self._step("apply", made_from, ["votes.parquet"], work)

    def _analyze(self) -> None:
        def work() -> Json:
            votes = VoteMatrix.load(self._out("votes.parquet"))
            analysis = analyze(votes, gold=self._gold(votes), texts=self._texts)
            facts = {"corpus": self.project.corpus.path, "labeling functions": self.project.labeling.module}
            write_text(self._out("report.html"), render_report(analysis, title="Labeling functions", extra=facts))
            shares = {name: getattr(analysis, name).share for name in ("covered", "overlapped", "conflicted")}
            return {**shares, "sources": len(votes.sources), "findings": [f.says for f in analysis.findings]}

        made_from = {"votes": self._digest("votes.parquet"), "gold": self._gold_digest()}
        self._step("analyze", made_from, ["report.html"], work)

    def _texts(self, ids: Any) -> dict[str, str]:
        return {i: str(row["text"]) for i, row in self.corpus.lookup(ids, ["text"]).items()}

    def _fit(self, step: str, source: str, output: str) -> None:
        def work() -> Json:
            votes = VoteMatrix.load(self._out(source))
            soft = soft_labels(self.project, votes)
            soft.save(str(self._out(output)), {"model": self.project.label_model.name, "origin": dict(votes.origin)})
            return compare(soft, votes, self._gold(votes))

        made_from = {
            "votes": self._digest(source),
            "model": self.project.label_model.model_dump(),
            "gold": self._gold_digest(),
        }
        self._step(step, made_from, [output], work)

    def _ask(self) -> None:
        p = self.project
        settings = ask_settings(p)

        def work() -> Json:
            votes = VoteMatrix.load(self._out("votes.parquet"))
            with Store(self._out("store.db")) as store:
                more, asked = ask_tiers(p, self.corpus, votes, store, self.watch)
            more.save(self._out("votes_asked.parquet"))
            return {"rows": len(votes), "tiers": [one.to_json() for one in asked]}

        made_from = {
            "votes": self._digest("votes.parquet"),
            "model": p.label_model.model_dump(),
            "prompt": digest_file(p.path(settings.prompts)),
            "tiers": [[table, [digest_file(path) for path in _files_of(table, p.folder)]] for table in p.tiers],
            "budget": settings.budget_usd,
        }
        self._step("ask", made_from, ["votes_asked.parquet"], work)

    def _distill(self) -> None:
        labels = "labels.parquet" if self.project.tiers else "labels_lf.parquet"

        def work() -> Json:
            soft = SoftLabels.load(str(self._out(labels)))
            before = SoftLabels.load(str(self._out("labels_lf.parquet"))) if self.project.tiers else None
            gold = project_gold(self.project, self.corpus, soft.ids, soft.labels)
            texts = self._texts(soft.ids)
            return distill_labels(
                self.corpus,
                [texts[i] for i in soft.ids],
                soft,
                before=before,
                gold=gold,
                seed=self.project.student.seed,
                out=self.project.out,
            )

        made_from = {
            "labels": self._digest(labels, "labels_lf.parquet"),
            "student": self.project.student.model_dump(),
            "gold": self._gold_digest(),
        }
        self._step("distill", made_from, ["student", "predictions.csv"], work)


def _is_whole(summary: Json) -> bool:
    """Say whether a step needs no second try: rows whose asking failed, or that the budget left out, do."""
    return not any(tier["failed"] or tier["stopped"] for tier in summary.get("tiers", []))


def _files_of(table: Mapping[str, Any], folder: Path) -> list[Path]:
    """Return the files that a tier's settings name: recorded answers, say."""
    named = [folder / value for value in table.values() if isinstance(value, str)]
    return [path for path in named if path.is_file()]
