"""Corpora: files, folders and tables, read as a stream of record batches."""

from weaksup.corpus.corpus import Corpus, open_corpus
from weaksup.corpus.log import Counts, Reject
from weaksup.corpus.rows import Chunk, Row
from weaksup.corpus.scan import Scan

__all__ = ["Chunk", "Corpus", "Counts", "Reject", "Row", "Scan", "open_corpus"]
