"""Which rows to ask whom: answers bought only where they are likely to change a label."""

from weaksup.routing.evidence import Tiers
from weaksup.routing.rounds import Round, Rules, choose_first, choose_round
from weaksup.routing.route import Buy, Routed, route
from weaksup.routing.value import Belief, Opinion, estimate

__all__ = [
    "Belief",
    "Buy",
    "Opinion",
    "Round",
    "Routed",
    "Rules",
    "Tiers",
    "choose_first",
    "choose_round",
    "estimate",
    "route",
]
