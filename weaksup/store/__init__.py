"""The store: paid answers and the ledger of what they cost, in one file that any number of processes share."""

from weaksup.store.answers import Answer
from weaksup.store.batch_rows import Batch, BatchItem
from weaksup.store.batches import Batches, Reserved
from weaksup.store.calls import Charge, End, Refusal, Reservation, settled
from weaksup.store.ledger import Unsettled
from weaksup.store.reports import Account
from weaksup.store.store import Store
from weaksup.store.use import Caps, Limits, Use

__all__ = [
    "Account",
    "Answer",
    "Batch",
    "BatchItem",
    "Batches",
    "Caps",
    "Charge",
    "End",
    "Limits",
    "Refusal",
    "Reservation",
    "Reserved",
    "Store",
    "Unsettled",
    "Use",
    "settled",
]
