"""Ask a student: it answers for nothing, thousands of rows at a time, so nothing is reserved, settled or stored.

To predict anew takes a tenth of the time of reading stored answers; a bundle says the same of the same text, always.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from weaksup.errors import WeaksupError
from weaksup.llm.asked import Asked, Collected, Progress
from weaksup.llm.asking import source_of
from weaksup.llm.jobs import row_id
from weaksup.llm.pricing.prices import budget_cap
from weaksup.llm.providers.student import StudentProvider
from weaksup.llm.tiers import Tier
from weaksup.protocols import PromptFunctionProtocol
from weaksup.store import Store

__all__ = ["ask_student"]

_CHUNK = 4096  # rows


def ask_student(
    rows: Iterable[Any],
    prompt: PromptFunctionProtocol,
    tier: Tier,
    store: Store,
    *,
    run: str,
    budget_usd: float | Decimal,
    on_answer: Callable[[Progress], None] | None = None,
    **_paced: Any,
) -> Asked:
    """Ask a tier of kind "student" about every row (each with an `id`); caps and rates of paid calls do not apply.

    The prompt is rendered until it says which answers there are; its words change nothing. Raises UsageError where the
    student has other labels.
    """
    budget_cap(budget_usd)
    provider = tier.provider
    assert isinstance(provider, StudentProvider)
    fitted, kept, seen = tier.fitted(prompt), list(rows), set[str]()
    names = [row_id(row, seen) for row in kept]
    found = Collected(fitted)
    provider.open()
    provider.check(_answers(fitted, kept))
    for start in range(0, len(kept), _CHUNK):
        part = slice(start, start + _CHUNK)
        for name, reply in zip(names[part], provider.answer(kept[part]), strict=True):
            found.read((name,), reply)
        if on_answer is not None:
            on_answer(Progress(found.done, len(kept), 0))
    sums = store.account(run)
    return Asked(
        source=source_of(tier, prompt),
        votes=found.votes,
        confidence=found.confidence,
        reasons=found.reasons,
        outcomes=found.outcomes(),
        spent=0,
        unknown=0,
        run_spent=sums.spent,
        run_held=sums.held,
    )


def _answers(prompt: PromptFunctionProtocol, rows: Sequence[Any]) -> tuple[str, ...]:
    """Return the answers that the prompt allows; none where it fails on every row."""
    for row in rows:
        try:
            return tuple(prompt.render(row).answers)
        except WeaksupError:
            raise
        except Exception:  # noqa: BLE001, S112  (user code: its words are not needed)
            continue
    return ()
