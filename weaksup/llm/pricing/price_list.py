"""Price lists: models with their prices, where those come from, and pipelines that were computed with them."""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal, InvalidOperation
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from weaksup.errors import ConfigError, PriceError, UsageError
from weaksup.files import first_fault
from weaksup.llm.pricing.cost import Bill, bill
from weaksup.llm.pricing.model_names import nearest
from weaksup.llm.pricing.prices import Price
from weaksup.llm.pricing.stage_settings import read_stage

__all__ = ["ListedModel", "Pipeline", "PriceList", "load_prices", "same_name", "shipped_lists"]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ListedModel(_Table):
    """A model with its dollars per million tokens; `context` is what its maker says it can read."""

    name: str
    input: Decimal
    output: Decimal
    context: str | None = None
    free: bool = False


class Pipeline(_Table):
    """Stages and items; `printed` is the total that the list's source states, in dollars."""

    name: str
    title: str
    items: int
    stages: tuple[dict[str, Any], ...]
    printed: Decimal | None = None

    def agrees(self, usd: Decimal) -> bool:
        """Tell whether a cost is the printed one, to the digits that are printed."""
        if self.printed is None:
            return True
        last_digit = Decimal((0, (1,), int(self.printed.as_tuple().exponent)))
        return abs(usd - self.printed) <= last_digit / 2


class PriceList(_Table):
    """A named list of prices; `input_tokens` and `output_tokens` an item are what its models are compared with."""

    name: str
    source: str
    date: str
    models: dict[str, ListedModel]
    pipelines: tuple[Pipeline, ...] = ()
    input_tokens: Decimal | None = None
    output_tokens: Decimal | None = None

    def price(self, model: str) -> Price:
        """Return the price of a model by its id or its name, "Claude Haiku 4.5" and "claude-haiku-4-5" alike."""
        wanted = same_name(model)
        for key, listed in self.models.items():
            if wanted in (same_name(key), same_name(listed.name)):
                return Price(listed.input, listed.output, source=f"price list {self.name}", free=listed.free)
        near = nearest(model, self.models)
        raise PriceError(
            f'expected a model of the price list {self.name}, got "{model}"{near}; correct it, or give its price'
        )

    def bills(self) -> list[tuple[Pipeline, Bill]]:
        """Compute what each of the list's pipelines costs."""
        return [(pipeline, self._bill(pipeline)) for pipeline in self.pipelines]

    def _bill(self, pipeline: Pipeline) -> Bill:
        where = f'price list {self.name}, pipeline "{pipeline.name}"'
        return bill([read_stage(s, find_price=self.price, where=where) for s in pipeline.stages], pipeline.items)


def same_name(model: str) -> str:
    """Return a name without case and marks, so that two ways to write it are one."""
    return re.sub(r"[^a-z0-9]+", "-", model.lower()).strip("-")


def shipped_lists() -> list[str]:
    """Return the names of the price lists that come with weaksup."""
    return sorted(file.name.removesuffix(".toml") for file in _shipped().iterdir() if file.name.endswith(".toml"))


def load_prices(name: str) -> PriceList:
    """Read a price list: one that comes with weaksup, by its name, or a TOML file of the same shape."""
    shipped = name in shipped_lists()
    file: Traversable = _shipped().joinpath(f"{name}.toml") if shipped else Path(name)
    if not file.is_file():
        raise UsageError(f'expected a price list ({", ".join(shipped_lists())}) or a TOML file, got "{name}"')
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)  # 0.1 is then a tenth
        return PriceList(**{"name": Path(name).stem if not shipped else name, **data})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, InvalidOperation) as error:
        raise ConfigError(f"{name}: expected TOML, got {error}") from None
    except ValidationError as error:
        raise ConfigError(f"{name}: {first_fault(error)}") from None


def _shipped() -> Traversable:
    return files("weaksup.llm.pricing").joinpath("price_lists")
