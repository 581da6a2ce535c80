"""Who is asked what: tiers in the order of climbing, and prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from weaksup.errors import ConfigError
from weaksup.labeling_functions import PromptFunction
from weaksup.llm import Tier, source_of
from weaksup.routing import Ladder

__all__ = ["Team", "default_shares"]


def default_shares(tiers: Sequence[Tier]) -> dict[str, float]:
    """Return the share of the rows that each tier may be asked about, by its name.

    It is what the tier sets; else a tenth for the last machine and for people, and all rows for the others: students
    cost nothing.
    """
    machines = [tier for tier in tiers if tier.kind not in {"people", "student"}]
    free = [tier for tier in tiers if tier.kind == "student"]
    shares = {tier.name: tier.share or 1.0 for tier in [*free, *machines[:-1]]}
    return shares | {tier.name: tier.share_alone for tier in tiers if tier.name not in shares}


@dataclass(frozen=True, slots=True)
class Team:
    """Who is asked what: tiers, cheapest first, people last; the prompt; other prompts that the first tier gets too.

    Beside two machines that cost something, students are tiers 0: they answer about every row before anybody is asked,
    wherever they stand. Beside one, they are the rungs below it.
    """

    tiers: tuple[Tier, ...]
    prompt: PromptFunction
    also: tuple[PromptFunction, ...] = ()

    def __post_init__(self) -> None:
        if len([tier for tier in self.tiers if tier.kind == "people"]) > 1:
            raise ConfigError("tiers: expected one tier of people at most; put their answers into one table")
        names = [tier.name for tier in self.tiers]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ConfigError(f'tiers: expected different names, got "{twice[0]}" twice; rename one')
        if self.also and len(self.rungs) < 2:
            raise ConfigError("tiers: several prompts are signals for routing, which needs at least two tiers")

    @property
    def machines(self) -> tuple[Tier, ...]:
        """The tiers that answer at once."""
        return tuple(tier for tier in self.tiers if tier.kind != "people")

    @property
    def rungs(self) -> tuple[Tier, ...]:
        """The machines that are asked where it is worth it."""
        dear = tuple(tier for tier in self.machines if tier.kind != "student")
        return dear if len(dear) > 1 else self.machines

    @property
    def students(self) -> tuple[Tier, ...]:
        """The bundles of earlier corpora that answer before the rungs are asked."""
        return tuple(tier for tier in self.machines if tier not in self.rungs)

    @property
    def people(self) -> Tier | None:
        """The tier of people, if there is one."""
        return next((tier for tier in self.tiers if tier.kind == "people"), None)

    @property
    def ladder(self) -> Ladder:
        """The order of climbing: sources by name."""
        rungs = tuple(source_of(tier, self.prompt).name for tier in self.rungs)
        signals = tuple(source_of(self.rungs[0], prompt).name for prompt in self.also)
        return Ladder(rungs, signals, None if self.people is None else source_of(self.people, self.prompt).name)

    @property
    def shelf(self) -> dict[str, tuple[Tier, PromptFunction]]:
        """Each tier and its prompt, by the name of the source that its answers become."""
        asked = [(tier, self.prompt) for tier in self.tiers]
        asked += [(self.rungs[0], prompt) for prompt in self.also]
        return {source_of(tier, prompt).name: (tier, prompt) for tier, prompt in asked}
