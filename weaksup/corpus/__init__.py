"""Corpora: files, folders and tables, read as a stream of record batches."""

from weaksup.corpus.rows import Chunk, Row

__all__ = ["Chunk", "Row"]
