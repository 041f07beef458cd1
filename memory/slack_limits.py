"""Token buckets against Slack's limits, shared by all processes on this database."""

from memory.database import Database
from memory.queries import query


class SlackLimits:
    """Buckets by name. Times are the database's own; durations are in seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, name: str, per_s: float, burst: float) -> float:
        """Take a call's token. Returns 0, or the seconds to wait, and then nothing was taken."""
        row = await self._database.fetchrow(query("slack_take_turn"), name, per_s, burst)
        return float(row["wait_s"]) if row else 0.0

    async def find_block(self, name: str) -> float:
        """Seconds that Slack still asks to wait, whatever tokens there are."""
        row = await self._database.fetchrow(query("slack_blocked"), name)
        return float(row["wait_s"] or 0.0) if row else 0.0

    async def block(self, name: str, seconds: float) -> None:
        """Slack asked for patience."""
        await self._database.execute(query("slack_block"), name, seconds)
