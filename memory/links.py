"""Several accounts, one person: linked in one transaction, and parted again with what each account had made.

A link moves everything of one user id to another: what was said and joined, tasks, runs, jobs, memories, accounts. Each
row remembers the id that it came with. The old id leads to the new one from then on, wherever somebody still has it:
a running turn, a socket, another process.
"""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from agent.errors import LinkRefusedError, NotFoundError, UserGoneError
from agent.ids import MemoryId, SessionId, UserId
from agent.people import VISITOR_CHANNEL, Account, Proof, is_email_address
from agent.records import Identity
from agent.text import storable
from memory.database import Connection, Database, Record
from memory.linking import Fact, part_facts, plan_link, plan_revival
from memory.person_locks import lock_person
from memory.queries import query
from memory.rows import read_user
from memory.users import user_details


class Links:
    """Which accounts are whose."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def current_id(self, user_id: UserId) -> UserId:
        """Who a user id is now. Raises `UserGoneError` for a person who was erased."""
        try:
            row = await self._database.fetchrow(query("find_current_user"), storable(user_id))
        except asyncpg.NoDataFoundError as error:
            raise UserGoneError("this person was erased") from error
        return UserId(row["user_id"]) if row else user_id

    async def is_former(self, user_id: UserId) -> bool:
        """Whether the id is nobody's any more: its person was erased, or has another id now."""
        row = await self._database.fetchrow(query("is_former"), user_id)
        return row is not None and row["is_former"]

    async def list_former_ids(self, user_id: UserId) -> Sequence[UserId]:
        """The ids that became this one."""
        return [row["user_id"] for row in await self._database.fetch(query("list_former_ids"), user_id)]

    async def list_changes(self, within_s: float) -> Sequence[tuple[bytes, str, datetime]]:
        """Whose id changed its meaning lately: its SHA-256, `merged`, `split` or `erased`, and when."""
        rows = await self._database.fetch(query("list_user_changes"), within_s)
        return [(row["hash"], row["kind"], row["at"]) for row in rows]

    async def forget_changes(self) -> None:
        """Delete what every process has seen by now."""
        await self._database.execute(query("forget_user_changes"))

    async def list_accounts(self, user_id: UserId) -> Sequence[Account]:
        """A person's accounts, those linked first before the others."""
        async with self._database.scope(user_id=user_id) as connection:
            return await _list_accounts(connection, user_id)

    async def add_account(self, user_id: UserId, identity: Identity) -> None:
        """Write an account down that so far needed no row. Harmless when it is there."""
        async with self._database.scope(user_id=user_id, identity=_key(identity)) as connection:
            await connection.execute(query("add_account"), *_parts(identity), user_id)

    async def merge(self, user_id: UserId, into: UserId, proof: Proof) -> None:
        """What was the one's is the other's from now on. Raises `LinkRefusedError` when one of them is nobody now."""
        async with self._database.scope(user_id=user_id) as connection:
            await _merge(connection, user_id, into, proof)

    async def unlink(self, user_id: UserId, identity_id: str) -> UserId:
        """Undo the link that brought an account. It and what it made go back to the user it was with, who is returned.

        Raises `NotFoundError`, and `LinkRefusedError` for an account that was not linked.
        """
        async with self._database.scope(user_id=user_id) as connection:
            await lock_person(connection, user_id)
            accounts = await _list_accounts(connection, user_id)
            account = next((one for one in accounts if one.identity_id == identity_id), None)
            if account is None:
                raise NotFoundError("there is no such account here")
            origin_id = account.origin_id
            if origin_id is None or origin_id == user_id:
                raise LinkRefusedError("this account was not linked: the user's id came with it")
            await _part_history(connection, user_id, origin_id)
            restored = await connection.fetchrow(query("restore_user"), origin_id, user_id)
            await _part_details(connection, user_id, origin_id, restored["adopted"] if restored else [])
            for one in accounts:
                if one.origin_id == origin_id:
                    await _move_account(connection, one, origin_id, None)
            return origin_id

    async def prove_email(self, identity: Identity, email: str | None) -> UserId | None:
        """Note the address that an account's channel vouches for now, and link whoever proved the same elsewhere.

        Two accounts of one channel are two people, whatever their address. Letter by letter: nothing is folded. What
        is no address proves nothing. Who the account's person is now; none where nothing was noted that was not known.
        """
        if email is None or not is_email_address(email):
            async with self._database.scope(identity=_key(identity)) as connection:
                await connection.fetchrow(query("note_email"), *_parts(identity), None)
            return None
        async with self._database.scope(identity=_key(identity)) as connection:
            noted = await connection.fetchrow(query("note_email"), *_parts(identity), email)
            if noted is None or noted["is_kept_apart"]:
                return None
            user_id = UserId(noted["user_id"])
            await connection.fetchrow(query("lock_email"), email)
            await _set_scope(connection)
            found = await connection.fetchrow(query("find_by_email"), email, user_id)
            if found is None or await _share_channel(connection, user_id, UserId(found["user_id"])):
                return user_id
            await _merge(connection, user_id, UserId(found["user_id"]), "email")
            return UserId(found["user_id"])

    async def withdraw_email(self, identity: Identity, but: str | None) -> None:
        """Forget the address that an account's channel vouched for, unless it is `but`. Parts nobody."""
        async with self._database.scope(identity=_key(identity)) as connection:
            await connection.execute(query("withdraw_email"), *_parts(identity), but)


