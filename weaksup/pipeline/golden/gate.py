"""The golden set as a gate: what is worse than what is in use may not replace it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from pathlib import Path

from weaksup.apply import apply_lfs
from weaksup.errors import BudgetError, DiskError, ShortfallError, UsageError
from weaksup.llm import Estimate, estimate, show_dollars
from weaksup.llm.pricing.prices import budget_cap
from weaksup.pipeline.asking import ask_settings
from weaksup.pipeline.golden.answers import RUN, TierAnswers, ask_golden
from weaksup.pipeline.golden.changes import ROUTING, Change, changed_since, judge, title
from weaksup.pipeline.golden.record import Record, load_record, record_of, save_record, set_of
from weaksup.pipeline.golden.report import Report
from weaksup.pipeline.golden.routing import RoutedGold, label_by_routing
from weaksup.pipeline.golden.rows import GoldenSet, read_golden
from weaksup.pipeline.golden.scores import Score, score_golden
from weaksup.pipeline.golden.state import Scored, read_scored
from weaksup.pipeline.project_campaign import project_limits, project_store
from weaksup.project import Project
from weaksup.store import Caps, Store
from weaksup.votes import VoteMatrix

__all__ = ["Evaluation", "check_in_use", "open_store", "prepare_evaluation"]

Watch = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """An evaluation that is ready to begin; nothing is sent yet. `record` is of what is in use, if anything is.

    With `only_score` the golden set is another than the project's: nothing is compared or recorded.
    """

    project: Project
    scored: Scored
    golden: GoldenSet
    record: Record | None
    only_score: bool = False

    @property
    def same_rows(self) -> bool:
        """Whether what is in use was scored on this very golden set."""
        return self.record is not None and self.record.golden.digest == self.golden.digest

    def estimates(self, store: Store) -> dict[str, Estimate]:
        """Return what asking would cost, by the name of what is scored."""
        shelf = self.scored.shelf
        return {name: estimate(self.golden.rows, prompt, tier, store) for name, (tier, prompt) in shelf.items()}

    def spent(self, store: Store) -> int:
        """Return what evaluations have spent so far, in micro-dollars."""
        return store.account(RUN).spent

    def check_comparable(self) -> None:
        """Raise ShortfallError where the golden set changed and so did something else: nothing could be compared."""
        changed = {} if self.record is None or self.same_rows else changed_since(self.record, self.scored)
        if changed:
            things = "; ".join(f"{title} ({', '.join(what)})" for title, what in changed.items())
            raise ShortfallError(
                f"the golden set changed, and so did {things}: no rows to compare on; evaluate one change after the "
                "other, or accept both unseen with --accept-worse"
            )

    def run(
        self, store: Store, *, budget_usd: Decimal, accept_worse: bool = False, watch: Watch = lambda *_: None
    ) -> Report:
        """Ask, score, compare, and record what is in use now, unless something is worse and that is not accepted.

        The budget caps what all evaluations of the project spend. Raise BudgetError before anything is sent where it
        would not suffice. Ctrl-C keeps the answers and records nothing.
        """
        if not accept_worse:
            self.check_comparable()
        self._check_budget(store, budget_usd)
        before = self.spent(store)
        limits = replace(project_limits(ask_settings(self.project)), run=Caps())  # those of the day hold here too
        answers = {
            name: ask_golden(
                self.golden,
                prompt,
                tier,
                store,
                budget_usd=budget_usd,
                limits=limits,
                watch=partial(_watch_tier, watch, name, len(self.golden)),
            )
            for name, (tier, prompt) in self.scored.shelf.items()
        }
        watch(ROUTING, 0, None)
        votes, notes = self._vote()
        routed = label_by_routing(self.project, self.scored, votes, self.golden.corpus, answers, store=store)
        return self._report(answers, routed, notes, self.spent(store) - before, accept_worse)

    def _check_budget(self, store: Store, budget_usd: Decimal) -> None:
        likely = sum(planned.likely for planned in self.estimates(store).values())
        left = budget_cap(budget_usd) - self.spent(store)
        if likely > max(0, left):
            costs = f"the evaluation is likely to cost {show_dollars(likely)}"
            there = f"the budget of ${budget_usd} for all evaluations leaves {show_dollars(max(0, left))}"
            raise BudgetError(f"{costs}, and {there}; nothing was sent; raise it and run again")

    def _vote(self) -> tuple[VoteMatrix, list[str]]:
        """Apply the labeling functions; what they warn of is told as notes."""
        labeling = self.project.labeling
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            votes = apply_lfs(
                self.scored.module.lfs,
                self.golden.corpus,
                labels=self.scored.labels,
                max_faults=labeling.max_faults,
            )
        return votes, [str(one.message) for one in caught if one.category is UserWarning]

    def _report(
        self, answers: Mapping[str, TierAnswers], routed: RoutedGold, notes: list[str], spent: int, accept_worse: bool
    ) -> Report:
        names, gold = self.golden.labels.names, self.golden.gold
        tiers = {name: one.score(self.golden) for name, one in answers.items()}
        routing = score_golden(gold, routed.labels, names, cost=routed.cost)
        changes = () if self.only_score else tuple(self._changes(tiers, routing))
        worse = tuple(change.says for change in changes if change.kind == "worse")
        refused = () if accept_worse else worse
        moved = any(change.kind != "same" for change in changes) or not self._covers(tiers)
        keep = moved and not refused and not self.only_score
        recorded = self._record(tiers, routing, changes) if keep else None
        notes = [*notes, *(f"{name}: {note}" for name, one in answers.items() for note in one.asked.notes)]
        return Report(self.golden, tiers, routing, routed, changes, recorded, refused, tuple(notes), spent)

    def _changes(self, tiers: Mapping[str, Score], routing: Score) -> Iterator[Change]:
        record, tolerance = self.record, self.project.golden.tolerance if self.project.golden else 0.0
        for name, score in tiers.items():
            before = None if record is None else record.tiers.get(name)
            made = self.scored.made[name]
            yield judge(title(name), made, score, before, same_rows=self.same_rows, tolerance=tolerance)
        used = None if record is None else record.routing
        yield judge(ROUTING, self.scored.routing, routing, used, same_rows=self.same_rows, tolerance=tolerance)

    def _covers(self, tiers: Mapping[str, Score]) -> bool:
        return self.record is not None and set(self.record.tiers) == set(tiers)

    def _record(self, tiers: Mapping[str, Score], routing: Score, changes: tuple[Change, ...]) -> Path:
        """Write what is in use now: the whole project in one state, never a part of it."""
        worse = {change.name for change in changes if change.kind == "worse"}
        if self.record is not None:  # what was accepted as worse, and did not change, still is
            same = {change.name for change in changes if change.kind == "same"}
            used = {**{title(name): one for name, one in self.record.tiers.items()}, ROUTING: self.record.routing}
            worse |= {name for name in same if used[name].worse}
        history = () if self.record is None else self.record.history
        if self.record is not None and not self.same_rows:
            history = (*history, self.record.past)
        record = Record(
            golden=set_of(self.golden),
            tiers={
                name: record_of(score, self.scored.made[name], worse=title(name) in worse)
                for name, score in tiers.items()
            },
            routing=record_of(routing, self.scored.routing, worse=ROUTING in worse),
            history=history,
        )
        return save_record(self.project.folder, record)


def _watch_tier(watch: Watch, name: str, rows: int, done: int) -> None:
    watch(name, done, rows)


def open_store(project: Project) -> Store:
    """Open the store of the project: what evaluations pay for, runs need not pay for again, and the other way round."""
    try:
        project.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DiskError(f"cannot make the folder {project.out}: {error.strerror}; change `output`") from None
    return project_store(project)


def prepare_evaluation(
    project: Project,
    path: str | Path | None = None,
    *,
    label: str | None = None,
    id: str | None = None,  # noqa: A002
) -> Evaluation:
    """Read all that an evaluation needs, and check it; `path`, `label` and `id` replace what [golden] says.

    Where [golden] names a file, the record is of that one: any other is scored, and no more.
    Raise UsageError where there is no golden set, or it cannot be used, or there is nothing to score.
    """
    settings = project.golden
    if path is None and settings is None:
        raise UsageError(
            "evaluate: expected --golden FILE, or a [golden] section with path in weaksup.toml; got neither"
        )
    if path is None and settings is not None:
        path = project.path(settings.path)
    assert path is not None
    scored = read_scored(project)
    column = label or (settings.label if settings else "label")
    row_id = id if id is not None else settings.id if settings and settings.id is not None else project.corpus.id
    golden = read_golden(project, path, scored.labels, label=column, id=row_id)
    other = settings is not None and not _same_file(path, project.path(settings.path))
    return Evaluation(project, scored, golden, None if other else load_record(project.folder), other)


def _same_file(one: str | Path, other: str | Path) -> bool:
    return Path(one).resolve() == Path(other).resolve()


def check_in_use(project: Project) -> str | None:
    """Return the line that refuses to go on where something is not what was accepted; `None` where all is well.

    All is well where the project has no [golden] section, or no tiers.
    """
    if project.golden is None or not project.tiers:
        return None
    record, advice = load_record(project.folder), "run `weaksup evaluate`"
    if record is None:
        return f"nothing was accepted yet on the golden set {project.golden.path}; {advice}"
    scored = read_scored(project)
    new = [f"{title(name)} is new and was not accepted yet" for name in scored.made if name not in record.tiers]
    changed = changed_since(record, scored)
    told = {title: what for title, what in changed.items() if title != ROUTING} if len(changed) > 1 else changed
    lines = new + [f"{title} changed since it was accepted ({', '.join(what)})" for title, what in told.items()]
    return f"{'; '.join(lines)}; {advice}" if lines else None
