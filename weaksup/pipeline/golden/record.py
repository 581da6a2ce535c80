"""The record of what is in use: `golden.json` beside weaksup.toml, small enough to read, meant to be committed."""

from __future__ import annotations

import base64
import binascii
import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from weaksup.errors import ConfigError
from weaksup.files import first_fault, write_text
from weaksup.pipeline.golden.rows import GoldenSet
from weaksup.pipeline.golden.scores import Score
from weaksup.pipeline.golden.state import Made
from weaksup.pipeline.stamps import digest_of

__all__ = ["Accepted", "Past", "Record", "Set", "load_record", "record_of", "save_record", "set_of"]

FILE_NAME = "golden.json"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Set(_Part):
    """Which golden set: the digest of all of it, and of the ids alone."""

    digest: str
    ids: str
    rows: int = Field(ge=1)


class Accepted(_Part):
    """A thing in use: what it is made of, how it scored, and which rows it had right, by id, as base64 of bits.

    `worse` says that it was accepted although it was worse than what it replaced.
    """

    digest: str
    parts: dict[str, str]
    hits: int
    accuracy: float
    macro_f1: float
    cost_per_1000_usd: float
    right: str
    worse: bool = False

    def marks(self, rows: int) -> NDArray[np.bool_]:
        """Return which rows it had right, [n], in the order of their ids."""
        bits = np.unpackbits(np.frombuffer(base64.b64decode(self.right, validate=True), np.uint8))
        return bits[:rows].astype(np.bool_)


class Past(_Part):
    """What was in use when another golden set took the place of this one: accuracies, by name."""

    golden: Set
    tiers: dict[str, float]
    routing: float


class Record(_Part):
    """What is in use, all of it scored on one golden set; sets before it are in `history`."""

    version: Literal[1] = 1
    golden: Set
    tiers: dict[str, Accepted]
    routing: Accepted
    history: tuple[Past, ...] = ()

    @model_validator(mode="after")
    def _has_a_mark_for_each_row(self) -> Record:
        for one in (*self.tiers.values(), self.routing):
            try:
                size = len(base64.b64decode(one.right, validate=True))
            except (binascii.Error, ValueError):
                size = -1
            rows = self.golden.rows
            told = size == -(-rows // 8) and int(one.marks(rows).sum()) == one.hits
            if not told or abs(one.accuracy - one.hits / rows) > 1e-6:
                raise ValueError("the marks of the rows and their counts do not agree")
        return self

    @property
    def past(self) -> Past:
        """This record, as it will be remembered."""
        tiers = {name: one.accuracy for name, one in self.tiers.items()}
        return Past(golden=self.golden, tiers=tiers, routing=self.routing.accuracy)


def record_of(score: Score, made: Made, *, worse: bool = False) -> Accepted:
    """Return what is to be remembered of a thing and its score."""
    bits = np.packbits(score.right)
    return Accepted(
        digest=made.digest,
        parts=dict(made.parts),
        hits=score.hits,
        accuracy=round(score.accuracy, 6),
        macro_f1=round(score.macro_f1, 6),
        cost_per_1000_usd=round(score.cost_per_1000, 6),
        right=base64.b64encode(bits.tobytes()).decode("ascii"),
        worse=worse,
    )


def set_of(golden: GoldenSet) -> Set:
    """Return what is to be remembered of a golden set."""
    return Set(digest=golden.digest, ids=digest_of(golden.ids), rows=len(golden))


def load_record(folder: Path) -> Record | None:
    """Read the record of a project; `None` where nothing is accepted yet, ConfigError where it is damaged."""
    path = folder / FILE_NAME
    advice = "restore it from version control, or remove it to accept what is there now"
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
        return Record.model_validate(data)
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise ConfigError(f"{path}: {first_fault(error)[:200]}; {advice}") from None
    except (OSError, ValueError, RecursionError):
        raise ConfigError(f"{path}: expected a record that `weaksup evaluate` wrote, got none; {advice}") from None


def save_record(folder: Path, record: Record) -> Path:
    """Write the record, whole or not at all."""
    path = folder / FILE_NAME
    write_text(path, json.dumps(record.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n")
    return path
