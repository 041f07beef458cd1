"""Whatever two accounts tell, change, merge, undo and delete as one person: parted, neither has the other's words."""

import itertools
import random
from contextlib import suppress

import pytest

from agent.errors import MemoryConflictError, MemoryNotFoundError
from agent.ids import UserId
from agent.memories import MemoryDraft
from agent.memory_merging import Merge, measure, plan_merges
from agent.records import UserMemory
from memory.database import Database
from memory.memory_optimizations import MemoryOptimizations
from tests.memory.test_links import Person
from tests.memory.test_parted_facts import Pair, database

__all__ = ["database"]
STEPS = 40
WHAT = (
    "tell",
    "tell",
    "say",
    "update",
    "update",
    "retire",
    "correct",
    "add",
    "merge",
    "undo",
    "delete",
    "link",
    "link",
)


class Life:
    """A pair that does things at random. Every word tells whose it is: slack's begin with s, the web's with w."""

    def __init__(self, database: Database, seed: int) -> None:
        self.pair = Pair(database, f"life{seed}")
        self._merges = MemoryOptimizations(database)
        self._random = random.Random(seed)
        self._count = itertools.count()
        self._is_linked = False

    async def live(self) -> None:
        """All of it."""
        self.pair.slack_id = (await self.pair.slack.come()).user.id
        self.pair.web_id = (await self.pair.web.come()).user.id
        for _ in range(STEPS):
            await self._step(self._random.choice(WHAT), self._random.choice((self.pair.slack, self.pair.web)))

    async def _step(self, what: str, person: Person) -> None:
        pair, is_slack = self.pair, person is self.pair.slack
        user_id = pair.web_id if self._is_linked or not is_slack else pair.slack_id
        account_id = pair.slack_id if is_slack else pair.web_id
        word = f"{'s' if is_slack else 'w'}{self._random.randrange(9)}"
        every = list(await pair.records.dump(user_id, with_replaced=True))
        live = [memory for memory in every if memory.valid_to is None]
        one = self._random.choice(live) if live else None
        more = MemoryDraft(memory=" ".join([*(one.memory.split()[-20:] if one else ()), word]))
        match what:
            case "tell" | "say":
                await self._hear(person, word, slot="home_city" if what == "tell" else None)
            case "update" if one is not None and one.slot is None:
                await self._hear(person, more.memory, known=one)
            case "retire" if one is not None:
                await self._hear(person, "", known=one)
            case "correct" if one is not None and one.slot is None:
                with suppress(MemoryConflictError):
                    await pair.records.replace(user_id, one.memory_id, more, account_id=account_id)
            case "add":
                await pair.records.add(user_id, MemoryDraft(memory=word), account_id=account_id)
            case "merge":
                await self._merge(user_id, live)
            case "undo":
                with suppress(MemoryNotFoundError):
                    await self._merges.undo(user_id)
            case "delete" if every:
                await pair.records.delete(user_id, [self._random.choice(every).memory_id])
            case "link":
                await (self._part() if self._is_linked else self._link())

    async def _hear(self, person: Person, fact: str, known: UserMemory | None = None, slot: str | None = None) -> None:
        await person.come()
        await self.pair.hear(person, fact, known, slot, said=f"{next(self._count)} {fact}")

    async def _merge(self, user_id: UserId, live: list[UserMemory]) -> None:
        loose = [memory for memory in live if memory.slot is None]
        if len(loose) > 1:
            parts = self._random.sample(loose, 2)
            text = " ".join(part.memory for part in parts)[:200]
            planned = plan_merges([Merge(memory=text, sources=tuple(part.memory_id for part in parts))], live)
            await self._merges.apply(user_id, measure("s", planned, live))

    async def _link(self) -> None:
        await self.pair.links.merge(self.pair.slack_id, self.pair.web_id, "code")
        await self.pair.slack.come()
        self._is_linked = True

    async def _part(self) -> None:
        await self.pair.part()
        self._is_linked = False
        for user_id, foreign in ((self.pair.slack_id, "w"), (self.pair.web_id, "s")):
            for memory in await self.pair.records.dump(user_id, with_replaced=True):
                assert not any(word.startswith(foreign) for word in memory.memory.split()), (user_id, memory.memory)


@pytest.mark.parametrize("seed", range(6))
async def test_parted_neither_has_the_others_words(database: Database, seed: int) -> None:
    """In what they know live or as history, whatever became of it meanwhile. Proves: ID-3, UM-10."""
    await Life(database, seed).live()
