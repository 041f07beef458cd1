"""What must hold of every prompt, row, export and line of the log."""

from collections.abc import Iterable, Mapping

from agent.ports import ModelRequest, Text
from agent.speech import MEMORY_HEAD
from tests.isolation.marks import MARK, NAME, NUMBER, REPEAT, Mark, find_marks
from tests.isolation.people import Kin
from tests.isolation.places import IN_FRONT_OF_OTHERS, VISITED
from tests.support.agent_runs import all_text
from tests.support.gateway import run_sql


class Witness:
    """Sees every request, and keeps what should not have been there."""

    def __init__(self) -> None:
        self.kin: dict[int, Kin] = {}
        self.faults: list[str] = []
        self.summaries = 0
        self.prompts = 0
        self.blocks = 0
        """Blocks in which something was remembered: what proves that anything was tried."""

    def see_prompt(self, request: ModelRequest) -> None:
        """The memory block is the asker's; what was told in private is only where nobody else reads."""
        self.prompts += 1
        last = _find_question(request)
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
            kin = self.kin[mark.world]
            may_know = kin.was_one if _is_straddling(kin, last) else None
            if REPEAT in last and (kin.now or may_know):
                kin.repeated.add(mark)
            is_own = bool(askers) and (
                may_know(mark.person, askers[-1]) if may_know else kin.may_know(mark, askers[-1])
            )
            self._expect(is_own, f"in the memory block of {askers}", mark)
        rules = find_marks("\n".join(block.text for block in request.system))
        self._expect(not rules, "in what all people's prompts begin with", rules)
        self._see_audience(last, find_marks(all_text(request)), remembered)

    def _see_audience(self, last: str, shown: set[Mark], remembered: set[Mark]) -> None:
        """Where others read there is nothing private; in a thread that others came into, only what it showed before."""
        visits = VISITED.findall(last)
        told = {mark for _, world, owner in visits for mark in self.kin[int(world)].places.told_in[int(owner)]}
        if IN_FRONT_OF_OTHERS in last or any(state == "opened" for state, *_ in visits):
            for mark in shown:
                self._expect(not mark.is_private or mark in told, "told in private, in a prompt that others see", mark)
            for mark in remembered:
                self._expect(not mark.is_private, "told in private, remembered where others read", mark)
        else:
            for _, world, owner in visits:
                self.kin[int(world)].places.told_in[int(owner)] |= shown

    def see_reading(self, request: ModelRequest) -> None:
        """What is read for facts is one person's."""
        marks = find_marks("\n".join(b.text for m in request.messages for b in m.blocks if isinstance(b, Text)))
        for one in marks:
            for other in marks:
                is_one = one.world == other.world and self.kin[one.world].was_one(one.person, other.person)
                self._expect(is_one, f"read for facts together with {other}", one)

    def see_own(self, world: int, person: int, text: str, where: str, *, is_steady: bool = True) -> None:
        """Something that is for one person's eyes. Not `is_steady`: two were linked or parted meanwhile."""
        kin = self.kin[world]
        for mark in find_marks(text):
            is_theirs = kin.may_know(mark, person) if is_steady else kin.was_one(mark.person, person)
            is_own = mark.world == world and is_theirs
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
                if table["table_name"] == "user_memories" and row["valid_to"] is None:
                    self._see_forgotten(row["memory"])
        return seen

    async def _load_participants(self, url: str) -> dict[str, set[str]]:
        places: dict[str, set[str]] = {}
        for row in await run_sql(url, "SELECT session_id, user_id FROM participants"):
            places.setdefault(row["session_id"], set()).add(row["user_id"])
        return places

    def _see_forgotten(self, memory: str) -> None:
        """Old words do not bring back what was deleted. Where a model may repeat what it saw, it is remembered anew."""
        for match in MARK.finditer(memory):
            world = int(match[1])
            self._expect(
                world % 2 == 1 or match[0] not in self.kin[world].forgotten, "was forgotten and is there", memory
            )

    def _see_row(self, table: str, row: Mapping[str, object], mark: Mark, places: Mapping[str, set[str]]) -> None:
        kin = self.kin[mark.world]
        self._expect(not (mark.is_private and mark.person in kin.erased), f"of somebody erased in {table}", mark)
        if "session_id" in row:
            session = str(row["session_id"])
            own = [p for p in range(10) if session.startswith(f"web:demo:{mark.world}-own-{p}-")]
            if own:
                is_right = kin.was_one(own[0], mark.person)
            else:
                there = {name for name in places.get(session, ()) if name.startswith(f"iso{mark.world}p")}
                told = kin.places.told_in.items()
                is_told = any(mark in marks and session == f"web:demo:{mark.world}-open-{n}" for n, marks in told)
                is_of_someone_there = mark.person in kin.erased or any(
                    kin.was_one(int(name.rpartition("p")[2]), mark.person) for name in there
                )
                is_right = is_told or (not mark.is_private and is_of_someone_there)
            self._expect(is_right, f"in {table} of {session}", mark)
        elif "user_id" in row:
            owner = str(row["user_id"])
            world, _, person = owner.removeprefix("iso").partition("p")
            is_own = world == str(mark.world) and kin.may_know(mark, int(person)) and int(person) not in kin.erased
            self._expect(is_own, f"in {table} of {owner}", mark)
            if "visibility" in row:
                is_kept = not mark.is_private or row["visibility"] == "private"
                self._expect(is_kept, f"open to others in {table}", mark)
        else:
            self.faults.append(f"{mark} in {table}, which is nobody's")

    def _expect(self, is_right: bool, where: str, what: object) -> None:
        if not is_right:
            self.faults.append(f"{what} {where}")


def _find_question(request: ModelRequest) -> str:
    """What people said last, and the memory block: results of tools may follow."""
    texts = [
        "\n".join(block.text for block in m.blocks if isinstance(block, Text))
        for m in request.messages
        if m.role == "user"
    ]
    return next((text for text in reversed(texts) if text), "")


def _is_straddling(kin: Kin, question: str) -> bool:
    """Whether it was asked before an account was parted: the run may have read what was of both."""
    numbers = [int(number) for _, number in NUMBER.findall(question)]
    return not numbers or min(numbers) <= kin.parted_upto
