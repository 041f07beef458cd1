"""What a person in Slack may do about themselves: see, correct and delete memories, be forgotten, be linked."""

from collections.abc import Sequence

from agent.errors import MemoryNotFoundError, UserNotFoundError
from agent.ids import MemoryId, UserId
from agent.memories import MemoryDraft
from agent.records import Identity, UserMemory
from gateway.memories import UserMemories

NO_LINKS = "Linking accounts is not there yet in this version."


class SlackPeople:
    """`adapters.slack.ports.Own` over the gateway's services."""

    def __init__(self, memories: UserMemories) -> None:
        self._memories = memories

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
        draft = MemoryDraft(
            memory=text,
            topics=tuple(before.topics),
            slot=before.slot,
            visibility=before.visibility,
            is_pinned=before.is_pinned,
            agent_id=before.agent_id,
            team_id=before.team_id,
            input=before.input,
            feedback=before.feedback,
        )
        await self._memories.replace_memory(user_id, memory_id, draft)

    async def delete(self, user_id: UserId, memory_id: MemoryId) -> None:
        """Forget one thing. Harmless when it is gone."""
        try:
            await self._memories.delete_memory(user_id, memory_id)
        except (MemoryNotFoundError, UserNotFoundError):
            return

    async def forget(self, user_id: UserId) -> str:
        """Forget the person. What they are told."""
        gone = await self._memories.clear_memories(user_id)
        return f"Forgotten: {len(gone.memory_ids)} things that I remembered about you."

    async def link(self, identity: Identity, user_id: UserId, code: str | None) -> str:
        """Make a code, or use one. What the person is told."""
        return NO_LINKS
