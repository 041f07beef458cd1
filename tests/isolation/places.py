"""Where the people of a world speak: in threads of their own, in shared ones, and in own ones that others come into."""

import random
import re
from dataclasses import dataclass, field

from tests.isolation.marks import Mark

PEOPLE = 3
OWNERS = PEOPLE - 1
"""So many people have a thread that others come into. The last one, who is erased, has none, but comes into theirs."""
LEAVER = PEOPLE - 1
IN_FRONT_OF_OTHERS = "at:shared"
"""Stands in everything that is said where others read."""
VISITED = re.compile(r"at:(opened|open)(\d+)x(\d+)\b")
"""Stands in what is said in a thread that others come into: whether one of them had, the world, and whose it is."""


@dataclass(frozen=True, slots=True)
class Place:
    """A thread. `tag` stands in what is said there now; `owner` has it alone, or had."""

    name: str
    tag: str = ""
    owner: int | None = None
    is_private: bool = True
    is_visited: bool = False


@dataclass(slots=True)
class Places:
    """The threads of one world. In `told_in` is, for each thread that others may come into, what it showed so far."""

    begun: set[int] = field(default_factory=set)
    visitors: dict[int, set[int | None]] = field(default_factory=dict)
    opened: set[int] = field(default_factory=set)
    told_in: dict[int, set[Mark]] = field(default_factory=dict)

    def choose(self, rnd: random.Random, world: int, person: int | None) -> Place:
        """Where somebody speaks next; nobody comes into a thread that its owner has not begun."""
        goes_out, n = rnd.random() < 0.25, rnd.randrange(OWNERS)
        if person is not None and rnd.random() < 0.5:
            if goes_out and person < OWNERS:
                return self._open(world, person, is_owner=True)
            return Place(name=f"own-{person}-{n}", owner=person)
        if goes_out and person in {None, LEAVER} and n in self.begun:
            self.visitors.setdefault(n, set()).add(person)
            return self._open(world, n, is_owner=False)
        return Place(name=f"shared-{n}", tag=IN_FRONT_OF_OTHERS, is_private=False)

    def _open(self, world: int, owner: int, *, is_owner: bool) -> Place:
        is_open = not is_owner or owner in self.opened
        tag = f"at:{'opened' if is_open else 'open'}{world}x{owner}"
        return Place(name=f"open-{owner}", tag=tag, owner=owner, is_private=is_owner, is_visited=True)

    def take(self, place: Place) -> None:
        """What was said there is stored: from now on it is so for whoever speaks there next."""
        if place.is_visited and place.owner is not None:
            (self.begun if place.is_private else self.opened).add(place.owner)

    def tell(self, place: Place, marks: set[Mark]) -> None:
        """Somebody says this there."""
        if place.is_visited and place.owner is not None:
            self.told_in.setdefault(place.owner, set()).update(marks)
