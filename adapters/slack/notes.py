"""The lines by which people see who asked what, where a question is asked for somebody: each posted once."""

from adapters.slack.drafts import QUIET
from adapters.slack.errors import LimitedError, RefusedError
from adapters.slack.ports import Posts, WebApi
from adapters.slack.records import object_of, objects_of, text_of
from agent.ids import SessionId
from agent.records import JsonObject

PATIENCE_S = 5.0
LOOK_LIMIT = 100
NOTE_TYPE = "parley_question"
NOT_THERE = frozenset({"not_in_channel", "channel_not_found"})
"""Slack's words for a conversation that the bot is not in."""


class Notes:
    """Each is written down before it is posted, so whoever tries again looks for it first."""

    def __init__(self, api: WebApi, posts: Posts) -> None:
        self._api = api
        self._posts = posts

    async def has_begun(self, session_id: SessionId, name: str) -> bool:
        """Whether an earlier try was about to post it."""
        return bool(await self._posts.load_parts(session_id, name))

    async def post(
        self, session_id: SessionId, name: str, installation: str, conversation: str, text: str, thread_ts: str | None
    ) -> str:
        """Have the line stand there, in a thread or at the top level. Returns its ts.

        `name` is unique in `session_id`, under which it is written down. Raises `SlackError`: it may be tried again.
        """
        stood = await self._posts.load_parts(session_id, name)
        ts = next((part[1] for part in stood), None)
        if ts is not None:
            return ts
        if stood:
            ts = await self._look(installation, conversation, name, thread_ts)
        else:
            await self._posts.begin_part(
                session_id, name, 0, installation=installation, conversation=conversation, state="posting"
            )
        if ts is None:
            try:
                ts = await self._make(installation, conversation, name, text, thread_ts)
            except (RefusedError, LimitedError):  # it was not made: nothing needs to be looked for
                await self._posts.drop_part(session_id, name, 0)
                raise
        await self._posts.set_part(session_id, name, 0, ts=ts, state="last", post_key=None)
        return ts

    async def _make(self, installation: str, conversation: str, name: str, text: str, thread_ts: str | None) -> str:
        place: JsonObject = {"channel": conversation, "markdown_text": text, **QUIET}
        place["metadata"] = {"event_type": NOTE_TYPE, "event_payload": {"key": name}}
        if thread_ts is not None:
            place["thread_ts"] = thread_ts
        answer = await self._api.call(installation, "chat.postMessage", place, patience_s=PATIENCE_S)
        return text_of(answer, "ts") or ""

    async def _look(self, installation: str, conversation: str, name: str, thread_ts: str | None) -> str | None:
        """Where an earlier try stands: among the newest messages of the conversation, or in the thread.

        None where it is not seen: a line that stands twice is better than a question that nobody answers.
        """
        arguments: JsonObject = {"channel": conversation, "include_all_metadata": True, "limit": LOOK_LIMIT}
        method = "conversations.history"
        if thread_ts is not None:
            method, arguments = "conversations.replies", {**arguments, "ts": thread_ts}
        try:
            answer = await self._api.call(installation, method, arguments, patience_s=PATIENCE_S)
        except RefusedError as error:
            if error.code in NOT_THERE:
                raise
            return None
        for message in objects_of(answer, "messages"):
            payload = object_of(object_of(message, "metadata"), "event_payload")
            if text_of(message, "bot_id") is not None and payload.get("key") == name:
                return text_of(message, "ts")
        return None
