"""Findings on the votes alone: nobody voted, or only for some labels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from weaksup.label_models.health.case import Case, Finding, list_names, shares

__all__ = ["label_without_votes", "no_votes", "one_sided"]


def no_votes(case: Case) -> Iterator[Finding]:
    """Say that there is nothing to learn from."""
    yield Finding(
        "no votes",
        f"none of the {len(case.covered):,} rows has a vote, so every probability is the class balance",
        "write labeling functions that match some rows, or check that the right corpus was read",
        {"rows": len(case.covered)},
    )


def one_sided(case: Case) -> Iterator[Finding]:
    """Find votes for one label only, unless a class balance keeps them from labeling every row they cover."""
    label = case.one_label
    if label is None:
        return
    rows, labeled = int(case.covered.sum()), float(shares(case.labels, len(case.names))[label])
    if case.model.balance_given_ and labeled < 0.98:
        return
    name, given = case.names[label], case.model.balance_given_
    unheeded = "; the model does not let the class balance change that" if given else ""
    yield Finding(
        "one-sided",
        f'every vote is for "{name}", so every covered row is labeled "{name}"{unheeded}',
        "add labeling functions for the other labels"
        + (", or use the default model" if given else ", or give --class-balance, which the default model then meets"),
        {"label": name, "rows": rows, "share": labeled},
    )


def label_without_votes(case: Case) -> Iterator[Finding]:
    """Find the labels that no source votes for."""
    missing = [case.names[c] for c in np.flatnonzero(~case.said.any(axis=0)).tolist()]
    if missing and case.one_label is None:
        one = len(missing) == 1
        yield Finding(
            "label without votes",
            f'no source ever votes for "{missing[0]}", so no row is labeled so'
            if one
            else f"no source ever votes for {len(missing)} labels, so no row is labeled so: {list_names(missing)}",
            f"add a labeling function for {'it' if one else 'each of them'}, or take {'it' if one else 'them'} out",
            {"label": missing[0], "labels": len(missing)},
        )
