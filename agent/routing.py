"""Which agent answers where: one decision for all channels, by rules that are looked at in their order."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from agent.ids import AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where something is said: the channel, and what of it has a name there; none where it does not exist."""

    channel: str
    site: str | None = None
    workspace: str | None = None
    conversation: str | None = None
    caller: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A rule: who answers in all spots that have these names. None fits everything. `key` is where it was written."""

    key: str
    agent_id: AgentId
    channel: str | None = None
    site: str | None = None
    workspace: str | None = None
    conversation: str | None = None
    caller: str | None = None

    def fits(self, spot: Spot) -> bool:
        """Whether the rule holds there."""
        return all(getattr(self, name) in {None, getattr(spot, name)} for name in NAMES)

    def covers(self, other: "Route") -> bool:
        """Whether it holds wherever the other one does."""
        return all(getattr(self, name) in {None, getattr(other, name)} for name in NAMES)


NAMES = tuple(field.name for field in fields(Spot))


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """All rules; the first that fits decides, and `default_id` where none does."""

    default_id: AgentId
    rules: Sequence[Route] = ()

    def find(self, spot: Spot) -> Route | None:
        """The rule that decides; none where none fits."""
        return next((rule for rule in self.rules if rule.fits(spot)), None)

    def choose(self, spot: Spot) -> AgentId:
        """Who answers there."""
        rule = self.find(spot)
        return rule.agent_id if rule else self.default_id

    def find_covered(self) -> Sequence[tuple[Route, Route]]:
        """The rules that never decide, each with an earlier one that holds wherever it does."""
        covered: list[tuple[Route, Route]] = []
        for index, rule in enumerate(self.rules):
            if earlier := next((one for one in self.rules[:index] if one.covers(rule)), None):
                covered.append((rule, earlier))
        return covered
