"""Gold in a project: true labels that score the steps. Nothing learns from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from weaksup.corpus import Corpus, open_corpus
from weaksup.corpus.gold import read_gold
from weaksup.labels import LabelSpace
from weaksup.project import Project

__all__ = ["project_gold"]


def project_gold(project: Project, corpus: Corpus, ids: Sequence[str], labels: LabelSpace) -> NDArray[np.int16] | None:
    """Return the gold classes of these rows [n], -1 where not known; `None` where the project names no gold."""
    settings = project.corpus
    if settings.gold is None:
        return None
    source = corpus
    if settings.gold_path is not None:
        path = project.path(settings.gold_path)
        source = open_corpus(path, text=settings.text, id=settings.id, encoding=settings.encoding)
    return read_gold(source, settings.gold, ids, labels)
