"""`weaksup run`: every step of weaksup.toml, and a summary that fits one screen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from weaksup.cli.options import as_json

if TYPE_CHECKING:
    from weaksup.pipeline import Summary

_PAIRS = 4  # whose agreement is shown; --json has all
_LEVEL = 0.05
_WHY = {"budget": "the budget was used up", "provider": "the provider stopped answering"}

EPILOG = """\b
Examples:
  weaksup run                    the project in this folder
  weaksup run tickets --json
"""


@click.command("run", epilog=EPILOG)
@click.argument("folder", type=click.Path(), default=".")
@as_json
def command(folder: str, as_json: bool = False) -> None:
    """Do every step of weaksup.toml in FOLDER: apply, analyze, fit, ask, distill.

    A step runs only when its inputs or settings changed; an interrupted run goes on where it stopped, and answers that
    were paid for are never paid for again.
    """
    from weaksup.cli import render
    from weaksup.cli.lost_rows import check_lost
    from weaksup.cli.progress import steps
    from weaksup.errors import BudgetError, ProviderError, ShortfallError
    from weaksup.pipeline import run_project
    from weaksup.project import Project

    project = Project.load(folder)
    with steps() as watch:
        summary = run_project(project, watch=watch)
    if as_json:
        render.emit_json(summary.to_json())
    else:
        for name, text in _lines(summary):
            render.line(f"  {name:<14}{text}")
    if summary.stopped == "provider":
        raise ProviderError(
            f"the provider stopped answering; {summary.failed:,} rows failed; run again when it is back"
        )
    if summary.stopped == "budget":
        raise BudgetError(f"{summary.cap}; {summary.not_asked:,} rows were not asked; raise it in [ask] and run again")
    check_lost(summary.steps["apply"]["rejected"], summary.steps["apply"]["read"])
    if summary.failed:
        raise ShortfallError(f"{summary.failed:,} rows asked brought no answer; run again to ask them again")
    if summary.waiting:
        raise ShortfallError(f"{summary.waiting:,} rows wait for people; fill in their table and run again")


def _lines(summary: Summary) -> Iterator[tuple[str, str]]:
    """Say what every step found, a line or two each."""
    from weaksup.cli.render import percent

    found = summary.steps
    rows = found["apply"]
    lost = f"{rows['rejected']:,} rejected, {rows['duplicates']:,} duplicates, {rows['faults']:,} LF faults"
    yield "rows", f"{rows['rows']:,} ({lost})"
    for reject in rows["rejects"]:
        yield "", f"rejected {reject}"
    if "start" in found:
        yield "started from", _started(found["start"])
    votes = found["analyze"]
    fights = f"{percent(votes['overlapped'])} overlap, {percent(votes['conflicted'])} conflict"
    yield "votes", f"{votes['sources']} labeling functions cover {percent(votes['covered'])}; {fights}"
    yield "label model", _compared(found["fit"])
    if "likely_usd" in found.get("plan", {}):
        plan = found["plan"]
        yield (
            "planned",
            f"likely ${plan['likely_usd']:.4f}, at most ${plan['high_usd']:.4f}; "
            f"about {plan['flips']:,.0f} labels would change",
        )
    yield from _asking(found.get("ask", {}), now="ask" not in summary.reused)
    yield from _together(found.get("ask", {}))
    if "refit" in found:
        yield "with answers", _compared(found["refit"])
    yield from _student(found["distill"])
    yield "files", f"{summary.folder}: " + ", ".join(summary.files)
    if summary.reused:
        yield "", f"not changed, so not run again: {', '.join(summary.reused)}"


def _started(start: dict[str, Any]) -> str:
    """Say what the earlier student brought."""
    if not start["there"]:
        return "nothing: there is no student yet; the next corpus starts from this one's"
    parts = [f"an earlier student votes on {start['rows']:,} rows, {start['alone']:,} of them without another vote"]
    if start["judged"]:
        parts.append(f"with most LFs on {start['agrees']:,} of {start['judged']:,}")
    parts += [f"accuracy {_accuracy(start['score'])}"] if "score" in start else []
    if "without" in start:
        parts.append(f"labels {_accuracy(start['with'])}, without it {_accuracy(start['without'])}{_better(start)}")
    if start["seen_before"]:
        parts.append(f"silent on {start['seen_before']:,} rows that taught it")
    parts += [] if start["noted"] else ["which rows taught it is not known"]
    return "; ".join(parts)


def _better(start: dict[str, Any]) -> str:
    """Say what follows where the labels with the earlier student are worse, or better, by more than chance."""
    paired = start.get("paired")
    if paired is None or paired["p"] >= _LEVEL:
        return ""
    return " (better with it)" if paired["difference"] > 0 else " (worse with it: leave start_from out)"


def _compared(fit: dict[str, Any]) -> str:
    """Put the label model and majority vote side by side."""
    apart = f"{fit['differ']:,} labels differ where majority vote decides"
    apart += f"; on {fit['tied']:,} rows it ties" if fit["tied"] else ""
    if "model" not in fit:
        return f"{fit['covered']:,} rows labeled; {apart}"
    apart += " and draws" if fit["tied"] else ""
    scores = [f"{name} {_accuracy(fit[key])}" for name, key in (("accuracy", "model"), ("majority vote", "majority"))]
    return f"{', '.join(scores)} on {fit['model']['judged']:,} labeled rows; {apart}"


def _accuracy(score: dict[str, Any]) -> str:
    if score["accuracy"] is None:
        return "not scored"
    return f"{score['accuracy']:.3f} ({score['low']:.3f}-{score['high']:.3f})"


def _asking(asked: dict[str, Any], *, now: bool) -> Iterator[tuple[str, str]]:
    """Say what each tier brought, which were not reached, and what all of it cost."""
    tiers = asked.get("tiers", [])
    for tier in tiers:
        yield "asked", _asked(tier, now=now)
    why = next((_WHY[tier["stopped"]] for tier in tiers if tier["stopped"]), "no row needed it")
    for name in asked.get("not_reached", []):
        yield "asked", f"{name}: not asked, {why}"
    if total := max((tier["run_spent_usd"] for tier in tiers), default=0):
        spent = sum(tier["spent_usd"] for tier in tiers) if now else 0
        yield "spent", f"{f'${spent:.4f}' if spent else 'nothing'} now, ${total:.4f} by this project so far"


def _asked(tier: dict[str, Any], *, now: bool) -> str:
    parts = [f"{tier['answered']:,} answered"]
    parts += [f"{sum(tier[what].values()):,} {what}" for what in ("abstained", "failed") if tier[what]]
    parts += [f"{tier['not_asked']:,} not asked (budget)"] if tier["not_asked"] else []
    cached = f", {tier['cached']:,} from the store" if tier["cached"] else ""
    money = f"; ${tier['spent_usd']:.4f} now" if now and tier["spent_usd"] else ""
    return f"{tier['source']}: {tier['rows']:,} rows, {', '.join(parts)}{cached}{money}"


def _together(asked: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Say how those who were asked agree, and what people have to do."""
    from weaksup.cli.render import percent

    agreement = asked.get("agreement", {"pairs": [], "final": []})
    for pair in sorted([*agreement["pairs"], *agreement["final"]], key=lambda p: -p["rows"])[:_PAIRS]:
        interval = f"{percent(pair['low'])} to {percent(pair['high'])}"
        yield (
            "agree",
            f"{pair['first']} and {pair['second']} on {percent(pair['share'])} ({interval}) of {pair['rows']:,}",
        )
    if asked.get("in_doubt"):
        yield "in doubt", f"{asked['in_doubt']:,} rows still, of {asked['rows']:,}"
    if queue := asked.get("queue"):
        reasons = ", ".join(f"{n:,} {reason}" for reason, n in queue["reasons"].items())
        yield "people", f"{queue['rows']:,} rows to decide{f': {reasons}' if reasons else ''}"
    if audit := asked.get("audit"):
        yield (
            "audit",
            f"{audit['right']:,} of {audit['rows']:,} labels checked were right; {audit['unanswered']:,} wait",
        )


