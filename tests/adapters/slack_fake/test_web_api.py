"""The real AsyncWebClient against the fake's Web API."""

import pytest
from slack_sdk.errors import SlackApiError

from adapters.slack_fake.scopes import ALL_EVENTS, ALL_SCOPES
from tests.adapters.slack_fake.conftest import Office, build_client


def code_of(error: pytest.ExceptionInfo[SlackApiError]) -> str:
    """Slack's word for what went wrong."""
    return str(error.value.response["error"])


async def test_a_posted_answer_stands_in_the_thread_with_its_metadata(office: Office) -> None:
    """The outbox finds its own posts by their metadata."""
    ts = await office.slack.say(office.ann, office.general, "hi <@BOT>")
    metadata = {"event_type": "parley_answer", "event_payload": {"key": "k1"}}
    posted = await office.client.chat_postMessage(
        channel=office.channel_id, thread_ts=ts, text="hello", metadata=metadata, unfurl_links=False
    )
    assert office.slack.thread_texts(office.general, ts) == [f"hi <@{office.team.bot.user_id}>", "hello"]
    assert office.slack.find_by_metadata("parley_answer", key="k1")[0].ts == posted["ts"]
    read = await office.client.conversations_replies(channel=office.channel_id, ts=ts, include_all_metadata=True)
    assert [m.get("metadata") for m in read["messages"]] == [None, metadata]
    assert read["messages"][0]["reply_count"] == 1
    hidden = await office.client.conversations_replies(channel=office.channel_id, ts=ts)
    assert "metadata" not in hidden["messages"][1]


async def test_a_reply_to_a_reply_lands_in_the_root_thread(office: Office) -> None:
    """Slack has threads of one level."""
    ts = await office.slack.say(office.ann, office.general, "root")
    reply = await office.slack.say(office.ben, office.general, "reply", thread_ts=ts)
    await office.client.chat_postMessage(channel=office.channel_id, thread_ts=reply, text="answer")
    assert office.slack.thread_texts(office.general, ts) == ["root", "reply", "answer"]


@pytest.mark.parametrize(
    ("method", "arguments", "code"),
    [
        ("chat.postMessage", {"channel": "C0NOWHERE", "text": "x"}, "channel_not_found"),
        ("chat.postMessage", {"channel": "HERE"}, "no_text"),
        ("chat.postMessage", {"channel": "HERE", "text": "x", "thread_ts": "1.0"}, "thread_not_found"),
        ("chat.postMessage", {"channel": "HERE", "markdown_text": "x" * 12_001}, "msg_too_long"),
        ("chat.postMessage", {"channel": "HERE", "markdown_text": "x", "text": "y"}, "markdown_text_conflict"),
        ("chat.postMessage", {"channel": "HERE", "blocks": [{"type": "nonsense"}]}, "invalid_blocks"),
        ("chat.postMessage", {"channel": "HERE", "text": "x", "metadata": {"a": 1}}, "invalid_metadata_schema"),
        ("chat.update", {"channel": "HERE", "ts": "1.0", "text": "x"}, "message_not_found"),
        ("chat.startStream", {"channel": "HERE", "thread_ts": "1.0"}, "missing_recipient_team_id"),
        ("chat.nonsense", {}, "unknown_method"),
        ("apps.connections.open", {}, "not_allowed_token_type"),
        ("agents.sessions.setStatus", {"channel_id": "HERE", "status": "busy"}, "invalid_arguments"),
        ("users.info", {"user": "U0NOBODY"}, "user_not_found"),
        ("views.open", {"trigger_id": "1.2", "view": {"type": "home"}}, "invalid_arguments"),
    ],
)
async def test_a_wrong_call_is_refused_with_slacks_own_code(
    office: Office, method: str, arguments: dict[str, object], code: str
) -> None:
    """A fake that takes what Slack refuses would hide bugs."""
    arguments = {key: office.channel_id if value == "HERE" else value for key, value in arguments.items()}
    with pytest.raises(SlackApiError) as error:
        await office.client.api_call(method, json=arguments)
    assert code_of(error) == code


async def test_a_token_works_until_it_is_revoked(office: Office) -> None:
    """Revocation has to be seen by the app as Slack shows it."""
    with pytest.raises(SlackApiError) as error:
        await build_client(office.slack, "xoxb-wrong").auth_test()
    assert code_of(error) == "invalid_auth"
    assert (await office.client.auth_test())["user_id"] == office.team.bot.user_id
    office.slack.revoke(office.team)
    with pytest.raises(SlackApiError) as error:
        await office.client.auth_test()
    assert code_of(error) == "token_revoked"


