"""Label models that heed what sources say of their own votes."""

from __future__ import annotations

import numpy as np

from weaksup.label_models.base import BaseLabelModel, Floats1d, Floats2d
from weaksup.label_models.soft_votes import SoftVotes, believe, soft_evidence
from weaksup.label_models.softmax import softmax
from weaksup.patterns import Patterns

__all__ = ["HeedingModel"]


class HeedingModel(BaseLabelModel):
    """A model to which a confidence is a second observation beside its vote (`soft_votes.believe`).

    A vote of confidence q adds slope * logit(q) + level nats to its class, on its own row alone. What each source's
    confidences are worth is learned after everything else, from the probabilities without them, or from gold.

    slopes_, levels_   float64 [m]; 0 for a source that says nothing of its votes, or always the same
    """

    slopes_: Floats1d
    levels_: Floats1d

    def _learn_soft(self, soft: SoftVotes, patterns: Patterns) -> None:
        self.slopes_, self.levels_ = believe(soft, self._pattern_proba(patterns), self.m_)

    def _weigh_soft(self, proba: Floats2d, soft: SoftVotes) -> Floats2d:
        if not hasattr(self, "slopes_"):  # fit saw no confidence, so nothing is known of what one is worth
            return proba
        evidence = self._soft_evidence(soft)
        heard = evidence != 0
        soft, evidence = soft.take(heard), evidence[heard]
        row, place = np.unique(soft.row, return_inverse=True)
        added = np.bincount(place * self.k_ + soft.label, evidence, minlength=len(row) * self.k_)
        with np.errstate(divide="ignore"):
            proba[row] = softmax(np.log(proba[row]) + added.reshape(len(row), self.k_))
        return proba

    def _soft_evidence(self, soft: SoftVotes) -> Floats1d:
        """Return what each confidence adds to its vote's class, in nats."""
        return soft_evidence(soft, self.slopes_, self.levels_)
