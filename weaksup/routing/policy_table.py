"""Read a policy from the [policy] table of weaksup.toml."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from weaksup.errors import ConfigError
from weaksup.files import first_fault
from weaksup.labels import LabelSpace
from weaksup.routing.always import AlwaysRule, FieldRule, LabelRule, SliceRule
from weaksup.routing.policy import LabelPolicy, Policy

__all__ = ["read_policy"]

_Share = Annotated[float, Field(ge=0, le=1, strict=True)]
_Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
_TESTS = ("equals", "one_of", "above", "at_least", "contains")


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_AnyTable = TypeVar("_AnyTable", bound=_Table)


class _LabelTable(_Table):
    accept: _Share | None = None
    below: dict[str, _Share] = {}


class _RuleTable(_Table):
    label: str | None = None
    slice: str | None = None
    field: str | None = None
    equals: Any = None
    one_of: Annotated[list[Any], Field(min_length=1)] | None = None
    above: _Number | None = None
    at_least: _Number | None = None
    contains: Annotated[str, Field(min_length=1)] | None = None


class _PolicyTable(_Table):
    accept: _Share = 0.9
    below: dict[str, _Share] = {}
    labels: dict[str, _LabelTable] = {}
    always: list[dict[str, Any]] = []
    audit: _Share = 0.0
    seed: Annotated[int, Field(ge=0, strict=True)] = 0


def read_policy(table: Mapping[str, Any], *, tiers: Sequence[str], labels: LabelSpace) -> Policy:
    """Read what [policy] says; {} is the default policy. `tiers` are the names that `below` may use.

    Raise `ConfigError` in one line for a setting, a tier or a label that does not exist, and for values out of range.

    >>> policy = read_policy({"accept": 0.95}, tiers=["people"], labels=LabelSpace(["HAM", "SPAM"]))
    >>> policy.accept
    0.95
    """
    read = _read(_PolicyTable, table, "[policy]")
    _check_names(read.below, tiers, "[policy] below", "tier")
    _check_names(read.labels, labels.names, "[policy.labels]", "label")
    for name, own in read.labels.items():
        _check_names(own.below, tiers, f"[policy.labels.{name}] below", "tier")
    rules = [_read_rule(part, labels, f"[[policy.always]] {number}") for number, part in enumerate(read.always, 1)]
    own_of = {name: LabelPolicy(own.accept, own.below) for name, own in read.labels.items()}
    return Policy(read.accept, read.below, own_of, tuple(rules), read.audit, read.seed)


def _read(kind: type[_AnyTable], table: Mapping[str, Any], where: str) -> _AnyTable:
    try:
        return kind(**table)
    except ValidationError as error:
        raise ConfigError(f"{where}: {first_fault(error)}") from None


def _read_rule(table: Mapping[str, Any], labels: LabelSpace, where: str) -> AlwaysRule:
    read = _read(_RuleTable, table, where)
    _one_of(table, ("label", "field", "slice"), where)
    tests = [key for key in _TESTS if key in table]
    if read.field is None and tests:
        raise ConfigError(f'{where}: expected a field with "{tests[0]}", got none; add field = "NAME"')
    if read.label is not None:
        _check_names([read.label], labels.names, where, "label")
        return LabelRule(read.label)
    if read.slice is not None:
        return SliceRule(read.slice)
    _one_of(table, _TESTS, where)
    value = getattr(read, tests[0])
    for item in value if tests[0] == "one_of" else [value]:
        if not isinstance(item, (str, int, float)):
            raise ConfigError(f"{where}: expected texts, numbers, true or false for {tests[0]}, got {item!r}")
    return FieldRule(str(read.field), tests[0], tuple(value) if tests[0] == "one_of" else value)  # type: ignore[arg-type]


def _one_of(table: Mapping[str, Any], keys: Sequence[str], where: str) -> None:
    found = [key for key in keys if key in table]
    if len(found) != 1:
        raise ConfigError(f"{where}: expected exactly one of {', '.join(keys)}, got {' and '.join(found) or 'none'}")


def _check_names(names: Iterable[str], known: Sequence[str], where: str, what: str) -> None:
    for name in names:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            advice = f'; did you mean "{close[0]}"?' if close else ""
            there = ", ".join(known) or f"none, as there is no {what}"
            raise ConfigError(f'{where}: expected a {what} out of {there}, got "{name}"{advice}')
