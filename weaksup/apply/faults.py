"""Faults: where a labeling function raised. Each is counted and told; none is taken for an abstain."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from weaksup.corpus import Counts, Reject
from weaksup.files import write_text

__all__ = ["Fault", "faults_path", "over_limit", "warn_of_faults", "warn_of_missing", "write_faults"]


@dataclass(frozen=True, slots=True)
class Fault:
    """A labeling function raised on a row; `traceback` is kept for the first 20 of each function."""

    lf: str
    row_id: str
    error: str
    traceback: str = ""


def faults_path(votes: str | Path) -> Path:
    """Return where the faults of a votes file are written: `votes.parquet` -> `votes.faults.jsonl`."""
    return Path(votes).with_suffix(".faults.jsonl")


def write_faults(votes: str | Path, faults: Sequence[Fault]) -> None:
    """Write the faults beside the votes file, one JSON object a line; without any, remove an earlier run's."""
    if faults:
        write_text(faults_path(votes), "".join(json.dumps(asdict(fault)) + "\n" for fault in faults))
    else:
        faults_path(votes).unlink(missing_ok=True)


def over_limit(counts: Mapping[str, int], rows: int, max_faults: float) -> list[str]:
    """Return the labeling functions that failed on more than this share of the rows, the worst first."""
    over = [name for name, count in counts.items() if rows and count / rows > max_faults]
    return sorted(over, key=lambda name: -counts[name])


def tell(name: str, counts: Mapping[str, int], rows: int, faults: Sequence[Fault]) -> str:
    """Say in one line how often a labeling function failed, and how it did first."""
    first = next(fault for fault in faults if fault.lf == name)
    share = counts[name] / rows
    return (
        f'labeling function "{name}" failed on {counts[name]:,} of {rows:,} rows ({share:.2%}); first on row '
        f'"{first.row_id}": {first.error}'
    )


def warn_of_missing(counts: Counts, rejects: Sequence[Reject], *, stacklevel: int) -> None:
    """Warn if the votes have fewer rows than the data."""
    if counts.read > counts.kept:
        first = f"; first: {rejects[0]}" if rejects else ""
        warnings.warn(
            f"votes cover {counts.kept:,} of {counts.read:,} rows: {counts.rejected:,} could not be used, "
            f"{counts.duplicates:,} repeat an earlier row{first}; match votes to rows by `votes.ids`",
            stacklevel=stacklevel + 1,
        )


def warn_of_faults(counts: Mapping[str, int], rows: int, faults: Sequence[Fault], *, stacklevel: int) -> None:
    """Warn once for each labeling function that failed somewhere."""
    for name, count in counts.items():
        if count:
            warnings.warn(f"{tell(name, counts, rows, faults)}; it has no vote there", stacklevel=stacklevel + 1)
