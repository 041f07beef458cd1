"""What a person in Slack may do about themselves: see, correct and delete memories, be forgotten, be linked."""

from collections.abc import Sequence
from dataclasses import replace

from agent.errors import BusyError, LinkRefusedError, MemoryNotFoundError, UserNotFoundError
from agent.ids import MemoryId, UserId
from agent.memories import MemoryDraft
from agent.records import Identity, User, UserMemory
from gateway.memories import UserMemories
from gateway.people import PeopleService

NOBODY = "I know nothing about you."
FORGOTTEN = "Forgotten: what you wrote to me, what I answered, and what I remembered about you."
NOT_ALL = "Some of it could not be forgotten just now. Please try again."
SAY_THERE = """\
Within ten minutes, write `link {code}` to me on the website, or wherever else you talk to me. Then I know that both \
are you. Give the code to nobody: whoever says it becomes you."""
LINKED = "Done: you are one person here and there now."
NOT_LINKED = "Not linked: {reason}."


class SlackPeople:
    """`adapters.slack.ports.Own` over the gateway's services."""

    def __init__(self, memories: UserMemories, people: PeopleService) -> None:
        self._memories = memories
        self._people = people

    async def list_newest(self, user_id: UserId, limit: int) -> Sequence[UserMemory]:
        """The live memories, the newest first; none of somebody who was forgotten."""
        try:
            return (await self._memories.list_memories(user_id, limit=limit)).memories
        except UserNotFoundError:
            return ()

    async def find(self, user_id: UserId, memory_id: MemoryId) -> UserMemory | None:
        """One of the person's own memories."""
        try:
            return await self._memories.load_memory(user_id, memory_id)
        except (MemoryNotFoundError, UserNotFoundError):
            return None

    async def correct(self, user_id: UserId, memory_id: MemoryId, text: str) -> None:
        """Have a memory say something else. Raises as `UserMemories.replace_memory` does."""
        before = await self._memories.load_memory(user_id, memory_id)
        kept = {name: getattr(before, name) for name in MemoryDraft.__dataclass_fields__}
        draft = replace(MemoryDraft(**kept), memory=text)
        await self._memories.replace_memory(user_id, memory_id, draft, must_be_plain=True)

    async def delete(self, user_id: UserId, memory_id: MemoryId) -> None:
        """Forget one thing. Harmless when it is gone."""
        try:
            await self._memories.delete_memory(user_id, memory_id)
        except (MemoryNotFoundError, UserNotFoundError):
            return

    async def forget(self, user_id: UserId) -> str:
        """Erase the person. What they are told."""
        try:
            report = await self._people.erase(user_id)
        except UserNotFoundError:
            return NOBODY
        return FORGOTTEN if not sum(report.left.values()) else NOT_ALL

    async def link(self, identity: Identity, user: User, code: str | None) -> str:
        """Make a code, or use one. What the person is told."""
        try:
            if code is None:
                issued = await self._people.issue_link_code(user, identity)
                return SAY_THERE.format(code=issued.code)
            await self._people.redeem_link_code(user, identity, code)
        except (LinkRefusedError, BusyError) as error:
            return NOT_LINKED.format(reason=str(error) or error.__doc__)
        return LINKED

    async def prove_email(self, identity: Identity, user: User, email: str) -> User:
        """Slack vouches for this address: who proved the same elsewhere is the same person."""
        return await self._people.prove_email(identity, user, email)

    async def withdraw_email(self, identity: Identity, but: str | None) -> None:
        """Slack vouches for no other address any more: nobody new is linked by one that it vouched for before."""
        await self._people.withdraw_email(identity, but)
