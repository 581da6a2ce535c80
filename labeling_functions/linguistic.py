"""Linguistic labeling functions over spaCy: one pipeline a process, one Doc a text, shared by all of them.

`spacy.blank(lang)` tokenizes and needs no download; a trained pipeline is used where it is named and installed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

import numpy as np

from weaksup.corpus.rows import Chunk, Row
from weaksup.errors import ConfigError, MissingExtra
from weaksup.labeling_functions.base import check_name
from weaksup.labeling_functions.column import ColumnLF, text_column
from weaksup.labeling_functions.examples import read_examples
from weaksup.labeling_functions.preprocessors import Preprocessor
from weaksup.labels import ABSTAIN
from weaksup.protocols import ChunkVotes

__all__ = ["spacy_doc", "spacy_entities", "spacy_phrases", "spacy_tokens"]

Test = Callable[[Any], bool]  # of a spaCy Doc


def spacy_tokens(
    name: str,
    patterns: Sequence[Any],
    *,
    label: object,
    lang: str = "en",
    pipeline: str | None = None,
    field: str = "text",
    examples: Iterable[object] = (),
) -> ColumnLF:
    """Vote `label` where a token pattern of spaCy's Matcher is found.

    `patterns` is one pattern, `[{"LOWER": "free"}, {"IS_PUNCT": True, "OP": "*"}]`, or a list of such.
    """
    listed = [list(patterns)] if patterns and isinstance(patterns[0], Mapping) else [list(p) for p in patterns]
    if not listed or not all(listed):
        raise ConfigError(f'spacy_tokens "{name}": expected token patterns, got {str(patterns)[:60]}')

    def build(nlp: Any) -> Test:
        from spacy.matcher import Matcher

        matcher = Matcher(nlp.vocab, validate=True)
        matcher.add(name, listed)
        return lambda doc: bool(matcher(doc))

    return _doc_rule(_Parser(name, lang, pipeline), build, label=label, field=field, examples=examples)


def spacy_phrases(
    name: str,
    phrases: Iterable[str],
    *,
    label: object,
    attr: str = "LOWER",
    lang: str = "en",
    pipeline: str | None = None,
    field: str = "text",
    examples: Iterable[object] = (),
) -> ColumnLF:
    """Vote `label` where one of the phrases is found token by token, compared by the token attribute `attr`."""
    listed = list(phrases)
    if isinstance(phrases, str) or not listed or not all(isinstance(p, str) and p.strip() for p in listed):
        raise ConfigError(f'spacy_phrases "{name}": expected a list of phrases, got {str(phrases)[:60]}')

    def build(nlp: Any) -> Test:
        from spacy.matcher import PhraseMatcher

        matcher = PhraseMatcher(nlp.vocab, attr=attr)
        matcher.add(name, [nlp(phrase) for phrase in listed])
        return lambda doc: bool(matcher(doc))

    return _doc_rule(_Parser(name, lang, pipeline), build, label=label, field=field, examples=examples)


def spacy_entities(
    name: str,
    kinds: Iterable[str],
    *,
    label: object,
    patterns: Sequence[Mapping[str, Any]] = (),
    lang: str = "en",
    pipeline: str | None = None,
    field: str = "text",
    examples: Iterable[object] = (),
) -> ColumnLF:
    """Vote `label` where an entity of one of the `kinds` is found.

    `patterns` are entity-ruler patterns, `{"label": "PLAN", "pattern": "business plan"}`; without any, the entities are
    those of the trained `pipeline`.
    """
    wanted = {kinds} if isinstance(kinds, str) else set(kinds)
    if not patterns and pipeline is None:
        raise ConfigError(f'spacy_entities "{name}": expected patterns=[...] or a trained pipeline="...", got neither')
    for pattern in patterns:
        if not isinstance(pattern, Mapping) or not {"label", "pattern"} <= set(pattern):
            raise ConfigError(
                f'spacy_entities "{name}": expected {{"label": ..., "pattern": ...}}, got {str(pattern)[:60]}'
            )

    def build(nlp: Any) -> Test:
        if not patterns:
            return lambda doc: any(span.label_ in wanted for span in doc.ents)
        from spacy.pipeline import EntityRuler

        # Asked beside the pipeline, not in it: the Doc is shared, and its entities are no one rule's.
        ruler = EntityRuler(nlp, patterns=[dict(p) for p in patterns], validate=True, phrase_matcher_attr="LOWER")
        return lambda doc: any(nlp.vocab.strings[kind] in wanted for kind, _start, _end in ruler.match(doc))

    return _doc_rule(_Parser(name, lang, pipeline), build, label=label, field=field, examples=examples)


def spacy_doc(lang: str = "en", *, pipeline: str | None = None, field: str = "text", into: str = "doc") -> Preprocessor:
    """Make a preprocessor that gives rows a field `doc`; the Doc is the one that the spaCy labeling functions see."""
    parser = _Parser("spacy_doc", lang, pipeline)

    def function(row: Row, memo: dict[Any, Any]) -> dict[str, Any]:
        return {into: parser.docs([row[field]], memo)[0]}

    return Preprocessor("spacy_doc", function)


class _Parser:
    """A pipeline by name, loaded when it is first needed."""

    def __init__(self, name: str, lang: str, pipeline: str | None) -> None:
        self.name, self.lang, self.pipeline = check_name(name), lang, pipeline

    def nlp(self) -> Any:
        return _load(self.lang, self.pipeline)

    def docs(self, texts: Sequence[Any], memo: dict[Any, Any]) -> list[Any]:
        """Return the Doc of every text, parsing only those that are not in the memo; `None` for a null.

        What cannot be parsed raises, in a list of one, and stands as its exception in longer lists.
        """
        known: dict[str, Any] = memo.setdefault(("spacy", self.lang, self.pipeline), {})
        new = [text for text in dict.fromkeys(texts) if text is not None and text not in known]
        known.update(zip(new, _parse(self.nlp(), new), strict=True))
        docs = [None if text is None else known[text] for text in texts]
        if len(docs) == 1 and isinstance(docs[0], Exception):
            raise docs[0]
        return docs


@lru_cache(maxsize=8)
def _load(lang: str, pipeline: str | None) -> Any:
    import spacy

    try:
        return spacy.blank(lang) if pipeline is None else spacy.load(pipeline)
    except ImportError:
        raise ConfigError(f'spaCy knows no language "{lang}"; expected a code such as "en", "de" or "xx"') from None
    except OSError:
        raise MissingExtra(
            f'the spaCy pipeline "{pipeline}" is not installed: run "python -m spacy download {pipeline}", name a '
            "folder that holds one, or leave pipeline= out to use a blank one"
        ) from None


def _parse(nlp: Any, texts: Sequence[str]) -> list[Any]:
    """Return a Doc for each text, or the exception raised for it."""
    docs: list[Any] = []
    try:
        docs.extend(nlp.pipe(texts))
    except Exception:  # noqa: BLE001  (one text spoils the stream: each is tried alone, and its error kept)
        docs = [_parse_one(nlp, text) for text in texts]
    return docs


def _parse_one(nlp: Any, text: str) -> Any:
    try:
        return nlp(text)
    except Exception as error:  # noqa: BLE001  (a fault of this row)
        return error


def _doc_rule(
    parser: _Parser, build: Callable[[Any], Test], *, label: object, field: str, examples: Iterable[object]
) -> ColumnLF:
    name = parser.name

    @cache
    def test() -> Test:
        try:
            made = build(parser.nlp())
            made(parser.nlp()("probe"))  # a rule that needs a tagger says so now, not on every row
        except (ValueError, TypeError, KeyError) as error:
            raise ConfigError(f'spaCy labeling function "{name}": {" ".join(str(error).split())[:300]}') from None
        return made

    def pick(chunk: Chunk) -> ChunkVotes:
        rule = test()
        texts = text_column(chunk, field, name=name).to_pylist()
        codes = np.full(len(texts), ABSTAIN, np.int16)
        errors: dict[int, BaseException] = {}
        for i, doc in enumerate(parser.docs(texts, chunk.memo)):  # row by row: spaCy's matchers take one Doc
            if isinstance(doc, Exception):
                errors[i] = doc
            elif doc is not None and rule(doc):
                codes[i] = 0
        return ChunkVotes(codes, errors)

    return ColumnLF(name, pick, (label,), read_examples(name, examples), ready=test)
