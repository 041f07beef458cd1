"""Strategies that make many memories fewer. A strategy proposes; `agent.memory_merging` says what of it is done."""

from collections.abc import Sequence
from itertools import groupby
from typing import Protocol

from agent.memory_merging import MERGE_AT_ONCE, SCHEMA, Merge, build_merge, read_merges
from agent.ports import Model
from agent.records import UserMemory


class OptimizeStrategy(Protocol):
    """A way to make memories fewer. Any object with a name and this method is one."""

    @property
    def name(self) -> str:
        """What it is called, for reports."""
        ...

    async def merge(self, memories: Sequence[UserMemory]) -> Sequence[Merge]:
        """Texts that are each to take the place of some of the memories; those that none names stay as they are."""
        ...


class Summarize:
    """Asks a model to merge what belongs together: private facts with private ones; slots and pinned facts stay."""

    name = "summarize"

    def __init__(self, model: Model, model_name: str) -> None:
        self._model = model
        self._model_name = model_name

    async def merge(self, memories: Sequence[UserMemory]) -> Sequence[Merge]:
        """One call for every hundred memories. Raises `ModelError`."""
        open_ones = [memory for memory in memories if memory.slot is None and not memory.is_pinned]
        merges: list[Merge] = []
        for _, group in groupby(sorted(open_ones, key=_visibility), key=_visibility):
            alike = list(group)
            for start in range(0, len(alike), MERGE_AT_ONCE):
                merges += await self._ask(alike[start : start + MERGE_AT_ONCE])
        return merges

    async def _ask(self, memories: Sequence[UserMemory]) -> Sequence[Merge]:
        if len(memories) < 2:
            return ()
        answer, _ = await self._model.complete_json(build_merge(self._model_name, memories), SCHEMA)
        return read_merges(answer, memories)


def _visibility(memory: UserMemory) -> str:
    return memory.visibility
