"""`weaksup apply`: run labeling functions over a corpus."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from weaksup.cli.options import as_json, corpus_columns

if TYPE_CHECKING:
    from weaksup.apply import Applied
    from weaksup.labeling_functions import LFModule
    from weaksup.labels import LabelSpace

EPILOG = """\b
Examples:
  weaksup apply lfs.py corpus.csv -o votes.parquet
  weaksup apply lfs.py tickets/ --text body --id ticket_id -o votes.parquet --workers 2
  weaksup apply lfs.py --check-examples
"""


@click.command("apply", epilog=EPILOG)
@click.argument("lfs")
@click.argument("corpus", required=False)
@click.option("-o", "--output", metavar="FILE", help="Where the votes go (Parquet).")
@corpus_columns
@click.option("--labels", metavar="A,B,...", help="Label names, where the LF module has no LabelSpace.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes.")
@click.option(
    "--max-faults",
    type=click.FloatRange(0, 1),
    default=0.01,
    show_default=True,
    help="Largest share of rows on which one LF may fail; above it the exit code is 3.",
)
@click.option(
    "--max-rejected",
    type=click.FloatRange(0, 1),
    default=0.01,
    show_default=True,
    help="Largest share of rows that may be unreadable; above it the exit code is 3.",
)
@click.option("--check-examples", is_flag=True, help="Run the examples beside the LFs; with no CORPUS, nothing else.")
@as_json
def command(
    *,
    lfs: str,
    corpus: str | None,
    output: str | None,
    text: str,
    id_column: str | None,
    encoding: str,
    labels: str | None,
    workers: int,
    max_faults: float,
    max_rejected: float,
    check_examples: bool,
    as_json: bool,
) -> None:
    """Run the labeling functions of LFS (a file or an import path) over CORPUS and write their votes.

    CORPUS is a CSV, TSV, JSONL or Parquet file, plain or .gz, or a folder of them. Rows that cannot be read, and rows
    on which an LF failed, are reported, never dropped in silence.
    """
    from weaksup.apply import apply_to_file, note_lfs
    from weaksup.cli.lost_rows import check_lost
    from weaksup.cli.outputs import keep_apart
    from weaksup.cli.progress import progress
    from weaksup.corpus import open_corpus
    from weaksup.errors import FaultError, UsageError
    from weaksup.labeling_functions import load_lf_module
    from weaksup.labels import LabelSpace

    module = load_lf_module(lfs)
    space = LabelSpace(labels.split(",")) if labels else module.labels
    if check_examples:
        _check_examples(module, space, as_json=as_json and corpus is None)
    if corpus is None and check_examples:
        return
    if corpus is None or output is None:
        raise UsageError("expected a CORPUS and -o FILE; see `weaksup apply --help`")
    keep_apart([output], [corpus, lfs])
    source = open_corpus(corpus, text=text, id=id_column, encoding=encoding)
    try:
        with progress("apply") as watch:
            applied = apply_to_file(
                module.lfs,
                source,
                output,
                labels=space,
                workers=workers,
                max_faults=max_faults,
                progress=watch,
                origin=note_lfs(source.origin(), module),
            )
    except FaultError as error:
        if error.applied is not None:
            _tell(error.applied, output, as_json=as_json)  # type: ignore[arg-type]
        raise
    _tell(applied, output, as_json=as_json)
    check_lost(applied.counts.rejected, applied.counts.read, most=max_rejected)


def _check_examples(module: LFModule, space: LabelSpace | None, *, as_json: bool) -> None:
    from weaksup.cli import render
    from weaksup.errors import ShortfallError
    from weaksup.labeling_functions import check_examples

    failures = check_examples(module.lfs, space)
    if as_json:
        render.emit_json({"failures": [str(failure) for failure in failures]})
    for failure in failures:
        render.note(str(failure))
    if failures:
        raise ShortfallError(f"{len(failures)} examples fail; mend the labeling functions or the examples")
    render.note("all examples hold")


def _tell(applied: Applied, output: str, *, as_json: bool) -> None:
    from weaksup.cli import render
    from weaksup.cli.lost_rows import lost_json, tell_lost

    lost = (applied.counts, applied.rejects, applied.notes)
    if as_json:
        counts = {"votes": output, "rows": applied.rows, "faults": dict(applied.fault_counts)}
        render.emit_json({**counts, **lost_json(*lost)})
        return
    faults = sum(applied.fault_counts.values())
    render.line(
        f"{applied.rows:,} rows, {len(applied.fault_counts)} labeling functions -> {output}"
        f" ({tell_lost(*lost)}, {faults:,} faults)"
    )
