"""The settings of one tier: each is taken once, with its type checked; what is left over is a mistake."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from weaksup.errors import ConfigError
from weaksup.llm.pricing.prices import Price, read_price

__all__ = ["TierSettings"]

_WORDS = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "a table",
    list: "a list",
    object: "a value",
}


class TierSettings:
    """One `[[tiers]]` table; paths in it are seen from `folder`. `load_student` opens the bundle of a student."""

    def __init__(
        self, settings: Mapping[str, Any], folder: Path, load_student: Callable[[Path], Any] | None = None
    ) -> None:
        self._left = dict(settings)
        self.folder = folder
        self.load_student = load_student
        self.name = str(settings.get("name", "?"))
        self.where = f'tier "{self.name}"'
        self.reason = self.take("reason", bool, False)  # of what an answer holds beside its label
        self.confidence = self.take("confidence", bool, False)

    def has(self, key: str) -> bool:
        """Say whether a setting is there and was not taken yet."""
        return self.get(key) is not None

    def get(self, key: str) -> Any:
        """Look at a setting without taking it."""
        return self._left.get(key)

    def take(self, key: str, kind: type, default: Any = None) -> Any:
        """Return a setting; `...` as default means that it must be there."""
        value = self._left.pop(key, None)
        if value is None:
            if default is ...:
                raise ConfigError(f'{self.where}: the setting "{key}" is missing')
            return default
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind not in (bool, object)):
            raise ConfigError(f'{self.where}: "{key}": expected {_WORDS[kind]}, got {value!r}')
        return value

    def take_kind(self, kinds: Mapping[str, object]) -> str:
        """Return the kind of the provider; `ollama = "qwen3"` is short for provider "ollama" and model "qwen3"."""
        short = [kind for kind in kinds if kind in self._left]
        if "provider" not in self._left and len(short) == 1:
            if "model" in self._left:
                raise ConfigError(f'{self.where}: "{short[0]}" names the model; remove "model", or write provider')
            self._left["model"] = self._left.pop(short[0])
            return short[0]
        kind = str(self.take("provider", str, ...))
        if kind not in kinds:
            raise ConfigError(f'{self.where}: "provider": expected one of {", ".join(kinds)}, got "{kind}"')
        return kind

    def path(self, key: str) -> Path:
        """Return a setting that names a file, as seen from the folder of weaksup.toml."""
        return self.folder / Path(str(self.take(key, str, ...))).expanduser()

    def price(self, otherwise: Callable[[], Price] | None = None) -> Price:
        """Return the price that the settings state; where they state none, `otherwise()`, or an error."""
        free, price = self.take("free", bool, False), self.take("price", object)
        if otherwise is not None and not free and price is None:
            return otherwise()
        return read_price(price, free=free, where=self.where)

    def finish(self) -> None:
        """Refuse what no part of the tier asked for."""
        if "api_key" in self._left:
            raise ConfigError(
                f'{self.where}: keys do not belong in a file of settings; write api_key_env = "NAME" or '
                'api_key_file = "PATH"'
            )
        if self._left:
            raise ConfigError(f'{self.where}: "{min(self._left)}" is not a setting; remove it or check its spelling')
