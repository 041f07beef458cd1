"""Which facts stay live when two people turn out to be one, and when that is undone. Pure."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from agent.ids import MemoryId, SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A stored fact, as far as linking goes by it.

    `account_id` is the former user it came with; `replaced_by` the fact that took its place when accounts were linked.
    """

    memory_id: MemoryId
    hash: bytes
    slot: str | None
    valid_from: datetime
    valid_to: datetime | None
    supersedes: MemoryId | None
    replaced_by: MemoryId | None
    account_id: str | None
    source: tuple[SessionId, int] | None


def plan_link(moved: Iterable[Fact], kept: Iterable[Fact]) -> tuple[dict[MemoryId, MemoryId], dict[MemoryId, MemoryId]]:
    """What of `moved` and of `kept` is ended, each by which fact: the same fact once, and one fact per slot.

    In a slot the newer one stays; of equal ones the kept one.
    """
    by_hash = {fact.hash: fact for fact in kept if fact.valid_to is None}
    by_slot = {fact.slot: fact for fact in by_hash.values() if fact.slot is not None}
    ended_moved: dict[MemoryId, MemoryId] = {}
    ended_kept: dict[MemoryId, MemoryId] = {}
    for fact in (fact for fact in moved if fact.valid_to is None):
        if (same := by_hash.get(fact.hash)) is not None:
            ended_moved[fact.memory_id] = same.memory_id
        elif fact.slot is not None and (rival := by_slot.get(fact.slot)) is not None:
            if rival.valid_from >= fact.valid_from:
                ended_moved[fact.memory_id] = rival.memory_id
            else:
                ended_kept[rival.memory_id] = fact.memory_id
    return ended_moved, ended_kept


def find_theirs(
    facts: Iterable[Fact], account_id: str, said: Mapping[SessionId, Set[int]]
) -> tuple[list[Fact], list[Fact]]:
    """The facts of an account, and the others: those it came with, and those drawn from what was `said` as it."""
    theirs: list[Fact] = []
    others: list[Fact] = []
    for fact in facts:
        is_said = fact.source is not None and fact.source[1] in said.get(fact.source[0], frozenset())
        (theirs if is_said or fact.account_id == account_id else others).append(fact)
    return theirs, others


def part_merged(
    theirs: Sequence[Fact], others: Sequence[Fact], made: Set[MemoryId]
) -> tuple[list[Fact], list[Fact], list[Fact]]:
    """The same two lists without the memories that were merged out of both people's facts, and those.

    `made` are all that came of merging. One that was merged out of one person's facts alone goes with these.
    """
    merged = {fact.memory_id for fact in (*theirs, *others)} & made
    owners: dict[MemoryId, set[bool]] = {memory_id: set() for memory_id in merged}
    parts = [
        (fact.memory_id, fact.replaced_by, is_theirs)
        for is_theirs, side in ((True, theirs), (False, others))
        for fact in side
    ]
    for _ in range(len(merged) + 1):  # merged memories may be merged again
        for memory_id, into, is_theirs in parts:
            if into in owners:
                owners[into] |= owners.get(memory_id) or {is_theirs}
    mixed = {memory_id for memory_id, whose in owners.items() if len(whose) > 1}
    moved = {memory_id for memory_id, whose in owners.items() if whose == {True}}
    kept = {memory_id for memory_id, whose in owners.items() if whose == {False}}
    everything = (*theirs, *others)
    theirs_now = [fact for fact in theirs if fact.memory_id not in mixed | kept]
    theirs_now += [fact for fact in others if fact.memory_id in moved]
    taken = {fact.memory_id for fact in theirs_now} | mixed
    return (
        theirs_now,
        [fact for fact in everything if fact.memory_id not in taken],
        [fact for fact in everything if fact.memory_id in mixed],
    )


def plan_revival(facts: Sequence[Fact], gone: Iterable[Fact]) -> list[MemoryId]:
    """Which of `facts` are live again once `gone`, who had taken their places, are somebody else's."""
    gone = list(gone)
    enders = {fact.memory_id for fact in gone}
    replaced = {fact.supersedes for fact in gone if fact.supersedes is not None}
    live_hashes = {fact.hash for fact in facts if fact.valid_to is None}
    live_slots = {fact.slot for fact in facts if fact.valid_to is None and fact.slot is not None}
    revived: list[MemoryId] = []
    for fact in sorted(facts, key=lambda one: one.valid_from, reverse=True):
        is_freed = fact.replaced_by in enders or (fact.replaced_by is None and fact.memory_id in replaced)
        if fact.valid_to is None or not is_freed or fact.hash in live_hashes or fact.slot in live_slots:
            continue
        live_hashes.add(fact.hash)
        if fact.slot is not None:
            live_slots.add(fact.slot)
        revived.append(fact.memory_id)
    return revived
