"""Write docs/benchmarks.md from results/*.json; no number in it is typed by hand.

python benchmarks/tables.py [--check]      # --check: fail where the page is not what the results say
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from label_model_tables import label_models, laws
from markdown_table import table
from money_tables import asking, plan, routing
from student_tables import next_corpus, serving, student_kinds, student_speed, students

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
HEAD = """# Benchmarks
Written by `python benchmarks/tables.py` from `benchmarks/results/*.json`; `make bench` measures everything again. Speed is a ratio within one run: absolute times
differ from machine to machine and from hour to hour. Evaluation data is read from `$WEAKSUP_DATA`; none of it is part of the project.
"""


def main() -> None:
    """Write the page, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    text = page()
    if not parser.parse_args().check:
        PAGE.write_text(text, encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != text:
        sys.exit("docs/benchmarks.md is not what the results say; run python benchmarks/tables.py")


def page() -> str:
    """Return the whole page: one section for each file of results that is there."""
    parts = [HEAD]
    for name, write in SECTIONS.items():
        path = HERE / "results" / f"{name}.json"
        if path.exists():
            parts.append(write(json.loads(path.read_text(encoding="utf-8"))))
    return "\n".join(parts)


def _spam(r: dict[str, Any]) -> str:
    def row(name: str, run: dict[str, Any], share: str) -> list[str]:
        spent = f"${run['spent_usd']:.4f}" if "spent_usd" in run else ""
        return [name, f"{run['f1']:.3f} ({run['f1_low']:.3f}-{run['f1_high']:.3f})", spent, share]

    rows = [
        row("labeling functions only", r["lf_only"], "0%"),
        row("and recorded answers", r["with_answers"], f"{r['share_of_premium_cost']:.1%}"),
        row("the true labels of all train messages", r["all_gold"], ""),
    ]
    return (
        "## Text messages, end to end\n"
        f"`benchmarks/spam_end_to_end.py`: the gallery's spam suite on {r['train_rows']:,} messages of the train split, recorded gpt-4o-mini and "
        f"gpt-4.1 answers as replayed tiers, the student scored once on {r['test_rows']:,} test messages. gpt-4.1 on everything would cost "
        f"${r['premium_on_everything_usd']:.4f}.\n\n"
        + table(["student trained on", "F1 of SPAM on test (95%)", "spent", "of gpt-4.1 on everything"], rows)
        + f"\nWith recorded answers the student has {r['share_of_gold_f1']:.1%} of the F1 of the one trained on all true labels.\n"
    )


def _apply(r: dict[str, Any]) -> str:
    rows = [
        ["10 Python LFs, one process", f"{r['python']['times_bare']:.2f}", f"{r['python']['gain_over_snorkel']:.1f}"],
        ["10 keyword and regex LFs", "", f"{r['declarative']['gain_over_snorkel']:.1f}"],
    ]
    return (
        f"## apply\n`benchmarks/apply.py`: {r['rows']:,} rows, medians of {r['repeat']}; the bare loop calls the same functions.\n\n"
        + table(["job", "time / bare loop", "times faster than Snorkel's PandasLFApplier"], rows)
    )


def _analysis(r: dict[str, Any]) -> str:
    shape = r["shape"]
    rows = [
        [f"{job}, {k}", f"{r[k][job]['times faster']:.0f}"]
        for k in ("2 classes", "10 classes")
        for job in ("lf_summary", "lf_summary with gold")
    ]
    what = f"{shape['rows']:,} x {shape['sources']} votes"
    return f"## LF summary\n`benchmarks/analysis.py`: {what}.\n\n" + table(["job", "times faster than Snorkel"], rows)


def _debian(r: dict[str, Any]) -> str:
    seen, unseen = r["majority_seen"], r["majority_unseen"]
    rows = [
        [what, f"{v['gold_rows']:,}", f"{v['coverage']:.1%}", f"{v['accuracy']:.3f}"]
        for what, v in (("packages the suite was written from", seen), ("the others", unseen))
    ]
    c, a = r["corpus"], r["apply"]
    return (
        f"## {c['rows']:,} Debian package descriptions\n`benchmarks/debian_packages.py`: {a['labeling_functions']} labeling functions for ten sections; apply "
        f"took {a['seconds']:.1f} s ({a['rows_per_second']:,} rows/s) and at most {a['peak_mib']:.0f} MiB.\n\n"
        + table(["rows with gold", "rows", "covered", "accuracy of majority vote"], rows)
    )


def _startup(r: dict[str, Any]) -> str:
    return (
        "## Start-up\n`benchmarks/startup.py`: `weaksup --help` takes "
        f"{r['ratio']:.2f} times what a bare click program of as many verbs takes.\n"
    )


SECTIONS: dict[str, Callable[[dict[str, Any]], str]] = {
    "spam_end_to_end": _spam,
    "label_models": label_models,
    "label_model_laws": laws,
    "routing": routing,
    "plan": plan,
    "asking": asking,
    "students": students,
    "student_kinds": student_kinds,
    "student_speed": student_speed,
    "serving": serving,
    "next_corpus": next_corpus,
    "apply": _apply,
    "analysis": _analysis,
    "debian_packages": _debian,
    "startup": _startup,
}

if __name__ == "__main__":
    main()
