"""What is kept of a person, in the person's own hands: seen, corrected, deleted, erased."""

from dataclasses import replace

from adapters.deadlines import told_in_time
from adapters.memory_ports import Memories
from adapters.ports import People
from adapters.widget.commands import ForgetMe, ManageMemories, OverMyData
from adapters.widget.greeting import Place
from adapters.widget.replies import render_forgotten, render_memories, render_nack
from agent.errors import InputError, StoreUnavailableError, UserNotFoundError
from agent.ids import MemoryId, UserId
from agent.memories import MemoryDraft

LISTED = 200
_RETRY_S = 2.0


class OwnData:
    """Serves every place. It is always the person of the place whose data it is; no frame names another."""

    def __init__(self, memories: Memories, people: People) -> None:
        self._memories = memories
        self._people = people

    async def serve(self, place: Place, work: OverMyData) -> str:
        """The frame to send. What cannot be done is answered, never raised."""
        try:
            match work:
                case ManageMemories():
                    async with told_in_time():
                        return await self._manage(place.user.origin_id, work)
                case ForgetMe():
                    return await self._forget(place.user.id, work)
        except StoreUnavailableError as error:
            return render_nack(work.frame_id, "unavailable", error.sentence, _RETRY_S)
        except InputError as error:
            return render_nack(work.frame_id, "invalid", str(error) or error.sentence)

    async def _manage(self, user_id: UserId, work: ManageMemories) -> str:
        try:
            await self._change(user_id, work)
            page = await self._memories.list_memories(user_id, limit=LISTED)
        except UserNotFoundError:  # a visitor is not stored before their first message
            return render_memories(work.frame_id, ())
        return render_memories(work.frame_id, page.memories)

    async def _change(self, user_id: UserId, work: ManageMemories) -> None:
        match work.op:
            case "list":
                return
            case "clear":
                await self._memories.clear_memories(user_id)
                return
        if work.memory_id is None:
            raise InputError("memory_id: expected that of a memory")
        memory_id = MemoryId(work.memory_id)
        if work.op == "delete":
            await self._memories.delete_memory(user_id, memory_id)
            return
        known = await self._memories.load_memory(user_id, memory_id)
        kept = {name: getattr(known, name) for name in MemoryDraft.__dataclass_fields__}
        draft = replace(MemoryDraft(**kept), memory=work.memory or "", agent_id=None)
        await self._memories.replace_memory(user_id, memory_id, draft, must_be_plain=True)

    async def _forget(self, user_id: UserId, work: ForgetMe) -> str:
        """The connection is closed once every process knows."""
        try:
            report = await self._people.erase(user_id)
        except UserNotFoundError:  # nothing was ever said
            return render_forgotten(work.frame_id, 0, 0)
        return render_forgotten(work.frame_id, sum(report.erased.values()), sum(report.left.values()))
