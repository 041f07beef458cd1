"""What this database is called, and the secret by which visitors' tokens are signed."""

from dataclasses import dataclass, field

from memory.database import Database
from memory.queries import query


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One database. `secret` is the same for all processes on it, and another one in another database."""

    instance_id: str
    secret: bytes = field(repr=False)


async def load_instance(database: Database) -> Instance:
    """The instance, made by the first migration. Raises `StoreUnavailableError`."""
    row = await database.fetchrow(query("load_instance"))
    assert row is not None, "the first migration made the row"
    return Instance(instance_id=row["instance_id"], secret=row["secret"].encode())
