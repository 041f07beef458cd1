"""What a process stands on: its connections to the database, which database that is, and its own name there."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from agent.ids import WorkerId, new_worker_id
from gateway.address import StoreAddress
from memory.database import Database
from memory.instance import Instance, load_instance

RUN_STATEMENT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """`front` is for people who wait for an answer within two seconds, `back` for runs, which can wait longer.

    So a process with much to do tells people early to come back, and does not give up what it has begun.
    """

    front: Database
    back: Database
    instance: Instance
    worker_id: WorkerId


def split_pool(size: int) -> tuple[int, int]:
    """How many of at least four connections are for people who wait, and how many for runs."""
    front_size = max(2, size // 3)
    return front_size, size - front_size


@asynccontextmanager
async def open_ground(address: StoreAddress) -> AsyncGenerator[Ground, None]:
    """Both pools, as long as the context lasts. Raises `StoreSetupError` and `StoreUnavailableError`."""
    behind_pooler, (front_size, back_size) = address.is_pooled_elsewhere, split_pool(address.pool_size)
    async with AsyncExitStack() as stack:
        front = await Database.open(address.dsn, size=front_size, statement_s=address.front_s, pgbouncer=behind_pooler)
        stack.push_async_callback(front.close)
        back = await Database.open(address.dsn, size=back_size, statement_s=RUN_STATEMENT_S, pgbouncer=behind_pooler)
        stack.push_async_callback(back.close)
        yield Ground(front=front, back=back, instance=await load_instance(front), worker_id=new_worker_id())
