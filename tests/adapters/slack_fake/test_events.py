"""Events on their way to the app's request URL: signed, repeated, in disorder."""

from starlette.responses import Response

from adapters.slack_fake.signed_posts import sign
from tests.adapters.slack_fake.conftest import Ear, Office


def test_the_signature_is_slacks_version_zero() -> None:
    """Computed with openssl for these bytes, so that the fake cannot agree with itself only."""
    body = b'{"type":"event_callback"}'
    expected = "v0=caaf0c06d64c026ebf87b6227af7d6ee9e18ae23d7d0107d89a605a54eca5390"
    assert sign("secret", "1700000000", body) == expected


async def test_a_mention_in_a_channel_is_two_events_with_one_ts(office: Office, ear: Ear) -> None:
    """In either order; both have to lead to one answer."""
    orders = set()
    for _ in range(12):
        ear.heard.clear()
        ts = await office.slack.say(office.ann, office.general, "hi <@BOT>")
        await office.slack.wait_for(lambda: len(ear.heard) == 2)
        assert {payload["event"]["ts"] for payload in ear.heard} == {ts}
        assert len({payload["event_id"] for payload in ear.heard}) == 2
        orders.add(tuple(record.name for record in office.slack.courier.records[-2:]))
    assert orders == {("message", "app_mention"), ("app_mention", "message")}


async def test_a_direct_message_is_one_event_without_a_mention(office: Office, ear: Ear) -> None:
    """Slack sends no `app_mention` there, even for a mention."""
    direct = office.team.direct(office.ann)
    await office.slack.say(office.ann, direct, "hi <@BOT>")
    await office.slack.wait_until_heard()
    assert [(p["event"]["type"], p["event"]["channel_type"]) for p in ear.heard] == [("message", "im")]


async def test_the_envelope_names_installation_and_event(office: Office, ear: Ear) -> None:
    """The adapter takes the session from the installation, never from `event.team`."""
    await office.slack.say(office.ann, office.general, "plain")
    await office.slack.wait_until_heard()
    payload = ear.heard[0]
    assert (payload["team_id"], payload["api_app_id"]) == (office.team.team_id, office.slack.app.app_id)
    assert payload["authorizations"][0] | {"enterprise_id": None} == {
        "enterprise_id": None,
        "team_id": office.team.team_id,
        "user_id": office.team.bot.user_id,
        "is_bot": True,
        "is_enterprise_install": False,
    }
    assert payload["event"]["client_msg_id"]


async def test_a_refused_event_comes_again_at_once_then_after_one_and_five_minutes(office: Office, ear: Ear) -> None:
    """Slack's schedule, on the fake's clock; the event id stays the same, so that it can be known again."""
    ear.answers = [Response(status_code=500), Response(status_code=503), Response(status_code=401)]
    await office.slack.say(office.ann, office.general, "plain")
    await office.slack.wait_for(lambda: len(ear.heard) == 2)
    office.clock.advance(59)
    assert len(ear.heard) == 2
    office.clock.advance(1)
    await office.slack.wait_for(lambda: len(ear.heard) == 3)
    office.clock.advance(300)
    await office.slack.wait_until_heard()
    assert [headers.get("x-slack-retry-num") for headers in ear.headers] == [None, "1", "2", "3"]
    assert {headers.get("x-slack-retry-reason") for headers in ear.headers[1:]} == {"http_error"}
    assert len({payload["event_id"] for payload in ear.heard}) == 1
    assert office.slack.courier.lost == []


async def test_an_event_that_nobody_takes_is_given_up_after_the_third_repetition(office: Office, ear: Ear) -> None:
    """Slack does not try for ever; a test can see what was lost."""
    ear.answers = [Response(status_code=500) for _ in range(4)]
    await office.slack.say(office.ann, office.general, "plain")
    await office.slack.wait_for(lambda: len(ear.heard) == 2)
    office.clock.advance(60)
    await office.slack.wait_for(lambda: len(ear.heard) == 3)
    office.clock.advance(300)
    await office.slack.wait_until_heard()
    assert [outgoing.name for outgoing in office.slack.courier.lost] == ["message"]


async def test_two_addresses_share_the_events_and_stand_in_for_each_other(office: Office, ear: Ear) -> None:
    """As two replicas behind a load balancer do; what the dead one gets comes again to the other."""
    await office.slack.set_request_url(ear.url, "http://127.0.0.1:9/dead")
    office.slack.world.random.seed(1)
    for number in range(8):
        await office.slack.say(office.ann, office.general, str(number))
    await office.slack.wait_for(lambda: len(office.slack.courier.records) >= 8)
    for _ in range(6):
        office.clock.advance(300)
        await office.slack.wait_for(lambda: True)
    reasons = {record.outcome.reason for record in office.slack.courier.records}
    assert reasons == {"", "connection_failed"}
    assert len({payload["event_id"] for payload in ear.heard}) == len(ear.heard)


