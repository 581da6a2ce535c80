"""What texts looked like when a student was trained: counts that a bundle carries, and later corpora are held against.

They are of rows that the student (or a twin of it) did not learn from: a student is surer of its own rows, and knows
all their n-grams, so that any new corpus would seem to differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weaksup.distill.judging.ngram_bits import NGramBits
from weaksup.errors import UsageError
from weaksup.label_models import MajorityVote
from weaksup.labels import ABSTAIN
from weaksup.votes import VoteMatrix

__all__ = ["Look", "Reference", "VoteLook", "look_at_votes", "make_reference"]

BINS = 20
MEASURES = ("length", "unknown", "confidence")

Json = dict[str, Any]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class VoteLook:
    """Of `rows`, `covered` have a vote of a labeling function; of the `judged`, that no tie leaves open, `agreed`."""

    rows: int
    covered: int
    judged: int
    agreed: int

    def to_json(self) -> Json:
        """Return plain JSON."""
        return {"rows": self.rows, "covered": self.covered, "judged": self.judged, "agreed": self.agreed}


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What some rows look like: for each of MEASURES, `counts` in the bins of a reference and the `sums` of the values.

    `classes` [k] counts the most probable labels.
    """

    rows: int
    counts: Mapping[str, Counts]
    sums: Mapping[str, float]
    classes: Counts

    def __add__(self, other: Look) -> Look:
        counts = {name: self.counts[name] + other.counts[name] for name in MEASURES}
        sums = {name: self.sums[name] + other.sums[name] for name in MEASURES}
        return Look(self.rows + other.rows, counts, sums, self.classes + other.classes)

    def mean(self, measure: str) -> float:
        """Return the mean of a measure; NaN without rows."""
        return self.sums[measure] / self.rows if self.rows else float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """The bins of each measure, the n-grams that training texts have, and the look of rows that taught nothing.

    `edges` are ascending; a value counts in the bin of the edges that are at most as large as it. `votes` is None where
    none were there.
    """

    edges: Mapping[str, NDArray[np.float64]]
    ngrams: NGramBits
    seen: Look
    votes: VoteLook | None = None

    def look(self, texts: Sequence[str], proba: ArrayLike) -> Look:
        """Count texts, as the student reads them, and their probabilities [n, k] in the bins."""
        p = np.asarray(proba, np.float64)
        values = _measure(texts, p, self.ngrams)
        counts = {name: _count(values[name], self.edges[name]) for name in MEASURES}
        sums = {name: float(values[name].sum()) for name in MEASURES}
        classes = np.bincount(p.argmax(axis=1), minlength=p.shape[1]) if len(p) else np.zeros(p.shape[1], np.int64)
        return Look(len(texts), counts, sums, classes.astype(np.int64))

    def to_json(self) -> Json:
        """Return plain JSON: counts, and no text."""
        measures = {
            name: {
                "edges": self.edges[name].tolist(),
                "counts": self.seen.counts[name].tolist(),
                "sum": self.seen.sums[name],
            }
            for name in MEASURES
        }
        votes = None if self.votes is None else self.votes.to_json()
        classes = self.seen.classes.tolist()
        return {
            "rows": self.seen.rows,
            "measures": measures,
            "classes": classes,
            "votes": votes,
            "ngrams": self.ngrams.to_text(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote; raise ValueError for anything else."""
        try:
            measures = {name: data["measures"][name] for name in MEASURES}
            edges = {name: np.array(one["edges"], np.float64) for name, one in measures.items()}
            counts = {name: np.array(one["counts"], np.int64) for name, one in measures.items()}
            sums = {name: float(one["sum"]) for name, one in measures.items()}
            seen = Look(int(data["rows"]), counts, sums, np.array(data["classes"], np.int64))
            votes = None if data["votes"] is None else VoteLook(**data["votes"])
            ngrams = NGramBits.from_text(data["ngrams"])
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(str(error)) from None
        if any(len(counts[name]) != len(edges[name]) + 1 for name in MEASURES) or seen.rows < 1:
            raise ValueError("expected a count for each bin")
        return cls(edges, ngrams, seen, votes)


def make_reference(
    learned: Sequence[str],
    shown: Sequence[str],
    proba: ArrayLike,
    *,
    votes: VoteMatrix | None = None,
    seed: int = 0,
) -> Reference:
    """Note what `shown` texts look like to a student that `learned` from others: its probabilities are `proba` [n, k].

    Bins hold a twentieth of the shown rows each. `votes` are of the shown rows, in their order. Raises UsageError where
    nothing is shown.
    """
    p = np.asarray(proba, np.float64)
    if not len(shown):
        raise UsageError("reference: expected at least one row that the student did not learn from, got none")
    ngrams = NGramBits.learn(learned, seed=seed)
    values = _measure(shown, p, ngrams)
    edges = {name: np.unique(np.quantile(values[name], np.arange(1, BINS) / BINS)) for name in MEASURES}
    empty = Look(0, {}, {}, np.zeros(p.shape[1], np.int64))
    found = Reference(edges, ngrams, empty)
    told = None if votes is None else look_at_votes(votes, p.argmax(axis=1))
    return replace(found, seen=found.look(shown, p), votes=told)


def look_at_votes(votes: VoteMatrix, said: NDArray[np.int64]) -> VoteLook:
    """Count how often labeling functions vote, and how often their majority says what the student `said` [n]."""
    own = [j for j, source in enumerate(votes.sources) if source.kind == "lf"]
    values = votes.values[:, own]
    covered = (values != ABSTAIN).any(axis=1)
    if not own or not covered.any():
        return VoteLook(len(votes), 0, 0, 0)
    some = VoteMatrix(values, votes.ids, tuple(votes.sources[j] for j in own), votes.labels)
    proba = MajorityVote(len(votes.labels)).fit(some).predict_proba(some)
    clear = covered & ((proba == proba.max(axis=1, keepdims=True)).sum(axis=1) == 1)
    agreed = clear & (proba.argmax(axis=1) == said)
    return VoteLook(len(votes), int(covered.sum()), int(clear.sum()), int(agreed.sum()))


def _measure(texts: Sequence[str], proba: NDArray[np.float64], ngrams: NGramBits) -> dict[str, NDArray[np.float64]]:
    return {
        "length": np.fromiter(map(len, texts), np.float64, len(texts)),
        "unknown": ngrams.unknown(texts),
        "confidence": np.round(proba.max(axis=1, initial=0.0), 6),
    }


def _count(values: NDArray[np.float64], edges: NDArray[np.float64]) -> Counts:
    bins = np.searchsorted(edges, values, side="right")
    return np.bincount(bins, minlength=len(edges) + 1).astype(np.int64)
