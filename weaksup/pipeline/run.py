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
from weaksup.errors import ConfigError, CorpusError, DiskError, ShortfallError
from weaksup.files import write_text
from weaksup.labeling_functions import load_lf_module
from weaksup.labels import SoftLabels
from weaksup.pipeline.asked_with import asked_with, tier_digests
from weaksup.pipeline.asking import soft_labels
from weaksup.pipeline.distilling import distill_labels
from weaksup.pipeline.gold import project_gold
from weaksup.pipeline.golden import check_in_use
from weaksup.pipeline.plan import project_rows
from weaksup.pipeline.project_campaign import (
    project_campaign,
    project_policy,
    project_store,
    project_team,
)
from weaksup.pipeline.scores import compare
from weaksup.pipeline.stamps import Stamps, digest_file
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
        self._check_tiers()
        self._check_golden()
        self._apply()
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

    def _check_tiers(self) -> None:
        """Refuse what could not be asked, a model without a price say, before any work is done."""
        labels = load_lf_module(self.project.path(self.project.labeling.module)).labels
        if self.project.tiers and labels is not None and not labels.multi:
            project_team(self.project, labels)
            project_policy(self.project, labels)

    def _check_golden(self) -> None:
        """Refuse prompts, models and routing that were not accepted on the golden set."""
        if self.project.golden is not None and (line := check_in_use(self.project)):
            raise ShortfallError(line)

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
        if not self.found["apply"]["rows"]:
            raise CorpusError(f"{p.corpus.path}: expected at least one row, got none")

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
        def work() -> Json:
            votes = VoteMatrix.load(self._out("votes.parquet"))
            soft = soft_labels(self.project, votes)
            meta = {"model": self.project.label_model.name, "origin": dict(votes.origin)}
            soft.save(str(self._out("labels_lf.parquet")), meta)
            return compare(soft, votes, self._gold(votes))

        made_from = {
            "votes": self._digest("votes.parquet"),
            "model": self.project.label_model.model_dump(),
            "gold": self._gold_digest(),
        }
        self._step("fit", made_from, ["labels_lf.parquet"], work)

    def _plan(self) -> None:
        def work() -> Json:
            votes = VoteMatrix.load(self._out("votes.parquet"))
            with project_store(self.project) as store:
                return project_rows(self.project, self.corpus, votes, store)

        self._step("plan", asked_with(self.project, self._digest("votes.parquet")), [], work)

    def _ask(self) -> None:
        def work() -> Json:
            p, votes = self.project, VoteMatrix.load(self._out("votes.parquet"))
            with project_store(p) as store:
                limits = self.found["plan"]["limits"]
                found = project_campaign(p, self.corpus, votes, store, limits=limits, watch=self.watch).run()
            found.votes.save(self._out("votes_asked.parquet"))
            found.labels.save(str(self._out("labels.parquet")), {"origin": dict(votes.origin)})
            return {"rows": len(votes), **found.to_json()}

        made_from = {**asked_with(self.project, self._digest("votes.parquet")), "answers": tier_digests(self.project)}
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
