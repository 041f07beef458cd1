"""Slack's limits are kept by all processes together."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from adapters.slack.buckets import name_bucket, rate_of
from memory.database import Database
from memory.slack_limits import SlackLimits


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[SlackLimits]:
    """Another process."""
    database = await Database.open(database_url, size=5)
    yield SlackLimits(database)
    await database.close()


async def test_processes_share_a_bucket(database: Database, other: SlackLimits) -> None:
    """Slack counts by app and workspace, and knows nothing of processes. Proves: SL-13."""
    one = SlackLimits(database)
    waits = await asyncio.gather(*(limits.take("T1:chat.update", 0.001, 4) for limits in (one, other) * 4))
    assert sorted(wait_s > 0 for wait_s in waits) == [False] * 4 + [True] * 4
    assert await one.take("T2:chat.update", 0.001, 4) == 0


async def test_a_bucket_fills_again_at_its_rate(database: Database) -> None:
    """A burst passes, then the rate holds. Proves: SL-13."""
    limits = SlackLimits(database)
    assert await limits.take("T1:m", 1 / 60, 1) == 0
    assert await limits.take("T1:m", 1 / 60, 1) == pytest.approx(60, abs=3)
    await database.execute("UPDATE slack_buckets SET at = at - interval '61 seconds'")
    assert await limits.take("T1:m", 1 / 60, 1) == 0


async def test_a_clock_that_went_back_stops_nothing(database: Database) -> None:
    """Clocks are set. Proves: SL-13."""
    limits = SlackLimits(database)
    await limits.take("T1:m", 1.0, 2)
    await database.execute("UPDATE slack_buckets SET at = at + interval '1 hour'")
    assert await limits.take("T1:m", 1.0, 2) == 0
    assert await limits.take("T1:m", 1.0, 2) <= 1


async def test_slacks_wish_for_patience_holds_for_all(database: Database, other: SlackLimits) -> None:
    """A 429 to one process is a 429 to all. Proves: SL-13."""
    one = SlackLimits(database)
    await one.take("T1:chat.stopStream", 1.0, 20)
    await one.block("T1:chat.stopStream", 30.0)
    await one.block("T1:chat.stopStream", 1.0)
    assert await other.take("T1:chat.stopStream", 1.0, 20) == pytest.approx(30, abs=3)
    assert await other.find_block("T1:chat.stopStream") == pytest.approx(30, abs=3)
    assert await other.find_block("T1:chat.update") == 0


def test_posts_are_counted_by_conversation_and_the_rest_by_installation() -> None:
    """So Slack does. Proves: SL-13."""
    assert name_bucket("T1", "chat.postMessage", "C1") != name_bucket("T1", "chat.postMessage", "C2")
    assert name_bucket("T1", "chat.update", "C1") == name_bucket("T1", "chat.update", "C2")
    assert name_bucket("T1", "chat.update", "C1") != name_bucket("T2", "chat.update", "C1")
    assert rate_of("chat.postMessage").per_s == 1.0
