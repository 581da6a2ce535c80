"""What asking a tier about each row would use: tokens from the rendered text, set right by stored answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.errors import WeaksupError
from weaksup.llm import Tier
from weaksup.llm.grouped import group_rows
from weaksup.llm.jobs import make_request
from weaksup.llm.pricing.prices import Usage
from weaksup.llm.providers.provider import Request
from weaksup.llm.samples import sample_prompts
from weaksup.pipeline.plan.token_fit import TokenFit, fit_tokens
from weaksup.protocols import PromptFunctionProtocol
from weaksup.store import Answer, Store

__all__ = ["USES", "CallCosts", "add_costs", "measure_rows"]

Floats = NDArray[np.float64]

USES = ("cost", "calls", "tokens", "seconds")
"""What a call uses, in the order of `weaksup.store.Caps`: micro-dollars, calls, tokens, seconds of people's time."""

_CHUNK = 1000  # rows whose stored answers are read at a time
_ASSUMED_LOW = 0.5  # of assumed tokens: no tokenizer in use makes 8 bytes a token of mixed text
_LOW_TAIL = 1.645  # standard errors: 5 % lie below; more where few answers say how large these are
_ROUNDING = 0.01  # of a measured cost: tokens and micro-dollars are whole numbers


@dataclass(frozen=True, slots=True, eq=False)
class CallCosts:
    """What a tier's answers about n rows use.

    `likely` and `most` are [4, n] in the order of `USES`, without retries; nothing where the answer is stored
    (`cached` [n]). Rows with the same number in `same` [n] are one request, which counts once. `broken` [n] marks rows
    whose prompt function failed. `answers` counts the stored answers behind the tokens, of the tier `of`; the error of
    one row's likely cost is `spread` micro-dollars. `more` is the most that a last request, not full, adds.
    """

    tier: Tier
    likely: Floats
    most: Floats
    cached: NDArray[np.bool_]
    same: NDArray[np.int64]
    broken: NDArray[np.bool_]
    answers: int
    of: str
    exact: bool
    spread: float
    more: float

    @property
    def basis(self) -> str:
        """What the tokens rest on, in words."""
        if self.exact:
            return "stated by the tier"
        if not self.answers:
            return "assumed from the length of the text"
        whose = "" if self.of == self.tier.name else f" of {self.of}"
        return f"measured on {self.answers:,} answers{whose}"

    def low(self, rows: NDArray[np.int64]) -> float:
        """Return what certain rows (one of each request) cost at least, if each is answered: 19 times out of 20."""
        likely = float(self.likely[0, rows].sum())
        if self.exact:
            return likely
        if not self.answers:
            return _ASSUMED_LOW * likely
        m = float((~self.cached[rows]).sum())
        tail = _LOW_TAIL * (1 + 2 / self.answers) * self.spread * float(np.sqrt(m + m * m / self.answers))
        return max(0.0, (1 - _ROUNDING) * likely - tail)


@dataclass(slots=True, eq=False)
class _Row:
    """What is known of one row's requests (one for each sample)."""

    key: str
    expect: list[Usage]
    bound: list[Usage]
    stored: int = 0


@dataclass(slots=True, eq=False)
class _Meter:
    """Render rows for one tier, look for stored answers, and keep the numbers; no row is kept."""

    tier: Tier
    prompt: PromptFunctionProtocol
    store: Store | None
    rows: list[_Row | None] = field(default_factory=list)
    told: list[tuple[Usage, Answer]] = field(default_factory=list)
    _prompts: list[PromptFunctionProtocol] = field(default_factory=list)
    _first: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        samples = self.tier.samples
        if self.items > 1:
            every = [group_rows([], self.prompt, self.tier, items=self.items)[2]]
        else:
            every = sample_prompts(self.prompt, self.tier, samples) if samples > 1 else [self.prompt]
        self._prompts = [self.tier.fitted(one) for one in every]

    @property
    def items(self) -> int:
        """How many rows go into one request."""
        return self.tier.items

    def add(self, chunk: Sequence[Any]) -> None:
        """Render some rows."""
        made = [self._requests(row) for row in chunk]
        self._first += list(chunk)[: 2 - len(self._first)]
        keys = [key for one in made if one is not None for key, _ in one]
        stored = self.store.find(keys)[0] if self.store is not None else {}
        self.rows += [None if one is None else self._row(one, stored) for one in made]

    def _requests(self, row: Any) -> list[tuple[str, Request]] | None:
        shown = {"id": str(row["id"]), "rows": [row]} if self.items > 1 else row
        try:
            return [make_request(shown, prompt, self.tier.provider) for prompt in self._prompts]
        except WeaksupError:
            raise
        except Exception:  # noqa: BLE001  (user code: a failure is of that row, as in `ask`)
            return None

    def _row(self, requests: list[tuple[str, Request]], stored: Mapping[str, Answer]) -> _Row:
        provider = self.tier.provider
        row = _Row(requests[0][0], [], [])
        for key, request in requests:
            expect = provider.expect(request)
            if key in stored:
                row.stored += 1
                self.told.append((expect, stored[key]))
            else:
                row.expect.append(expect)
                row.bound.append(provider.bound(request))
        return row

    def fixed(self) -> tuple[Usage, Usage]:
        """Return what a request of several rows uses whatever they say: likely, and at most."""
        if self.items == 1 or len(self._first) < 2:
            return Usage(), Usage()
        groups = [{"id": "0", "rows": rows} for rows in ([self._first[0]], [self._first[1]], self._first[:2])]
        requests = [make_request(group, self._prompts[0], self.tier.provider)[1] for group in groups]
        found = []
        for tell in (self.tier.provider.expect, self.tier.provider.bound):
            one, other, both = (tell(request) for request in requests)
            found.append(
                Usage(
                    max(0, one.input_tokens + other.input_tokens - both.input_tokens),
                    max(0, one.output_tokens + other.output_tokens - both.output_tokens),
                )
            )
        return found[0], found[1]


