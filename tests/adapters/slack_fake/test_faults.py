"""What breaks on purpose."""

import time

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError

from adapters.slack_fake.faults import FaultKind
from tests.adapters.slack_fake.conftest import Ear, Office
from tests.adapters.slack_fake.test_web_api import code_of


async def test_a_dropped_answer_leaves_the_message_standing(office: Office) -> None:
    """The case in which slack_sdk's own retries post twice."""
    office.slack.faults.drop_answers("chat.postMessage")
    with pytest.raises(aiohttp.ClientError):
        await office.client.chat_postMessage(channel=office.channel_id, text="once")
    assert [message.text for message in office.slack.messages(office.general)] == ["once"]
    await office.client.chat_postMessage(channel=office.channel_id, text="twice")


async def test_a_cut_connection_leaves_nothing(office: Office) -> None:
    """The other half of not knowing."""
    office.slack.faults.add(FaultKind.CUT, "chat.*")
    with pytest.raises(aiohttp.ClientError):
        await office.client.chat_postMessage(channel=office.channel_id, text="never")
    assert office.slack.messages(office.general) == []


async def test_refusals_limits_and_errors_come_as_slack_sends_them(office: Office) -> None:
    """Every rung of the ladder can be broken."""
    faults = office.slack.faults
    faults.refuse("chat.*")
    with pytest.raises(SlackApiError) as error:
        await office.client.chat_postMessage(channel=office.channel_id, text="x")
    assert code_of(error) == "unknown_method"
    faults.clear()
    faults.rate_limit("chat.postMessage", retry_after_s=7)
    with pytest.raises(SlackApiError) as error:
        await office.client.chat_postMessage(channel=office.channel_id, text="x")
    assert (error.value.response.status_code, error.value.response.headers["Retry-After"]) == (429, "7")
    faults.fail("chat.postMessage")
    with pytest.raises(SlackApiError) as error:
        await office.client.chat_postMessage(channel=office.channel_id, text="x")
    assert error.value.response.status_code == 500
    await office.client.chat_postMessage(channel=office.channel_id, text="x")
    assert len(office.slack.messages(office.general)) == 1


async def test_chance_is_repeatable(office: Office) -> None:
    """One in three, the same ones with the same seed."""
    hits = []
    for _ in range(2):
        office.slack.faults.dice.seed(5)
        office.slack.faults.clear()
        office.slack.faults.drop_answers("auth.test", times=None, chance=0.34)
        hits.append([bool(office.slack.faults.take("auth.test")) for _ in range(30)])
    assert hits[0] == hits[1]
    assert 3 < sum(hits[0]) < 20


async def test_held_events_leave_when_they_are_let_go(office: Office, ear: Ear) -> None:
    """So a test can act between what happened and what the app knows."""
    office.slack.faults.events.is_held = True
    await office.slack.say(office.ann, office.general, "plain")
    assert not office.slack.courier.is_idle
    assert ear.heard == []
    office.slack.faults.events.is_held = False
    office.slack.courier.release()
    await office.slack.wait_until_heard()
    assert len(ear.heard) == 1


async def test_signatures_carry_the_real_time(office: Office, ear: Ear) -> None:
    """An app checks its own clock, also while the workspace's clock is elsewhere."""
    office.clock.advance(10_000)
    await office.slack.say(office.ann, office.general, "plain")
    await office.slack.wait_until_heard()
    assert abs(int(ear.headers[0]["x-slack-request-timestamp"]) - time.time()) < 60
