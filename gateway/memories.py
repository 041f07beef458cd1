"""What is remembered about people, for Python, the API, the command line and the agent's own tool: one way for all.

Every method takes the person first, under the id they have now or one that became it. Raises `UserNotFoundError` for
one who is not known, `StoreUnavailableError` when the database is away, and `AskerChangedError` where the person is
linked to another at that very moment. Who writes for a person gives the id that the account came with that they speak
from (`User.origin_id`), which takes it along when it is parted. What is written is checked first: `MemoryInvalidError`
names the field, `MemorySecretError` says that a secret was found; nothing is written then.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Literal, TypeAlias, TypeVar

from agent.errors import InputError, MemoryInvalidError, MemoryNotFoundError, UserNotFoundError
from agent.ids import MemoryId, UserId
from agent.memories import (
    Asked,
    Forgotten,
    ImportReport,
    MemoryDraft,
    MemoryPage,
    MemorySort,
    MemoryStats,
    SearchMethod,
    check_draft,
    check_note,
)
from agent.memory_merging import Optimization, measure, plan_merges
from agent.memory_picking import SCHEMA, build_pick, read_picks
from agent.ports import Model
from agent.records import Audience, JsonObject, JsonValue, UserMemory
from agent.text import storable
from gateway.memory_file import MAX_MEMORIES, parse_memories, render_memories, renew_ids
from gateway.memory_optimizing import OptimizeStrategy, Summarize
from memory.memories import Memories
from memory.memory_optimizations import MemoryOptimizations
from memory.memory_records import MemoryRecords

PAGE_LIMIT = 1_000
SEARCH_LIMIT = 1_000
PICK_FROM = 100
"""So many memories a model is shown to pick from: those that share most with the words, then the newest."""
ID_LIMIT = 200
Choice = TypeVar("Choice", bound=StrEnum)
FindModel: TypeAlias = Callable[[UserId], Awaitable[Model]]
"""The model on a person's account. Raises `StoreUnavailableError`."""


