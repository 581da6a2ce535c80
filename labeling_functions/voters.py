"""What may vote: every kind of labeling function, and Snorkel's own objects wrapped unseen."""

from __future__ import annotations

from collections.abc import Iterable

from weaksup.errors import ConfigError
from weaksup.labeling_functions.base import check_name
from weaksup.labeling_functions.snorkel_bridge import SnorkelLF, is_snorkel_lf
from weaksup.protocols import Voter

__all__ = ["as_voters", "is_voter"]


def is_voter(thing: object) -> bool:
    """Tell whether a thing is a labeling function (an object of one, not its class)."""
    return not isinstance(thing, type) and (is_snorkel_lf(thing) or isinstance(thing, Voter))


def as_voters(lfs: Iterable[object]) -> tuple[Voter, ...]:
    """Return the labeling functions in order; raise `ConfigError` for what is none and for a name that comes twice."""
    if is_voter(lfs):
        raise ConfigError("expected a list of labeling functions, got one; write [...] around it")
    voters = tuple(_as_voter(lf) for lf in lfs)
    names: set[str] = set()
    for voter in voters:
        name = check_name(voter.name)
        if name in names:
            raise ConfigError(f'two labeling functions are named "{name}"; names must differ')
        names.add(name)
    return voters


def _as_voter(lf: object) -> Voter:
    if not isinstance(lf, type):
        if is_snorkel_lf(lf):
            return SnorkelLF(lf)
        if isinstance(lf, Voter):
            return lf
    shown = getattr(lf, "__name__", None) or repr(lf)[:60]
    raise ConfigError(f"expected labeling functions, got {shown}; write @labeling_function above its def")