async def _merge(connection: Connection, user_id: UserId, into: UserId, proof: Proof) -> None:
    for one in sorted((user_id, into)):
        await connection.fetchrow(query("lock_person"), one)
    for one in (user_id, into):
        row = await connection.fetchrow(query("is_former"), one)
        if user_id == into or row is None or row["is_former"]:
            raise LinkRefusedError("these accounts belong to one person already, or one of them is gone")
    await _set_scope(connection, user_id=user_id)
    details = await connection.fetchrow(query("load_user"), user_id)
    accounts = await _list_accounts(connection, user_id)
    for session_id in await _lock_sessions(connection, user_id):
        await connection.fetchrow(query("link_session"), session_id, user_id, into)
    await _move_facts(connection, user_id, into)
    for account in accounts:
        if proof == "site":  # the site vouches now; a token that is left in the browser must not
            await _set_scope(connection, identity=_key(account))
            await connection.execute(query("drop_identity"), *_parts(account))
        else:
            await _move_account(connection, account, into, proof)
    await _set_scope(connection, user_id=into)
    adopted = details and await connection.fetchrow(query("adopt_details"), into, *user_details(read_user(details)))
    await _move_spending(connection, user_id, into)
    await connection.execute(query("retire_user"), user_id, into, adopted["adopted"] if adopted else [])


async def _move_spending(connection: Connection, user_id: UserId, into: UserId) -> None:
    """Nobody gets a new budget by being somebody else. Within the scope of `into`."""
    accounts = await _list_accounts(connection, into)
    is_visitor = bool(accounts) and all(account.channel == VISITOR_CHANNEL for account in accounts)
    old = [f"user:{user_id}", f"visitor:{user_id}"]
    await connection.execute(query("move_spending"), old, f"{'visitor' if is_visitor else 'user'}:{into}")


async def _lock_sessions(connection: Connection, user_id: UserId) -> list[SessionId]:
    """Where the person takes part; nobody else writes there until the transaction ends. Within their scope."""
    rows = await connection.fetch(query("list_sessions_to_link"), user_id)
    for row in rows:
        await connection.fetchrow(query("lock_session"), row["session_id"])
    return [SessionId(row["session_id"]) for row in rows]


async def _move_facts(connection: Connection, user_id: UserId, into: UserId) -> None:
    await _set_scope(connection, user_id=into)
    kept = await _load_facts(connection, into)
    await _set_scope(connection, user_id=user_id)
    moved = await _load_facts(connection, user_id)
    ended_moved, ended_kept = plan_link(moved, kept)
    tombstones = await connection.fetch(query("list_tombstones"), user_id)
    await _end_facts(connection, user_id, ended_moved)
    await _set_scope(connection, user_id=into)
    await _end_facts(connection, into, ended_kept)
    await connection.executemany(query("add_tombstone"), [(into, row["hash"], row["at"]) for row in tombstones])
    await _give_facts(connection, user_id, into, None)


