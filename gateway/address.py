"""Where the database is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAddress:
    """Where the database is: for the pool, and directly for the one connection that listens.

    `pool_size`: how many connections the pool may open. `front_s`: how long somebody who waits for an answer may wait
    for the database, which then counts as away.
    """

    dsn: str
    direct_dsn: str
    pool_size: int = 16
    front_s: float = 1.8

    @property
    def is_pooled_elsewhere(self) -> bool:
        """Whether a pooler such as PgBouncer stands in between."""
        return self.dsn != self.direct_dsn
