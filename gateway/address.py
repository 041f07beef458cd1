"""Where the database is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAddress:
    """Where the database is: for the pool, and directly for the one connection that listens.

    `pool_size`: how many connections the pool may open.
    """

    dsn: str
    direct_dsn: str
    pool_size: int = 16

    @property
    def is_pooled_elsewhere(self) -> bool:
        """Whether a pooler such as PgBouncer stands in between."""
        return self.dsn != self.direct_dsn
