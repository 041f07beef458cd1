"""Erases a person: in one transaction, whatever runs meanwhile, with a report of what was erased and what is left.

A run that goes on has lost its lease when this is committed, so nothing of it is written any more. What other people
asked starts over without the words. The id is buried: only its hash is kept, and nothing is ever written under it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from agent.errors import UserNotFoundError
from agent.ids import SessionId, UserId
from agent.people import Erasure
from memory.database import Connection, Database, Record
from memory.person_locks import lock_person
from memory.queries import query

ERASED_TEXT = "(erased)"
PHRASE_CHARACTERS = 8
"""What is shorter is nobody's own words. Messages of so many and more are looked for in what others were answered."""
SLACK = "slack"


class Erasures:
    """Erases people. `database` should be patient: somebody may have said much."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def erase(self, user_id: UserId) -> Erasure:
        """All of a person, under every id that became this one. Raises `UserNotFoundError` for somebody unknown."""
        erased: Counter[str] = Counter()
        left: Counter[str] = Counter()
        async with self._database.scope(user_id=user_id) as connection:
            ids = await lock_person(connection, user_id)
            for session_id in (sessions := await _lock_sessions(connection, ids)):
                row = await connection.fetchrow(query("erase_session"), session_id, ids, ERASED_TEXT, PHRASE_CHARACTERS)
                _count(erased, row)
            _count(erased, await connection.fetchrow(query("erase_elsewhere"), ids))
            for one in ids:
                await _erase_accounts(connection, one, erased)
            if not erased.total():
                raise UserNotFoundError("there is no such person here")
            for session_id in sessions:
                _count(left, await connection.fetchrow(query("count_left_in_session"), session_id, ids))
            _count(left, await connection.fetchrow(query("count_left_elsewhere"), ids))
            for one in ids:
                await _set_scope(connection, one)
                _count(left, await connection.fetchrow(query("count_left_of_person"), one))
            report = Erasure(at=datetime.now(UTC), erased=dict(erased), left=dict(left))
            for one in ids:
                await connection.execute(query("bury_person"), one, {"erased": report.erased, "left": report.left})
        return report


async def _lock_sessions(connection: Connection, ids: Sequence[UserId]) -> list[SessionId]:
    found: set[SessionId] = set()
    for one in ids:
        await _set_scope(connection, one)
        found |= {row["session_id"] for row in await connection.fetch(query("list_sessions_to_link"), one)}
    for session_id in (sessions := sorted(found)):
        await connection.fetchrow(query("lock_session"), session_id)
    return sessions


async def _erase_accounts(connection: Connection, user_id: UserId, erased: Counter[str]) -> None:
    await _set_scope(connection, user_id)
    for account in await connection.fetch(query("list_identities"), user_id):
        if account["channel"] == SLACK:
            *_, user = account["external_id"].split(":")
            _count(erased, await connection.fetchrow(query("erase_slack"), account["tenant"], user))
    _count(erased, await connection.fetchrow(query("erase_person"), user_id))


async def _set_scope(connection: Connection, user_id: str) -> None:
    await connection.fetchrow(query("set_scope"), user_id, "", "")


def _count(counts: Counter[str], row: Record | Mapping[str, int] | None) -> None:
    for table, count in (row or {}).items():
        counts[table] += count
