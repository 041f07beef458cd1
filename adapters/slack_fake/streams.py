"""Streamed messages: opened, appended to, and ended by the app, by a person, or by Slack after about five minutes."""

from typing import Any

from adapters.slack_fake import posts
from adapters.slack_fake.errors import RefusalError
from adapters.slack_fake.json_types import Json
from adapters.slack_fake.records import Channel, Message, Stream, StreamState, User
from adapters.slack_fake.rendering import render_message, render_mrkdwn
from adapters.slack_fake.world import World

MARKDOWN_LIMIT = 12_000
TASK_TEXT_LIMIT = 256
TASK_STATES = frozenset({"pending", "in_progress", "complete", "error"})


def start(
    world: World, channel: Channel, bot: User, thread_ts: str | None, recipient: tuple[str | None, str | None]
) -> Message:
    """Open a stream. It lives `world.stream_life_s` seconds from now, however much is appended."""
    now = world.clock.now()
    stream = Stream(
        started_at=now,
        expires_at=now + world.stream_life_s,
        recipient_user_id=recipient[0],
        recipient_team_id=recipient[1],
    )
    return posts.post(world, posts.Draft(channel=channel, user=bot, text="", thread_ts=thread_ts, stream=stream))


def need_open(world: World, message: Message) -> Stream:
    """The message's stream while it takes more, else the refusal that Slack gives."""
    expire(world, message)
    stream = message.stream
    if stream is None or stream.state in {StreamState.DONE, StreamState.EXPIRED}:
        raise RefusalError("message_not_in_streaming_state")
    if stream.state is StreamState.STOPPED:
        raise RefusalError("stopped_by_user")
    return stream


def expire(world: World, message: Message, *, is_forced: bool = False) -> None:
    """End a stream whose time is over."""
    stream = message.stream
    if stream is None or stream.state is not StreamState.OPEN:
        return
    if is_forced or world.clock.now() >= stream.expires_at:
        _end(world, message, stream, StreamState.EXPIRED)


def append(world: World, message: Message, chunks: list[Json]) -> None:
    """Add chunks, and show them."""
    stream = need_open(world, message)
    stream.chunks.extend(chunks)
    _show(message, stream)
    world.on_change()


def stop(world: World, message: Message, chunks: list[Json], blocks: list[Json], metadata: Json | None) -> None:
    """Append the last chunks and end the stream. The blocks come below the text."""
    stream = need_open(world, message)
    stream.chunks.extend(chunks)
    _show(message, stream)
    message.metadata = metadata or message.metadata
    _end(world, message, stream, StreamState.DONE, blocks)


def stop_by_user(world: World, channel_id: str, thread_ts: str) -> list[str]:
    """End the open streams of a thread because a person pressed stop; the result is their times."""
    ended = []
    for message in [*world.list_replies(channel_id, thread_ts)]:
        if message.stream is not None and message.stream.state is StreamState.OPEN:
            _end(world, message, message.stream, StreamState.STOPPED)
            ended.append(message.ts)
    return ended


def _end(world: World, message: Message, stream: Stream, state: StreamState, blocks: list[Json] | None = None) -> None:
    before = render_message(world, message, has_metadata=True)
    stream.state = state
    message.blocks = [*_text_blocks(message), *_task_blocks(stream), *(blocks or [])]
    posts.change(world, message, before)


def _show(message: Message, stream: Stream) -> None:
    message.source = "".join(str(c["text"]) for c in stream.chunks if c["type"] == "markdown_text")
    message.text = render_mrkdwn(message.source)


def _text_blocks(message: Message) -> list[Json]:
    return [{"type": "markdown", "text": message.source}] if message.source else []


def _task_blocks(stream: Stream) -> list[Json]:
    """The last state of each task card, in the order they first came; details and output add up."""
    cards: dict[str, Json] = {}
    extra: list[Json] = []
    for chunk in stream.chunks:
        if chunk["type"] == "blocks":
            extra.extend(chunk["blocks"])
        if chunk["type"] != "task_update":
            continue
        card = cards.setdefault(chunk["id"], {"type": "task_card", "task_id": chunk["id"]})
        card |= {key: chunk[key] for key in ("title", "status") if key in chunk}
        for key in ("details", "output"):
            if chunk.get(key):
                card[key] = card.get(key, "") + chunk[key]
        if chunk.get("sources"):
            card["sources"] = chunk["sources"]
    return [*cards.values(), *extra]


def list_tasks(message: Message) -> list[Json]:
    """The task cards that a streamed message shows."""
    return [b for b in _task_blocks(message.stream) if b["type"] == "task_card"] if message.stream else []


def parse_chunks(markdown_text: str | None, chunks: Any) -> list[Json]:
    """What a call wants to show, checked; `markdown_text` comes first."""
    found: list[Json] = []
    if markdown_text is not None:
        found.append({"type": "markdown_text", "text": markdown_text})
    if chunks is not None:
        if not isinstance(chunks, list):
            raise RefusalError("invalid_chunks")
        found.extend(_check_chunk(chunk) for chunk in chunks)
    if any(c["type"] == "markdown_text" and len(c["text"]) > MARKDOWN_LIMIT for c in found):
        raise RefusalError("msg_too_long")
    return found


def _check_chunk(chunk: Any) -> Json:
    if not isinstance(chunk, dict):
        raise RefusalError("invalid_chunks")
    kind = chunk.get("type")
    is_good = {
        "markdown_text": isinstance(chunk.get("text"), str),
        "task_update": _is_task(chunk),
        "plan_update": isinstance(chunk.get("title"), str) and len(chunk["title"]) <= TASK_TEXT_LIMIT,
        "blocks": isinstance(chunk.get("blocks"), list) and len(chunk["blocks"]) <= 50,
    }.get(str(kind), False)
    if not is_good:
        raise RefusalError("invalid_chunks")
    return dict(chunk)


def _is_task(chunk: Json) -> bool:
    texts = [chunk.get(key) for key in ("details", "output") if chunk.get(key) is not None]
    return (
        isinstance(chunk.get("id"), str)
        and isinstance(chunk.get("title"), str)
        and str(chunk.get("status", "pending")) in TASK_STATES
        and all(isinstance(text, str) and len(text) <= TASK_TEXT_LIMIT for text in [chunk["title"], *texts])
    )
