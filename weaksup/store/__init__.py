"""The store: paid answers and the ledger of what they cost, in one file that any number of processes share."""

from weaksup.store.answers import Answer
from weaksup.store.ledger import Account, Charge, Refusal, Reservation, Unsettled
from weaksup.store.store import Store

__all__ = ["Account", "Answer", "Charge", "Refusal", "Reservation", "Store", "Unsettled"]