class UserMemories:
    """The memories of all people.

    `small_model` is asked where a model has to choose, and the person that it is about pays; none: `InputError` there.
    """

    def __init__(
        self,
        records: MemoryRecords,
        memories: Memories,
        optimizations: MemoryOptimizations,
        find_model: FindModel | None,
        small_model: str,
    ) -> None:
        self._records = records
        self._memories = memories
        self._optimizations = optimizations
        self._find_model = find_model
        self._small_model = small_model

    async def list_memories(
        self,
        user_id: UserId,
        *,
        topics: Sequence[str] = (),
        sort: MemorySort = MemorySort.UPDATED,
        is_descending: bool = True,
        page: int = 1,
        limit: int = 50,
    ) -> MemoryPage:
        """A page of the live memories, those that have all of `topics`. `page` counts from 1, `limit` is 1 to 1,000."""
        _check_range("page", page, 2**31)
        _check_range("limit", limit, PAGE_LIMIT)
        by = _choose_of(MemorySort, "sort", sort)
        wanted = [storable(" ".join(topic.split()).lower()) for topic in topics]
        return await self._records.page(
            await self._known(user_id), topics=wanted, sort=by, is_descending=is_descending, page=page, limit=limit
        )

    async def load_memory(self, user_id: UserId, memory_id: MemoryId) -> UserMemory:
        """One memory, live or replaced. Raises `MemoryNotFoundError`, for a foreign id too."""
        found = await self._records.find(await self._known(user_id), _possible(memory_id))
        if found is None:
            raise MemoryNotFoundError("memory_id: there is no such memory here")
        return found

    async def find_asker(self, asked: Asked) -> UserId | None:
        """Who asked, as far as it is anybody, by the id they have now.

        Raises `AskerChangedError` where an account was parted from them since that run began: what it was shown of them
        may be another's by now. With `asked` the methods below raise the same where the run is not that person's.
        """
        return await self._records.find_asker(asked)

    async def find_by_text(self, user_id: UserId, text: str) -> UserMemory | None:
        """The live memory that says just this, but for case and spaces."""
        return await self._records.find_by_text(await self._known(user_id), storable(text))

    async def add_memory(
        self, user_id: UserId, draft: MemoryDraft, *, must_be_plain: bool = False, asked: Asked | None = None
    ) -> UserMemory:
        """Remember something. Where the same is remembered already, that memory is given back as it stands.

        A memory with a slot takes the place of the one that stands in it, which is kept as history. `must_be_plain`: no
        order and no claim to rights is taken, as where a model or the person worded it.
        """
        current_id, checked = await self._known(user_id), check_draft(draft, must_be_plain=must_be_plain)
        return await self._records.add(current_id, checked, account_id=user_id, asked=asked)

    async def upsert_memory(self, user_id: UserId, memory_id: MemoryId, draft: MemoryDraft) -> tuple[UserMemory, bool]:
        """Write the memory of that id, whether it is there or not; the second result says whether it is new.

        Raises `MemoryConflictError` for an id that is another person's, and where another memory says the same.
        """
        current_id, checked = await self._known(user_id), check_draft(draft)
        given_id = user_id if user_id != current_id else None  # else it is an operator's hand
        return await self._records.save(current_id, _wanted(memory_id), checked, account_id=given_id)

    async def replace_memory(
        self,
        user_id: UserId,
        memory_id: MemoryId,
        draft: MemoryDraft,
        *,
        must_be_plain: bool = False,
        asked: Asked | None = None,
    ) -> UserMemory:
        """Correct a memory: its old text is kept nowhere. Raises `MemoryNotFoundError` and `MemoryConflictError`."""
        current_id, checked = await self._known(user_id), check_draft(draft, must_be_plain=must_be_plain)
        return await self._records.replace(current_id, _possible(memory_id), checked, account_id=user_id, asked=asked)

    async def delete_memory(self, user_id: UserId, memory_id: MemoryId, *, asked: Asked | None = None) -> Forgotten:
        """Delete one with its older versions, for good: old words do not bring it back.

        Raises `MemoryNotFoundError`.
        """
        gone = await self._records.delete(await self._known(user_id), [_possible(memory_id)], asked=asked)
        if not gone.memory_ids:
            raise MemoryNotFoundError("memory_id: there is no such memory here")
        return gone

    async def delete_memories(self, user_id: UserId, memory_ids: Sequence[MemoryId]) -> Forgotten:
        """Delete several; the result says which of them were there."""
        wanted = [memory_id for memory_id in memory_ids if storable(memory_id) == memory_id]
        return await self._records.delete(await self._known(user_id), wanted)

    async def clear_memories(self, user_id: UserId, *, asked: Asked | None = None) -> Forgotten:
        """Delete all of this person's; what they said before is not read for facts any more."""
        return await self._records.clear(await self._known(user_id), asked=asked)

    async def search_memories(
        self,
        user_id: UserId,
        query: str = "",
        *,
        method: SearchMethod = SearchMethod.RELEVANCE,
        limit: int = 10,
        audience: Audience = Audience.PRIVATE,
    ) -> Sequence[UserMemory]:
        """Live memories, the best first: see `SearchMethod`. `audience`: shared leaves out what was told in private.

        `agentic` asks the small model, and falls back on relevance when its answer makes no sense; raises `ModelError`.
        """
        _check_range("limit", limit, SEARCH_LIMIT)
        user_id, query = await self._known(user_id), storable(query)
        match chosen := _choose_of(SearchMethod, "method", method):
            case SearchMethod.LAST_N | SearchMethod.FIRST_N:
                is_newest = chosen is SearchMethod.LAST_N
                return await self._records.list_by_age(user_id, limit, audience, is_newest=is_newest)
            case SearchMethod.RELEVANCE:
                await self._records.require(user_id)
                return await self._memories.find_related(user_id, query, limit, audience)
            case SearchMethod.AGENTIC:
                return await self._pick(user_id, query, limit, audience)

    async def _pick(self, user_id: UserId, query: str, limit: int, audience: Audience) -> Sequence[UserMemory]:
        newest = await self._records.list_by_age(user_id, PICK_FROM, audience, is_newest=True)
        related = await self._memories.find_related(user_id, query, PICK_FROM, audience)
        shown = list({memory.memory_id: memory for memory in (*related, *newest)}.values())[:PICK_FROM]
        if not shown:
            return ()
        model = await self._model_for(user_id)
        answer, _ = await model.complete_json(build_pick(self._small_model, query, shown), SCHEMA)
        picked = read_picks(answer, shown, limit)
        return related[:limit] if picked is None else picked

    async def list_topics(self, user_id: UserId) -> Sequence[tuple[str, int]]:
        """The topics of live memories with how many have them, the commonest first."""
        return await self._records.list_topics(await self._known(user_id))

    async def load_stats(self, user_id: UserId) -> MemoryStats:
        """Figures about the memories."""
        return await self._records.load_stats(await self._known(user_id))

    async def export_memories(self, user_id: UserId, *, with_replaced: bool = True) -> JsonObject:
        """All memories as JSON, history too unless told otherwise."""
        user_id = await self._known(user_id)
        memories = await self._records.dump(user_id, with_replaced=with_replaced)
        return await asyncio.to_thread(render_memories, user_id, memories)

    async def import_memories(
        self,
        user_id: UserId,
        file: JsonValue,
        *,
        with_new_ids: bool = False,
        must_be_plain: bool = False,
        most: int = MAX_MEMORIES,
    ) -> ImportReport:
        """Write what `export_memories` gave: all or nothing. Ids and times stay, or are new with `with_new_ids`.

        Raises `MemoryInvalidError` with the place in the file, or for more than `most` memories, and
        `MemoryConflictError` for ids of other people. `must_be_plain` is of each as in `add_memory`.
        """
        current_id = await self._known(user_id)
        # a large one takes a while
        memories = await asyncio.to_thread(parse_memories, current_id, file, most, must_be_plain=must_be_plain)
        if with_new_ids:
            memories = renew_ids(memories)
        is_own = must_be_plain or user_id != current_id  # else it is an operator's hand
        return await self._records.restore(current_id, memories, account_id=user_id if is_own else None)

    async def optimize_memories(
        self, user_id: UserId, strategy: OptimizeStrategy | Literal["summarize"] = "summarize", *, apply: bool = True
    ) -> Optimization:
        """Make the memories fewer, as the strategy proposes; without `apply` only say what would be done.

        A fact that is told meanwhile stays. Raises `MemoryConflictError` when one that was to be merged was changed or
        deleted meanwhile, and `ModelError`.
        """
        user_id = await self._known(user_id)
        chosen = await self._choose(user_id, strategy)
        memories = await self._records.dump(user_id)
        planned = measure(chosen.name, plan_merges(await chosen.merge(memories), memories), memories)
        if not apply or not planned.merges:
            return planned
        return replace(planned, optimization_id=await self._optimizations.apply(user_id, planned))

    async def undo_optimization(self, user_id: UserId, optimization_id: str | None = None) -> Sequence[MemoryId]:
        """Part again what the newest optimisation merged; the result are the memories that are as they were.

        What was changed or deleted since stays. Raises `MemoryNotFoundError` when there is nothing to undo, and
        `MemoryConflictError` for one that is not the newest.
        """
        return await self._optimizations.undo(await self._known(user_id), optimization_id)

    async def _known(self, user_id: UserId) -> UserId:
        if not user_id or storable(user_id) != user_id:
            raise UserNotFoundError("user_id: there is no such user here")
        return await self._records.current_id(user_id)

    async def _choose(self, user_id: UserId, strategy: OptimizeStrategy | str) -> OptimizeStrategy:
        if not isinstance(strategy, str):
            return strategy
        if strategy != Summarize.name:
            raise InputError(f"strategy: expected {Summarize.name}, or a strategy of your own")
        return Summarize(await self._model_for(user_id), self._small_model)

    async def _model_for(self, user_id: UserId) -> Model:
        if self._find_model is None:
            raise InputError("no model is there to be asked")
        return await self._find_model(user_id)


def _possible(memory_id: MemoryId) -> MemoryId:
    if storable(memory_id) != memory_id:
        raise MemoryNotFoundError("memory_id: there is no such memory here")
    return memory_id


def _wanted(memory_id: MemoryId) -> MemoryId:
    if not 1 <= len(memory_id) <= ID_LIMIT or not all("!" <= c <= "~" for c in memory_id):
        raise MemoryInvalidError("memory_id", f"expected 1 to {ID_LIMIT} printable ASCII characters without spaces")
    check_note("memory_id", memory_id)
    return memory_id


def _choose_of(kind: type[Choice], name: str, value: str) -> Choice:
    try:
        return kind(value)
    except ValueError:
        raise InputError(f"{name}: expected one of {', '.join(kind)}") from None


def _check_range(name: str, value: int, most: int) -> None:
    if not 1 <= value <= most:
        raise InputError(f"{name}: expected 1 to {most:,}")
