"""Reading `--tier`, `--set` and the caps of the verbs that ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weaksup.labels import LabelSpace
    from weaksup.llm import Tier
    from weaksup.routing.policy import Policy
    from weaksup.store import Limits, Store

__all__ = ["choose_tiers", "open_store", "read_file_policy", "read_limits"]


def choose_tiers(text: str, names: tuple[str, ...], settings: tuple[str, ...]) -> tuple[Tier, ...]:
    """Read --tier: a TOML file with one tier or several, those of `names` if any are given, or provider:model."""
    from pathlib import Path

    from weaksup.distill import load_bundle
    from weaksup.errors import ConfigError
    from weaksup.llm import make_tier
    from weaksup.llm.tiers import PROVIDERS, read_tables

    changed = dict(_setting(part) for part in settings)
    provider, _, model = text.partition(":")
    if provider in PROVIDERS and model:
        made = {"name": model, "provider": provider, "model": model, **changed}
        return (make_tier(made, load_student=load_bundle),)
    if text in PROVIDERS:
        raise ConfigError(f"--tier: expected {text}:MODEL or a TOML file with the tier, got {text} without a model")
    tables = read_tables(text)
    there = [str(table.get("name")) for table in tables]
    if missing := [name for name in names if name not in there]:
        raise ConfigError(f'{text}: expected a tier named "{missing[0]}"; it has: {", ".join(there)}')
    chosen = [table for table in tables if not names or table.get("name") in names]
    if changed and len(chosen) > 1:
        raise ConfigError(f"--set: expected one tier, got {len(chosen)}; choose it with --tier-name NAME")
    folder = Path(text).parent
    return tuple(make_tier({**table, **changed}, folder=folder, load_student=load_bundle) for table in chosen)


def read_limits(
    *, calls: int | None, tokens: int | None, people_minutes: float | None, day_budget: str | None
) -> Limits:
    """Return the caps beside the budget."""
    from weaksup.llm.limits import make_caps
    from weaksup.llm.pricing.prices import budget_cap
    from weaksup.store import Caps, Limits

    run = make_caps(calls=calls, tokens=tokens, people_minutes=people_minutes)
    return Limits(run, Caps() if day_budget is None else Caps(cost=budget_cap(day_budget)))


def open_store(where: str | None, votes: str) -> Store:
    """Open --store, a file or a PostgreSQL URL; `store.db` beside the votes if none is named."""
    from pathlib import Path

    from weaksup.store import Store

    return Store(where or Path(votes).with_name("store.db"))


def read_file_policy(text: str, labels: LabelSpace) -> Policy:
    """Return the [policy] of the file that --tier names, which may speak of tiers that are not asked now."""
    import tomllib
    from pathlib import Path

    from weaksup.errors import ConfigError
    from weaksup.llm.tiers import read_tables
    from weaksup.routing.policy_table import read_policy

    found = tomllib.loads(Path(text).read_text(encoding="utf-8")).get("policy", {})
    if not isinstance(found, dict):
        raise ConfigError(f"{text}: expected one table [policy], got {type(found).__name__}")
    return read_policy(found, tiers=[str(table.get("name")) for table in read_tables(text)], labels=labels)


def _setting(text: str) -> tuple[str, Any]:
    """Read KEY=VALUE; a value that is no TOML is a text."""
    import tomllib

    from weaksup.errors import UsageError

    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise UsageError(f'--set: expected KEY=VALUE, got "{text}"')
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value