def _student(distilled: dict[str, Any]) -> Iterator[tuple[str, str]]:
    size = f"{distilled['bytes'] / 1e6:.1f} MB, trained on {distilled['trained_on']:,} rows"
    if "score" not in distilled:
        yield "student", f"{size}; no gold to keep from training, so not scored"
        return
    yield (
        "student",
        f"accuracy {_accuracy(distilled['score'])} on {distilled['score']['judged']:,} held-out rows; {size}",
    )
    if "lf_only" in distilled:
        yield "", f"without the answers: {_accuracy(distilled['lf_only'])}"
    for line in _beside(distilled["metrics"]):
        yield "", line
    yield "", _believed(distilled)


def _beside(metrics: dict[str, Any]) -> Iterator[str]:
    """Put the student beside majority vote, the labels it learned from, and each tier, on the rows those have."""
    if "student_on_covered" in metrics:
        names = {"student_on_covered": "student", "votes_on_covered": "labels", "majority_on_covered": "majority vote"}
        scored = [f"{name} {_scored(metrics[key])}" for key, name in names.items() if key in metrics]
        yield f"on {metrics['student_on_covered']['rows']:,} of them with a label: {', '.join(scored)}"
    for tier in metrics.get("tiers", []):
        own, student = (f"{tier[key]:.3f}" for key in ("source_accuracy", "accuracy"))
        yield f"on {tier['rows']:,} that {tier['name']} answered: it {own}, student {student}"


def _scored(score: dict[str, Any]) -> str:
    low, high = score["accuracy_interval"]
    return f"{score['accuracy']:.3f} ({low:.3f}-{high:.3f})"


def _believed(distilled: dict[str, Any]) -> str:
    """Say how far the probabilities can be believed, and above which confidence which share of rows is answered."""
    found = distilled["calibration"]
    said = f"calibrated by {found['rows']:,} gold rows, ECE {found['ece_before']:.3f} -> {found['ece_after']:.3f}"
    for wanted in distilled["thresholds"]["wanted"]:
        if wanted["threshold"] is not None:
            said += f"; {wanted['precision']:.0%} right from confidence {wanted['threshold']:.3f}"
            said += f" ({wanted['share']:.0%} of the rows)"
    return said
