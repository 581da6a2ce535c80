"""Find the corpus that votes or labels came from again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weaksup.corpus import Corpus

__all__ = ["find_corpus"]


def find_corpus(
    origin: Mapping[str, Any],
    path: str | None = None,
    *,
    text: str | None = None,
    id_column: str | None = None,
) -> Corpus:
    """Open `path`, or else the files that `origin` names; raise CorpusError where neither is there.

    The columns are those that `origin` names, unless they are given.
    """
    from weaksup.corpus import Corpus, open_corpus

    if path is None:
        columns = {"text": text, "id": id_column}
        return Corpus.from_origin(
            {**origin, **{name: column for name, column in columns.items() if column is not None}}
        )
    return open_corpus(
        path,
        text=text or origin.get("text", "text"),
        id=id_column if id_column is not None else origin.get("id"),
        encoding=origin.get("encoding", "utf-8"),
    )
