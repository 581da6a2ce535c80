"""Support tickets written for weaksup: several thousand texts, six labels, one file a label."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from weaksup.labels import LabelSpace

__all__ = ["LABELS", "Ticket", "load_tickets"]

LABELS = LabelSpace(
    {
        "billing": "charges, invoices, receipts, refunds, payment methods, tax, price of a plan, seats on the bill",
        "cancellation": "end, close, not renew, stop a trial from converting, delete the account, move down to Free",
        "onboarding": "getting started, first set-up, moving data in, first invites, how to use what exists",
        "bug_report": "something that exists is broken, slow, wrong, lost, or crashes",
        "feature_request": "asks for something that does not exist, or for a change in how it works",
        "account_access": "cannot get in: password, 2FA, locked, SSO, wrong e-mail, owner left, permission to enter",
    },
    guideline="A ticket has one label: what the writer wants us to do now, whatever else it mentions.",
)


@dataclass(frozen=True, slots=True)
class Ticket:
    """One ticket; `label` is the writer's own, the hidden gold of the demo."""

    id: str
    text: str
    label: str


@cache
def load_tickets() -> tuple[Ticket, ...]:
    """Return all tickets in an order that mixes the labels; the same on every machine."""
    found: list[Ticket] = []
    for label in LABELS.names:
        text = (files("weaksup.demo") / "data" / f"{label}.txt").read_text(encoding="utf-8")
        found += [Ticket(_id(line), line, label) for line in text.split("\n") if line]
    return tuple(sorted(found, key=lambda ticket: ticket.id))


def _id(text: str) -> str:
    return "t-" + hashlib.sha256(text.encode()).hexdigest()[:10]
