"""Low-rank adapters (E. Hu et al., LoRA, 2022) in every linear layer of a language model; `peft` has the layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.linear.softmax import Floats, one_thread
from weaksup.distill.neural.adam import Adam
from weaksup.distill.side_by_side import crew
from weaksup.distill.slm.reading import Ids, answer_log_proba
from weaksup.distill.slm.trie import Trie

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Adapters"]

Rows = NDArray[np.int64]
_PARTS = 4  # of a batch, side by side: always as many, so the sums do not depend on the machine
_READ = 8  # prompts that are read at a time
_SCALE = 2  # what the adapters add counts so many times


class Adapters:
    """What is trained: two thin matrices beside each linear layer but the last; the model itself stays as it is.

    There is no dropout, whose random numbers would depend on the threads; stopping early does its work.
    """

    def __init__(self, module: Any, trie: Trie, *, rank: int, seed: int):
        import torch
        from peft import LoraConfig, LoraModel

        self._trie, self._seed = trie, seed
        wanted = LoraConfig(r=rank, lora_alpha=_SCALE * rank, target_modules="all-linear", task_type="CAUSAL_LM")
        with torch.random.fork_rng(devices=[]):  # what is drawn here is replaced by `start`
            self._model = LoraModel(module, wanted, "default").eval()
        self._places = {name: part for name, part in self._model.named_parameters() if part.requires_grad}
        self.start()

    def start(self) -> None:
        """Begin again: adapters that change nothing, and no memory of earlier steps."""
        import torch

        rng = np.random.default_rng(self._seed)
        with torch.no_grad():
            for name in sorted(self._places):
                part = self._places[name]
                if "lora_A" in name:
                    drawn = rng.uniform(-1, 1, part.shape) / np.sqrt(part.shape[1])
                    part.copy_(torch.tensor(drawn, dtype=torch.float32))
                else:
                    part.zero_()
        self._adam = Adam(list(self._places.values()))

    def learn(self, prompts: Sequence[Ids], aim: Floats, *, rate: float) -> float:
        """Make one step on the cross-entropy to `aim` [n, k], distributions times weights; return what it was."""
        import torch

        places = list(self._places.values())
        goal = torch.tensor(aim, dtype=torch.float32)

        def slopes(rows: Rows) -> tuple[float, tuple[Tensor, ...]]:
            said = answer_log_proba(self._model, self._trie, [prompts[i] for i in rows.tolist()])
            loss = -(goal[rows.tolist()] * said).sum() / len(prompts)
            return float(loss.detach()), torch.autograd.grad(loss, places)

        parts = list(_like_lengths(prompts, min(_PARTS, len(prompts))))
        with one_thread(), crew(len(parts)) as run:
            found = run(slopes, parts)
        for place, *some in zip(places, *(slope for _, slope in found), strict=True):
            place.grad = sum(some[1:], start=some[0])
        with one_thread():
            self._adam.step(rate)
        return float(sum(loss for loss, _ in found))

    def log_proba(self, prompts: Sequence[Ids]) -> Floats:
        """Return log-probabilities [n, k] of the answers, as if there were no others."""
        import torch

        found = np.empty((len(prompts), len(self._trie.paths)))
        parts = list(_like_lengths(prompts, -(-len(prompts) // _READ))) if prompts else []

        def read(rows: Rows) -> Any:
            with torch.no_grad():
                said = answer_log_proba(self._model, self._trie, [prompts[i] for i in rows.tolist()])
                return torch.log_softmax(said.double(), dim=1).numpy()

        with one_thread(), crew(len(parts)) as run:
            for rows, said in zip(parts, run(read, parts), strict=True):
                found[rows] = said
        return found

    def merged(self) -> Any:
        """Return the model with the adapters added into its weights; they are gone then."""
        with one_thread():
            return self._model.merge_and_unload().eval().requires_grad_(False)


def _like_lengths(prompts: Sequence[Ids], parts: int) -> Iterator[Rows]:
    """Give positions in so many parts, like lengths together: less is padded."""
    yield from np.array_split(np.argsort([len(ids) for ids in prompts], kind="stable"), parts)
