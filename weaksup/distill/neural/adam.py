"""Adam (D. P. Kingma and J. Ba, 2015): `torch.optim` takes seconds to import its compiler before the first step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Adam"]

_FIRST, _SECOND, _TINY = 0.9, 0.999, 1e-8


class Adam:
    """Steps for some tensors, by their gradients; `decay` pulls those with two axes to zero (AdamW)."""

    def __init__(self, places: Sequence[Tensor], *, decay: float = 0.0):
        import torch

        self._places = list(places)
        self._mean = [torch.zeros_like(place) for place in self._places]
        self._square = [torch.zeros_like(place) for place in self._places]
        self._steps = 0
        self._decay = decay

    def step(self, rate: float) -> None:
        """Move against the gradients, then forget them; tensors without one stay."""
        import torch

        self._steps += 1
        grown = 1 - _SECOND**self._steps
        with torch.no_grad():
            for place, mean, square in zip(self._places, self._mean, self._square, strict=True):
                slope, place.grad = place.grad, None
                if slope is None:
                    continue
                if self._decay and place.ndim > 1:
                    place.mul_(1 - rate * self._decay)
                mean.lerp_(slope, 1 - _FIRST)
                square.mul_(_SECOND).addcmul_(slope, slope, value=1 - _SECOND)
                size = (square / grown).sqrt_().add_(_TINY)
                place.addcdiv_(mean, size, value=-rate / (1 - _FIRST**self._steps))