async def test_a_method_without_its_scope_names_what_is_missing(office: Office) -> None:
    """The manifest is held against what the code needs."""
    office.team.install(scopes=ALL_SCOPES - {"chat:write"}, events=ALL_EVENTS)
    with pytest.raises(SlackApiError) as error:
        await office.client.chat_postMessage(channel=office.channel_id, text="x")
    assert (code_of(error), error.value.response["needed"]) == ("missing_scope", "chat:write")


async def test_an_address_is_shown_only_with_its_scope(office: Office) -> None:
    """E-mail needs `users:read.email` beside `users:read`."""
    shown = await office.client.users_info(user=office.ann.user_id)
    assert shown["user"]["profile"]["email"] == "ann@example.com"
    office.team.install(scopes=ALL_SCOPES - {"users:read.email"})
    assert "email" not in (await office.client.users_info(user=office.ann.user_id))["user"]["profile"]


async def test_posts_are_limited_per_conversation_and_come_back_when_told(office: Office) -> None:
    """About one a second and channel, with a short burst; the answer says when to come back."""
    for _ in range(4):
        await office.client.chat_postMessage(channel=office.channel_id, text="x")
    with pytest.raises(SlackApiError) as error:
        await office.client.chat_postMessage(channel=office.channel_id, text="x")
    assert error.value.response.status_code == 429
    assert error.value.response.headers["Retry-After"] == "1"
    other = office.team.add_channel("other", members=[office.ann])
    await office.client.chat_postMessage(channel=other.channel_id, text="x")
    office.clock.advance(1)
    await office.client.chat_postMessage(channel=office.channel_id, text="x")


async def test_an_app_outside_the_marketplace_reads_one_page_a_minute(office: Office) -> None:
    """Which is why the adapter keeps its own history."""
    office.slack.app.is_distributed_outside_marketplace = True
    ts = await office.slack.say(office.ann, office.general, "root")
    for number in range(20):
        await office.slack.say(office.ann, office.general, str(number), thread_ts=ts)
    first = await office.client.conversations_replies(channel=office.channel_id, ts=ts)
    assert len(first["messages"]) == 15
    with pytest.raises(SlackApiError) as error:
        await office.client.conversations_replies(channel=office.channel_id, ts=ts)
    assert error.value.response.status_code == 429


async def test_pages_follow_each_other_without_gaps(office: Office) -> None:
    """The SDK's own iteration works on the cursors."""
    for number in range(7):
        await office.slack.say(office.ann, office.general, str(number))
    texts = [
        message["text"]
        async for page in await office.client.conversations_history(channel=office.channel_id, limit=3)
        for message in page["messages"]
    ]
    assert texts == ["6", "5", "4", "3", "2", "1", "0"]


async def test_an_update_keeps_the_message_and_a_delete_takes_it_away(office: Office) -> None:
    """The ladder rewrites its placeholder."""
    posted = await office.client.chat_postMessage(channel=office.channel_id, text="...")
    await office.client.chat_update(channel=office.channel_id, ts=posted["ts"], markdown_text="**done**")
    message = office.slack.message(office.general, posted["ts"])
    assert message is not None
    assert (message.source, message.text) == ("**done**", "*done*")
    with pytest.raises(SlackApiError) as error:
        await office.client.chat_update(channel=office.channel_id, ts=posted["ts"], text="x" * 4_001)
    assert code_of(error) == "msg_too_long"
    await office.client.chat_delete(channel=office.channel_id, ts=posted["ts"])
    assert office.slack.messages(office.general) == []


async def test_a_file_goes_up_in_three_steps_and_down_with_a_token_only(office: Office) -> None:
    """Without the token Slack answers with a sign-in page and 200, which must not be taken for the file."""
    sent = await office.client.files_upload_v2(channel=office.channel_id, filename="a.txt", content="words")
    file = sent["file"]
    session = office.client.session
    assert session is not None
    bearer = {"Authorization": f"Bearer {office.team.bot_token}"}
    async with session.get(file["url_private_download"], headers=bearer) as answer:
        assert (answer.status, await answer.text()) == (200, "words")
    async with session.get(file["url_private_download"]) as answer:
        assert "sign in" in await answer.text()
    assert [f.name for f in office.slack.messages(office.general)[0].files] == ["a.txt"]
