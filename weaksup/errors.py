"""Every error that weaksup raises on purpose.

    WeaksupError              exit code
    +-- UsageError             2   the caller must change something: an option, a file, an LF
    |   +-- ConfigError        2   weaksup.toml, an LF module
    |   +-- CorpusError        2   a corpus that cannot be read at all
    |   +-- VoteError          2   a value that is no label, from a named source on a named row
    |   +-- PriceError         2   no price, so no call
    |   +-- MissingExtra       2   an optional dependency, with the line that installs it
    +-- ShortfallError         3   done, but rows failed or a gate fell short
    |   +-- FaultError         3   more LF faults than allowed; carries the work done
    +-- BudgetError            4   the budget is reached; nothing more was sent
    +-- DiskError             74   the disk is full, or a path cannot be written
    +-- ProviderError         75   the model provider does not answer

A message is one line: what was expected, what came, what to do.
"""

from __future__ import annotations

__all__ = [
    "BudgetError",
    "ConfigError",
    "CorpusError",
    "DiskError",
    "FaultError",
    "MissingExtra",
    "PriceError",
    "ProviderError",
    "ShortfallError",
    "UsageError",
    "VoteError",
    "WeaksupError",
]


class WeaksupError(Exception):
    """Base of all errors of weaksup; `exit_code` is what the command line returns."""

    exit_code = 1


class UsageError(WeaksupError):
    """Something the caller must change before the step can run."""

    exit_code = 2


class ConfigError(UsageError):
    """A weaksup.toml or an LF module that does not say what it must."""


class CorpusError(UsageError):
    """A corpus that cannot be read at all (single bad rows are rejects, not errors)."""


class VoteError(UsageError):
    """A value that is neither a label nor an abstain."""


class PriceError(UsageError):
    """A model without a usable price: it is refused before the first call."""


class MissingExtra(UsageError):  # noqa: N818  (the name says what is missing)
    """An optional dependency is not installed; the message holds the line that installs it."""


class ShortfallError(WeaksupError):
    """The step is done, but rows failed or a gate fell short."""

    exit_code = 3


class FaultError(ShortfallError):
    """More rows of a labeling function failed than allowed; `applied` holds the finished work."""

    def __init__(self, message: str, applied: object = None) -> None:
        super().__init__(message)
        self.applied = applied


class BudgetError(WeaksupError):
    """The budget is reached."""

    exit_code = 4


class DiskError(WeaksupError):
    """A file could not be written."""

    exit_code = 74


class ProviderError(WeaksupError):
    """A model provider does not answer."""

    exit_code = 75