def measure_rows(
    chunks: Iterable[Sequence[Any]], shelf: Sequence[tuple[Tier, PromptFunctionProtocol]], store: Store | None
) -> list[CallCosts]:
    """Render every row for every tier and its prompt, in one pass, and say what each answer would use. Nothing is sent.

    A tier of a language model with too few stored answers borrows the measure of the tier that has most.
    """
    meters = [_Meter(tier, prompt, store) for tier, prompt in shelf]
    for chunk in chunks:
        for start in range(0, len(chunk), _CHUNK):
            for meter in meters:
                meter.add(chunk[start : start + _CHUNK])
    fits = [fit_tokens(meter.told, meter.tier.name) for meter in meters]
    chats = [fit for fit, meter in zip(fits, meters, strict=True) if _is_chat(meter.tier) and meter.items == 1]
    best = max(chats, key=lambda fit: fit.answers, default=TokenFit())
    return [
        _costs(meter, best if not fit.answers and _is_chat(meter.tier) and meter.items == 1 else fit)
        for meter, fit in zip(meters, fits, strict=True)
    ]


def add_costs(each: Sequence[CallCosts]) -> CallCosts:
    """Put together what a tier uses that is asked several prompts about each row; the first one counts the rows."""
    first, *rest = each
    return replace(
        first,
        likely=sum((one.likely for one in rest), first.likely),
        most=sum((one.most for one in rest), first.most),
        cached=np.logical_and.reduce([one.cached for one in each]),
        broken=np.logical_or.reduce([one.broken for one in each]),
        spread=sum(one.spread for one in each),
        more=sum(one.more for one in each),
    )


def _is_chat(tier: Tier) -> bool:
    return hasattr(tier.provider, "params")


def _costs(meter: _Meter, fit: TokenFit) -> CallCosts:
    n, items, tier = len(meter.rows), meter.items, meter.tier
    fixed, fixed_most = meter.fixed()
    likely, most = np.zeros((4, n)), np.zeros((4, n))
    exact = all(expect.cost is not None for expect, _ in meter.told)
    for i, row in enumerate(meter.rows):
        if row is None:
            continue
        for expect, bound in zip(row.expect, row.bound, strict=True):
            exact = exact and expect.cost is not None
            likely[:, i] += _use(tier, _without(fit(expect), fixed, items), items)
            most[:, i] += _use(tier, _without(bound, fixed_most, items), items)
    names: dict[str, int] = {}
    same = np.array([names.setdefault("" if row is None else row.key, len(names)) for row in meter.rows], np.int64)
    return CallCosts(
        tier,
        likely,
        np.maximum(most, likely),
        cached=np.array([row is not None and not row.expect for row in meter.rows], np.bool_),
        same=same,
        broken=np.array([row is None for row in meter.rows], np.bool_),
        answers=fit.answers,
        of=fit.of,
        exact=exact,
        spread=_spread(meter, fit),
        more=float(tier.paid_price.charge(fixed_most)) if items > 1 else 0.0,
    )


def _without(usage: Usage, fixed: Usage, items: int) -> Usage:
    """Return a row's part of a request of several rows: what it adds, and its share of what they have in common."""
    if items == 1:
        return usage
    left = (items - 1) / items
    read = usage.input_tokens - int(left * fixed.input_tokens)
    return Usage(max(0, read), max(0, usage.output_tokens - int(left * fixed.output_tokens)))


def _use(tier: Tier, usage: Usage, items: int) -> Floats:
    tokens = usage.input_tokens + usage.output_tokens
    return np.array([tier.paid_price.charge(usage), 1 / items, tokens, usage.seconds], np.float64)


def _spread(meter: _Meter, fit: TokenFit) -> float:
    """Return the standard deviation of what a stored answer cost beyond what the fit says, in micro-dollars."""
    if not fit.answers or not meter.told:
        return 0.0
    charge = meter.tier.paid_price.charge
    off = [charge(Usage(a.input_tokens or 0, a.output_tokens or 0)) - charge(fit(e)) for e, a in meter.told]
    return float(np.std(off))