async def _part_history(connection: Connection, user_id: UserId, origin_id: UserId) -> None:
    """What was said as the account, and what was remembered of it, is its own again."""
    sessions = await _lock_sessions(connection, user_id)
    said: dict[SessionId, set[int]] = {}
    for session_id in sessions:
        for row in await connection.fetch(query("list_account_words"), session_id, origin_id):
            said.setdefault(session_id, set()).add(row["seq"])
    for session_id in sessions:
        await connection.fetchrow(query("unlink_session"), session_id, origin_id, user_id)
    await _set_scope(connection, user_id=user_id)
    merged = {MemoryId(row["memory_id"]) for row in await connection.fetch(query("list_merged"), user_id)}
    theirs, others, mixed = part_facts(await _load_facts(connection, user_id), origin_id, said, merged)
    await connection.execute(query("drop_facts"), user_id, [fact.memory_id for fact in mixed])
    tombstones = await connection.fetch(query("list_tombstones"), user_id)
    await _give_facts(connection, user_id, origin_id, [fact.memory_id for fact in theirs])
    await _set_scope(connection, user_id=user_id)
    await _revive_facts(connection, user_id, plan_revival(others, [*theirs, *mixed]))
    await _set_scope(connection, user_id=origin_id)
    await _revive_facts(connection, origin_id, plan_revival(theirs, [*others, *mixed]))
    await connection.executemany(query("add_tombstone"), [(origin_id, row["hash"], row["at"]) for row in tombstones])


async def _part_details(connection: Connection, user_id: UserId, origin_id: UserId, adopted: Sequence[str]) -> None:
    """What is known of the account alone is not known of the other, nor of who became the other meanwhile, any more."""
    details = await connection.fetchrow(query("load_user"), origin_id)
    if details is None:
        return
    for row in await connection.fetch(query("list_former_ids"), user_id):
        await _drop_details(connection, row["user_id"], adopted, details)
    await _drop_details(connection, user_id, adopted, details)


async def _drop_details(connection: Connection, user_id: UserId, adopted: Sequence[str], details: Record) -> None:
    await _set_scope(connection, user_id=user_id)
    await connection.execute(query("drop_details"), user_id, adopted, *user_details(read_user(details)))


async def _give_facts(
    connection: Connection, user_id: UserId, into: UserId, memory_ids: Sequence[MemoryId] | None
) -> None:
    await _set_scope(connection, user_id=user_id)
    await connection.execute(query("set_heir"), into)
    await connection.execute(query("give_facts"), user_id, into, memory_ids)
    await connection.execute(query("give_optimizations"), user_id, into, memory_ids)
    await connection.execute(query("set_heir"), "")


async def _end_facts(connection: Connection, user_id: UserId, ended: dict[MemoryId, MemoryId]) -> None:
    await connection.executemany(query("end_fact"), [(user_id, one, by) for one, by in ended.items()])


async def _revive_facts(connection: Connection, user_id: UserId, revived: Sequence[MemoryId]) -> None:
    await connection.executemany(query("revive_fact"), [(user_id, one) for one in revived])


async def _load_facts(connection: Connection, user_id: UserId) -> list[Fact]:
    return [_read_fact(row) for row in await connection.fetch(query("list_facts_to_link"), user_id)]


async def _list_accounts(connection: Connection, user_id: UserId) -> list[Account]:
    return [Account(**row) for row in await connection.fetch(query("list_identities"), user_id)]


async def _share_channel(connection: Connection, user_id: UserId, other: UserId) -> bool:
    rooms: list[set[tuple[str, str]]] = []
    for one in (user_id, other):
        await _set_scope(connection, user_id=one)
        rooms.append({(account.tenant, account.channel) for account in await _list_accounts(connection, one)})
    return bool(rooms[0] & rooms[1])


async def _move_account(connection: Connection, account: Account, user_id: UserId, proof: Proof | None) -> None:
    await _set_scope(connection, identity=_key(account))
    await connection.execute(query("move_identity"), *_parts(account), user_id, proof)


async def _set_scope(connection: Connection, *, user_id: str = "", identity: str = "") -> None:
    await connection.fetchrow(query("set_scope"), user_id, "", identity)


def _parts(identity: Identity | Account) -> tuple[str, str, str]:
    return identity.tenant, identity.channel, identity.external_id


def _key(identity: Identity | Account) -> str:
    return "\x1f".join(_parts(identity))


def _read_fact(row: Record) -> Fact:
    is_said = row["source_session_id"] is not None and row["source_seq"] is not None
    return Fact(
        memory_id=MemoryId(row["memory_id"]),
        hash=row["hash"],
        slot=row["slot"],
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
        supersedes=row["supersedes"],
        replaced_by=row["replaced_by"],
        account_id=row["account_id"],
        also_of=frozenset(row["also_of"]),
        source=(SessionId(row["source_session_id"]), row["source_seq"]) if is_said else None,
    )
