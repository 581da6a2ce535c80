"""The one path, from a corpus to a small classifier, as weaksup.toml describes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.analysis import analyze
from weaksup.apply import apply_to_file, note_lfs
from weaksup.corpus import Corpus, open_corpus
from weaksup.errors import ConfigError, CorpusError, DiskError
from weaksup.files import write_text
from weaksup.labeling_functions import load_lf_module
from weaksup.labels import SoftLabels
from weaksup.pipeline.asked_with import asked_with, tier_digests
from weaksup.pipeline.asking import soft_labels
from weaksup.pipeline.distilling import distill_project
from weaksup.pipeline.gold import project_gold
from weaksup.pipeline.lineage import labels_meta, note_asked
from weaksup.pipeline.plan import project_rows
from weaksup.pipeline.project_campaign import project_campaign, project_store
from weaksup.pipeline.ready import check_ready
from weaksup.pipeline.scores import compare
from weaksup.pipeline.stamps import Stamps, digest_file
from weaksup.pipeline.starting import SAW, STARTED, STARTED_FROM, carry, start_votes
from weaksup.pipeline.summary import Json, Summary
from weaksup.project import Project
from weaksup.report import render_report
from weaksup.votes import VoteMatrix

__all__ = ["run_project"]

Watch = Callable[[str, int, int | None], None]


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
        check_ready(self.project)
        self._apply()
        self._start()
        self._analyze()
        self._fit()
        if self.project.tiers:
            self._plan()
            self._ask()
            self._compare()
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
                origin=note_lfs(self.corpus.origin(), module),
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
        if not self.found["apply"]["rows"]:
            raise CorpusError(f"{p.corpus.path}: expected at least one row, got none")

    def _start(self) -> None:
        """Let the student of an earlier corpus vote, where the project says so."""
        chosen = self.project.student.start_from
        if chosen is None:
            return
        carry(self._out(STARTED_FROM), chosen, self.project.path(chosen), self.corpus.fingerprint())
        made_from = {**self._fitted_from("votes.parquet", STARTED_FROM), "tiers": len(self.project.tiers)}
        self._step("start", made_from, [STARTED], lambda: start_votes(self.project, self.corpus))

    @property
    def _voted(self) -> str:
        """The file of all votes that nobody was paid for."""
        return STARTED if "start" in self.found else "votes.parquet"

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

    def _fit(self) -> None:
        voted = "votes.parquet" if len(self.project.tiers) > 1 else self._voted  # routing knows better how far it holds

        def work() -> Json:
            votes = VoteMatrix.load(self._out(voted))
            soft = soft_labels(self.project, votes)
            soft.save(str(self._out("labels_lf.parquet")), labels_meta(votes, self.project.label_model.name))
            return compare(soft, votes, self._gold(votes))

        self._step("fit", self._fitted_from(voted), ["labels_lf.parquet"], work)

    def _fitted_from(self, *names: str) -> dict[str, object]:
        model = self.project.label_model.model_dump()
        return {"votes": self._digest(*names), "model": model, "gold": self._gold_digest()}

    def _plan(self) -> None:
        def work() -> Json:
            votes = VoteMatrix.load(self._out("votes.parquet"))
            with project_store(self.project) as store:
                return project_rows(self.project, self.corpus, votes, store)

        self._step("plan", asked_with(self.project, self._digest("votes.parquet")), [], work)

    def _ask(self) -> None:
        def work() -> Json:
            p, votes = self.project, VoteMatrix.load(self._out(self._voted))
            with project_store(p) as store:
                limits = self.found["plan"]["limits"]
                campaign = project_campaign(p, self.corpus, votes, store, limits=limits, watch=self.watch)
                found = campaign.run()
            noted = note_asked(found.votes, campaign.team.shelf, found.asked)
            noted.save(self._out("votes_asked.parquet"))
            meta = labels_meta(noted, p.label_model.name, machines=len(campaign.team.machines))
            found.labels.save(str(self._out("labels.parquet")), meta)
            reached = {one.source.name for one in found.asked}
            not_reached = [name for name in campaign.team.shelf if name not in reached]
            return {"rows": len(votes), **found.to_json(), "not_reached": not_reached}

        made_from = {**asked_with(self.project, self._digest(self._voted)), "answers": tier_digests(self.project)}
        self._step("ask", made_from, ["votes_asked.parquet", "labels.parquet"], work)

    def _compare(self) -> None:
        """Put the labels after asking beside majority vote over the same votes."""

        def work() -> Json:
            votes = VoteMatrix.load(self._out("votes_asked.parquet"))
            return compare(SoftLabels.load(str(self._out("labels.parquet"))), votes, self._gold(votes))

        made_from = {"votes": self._digest("votes_asked.parquet", "labels.parquet"), "gold": self._gold_digest()}
        self._step("refit", made_from, [], work)

    def _distill(self) -> None:
        labels = "labels.parquet" if self.project.tiers else "labels_lf.parquet"

        def work() -> Json:
            self._out(SAW).unlink(missing_ok=True)  # until the new student is whole, nobody starts from it
            votes = "votes_asked.parquet" if self.project.tiers else self._voted
            before = "labels_lf.parquet" if self.project.tiers else None
            return distill_project(
                self.project, self.corpus, labels, votes, before=before, started="start" in self.found
            )

        made_from = {
            "labels": self._digest(labels, "labels_lf.parquet"),
            "student": self.project.student.model_dump(),
            "gold": self._gold_digest(),
        }
        self._step("distill", made_from, ["student", "predictions.csv", SAW], work)


def _is_whole(summary: Json) -> bool:
    """Say whether a step needs no second try: rows whose asking failed, or that the budget left out, do."""
    return not any(tier["failed"] or tier["stopped"] for tier in summary.get("tiers", []))
