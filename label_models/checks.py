"""A public check of the laws that label models keep: run it over a model of your own."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import TypeVar

from weaksup.errors import UsageError
from weaksup.label_models.example_votes import Example
from weaksup.label_models.laws import BALANCE, CONFIDENCE, COPY, GOLD, LAWS, MakeModel, Trial

__all__ = ["CLAIMS", "LAWS", "MakeModel", "check_label_model"]

_Result = TypeVar("_Result")
_BREAKS = "label model breaks a law:"

CLAIMS: dict[str, tuple[str, ...]] = {
    "default": (COPY, GOLD, BALANCE, CONFIDENCE),
    "majority": (),
    "weighted": (GOLD, CONFIDENCE),
    "dawid-skene": (GOLD, BALANCE, CONFIDENCE),
    "one-coin": (GOLD, BALANCE, CONFIDENCE),
    "triplet": (GOLD, BALANCE, CONFIDENCE),
    "generative": (GOLD, BALANCE, CONFIDENCE),
    "mace": (GOLD, BALANCE),
    "glad": (GOLD, BALANCE),
    "minimax": (GOLD, BALANCE),
    "snorkel": (BALANCE,),
}
"""By model: which laws it keeps of those that not every model keeps."""


def check_label_model(
    make_model: MakeModel, *, skip: Collection[str] = (), also: Collection[str] = (), max_sources: int = 500
) -> list[str]:
    """Check every law of `LAWS` on fixed example votes and return the names of those checked.

    Laws that only some models keep are checked where `also` names them, and for our own models as `CLAIMS` says. `skip`
    names laws that a model does not keep, such as saving for one that cannot be saved; `max_sources` leaves out wider
    examples. A model that needs more sources may refuse votes with a `UsageError`, but not all of them.

    Raises `AssertionError` with the law's name, the votes' shape and what came at the first violation; so it does when
    a model raises anything else.

    >>> from weaksup.label_models import MajorityVote
    >>> check_label_model(MajorityVote)[0]
    'rows are distributions'
    """
    unknown = {*skip, *also} - set(LAWS)
    if unknown:
        raise UsageError(f"check_label_model: expected laws out of {', '.join(LAWS)}; got {', '.join(sorted(unknown))}")
    claimed = {*also, *CLAIMS.get(getattr(make_model(2), "name", ""), ())}
    chosen = [name for name, law in LAWS.items() if name not in skip and (not law.claimed or name in claimed)]
    checked: set[str] = set()
    for examples in dict.fromkeys(LAWS[name].examples for name in chosen):
        names = [name for name in chosen if LAWS[name].examples is examples]
        fitting = [(k, votes) for k, votes in examples() if votes.shape[1] <= max_sources]
        taken = [_check_on(example, make_model, names) for example in fitting]
        if fitting and not any(taken):
            raise AssertionError(f"{_BREAKS} {names[0]}: it refuses all example votes")
        checked.update(names if fitting else ())
    return [name for name in chosen if name in checked]


def _check_on(example: Example, make_model: MakeModel, names: list[str]) -> bool:
    """Check some laws on one example, the model being fitted once for all of them; say whether it took the votes."""
    k, votes = example
    shown = f"(votes {list(votes.shape)}, {k} classes)"
    try:
        trial = _attempt(partial(Trial.of, make_model, k, votes), f"{names[0]} {shown}")
    except UsageError:
        return False
    for name in names:
        try:
            _attempt(partial(LAWS[name].check, trial), f"{name} {shown}")
        except UsageError as error:
            message = f"{_BREAKS} {name} {shown}: it refuses: {error}; skip the law if it does not claim it"
            raise AssertionError(message) from error
    return True


def _attempt(action: Callable[[], _Result], law: str) -> _Result:
    """Do it and name the law that is broken meanwhile; refusals pass."""
    try:
        return action()
    except UsageError:
        raise
    except Exception as error:
        how = str(error) if isinstance(error, AssertionError) else f"it raises {type(error).__name__}: {error}"
        raise AssertionError(f"{_BREAKS} {law}: {how}") from error
