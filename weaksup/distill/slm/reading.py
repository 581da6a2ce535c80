"""How likely a language model finds each answer: all answers to a prompt in one pass.

The answers stand behind the prompt as a tree, where each token sees the prompt and what lies on its way (tree
attention: X. Miao et al., SpecInfer, 2024).
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np

from weaksup.distill.linear.softmax import one_thread
from weaksup.distill.slm.trie import Trie
from weaksup.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Prefix", "answer_log_proba", "check_tree"]

Ids = Sequence[int]
_NEAR = 1e-2  # what two ways to add up the same numbers may differ by, in nats


class Prefix:
    """The tokens that all prompts begin with, read once."""

    def __init__(self, module: Any, ids: Ids):
        import torch
        from transformers import DynamicCache

        self.size = len(ids)
        self._cache = DynamicCache()
        if self.size:
            with torch.no_grad():
                module(
                    input_ids=torch.tensor([list(ids)]), past_key_values=self._cache, use_cache=True, logits_to_keep=1
                )

    def cache(self) -> Any:
        """Return what was read; what is read next goes into this copy."""
        return deepcopy(self._cache)


def answer_log_proba(module: Any, trie: Trie, prompts: Sequence[Ids], prefix: Prefix | None = None) -> Tensor:
    """Return log P(answer | prompt) [n, k]: sums over the tokens of each answer, the one that ends it included.

    With a `prefix` the prompts are what follows it, at least one token. Shorter prompts are padded on the left.
    """
    import torch

    start, size = prefix.size if prefix else 0, len(trie.inner)
    longest = max(map(len, prompts))
    ids, places = np.zeros((2, len(prompts), longest + size), np.int64)
    sees = np.zeros((len(prompts), longest + size, start + longest + size), np.bool_)
    sees[:, :, :start] = True
    for i, prompt in enumerate(prompts):
        pad = longest - len(prompt)
        ids[i] = [*[0] * pad, *prompt, *trie.inner]
        places[i, pad:longest] = start + np.arange(len(prompt))
        places[i, longest:] = start + len(prompt) - 1 + trie.depth
        sees[i, :longest, start : start + longest] = np.eye(longest, dtype=np.bool_)  # padding, too, must see something
        sees[i, pad:longest, start + pad : start + longest] = np.tri(len(prompt), dtype=np.bool_)
        sees[i, longest:, start + pad : start + longest] = True
    sees[:, longest:, start + longest :] = trie.sees
    hidden = torch.zeros(sees.shape).masked_fill_(~torch.tensor(sees), torch.finfo(torch.float32).min)
    logits = module(
        input_ids=torch.tensor(ids),
        attention_mask=hidden[:, None],
        position_ids=torch.tensor(places),
        logits_to_keep=size + 1,
        use_cache=prefix is not None,
        past_key_values=prefix.cache() if prefix else None,
    ).logits
    steps = torch.log_softmax(logits.float(), dim=2)[:, torch.tensor(trie.source), torch.tensor(trie.tokens)]
    return steps @ torch.tensor(trie.paths).T


def check_tree(module: Any, trie: Trie, prompt: Ids, answers: Sequence[Ids]) -> None:
    """Raise UsageError unless the model reads a tree, and behind a prefix, as it reads each answer alone."""
    import torch

    family = module.config.model_type
    try:
        with torch.no_grad(), one_thread():
            alone = torch.stack([_alone(module, prompt, answer) for answer in answers])
            tree = answer_log_proba(module, trie, [prompt])[0]
            behind = answer_log_proba(module, trie, [prompt[-1:]], Prefix(module, prompt[:-1]))[0]
        off = max(float((tree - alone).abs().max()), float((behind - alone).abs().max()))
    except (TypeError, ValueError, RuntimeError, LookupError, AttributeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UsageError(f'student slm: a model of type "{family}" cannot be trained here ({reason})') from None
    if not off <= _NEAR * max(1.0, float(alone.abs().max()) / 10):
        raise UsageError(
            f'student slm: a model of type "{family}" does not look back by attention alone; take another, such as '
            "llama or qwen2"
        )


def _alone(module: Any, prompt: Ids, answer: Ids) -> Tensor:
    import torch

    logits = module(input_ids=torch.tensor([[*prompt, *answer]]), use_cache=False).logits[0].float()
    steps = torch.log_softmax(logits, dim=1)[len(prompt) - 1 : -1]
    return steps.gather(1, torch.tensor(list(answer))[:, None]).sum()
