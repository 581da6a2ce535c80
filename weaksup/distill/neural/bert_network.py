"""An encoder with a softmax as a torch module, to be trained; `transformers` has the layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.linear.softmax import Floats, one_thread
from weaksup.distill.neural.adam import Adam
from weaksup.distill.neural.bert_graph import Bert
from weaksup.distill.neural.token_model import Head
from weaksup.distill.side_by_side import crew
from weaksup.errors import MissingExtra

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["BertNetwork"]

Tokens = Sequence[NDArray[np.int64]]  # ids [t] of each text
_PARTS = 2  # of a batch, side by side: always as many, so the sums do not depend on the machine
_DECAY = 0.01
_FIXED = "embeddings."  # half of the weights; words that no row has would be left behind by those that move
_READ = 32  # texts that are read at a time
_TYPES = "embeddings.token_type_embeddings.weight"


class BertNetwork:
    """Weights that move: those of the encoder's layers and of the head; the embeddings of words stay as they are.

    There is no dropout, whose random numbers would depend on the threads; stopping early does its work.
    """

    def __init__(self, bert: Bert, head: Head):
        import torch

        self._bert, self._classes = bert, head.classes
        self._module = _module(bert)
        self._head = [torch.tensor(part, dtype=torch.float32) for part in (head.weights, head.bias)]
        for name, place in self._module.named_parameters():
            place.requires_grad_(not name.startswith(_FIXED))
        moved = [place for place in self._module.parameters() if place.requires_grad]
        self._places = [*moved, *(part.requires_grad_() for part in self._head)]
        self._adam = Adam(self._places, decay=_DECAY)

    def learn(self, tokens: Tokens, aim: NDArray[np.float32], *, rate: float) -> None:
        """Make one step on the cross-entropy to `aim` [n, k], whose rows are distributions times weights."""
        import torch

        order = np.argsort([len(ids) for ids in tokens], kind="stable")  # like lengths together: less is padded
        parts = [rows for rows in np.array_split(order, _PARTS) if len(rows)]

        def slopes(rows: NDArray[np.int64]) -> tuple[Tensor, ...]:
            said = self._log_proba([tokens[i] for i in rows.tolist()])
            loss = -(torch.tensor(aim[rows]) * said).sum() / len(tokens)
            return torch.autograd.grad(loss, self._places)

        with one_thread(), crew(len(parts)) as run:
            found = run(slopes, parts)
        for place, *some in zip(self._places, *found, strict=True):
            place.grad = sum(some[1:], start=some[0])
        with one_thread():
            self._adam.step(rate)

    def log_proba(self, tokens: Tokens) -> Floats:
        """Return log-probabilities [n, k]."""
        import torch

        order = np.argsort([len(ids) for ids in tokens], kind="stable")
        parts = np.array_split(order, -(-len(order) // _READ)) if len(order) else []

        def read(rows: NDArray[np.int64]) -> Any:
            with torch.no_grad():
                return self._log_proba([tokens[i] for i in rows.tolist()]).double().numpy()

        found = np.empty((len(tokens), len(self._classes)))
        with one_thread(), crew(len(parts)) as run:
            for rows, said in zip(parts, run(read, parts), strict=True):
                found[rows] = said
        return found

    def trained(self) -> tuple[Bert, Head]:
        """Return the encoder and the head as they are now."""
        now = {name: value.detach().numpy().copy() for name, value in self._module.state_dict().items()}
        weights = {name: now[name] for name in self._bert.weights}
        head = Head(self._classes, *(part.detach().double().numpy() for part in self._head))
        return replace(self._bert, weights=weights), head

    def _log_proba(self, tokens: Tokens) -> Tensor:
        import torch

        longest = max(map(len, tokens))
        ids = torch.tensor(np.stack([np.pad(some, (0, longest - len(some))) for some in tokens]))
        mask = torch.tensor([[1] * len(some) + [0] * (longest - len(some)) for some in tokens])
        places = torch.arange(longest)[None] + self._bert.first_place
        states = self._module(input_ids=ids, attention_mask=mask, position_ids=places).last_hidden_state
        vectors = _pool(states, mask, self._bert)
        return torch.log_softmax(vectors @ self._head[0] + self._head[1], dim=1)


def _pool(states: Tensor, mask: Tensor, bert: Bert) -> Tensor:
    """Do what `token_model.end_graph` does."""
    import torch

    if bert.pooling == "first":
        vectors = states[:, 0]
    else:
        known = mask[:, :, None].float()
        vectors = (states * known).sum(dim=1) / known.sum(dim=1)
    return torch.nn.functional.normalize(vectors, dim=1) if bert.normalise else vectors


def _module(bert: Bert) -> Any:
    """Build the layers, with the weights of the encoder in them."""
    import torch

    try:
        from transformers import BertConfig, BertModel
    except ImportError:
        message = 'student transformer: transformers is not installed; run: pip install "weaksup[transformer]"'
        raise MissingExtra(message) from None
    words, hidden = bert.weights["embeddings.word_embeddings.weight"].shape
    types = bert.weights.get(_TYPES, np.zeros((1, hidden), np.float32))
    config = BertConfig(
        vocab_size=words,
        hidden_size=hidden,
        num_hidden_layers=bert.layers,
        num_attention_heads=bert.heads,
        intermediate_size=bert.weights["encoder.layer.0.intermediate.dense.weight"].shape[0],
        hidden_act=bert.activation,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        max_position_embeddings=len(bert.weights["embeddings.position_embeddings.weight"]),
        type_vocab_size=len(types),
        layer_norm_eps=bert.epsilon,
    )
    with torch.random.fork_rng(devices=[]):  # what is drawn here is replaced at once
        module = BertModel(config, add_pooling_layer=False)
    weights = {**bert.weights, _TYPES: types}
    module.load_state_dict({name: torch.tensor(value) for name, value in weights.items()}, strict=False)
    return module
