"""The store: paid answers and the ledger of what they cost, in one file that any number of processes share."""

from weaksup.store.answers import Answer
from weaksup.store.calls import Charge, Refusal, Reservation
from weaksup.store.ledger import Unsettled
from weaksup.store.reports import Account
from weaksup.store.store import Store
from weaksup.store.use import Caps, Limits

__all__ = ["Account", "Answer", "Caps", "Charge", "Limits", "Refusal", "Reservation", "Store", "Unsettled"]
