"""People and the accounts by which they are found again. An e-mail address is an attribute here, never a key."""

from dataclasses import replace

from agent.ids import UserId, new_user_id
from agent.records import Identity, User
from agent.text import storable
from memory.database import Database
from memory.queries import query
from memory.rows import read_user

KNOWN_CHANNEL = "id"
"""The channel of accounts whose external id the gateway's owner chose: it becomes the user's id where it is free."""
_COLUMNS = ("email", "first_name", "last_name", "timezone")


class Users:
    """The user group's people."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, user_id: UserId) -> User | None:
        """A person by id."""
        row = await self._database.fetchrow(query("load_user"), storable(user_id))
        return read_user(row) if row else None

    async def find(self, identity: Identity) -> User | None:
        """The person behind an account."""
        named = (identity.tenant, identity.channel, identity.external_id)
        row = await self._database.fetchrow(query("find_user"), *map(storable, named))
        return replace(read_user(row), account_id=row["account_id"]) if row else None

    async def ensure(self, identity: Identity, details: User) -> User:
        """The person behind an account, stored with what `details` tells.

        A new person's id is `details.id` where that is given and free, else random. Two calls at once give one person.
        """
        known = await self.find(identity)
        if known is None:
            await self._add(identity, details)
            known = await self.find(identity)
            assert known is not None, "an account that was just added is found"
        if not _list_new(known, details):
            return known
        if known.account_id is not None:  # it takes along what it tells when it is parted
            new = _list_new(known, details)
            await self._database.execute(query("note_told"), known.account_id, *user_details(details), new)
        saved = await self.save(replace(details, id=known.id))
        return replace(saved, account_id=known.account_id) if saved else known

    async def _add(self, identity: Identity, details: User) -> None:
        wanted = details.id if details.id and await self.load(details.id) is None else new_user_id()
        if details.id and identity.channel == KNOWN_CHANNEL and identity.external_id == details.id:
            wanted = details.id
        row = await self._database.fetchrow(query("is_former"), wanted)
        if row is None or row["is_former"]:  # an id that is nobody's any more is never given out again
            wanted = new_user_id()
        key = "\x1f".join((identity.tenant, identity.channel, identity.external_id))
        async with self._database.scope(user_id=wanted, identity=key) as connection:
            added = await connection.fetchrow(
                query("add_identity"), identity.tenant, identity.channel, identity.external_id, wanted
            )
            if added is not None:  # else the person is another's row: one under this id nobody would ever find again
                await connection.fetchrow(query("save_user"), wanted, *user_details(details))

    async def save(self, user: User) -> User | None:
        """Store a person under their id. What is told replaces what was stored; what is not told stays.

        None, and nothing is stored, where the id is nobody's any more.
        """
        row = await self._database.fetchrow(query("save_user"), user.id, *user_details(user))
        return read_user(row) if row else None


def user_details(user: User) -> tuple[str | None, str | None, str | None, str | None, dict[str, object]]:
    """The columns of a person: e-mail, names, time zone, attributes."""
    return user.email, user.first_name, user.last_name, user.timezone, dict(user.additional_attributes)


def _list_new(known: User, told: User) -> list[str]:
    """What is told that was not known so: names of columns, and keys of attributes after a dot."""
    pairs = zip(_COLUMNS, user_details(known)[:4], user_details(told)[:4], strict=True)
    attributes = known.additional_attributes
    columns = [name for name, old, new in pairs if new is not None and new != old]
    return columns + [f".{key}" for key, value in told.additional_attributes.items() if attributes.get(key) != value]
