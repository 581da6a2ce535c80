"""Tiers: priced answerers, as `[[tiers]]` of weaksup.toml describes them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weaksup.errors import ConfigError
from weaksup.llm.batches.kinds import check_batch
from weaksup.llm.egress import Egress, check_local, must_stay_local
from weaksup.llm.pricing.prices import Price
from weaksup.llm.providers.provider import Provider
from weaksup.llm.providers.simulated import PREFIX, Simulated, simulated_name
from weaksup.llm.providers.student import LoadStudent, StudentProvider
from weaksup.llm.redaction import KINDS
from weaksup.llm.settings import TierSettings
from weaksup.llm.tier_kinds import PROVIDERS
from weaksup.protocols import FittingPrompt, NamingPrompt, PromptFunctionProtocol

__all__ = ["PROVIDERS", "Tier", "make_tier", "read_tables", "read_tiers"]

DEFAULT_SHARE = 0.1  # of the rows: asking is for where the votes disagree
_ALL_OF_IT = Egress()


@dataclass(frozen=True, slots=True, eq=False)
class Tier:
    """A priced answerer: who answers, what it costs, how many calls at a time, on which share of the rows at most.

    `share` is None where none is set: a tier alone is then asked about a tenth of the rows, a student about all.
    `egress` is what it may be shown of a row; `wants` what it is asked for beside a label: "reason", "confidence".
    `items` rows go into one request; each is asked `samples` times, and the label that most answers name counts. The
    rates hold in any minute. With `batch`, requests go to the provider's batch API: that takes hours, and costs less.
    """

    name: str
    provider: Provider
    price: Price
    concurrency: int = 8
    share: float | None = None
    egress: Egress = _ALL_OF_IT
    wants: tuple[str, ...] = ()
    items: int = 1
    samples: int = 1
    requests_a_minute: int | None = None
    tokens_a_minute: int | None = None
    batch: bool = False

    def __post_init__(self) -> None:
        if self.provider.kind == Simulated.kind:
            object.__setattr__(self, "name", simulated_name(self.name))
        if not self.name.strip() or not self.name.isprintable():
            raise ConfigError(f"tier: expected a printable name, got {self.name!r}")
        if not 1 <= self.concurrency <= 256:
            raise ConfigError(f'tier "{self.name}": expected a concurrency from 1 to 256, got {self.concurrency}')
        if self.share is not None and not 0 < self.share <= 1:
            raise ConfigError(f'tier "{self.name}": expected a share above 0 and up to 1, got {self.share}')
        for what in ("items", "samples", "requests_a_minute", "tokens_a_minute"):
            value = getattr(self, what)
            if value is not None and value < 1:
                raise ConfigError(f'tier "{self.name}": expected {what} of at least 1, got {value}')
        if self.items > 1 and self.samples > 1:
            raise ConfigError(f'tier "{self.name}": write items or samples, not both')
        if self.batch:
            check_batch(self.provider.kind, f'tier "{self.name}"')
        if must_stay_local():
            check_local(self.provider, where=f'tier "{self.name}"', reason="WEAKSUP_LOCAL_ONLY is set")

    @property
    def model(self) -> str:
        """The name of the model."""
        return self.provider.model

    @property
    def kind(self) -> str:
        """The kind of the provider: "openai" (all that speak its protocol), "gguf", "student", "people", ..."""
        return self.provider.kind

    @property
    def paid_price(self) -> Price:
        """The price of a call in the way that the tier is asked."""
        return self.price.batched() if self.batch else self.price

    @property
    def given_name(self) -> str:
        """The name as the settings have it: without the word that marks a simulated tier."""
        return self.name.removeprefix(f"{PREFIX} ")

    @property
    def share_alone(self) -> float:
        """The share of the rows to ask at most where no other tier is there to share them with; a student is free."""
        usual = 1.0 if self.kind == StudentProvider.kind else DEFAULT_SHARE
        return usual if self.share is None else self.share

    def fitted(self, prompt: PromptFunctionProtocol) -> PromptFunctionProtocol:
        """Return the prompt as this tier may be asked it: with what it may see, for what it is to say.

        Only language models see aliases of labels; people, students and records know the labels' own names.
        """
        if isinstance(prompt, NamingPrompt) and not hasattr(self.provider, "params"):
            prompt = prompt.by_name()
        if isinstance(prompt, FittingPrompt):
            clean = self.egress.clean if self.egress.holds_back else None
            return prompt.fitted(clean=clean, wants=self.wants)
        if self.egress.holds_back or self.wants:
            what = "hold back fields, redact, or ask for a reason or a confidence"
            raise ConfigError(
                f'prompt "{prompt.name}": tier "{self.name}" is set to {what}; write the prompt with @prompt_function'
            )
        return prompt


def make_tier(
    settings: Mapping[str, Any], *, folder: str | Path = ".", load_student: LoadStudent | None = None
) -> Tier:
    """Make a tier of one `[[tiers]]` table; paths in it are seen from `folder`. Nothing is sent.

    A tier of kind "student" needs `load_student`, which opens its bundle: `weaksup.distill.load_bundle`.

    >>> make_tier({"name": "home", "ollama": "qwen3"}).price.source
    'free: a server on this machine'
    """
    left = TierSettings(settings, Path(folder), load_student)
    name = left.take("name", str, ...)
    kind = left.take_kind(PROVIDERS)
    batch = left.take("batch", bool, False)
    if batch:
        check_batch(kind, left.where)
    provider, price = PROVIDERS[kind](left)
    if left.take("local_only", bool, False):
        check_local(provider, where=left.where, reason="local_only = true")
    tier = Tier(
        name,
        provider,
        price,
        left.take("concurrency", int, 8),
        left.take("share", float),
        _egress(left),
        tuple(part for part in ("reason", "confidence") if getattr(left, part)),
        left.take("items", int, 1),
        left.take("samples", int, 1),
        left.take("requests_a_minute", int),
        left.take("tokens_a_minute", int),
        batch,
    )
    left.finish()
    return tier


def _egress(settings: TierSettings) -> Egress:
    """Read `fields = ["text"]` and `redact = true` or `redact = ["email"]`."""
    cut = settings.take("redact", object, False)
    if isinstance(cut, bool):
        cut = list(KINDS) if cut else []
    fields = settings.take("fields", list)
    for key, value in (("redact", cut), ("fields", fields)):
        if value is not None and not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
            raise ConfigError(f'{settings.where}: "{key}": expected a list of names, got {value!r}')
    return Egress(None if fields is None else tuple(fields), tuple(cut), settings.where)


def read_tiers(path: str | Path, *, load_student: LoadStudent | None = None) -> tuple[Tier, ...]:
    """Make the tiers of a TOML file; `load_student` as in `make_tier`."""
    folder = Path(path).parent
    return tuple(make_tier(table, folder=folder, load_student=load_student) for table in read_tables(path))


def read_tables(path: str | Path) -> list[dict[str, Any]]:
    """Read the tiers of a TOML file: its `[[tiers]]` tables, or the file itself as one tier.

    `local_only = true` above the tables holds for each of them.
    """
    file = Path(path)
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{path}: expected a TOML file with [[tiers]], got {reason}") from None
    tables = data.get("tiers", [] if "corpus" in data else [data])
    if not isinstance(tables, list) or not tables or not all(isinstance(t, dict) for t in tables):
        raise ConfigError(f"{path}: expected [[tiers]] tables, found none")
    return [{**table, "local_only": data["local_only"]} for table in tables] if data.get("local_only") else tables
