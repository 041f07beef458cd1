"""Streams, status and the stop button, through the real client."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from tests.adapters.slack_fake.conftest import Ear, Office
from tests.adapters.slack_fake.test_web_api import code_of


async def open_stream(office: Office, **more: Any) -> tuple[str, str]:
    """A thread, and a stream in it."""
    ts = await office.slack.say(office.ann, office.general, "hi <@BOT>")
    started = await office.client.chat_startStream(
        channel=office.channel_id,
        thread_ts=ts,
        recipient_team_id=office.team.team_id,
        recipient_user_id=office.ann.user_id,
        **more,
    )
    return ts, str(started["ts"])


async def test_a_stream_grows_and_ends_as_one_message(office: Office) -> None:
    """Text, task cards and the blocks below end up in one message with its metadata."""
    ts, stream = await open_stream(office, markdown_text="**One** ")
    place: dict[str, Any] = {"channel": office.channel_id, "ts": stream}
    await office.client.chat_appendStream(**place, markdown_text="two ")
    task = {"type": "task_update", "id": "t1", "title": "Look", "status": "complete"}
    await office.client.chat_appendStream(**place, chunks=[task])
    assert (office.slack.answer_texts(office.general, ts), len(office.slack.streams(office.general, is_open=True))) == (
        ["**One** two "],
        1,
    )
    feedback = {"type": "context_actions", "elements": [{"type": "feedback_buttons", "action_id": "fb"}]}
    metadata = {"event_type": "answer", "event_payload": {"key": "k"}}
    stopped = await office.client.chat_stopStream(
        **place, markdown_text="three", blocks=[feedback], metadata=metadata, session_status="active"
    )
    assert stopped["message"]["text"] == "*One* two three"
    assert [block["type"] for block in stopped["message"]["blocks"]] == ["markdown", "task_card", "context_actions"]
    assert office.slack.status(office.general, ts) == "active"
    assert len(office.slack.find_by_metadata("answer", key="k")) == 1


async def test_the_sdks_own_streamer_works(office: Office) -> None:
    """slack_sdk buffers and sends chunks."""
    ts = await office.slack.say(office.ann, office.general, "hi")
    streamer = await office.client.chat_stream(
        channel=office.channel_id,
        thread_ts=ts,
        recipient_team_id=office.team.team_id,
        recipient_user_id=office.ann.user_id,
        buffer_size=4,
    )
    for piece in ("abc", "def", "g"):
        await streamer.append(markdown_text=piece)
    await streamer.stop()
    assert office.slack.answer_texts(office.general, ts) == ["abcdefg"]


async def test_a_stream_dies_after_five_minutes_however_busy_it_is(office: Office) -> None:
    """Then it takes neither text nor a stop, and only `chat.update` can still mend it."""
    ts, stream = await open_stream(office, markdown_text="one")
    place: dict[str, Any] = {"channel": office.channel_id, "ts": stream}
    office.clock.advance(299)
    await office.client.chat_appendStream(**place, markdown_text=" two")
    with pytest.raises(SlackApiError) as error:
        await office.client.chat_update(**place, text="whole")
    assert code_of(error) == "streaming_state_conflict"
    office.clock.advance(2)
    for method in (office.client.chat_appendStream, office.client.chat_stopStream):
        with pytest.raises(SlackApiError) as error:
            await method(**place, markdown_text=" three")
        assert code_of(error) == "message_not_in_streaming_state"
    await office.client.chat_update(**place, markdown_text="one two three")
    assert office.slack.answer_texts(office.general, ts) == ["one two three"]


async def test_the_stop_button_ends_the_stream_and_tells_the_app(office: Office, ear: Ear) -> None:
    """The status stays as it is until the app changes it."""
    ts, stream = await open_stream(office, markdown_text="one")
    await office.client.agents_sessions_setStatus(channel_id=office.channel_id, thread_ts=ts, status="processing")
    assert await office.slack.press_stop(office.ann, office.general, ts) == [stream]
    await office.slack.wait_until_heard()
    event = next(p["event"] for p in ear.heard if p["event"]["type"] == "agent_session_stopped")
    assert (event["thread_ts"], event["user"], event["streaming_message_ts"]) == (ts, office.ann.user_id, [stream])
    assert office.slack.status(office.general, ts) == "processing"
    with pytest.raises(SlackApiError) as error:
        await office.client.chat_appendStream(channel=office.channel_id, ts=stream, markdown_text="x")
    assert code_of(error) == "stopped_by_user"


async def test_a_stream_in_direct_messages_needs_no_recipient(office: Office) -> None:
    """Only channels do."""
    direct = office.team.direct(office.ann)
    ts = await office.slack.say(office.ann, direct, "hi")
    await office.client.chat_startStream(channel=direct.channel_id, thread_ts=ts, markdown_text="hello")
    assert office.slack.answer_texts(direct, ts) == ["hello"]
