"""What people try on what is not theirs, and what they may do to their own."""

import asyncio
import random
from collections.abc import Awaitable
from typing import TypeVar

from agent.errors import ParleyError
from agent.ids import AttachmentId, MemoryId, SessionId, UserId
from agent.memories import MemoryDraft
from agent.records import UserMemory
from tests.isolation.checks import Witness
from tests.isolation.marks import MARK
from tests.isolation.people import People
from tests.isolation.places import PEOPLE
from tests.support.gateway import Core

Result = TypeVar("Result")


class Meddling:
    """Acts of the people of one world upon memories and files. `files`: what was attached, by whom, in which thread."""

    def __init__(self, people: People, core: Core, witness: Witness, rnd: random.Random) -> None:
        self._people = people
        self._service = core.gateway.service
        self._memories = core.gateway.service.memories
        self._witness = witness
        self._rnd = rnd
        self._turn = asyncio.Lock()
        self.files: list[tuple[int, SessionId, AttachmentId]] = []

    async def write(self, person: int) -> None:
        """A program writes a memory, for this person's eyes or to be used in front of others."""
        is_private = self._rnd.random() < 0.5
        text = f"likes {self._people.mark(person, is_private=is_private)}"
        draft = MemoryDraft(memory=text, visibility="private" if is_private else "thread")
        await quietly(self._memories.add_memory((await self._people.find(person)).id, draft))

    async def change_own(self, person: int) -> None:
        """Somebody deletes a memory of theirs, or carries all of them out and in again; not while two are one."""
        if self._people.kin.now:
            return
        user_id = (await self._people.find(person)).id
        if self._rnd.random() < 0.5:
            await self._forget_one(user_id, person)
        elif (file := await quietly(self._memories.export_memories(user_id))) and not self._people.kin.now:
            await quietly(self._memories.import_memories(user_id, file))

    async def _forget_one(self, user_id: UserId, person: int) -> None:
        async with self._turn:
            await self._forget_first(user_id, person)

    async def _forget_first(self, user_id: UserId, person: int) -> None:
        for memory in (await self._own(person))[:1]:
            if await quietly(self._memories.delete_memory(user_id, memory.memory_id)):
                self._people.kin.forgotten |= {match[0] for match in MARK.finditer(memory.memory)}

    async def try_others(self, person: int) -> None:
        """Somebody tries another's memories by their ids, another's file, and what another carried out.

        Not while somebody deletes: an id that nobody has any more is free.
        """
        async with self._turn:
            await self._try_others(person)

    async def _try_others(self, person: int) -> None:
        other = (person + 1 + self._rnd.randrange(PEOPLE - 1)) % PEOPLE
        user_id, kin = (await self._people.find(person)).id, self._people.kin
        found = await self._own(other)
        if kin.now or kin.was_one(person, other):
            return
        attempts: list[Awaitable[object]] = []
        for memory in found[:2]:
            attempts += self._attempt(user_id, memory, person)
        attempts += [self._import_of(other, user_id)] if found else []
        attempts += [self._service.load_attachment(user_id, *place) for who, *place in self.files if who == other]  # type: ignore[arg-type]
        for attempt in attempts:
            if await quietly(attempt):
                self._witness.faults.append(f"{user_id} reached what is of person {other}")

    def _attempt(self, user_id: UserId, memory: UserMemory, person: int) -> list[Awaitable[object]]:
        draft = MemoryDraft(memory=f"likes {self._people.mark(person, is_private=True)}")
        memory_id: MemoryId = memory.memory_id
        return [
            self._memories.upsert_memory(user_id, memory_id, draft),
            self._memories.replace_memory(user_id, memory_id, draft),
            self._memories.delete_memory(user_id, memory_id),
            self._memories.load_memory(user_id, memory_id),
        ]

    async def _import_of(self, other: int, user_id: UserId) -> bool:
        """Whether another's file can be carried in under its own ids; one without memories tells nothing."""
        file = await self._memories.export_memories((await self._people.find(other)).id)
        return bool(file["memories"] and await self._memories.import_memories(user_id, file))

    async def _own(self, person: int) -> list[UserMemory]:
        page = await quietly(self._memories.list_memories((await self._people.find(person)).id, limit=2))
        return list(page.memories) if page else []


async def quietly(attempt: Awaitable[Result]) -> Result | None:
    """The result; none where it was refused."""
    try:
        return await attempt
    except ParleyError:
        return None
