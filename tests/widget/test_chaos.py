"""Cuts, lost acks, restarts and reloads at random points: every durable event once and in order."""

import random

import pytest
from playwright.async_api import Page, expect

from tests.widget.fake_server import FakeGateway
from tests.widget.test_talk import say

ROUNDS = 25


async def disturb(gateway: FakeGateway, page: Page, what: str) -> None:
    match what:
        case "cut":
            gateway.cut()
        case "lost ack":
            gateway.drop_acks += 1
        case "restart":
            await gateway.restart()
        case "slow":
            await gateway.close(4013)
        case "bye":
            await gateway.close(1012, {"type": "bye", "reason": "restart", "reconnect_after_ms": 5})
        case "reload":
            await page.reload()


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_nothing_is_lost_doubled_or_out_of_order(gateway: FakeGateway, page: Page, seed: int) -> None:
    """The table of docs/widget.md: 0 lost, 0 doubled, 0 out of order. (bench runs thousands; here are some.)

    Proves: WI-47.
    """
    chance = random.Random(seed)
    kinds = ["cut", "cut", "lost ack", "lost ack", "restart", "bye", "reload", ""]
    gateway.answer = lambda text: ["re: ", text]
    await page.goto(gateway.url)
    written = [f"message {index}" for index in range(ROUNDS)]
    for text in written:
        await disturb(gateway, page, chance.choice(kinds))
        await say(page, text)
        await disturb(gateway, page, chance.choice(kinds))
    async with gateway.changed:
        gateway.changed.notify_all()
    await gateway.until(lambda: len(gateway.texts()) == 2 * ROUNDS)
    events = [event for event in gateway.session.log if event["type"] == "message"]
    assert [event["text"] for event in events if event["role"] == "user"] == written
    mine = page.locator(".msg[data-from=me] .body")
    await expect(page.locator(".msg")).to_have_count(2 * ROUNDS)
    await expect(mine).to_have_text(written)
    await expect(page.locator(".msg .body")).to_have_text([event["text"] for event in events])
    keys = await page.evaluate("Object.keys(localStorage).filter((key) => key.includes(':o'))")
    assert keys == []
