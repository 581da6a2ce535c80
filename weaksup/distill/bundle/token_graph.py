"""Run a student that reads tokens: onnxruntime, numpy and the package tokenizers, no torch, no transformers.

Each text is run alone, so no answer depends on the texts beside it, and nothing is padded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.bundle.graph_check import TOKEN_OPERATORS, find_fault
from weaksup.distill.bundle.seal import MODEL, bad_bundle
from weaksup.distill.bundle.session import broken, start_session
from weaksup.errors import MissingExtra

__all__ = ["TOKENIZER", "open_token_graph", "open_tokenizer"]

TOKENIZER = "tokenizer.json"
INPUT, LABEL, PROBABILITIES = "ids", "label", "probabilities"
Tokenize = Callable[[str], NDArray[np.int64]]


def open_token_graph(
    folder: Path, files: Mapping[str, bytes], names: Sequence[str]
) -> Callable[[NDArray[Any]], NDArray[np.float32]]:
    """Return the function that classifies texts, tried on one; raise UsageError for what is no such student."""
    fault = find_fault(files[MODEL], TOKEN_OPERATORS)
    if fault:
        raise bad_bundle(folder, f"{MODEL} is no student of weaksup: {fault}")
    if TOKENIZER not in files:
        raise bad_bundle(folder, f"{TOKENIZER} is missing; take a fresh copy, or distill again")
    try:
        tokenize = open_tokenizer(files[TOKENIZER])
    except ValueError as error:
        raise bad_bundle(folder, str(error)) from None
    session = start_session(folder, files[MODEL])

    def run(texts: NDArray[Any]) -> NDArray[np.float32]:
        proba = np.empty((len(texts), len(names)), np.float32)
        try:
            for i, text in enumerate(texts.tolist()):
                proba[i] = session.run([PROBABILITIES], {INPUT: tokenize(text)})[0]
        except Exception as error:  # noqa: BLE001  (onnxruntime raises many kinds; each means the same here)
            raise broken(folder, error) from None
        return proba

    _try(folder, session, tokenize, names)
    return run


def open_tokenizer(data: bytes) -> Tokenize:
    """Return the function that gives the token ids int64 [1, t] of a text; raise ValueError for what is no tokenizer.

    Texts are cut where the file says so. A text without a token is the token 0, for encoders need one.
    """
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise MissingExtra("students that read tokens: pip install tokenizers") from None
    try:
        tokenizer = Tokenizer.from_buffer(data)
    except Exception as error:  # noqa: BLE001  (tokenizers raises plain Exception)
        raise ValueError(f"{TOKENIZER} is no tokenizer ({str(error)[:100]})") from None
    tokenizer.no_padding()

    def tokenize(text: str) -> NDArray[np.int64]:
        return np.array([tokenizer.encode(text).ids or [0]], np.int64)

    return tokenize


def _try(folder: Path, session: Any, tokenize: Tokenize, names: Sequence[str]) -> None:
    try:
        label, proba = session.run([LABEL, PROBABILITIES], {INPUT: tokenize("a")})
    except Exception as error:  # noqa: BLE001  (as above)
        raise broken(folder, error) from None
    if proba.shape != (1, len(names)) or label[0] not in names:
        raise bad_bundle(folder, f"{MODEL} and labels.json do not belong together")
