"""Which facts stay live when two people turn out to be one, and when that is undone. Pure."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from agent.ids import MemoryId, SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A stored fact, as far as linking goes by it.

    `account_id` is the former user it came with, and `also_of` are other ids whose words it holds; `replaced_by` the
    fact that took its place.
    """

    memory_id: MemoryId
    hash: bytes
    slot: str | None
    valid_from: datetime
    valid_to: datetime | None
    supersedes: MemoryId | None
    replaced_by: MemoryId | None
    account_id: str | None
    also_of: Set[str]
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


def part_facts(
    facts: Iterable[Fact], account_id: str, said: Mapping[SessionId, Set[int]], made: Set[MemoryId]
) -> tuple[list[Fact], list[Fact], list[Fact]]:
    """The facts of an account, the others, and those that hold what both told, which are neither's.

    An account's are those that it came with or told, and those drawn from what was `said` as it. `made` are all that
    came of merging: one that was merged out of one person's facts alone goes with these.
    """
    facts = list(facts)
    sides = {fact.memory_id: _sides(fact, account_id, said, made) for fact in facts}
    merged = sides.keys() & made
    for _ in range(len(merged) + 1):  # merged memories may be merged again
        for fact in facts:
            if fact.replaced_by in merged:
                sides[fact.replaced_by] |= sides[fact.memory_id]
    return (
        [fact for fact in facts if sides[fact.memory_id] == {True}],
        [fact for fact in facts if not sides[fact.memory_id] - {False}],
        [fact for fact in facts if len(sides[fact.memory_id]) > 1],
    )


def _sides(fact: Fact, account_id: str, said: Mapping[SessionId, Set[int]], made: Set[MemoryId]) -> set[bool]:
    """Whose words a fact holds, the account's or others'. What merging made holds its parts' and no more."""
    sides = {one == account_id for one in fact.also_of}
    if fact.account_id is not None:
        sides.add(fact.account_id == account_id)
    elif fact.memory_id not in made:
        sides.add(fact.source is not None and fact.source[1] in said.get(fact.source[0], frozenset()))
    return sides


def plan_revival(facts: Sequence[Fact], gone: Iterable[Fact]) -> list[MemoryId]:
    """Which of `facts` are live again once `gone`, who had taken their places, are somebody else's."""
    enders, replaced = _enders(list(gone))
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


def _enders(gone: Sequence[Fact]) -> tuple[set[MemoryId], set[MemoryId]]:
    """Those of `gone` that stood to the end, with their older versions; and what these name as what they replaced.

    What was retired had ended by itself: nothing lives again because it goes.
    """
    enders: set[MemoryId] = set()
    found = {fact.memory_id for fact in gone if fact.valid_to is None}
    while found:
        enders |= found
        found = {fact.memory_id for fact in gone if fact.replaced_by in enders} - enders
    return enders, {fact.supersedes for fact in gone if fact.memory_id in enders and fact.supersedes is not None}
