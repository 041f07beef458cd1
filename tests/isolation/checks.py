"""What must hold of every prompt, row, export and line of the log."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from agent.ports import ModelRequest, Text
from agent.speech import MEMORY_HEAD
from tests.isolation.marks import NAME, Mark, find_marks
from tests.support.agent_runs import all_text
from tests.support.gateway import run_sql

IN_FRONT_OF_OTHERS = "at:shared"
"""Stands in everything that is said where others read."""


@dataclass(slots=True)
class Kin:
    """Which persons of a world are one: now, and at any time so far."""

    now: dict[int, int] = field(default_factory=dict)
    ever: dict[int, int] = field(default_factory=dict)

    def link(self, one: int, other: int) -> None:
        """They proved to be one person."""
        self.now[other] = self.ever[other] = one

    def unlink(self, other: int) -> None:
        """The link was undone."""
        self.now.pop(other, None)

    def may_know(self, mark: Mark, person: int) -> bool:
        """Whether what a mark stands for is this person's to know."""
        is_one = self.now.get(mark.person, mark.person) == self.now.get(person, person)
        return is_one or (mark.is_joint and self.was_one(mark.person, person))

    def was_one(self, one: int, other: int) -> bool:
        """Whether two are one person now, or were."""
        return self.ever.get(one, one) == self.ever.get(other, other)


class Witness:
    """Sees every request, and keeps what should not have been there."""

    def __init__(self) -> None:
        self.kin: dict[int, Kin] = {}
        self.faults: list[str] = []
        self.blocks = 0
        """Blocks in which something was remembered: what proves that anything was tried."""

    def see_prompt(self, request: ModelRequest) -> None:
        """The memory block is the asker's; what was told in private is only where nobody else reads."""
        last = "\n".join(block.text for block in request.messages[-1].blocks if isinstance(block, Text))
        blocks = [
            block.text
            for message in request.messages
            for block in message.blocks
            if isinstance(block, Text) and block.text.startswith(MEMORY_HEAD)
        ]
        askers = [int(person) for _, person in NAME.findall(blocks[-1].splitlines()[0])] if blocks else []
        remembered = find_marks(blocks[-1]) if blocks else set()
        self.blocks += bool(remembered)
        self._expect(len(blocks) <= 1, "a memory block of an earlier turn is in the prompt", remembered)
        for mark in remembered:
            is_own = bool(askers) and self.kin[mark.world].may_know(mark, askers[-1])
            self._expect(is_own, f"in the memory block of {askers}", mark)
        is_shared = IN_FRONT_OF_OTHERS in last
        for mark in find_marks(all_text(request)):
            self._expect(not (mark.is_private and is_shared), "told in private, in a prompt that others see", mark)

    def see_reading(self, request: ModelRequest) -> None:
        """What is read for facts is one person's."""
        marks = find_marks("\n".join(b.text for m in request.messages for b in m.blocks if isinstance(b, Text)))
        for one in marks:
            for other in marks:
                is_one = one.world == other.world and self.kin[one.world].was_one(one.person, other.person)
                self._expect(is_one, f"read for facts together with {other}", one)

    def see_own(self, world: int, person: int, text: str, where: str) -> None:
        """Something that is for one person's eyes."""
        for mark in find_marks(text):
            is_own = mark.world == world and self.kin[world].may_know(mark, person)
            self._expect(is_own, f"in {where} of person {person} of world {world}", mark)

    def see_log(self, lines: Iterable[object]) -> None:
        """The log holds nothing that people said or are remembered by."""
        for line in lines:
            self.faults += [f"{mark} in the log" for mark in find_marks(repr(line))]

    async def see_rows(self, url: str) -> int:
        """Every row of every table belongs to whom it tells of. Returns how many rows told of anybody."""
        tables = await run_sql(
            url,
            "SELECT table_name, array_agg(column_name::text) AS columns FROM information_schema.columns"
            " WHERE table_schema = 'public' GROUP BY table_name",
        )
        places = await self._load_participants(url)
        seen = 0
        for table in tables:
            rows = await run_sql(url, f"SELECT *, t::text AS whole FROM {table['table_name']} t")
            for row in rows:
                marks = find_marks(row["whole"])
                seen += bool(marks)
                for mark in marks:
                    self._see_row(table["table_name"], dict(row), mark, places)
        return seen

    async def _load_participants(self, url: str) -> dict[str, set[str]]:
        places: dict[str, set[str]] = {}
        for row in await run_sql(url, "SELECT session_id, user_id FROM participants"):
            places.setdefault(row["session_id"], set()).add(row["user_id"])
        return places

    def _see_row(self, table: str, row: Mapping[str, object], mark: Mark, places: Mapping[str, set[str]]) -> None:
        kin = self.kin[mark.world]
        if "session_id" in row:
            session = str(row["session_id"])
            own = [p for p in range(10) if session.startswith(f"web:demo:{mark.world}-own-{p}-")]
            if own:
                is_right = kin.was_one(own[0], mark.person)
            else:
                there = {name for name in places.get(session, ()) if name.startswith(f"iso{mark.world}p")}
                is_right = not mark.is_private and any(
                    kin.was_one(int(name.rpartition("p")[2]), mark.person) for name in there
                )
            self._expect(is_right, f"in {table} of {session}", mark)
        elif "user_id" in row:
            owner = str(row["user_id"])
            world, _, person = owner.removeprefix("iso").partition("p")
            is_own = world == str(mark.world) and kin.may_know(mark, int(person))
            self._expect(is_own, f"in {table} of {owner}", mark)
            if "visibility" in row:
                is_kept = not mark.is_private or row["visibility"] == "private"
                self._expect(is_kept, f"open to others in {table}", mark)
        else:
            self.faults.append(f"{mark} in {table}, which is nobody's")

    def _expect(self, is_right: bool, where: str, what: object) -> None:
        if not is_right:
            self.faults.append(f"{what} {where}")
