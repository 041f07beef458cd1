"""The files of agents: revisions that are proposed, approved, rejected and rolled back; one writer at a time."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from agent.agent_memories import AgentFile, Revision, RevisionState, check_room
from agent.errors import InputError, NotFoundError, RevisionConflictError
from agent.ids import AgentId, UserId
from memory.database import Connection, Database, Record
from memory.memory_scope import open_for_writing
from memory.queries import query

MAX_PROPOSED = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change that is asked for: `markdown` is none where the file is to go; `user_id` says in whose run."""

    agent_id: AgentId
    name: str
    markdown: str | None
    author: str
    cause: str
    user_id: UserId | None = None


class AgentMemories:
    """The store of all agents' files."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_files(self, agent_ids: Collection[AgentId]) -> Sequence[AgentFile]:
        """The live files of these agents, by agent and name."""
        rows = await self._database.fetch(query("list_agent_files"), list(agent_ids))
        return [AgentFile(**row) for row in rows]

    async def list_revisions(
        self, agent_id: AgentId, name: str | None = None, state: RevisionState | None = None, limit: int = 100
    ) -> Sequence[Revision]:
        """The newest first."""
        rows = await self._database.fetch(query("list_agent_revisions"), agent_id, name, state, limit)
        return [_read(row) for row in rows]

    async def find(self, agent_id: AgentId, name: str, revision: int) -> Revision:
        """One of them. Raises `NotFoundError`."""
        return _require(await self._database.fetchrow(query("find_agent_revision"), agent_id, name, revision))

    @asynccontextmanager
    async def _open(self, change: Change) -> AsyncIterator[Connection]:
        """Under the lock of the person in whose run it is: who is erased leaves nothing behind, and adds nothing."""
        if change.user_id is None:
            async with self._database.scope() as connection:
                yield connection
        else:
            async with open_for_writing(self._database, change.user_id) as connection:
                yield connection

    async def propose(self, change: Change) -> Revision:
        """Keep a change for an operator to decide on.

        Raises `InputError` where too much waits already; `UserNotFoundError` where the run's person is erased by now.
        """
        async with self._open(change) as connection:
            live, newest, proposed = await _lock_file(connection, change.agent_id, change.name)
            if proposed >= MAX_PROPOSED:
                raise InputError("too many changes wait for an operator already")
            return await _add(connection, change, newest + 1, RevisionState.PROPOSED, live, None)

    async def write(self, change: Change, *, by: str) -> Revision:
        """Make a change live at once. Raises `InputError` where the agent's files would be too long; as `propose`.

        Raises `NotFoundError` where a file that is not there is to be taken away.
        """
        async with self._open(change) as connection:
            live, newest, _ = await _lock_file(connection, change.agent_id, change.name)
            await _make_room(connection, change.agent_id, change.name, change.markdown)
            return await _add(connection, change, newest + 1, RevisionState.LIVE, live, by)

    async def approve(self, agent_id: AgentId, name: str, revision: int, *, by: str) -> Revision:
        """Make a proposed revision live. Raises `NotFoundError`; `RevisionConflictError` where the file changed."""
        async with self._database.scope() as connection:
            live, _, _ = await _lock_file(connection, agent_id, name)
            found = _require(await connection.fetchrow(query("find_agent_revision"), agent_id, name, revision))
            if found.state is not RevisionState.PROPOSED or found.based_on != live:
                raise RevisionConflictError(
                    "the revision was decided on, or the file was changed since it was proposed"
                )
            await _make_room(connection, agent_id, name, found.markdown)
            row = await connection.fetchrow(
                query("decide_agent_revision"), agent_id, name, revision, RevisionState.LIVE, by
            )
            return _require(row)

    async def reject(self, agent_id: AgentId, name: str, revision: int, *, by: str) -> Revision:
        """Decline a proposed revision. Raises `NotFoundError` where it is not proposed."""
        row = await self._database.fetchrow(
            query("decide_agent_revision"), agent_id, name, revision, RevisionState.REJECTED, by
        )
        return _require(row)

    async def roll_back(self, agent_id: AgentId, name: str, revision: int, *, by: str) -> Revision:
        """Make an earlier revision's text live again, as a new revision. Raises `NotFoundError`, `InputError`."""
        earlier = await self.find(agent_id, name, revision)
        if earlier.state is not RevisionState.REPLACED:
            raise InputError("revision: expected one that was live before")
        cause = f"back to revision {revision}"
        change = Change(agent_id=agent_id, name=name, markdown=earlier.markdown, author=by, cause=cause)
        return await self.write(change, by=by)


async def _lock_file(connection: Connection, agent_id: AgentId, name: str) -> tuple[int, int, int]:
    await connection.fetchrow(query("lock_agent"), agent_id)
    row = await connection.fetchrow(query("find_agent_file"), agent_id, name)
    assert row is not None, "an aggregate always gives one row"
    return row["live"], row["newest"], row["proposed"]


async def _make_room(connection: Connection, agent_id: AgentId, name: str, markdown: str | None) -> None:
    rows = await connection.fetch(query("list_agent_files"), [agent_id])
    if markdown is None and name not in {row["name"] for row in rows}:
        raise NotFoundError("name: there is no such file here")
    check_room([AgentFile(**row) for row in rows], name, markdown or "")
    await connection.execute(query("replace_agent_file"), agent_id, name)


async def _add(
    connection: Connection, change: Change, revision: int, state: RevisionState, based_on: int, by: str | None
) -> Revision:
    row = await connection.fetchrow(
        query("add_agent_revision"),
        change.agent_id,
        change.name,
        revision,
        change.markdown,
        state,
        change.author,
        change.cause,
        based_on,
        change.user_id,
        by,
    )
    return _require(row)


def _require(row: Record | None) -> Revision:
    if row is None:
        raise NotFoundError("revision: there is no such revision here, or it was decided on")
    return _read(row)


def _read(row: Record) -> Revision:
    return Revision(**{**row, "state": RevisionState(row["state"])})
