"""Which rows to ask whom: answers bought only where they are likely to change a label."""

from weaksup.routing.ladder import Ladder
from weaksup.routing.rounds import Round, Rules, Terms, choose_first, choose_round
from weaksup.routing.route import Buy, Routed, route
from weaksup.routing.value import Belief, Opinion, estimate, gain

__all__ = [
    "Belief",
    "Buy",
    "Ladder",
    "Opinion",
    "Round",
    "Routed",
    "Rules",
    "Terms",
    "choose_first",
    "choose_round",
    "estimate",
    "gain",
    "route",
]