async def test_no_retry_is_obeyed(office: Office, ear: Ear) -> None:
    """`X-Slack-No-Retry: 1` beside an error ends it."""
    ear.answers = [Response(status_code=500, headers={"X-Slack-No-Retry": "1"})]
    await office.slack.say(office.ann, office.general, "plain")
    await office.slack.wait_until_heard()
    assert len(ear.heard) == 1


async def test_events_come_several_times_and_in_another_order_where_a_test_asks(office: Office, ear: Ear) -> None:
    """Two replicas behind one address see such a world."""
    office.slack.faults.events.copies = (3, 3)
    office.slack.faults.events.shuffle = 4
    for number in range(4):
        await office.slack.say(office.ann, office.general, str(number))
    await office.slack.wait_until_heard()
    ids = [record.event_id for record in office.slack.courier.records]
    assert (len(ids), len(set(ids))) == (12, 4)
    assert sorted(p["event"]["text"] for p in ear.heard) == sorted("0123" * 3)


async def test_an_edit_a_preview_and_a_delete_are_told_apart(office: Office, ear: Ear) -> None:
    """All but the delete are `message_changed`; only the edit has other words."""
    ts = await office.slack.say(office.ann, office.general, "before")
    await office.slack.unfurl(office.general, ts)
    await office.slack.edit(office.ann, office.general, ts, "after")
    await office.slack.delete(office.ann, office.general, ts)
    await office.slack.wait_until_heard()
    by_subtype = [(p["event"].get("subtype"), p["event"].get("message", {}).get("text")) for p in ear.heard]
    assert sorted(by_subtype, key=str) == sorted(
        [(None, None), ("message_changed", "before"), ("message_changed", "after"), ("message_deleted", None)], key=str
    )
    assert office.slack.messages(office.general) == []


async def test_a_deleted_root_with_replies_leaves_a_tombstone(office: Office, ear: Ear) -> None:
    """Then no `message_deleted` comes, and the adapter has to see the tombstone for what it is."""
    ts = await office.slack.say(office.ann, office.general, "root")
    await office.slack.say(office.ben, office.general, "reply", thread_ts=ts)
    await office.slack.wait_until_heard()
    ear.heard.clear()
    await office.slack.delete(office.ann, office.general, ts)
    await office.slack.wait_until_heard()
    event = ear.heard[0]["event"]
    assert (event["subtype"], event["message"]["subtype"]) == ("message_changed", "tombstone")


async def test_a_channel_that_the_bot_is_not_in_stays_silent(office: Office, ear: Ear) -> None:
    """What the bot may not hear must not reach the app in tests either."""
    secret = office.team.add_channel("secret", members=[office.ann], is_private=True, has_bot=False)
    await office.slack.say(office.ann, secret, "hush <@BOT>")
    await office.slack.say(office.ann, office.general, "loud")
    await office.slack.wait_until_heard()
    assert [payload["event"]["text"] for payload in ear.heard] == ["loud"]


async def test_in_a_shared_channel_the_stranger_keeps_their_own_team(office: Office, ear: Ear) -> None:
    """`event.team` is the author's; the envelope's team is the installation's."""
    other = office.slack.add_team("Other", is_installed=False)
    zoe = other.add_user("Zoe", email="zoe@other.example")
    shared = office.team.add_channel("shared", members=[office.ann, zoe], shared_with=[other])
    await office.slack.say(zoe, shared, "hello")
    await office.slack.wait_until_heard()
    payload = ear.heard[0]
    assert payload["is_ext_shared_channel"] is True
    assert (payload["team_id"], payload["event"]["team"]) == (office.team.team_id, other.team_id)
    shown = await office.client.users_info(user=zoe.user_id)
    assert shown["user"]["is_stranger"] is True
    assert "is_restricted" not in shown["user"]


async def test_leaving_is_heard_and_ends_the_token(office: Office, ear: Ear) -> None:
    """`tokens_revoked` and `app_uninstalled` come in either order."""
    office.slack.uninstall(office.team)
    await office.slack.wait_until_heard()
    assert sorted(ear.kinds()) == ["app_uninstalled", "tokens_revoked"]
    assert (await office.client.api_test())["ok"]
