"""Slack's records: the inbox, messages that nobody asked the agent about, and where each answer stands.

Ids and decisions are readable across sessions; texts only within their session's scope.
"""

import hashlib
from collections.abc import Sequence
from typing import Literal

import asyncpg

from agent.errors import UserGoneError
from agent.ids import SessionId, TaskId, UserId, WorkerId, new_message_id
from agent.records import JsonObject
from agent.tasks import Inbound
from memory.database import Database, Record
from memory.forgetting import forget_drawn
from memory.queries import query
from memory.slack_receiving import Received, Receiving, Told

Delivery = tuple[int, JsonObject, int]
"""Its number, its payload, and which attempt at taking it in this is."""


class SlackInbox:
    """Deliveries: written down before the ack, taken in afterwards, one after another within a lane.

    `front` is for what Slack waits for; without it everything goes through `database`.
    """

    def __init__(self, database: Database, worker_id: WorkerId, front: Database | None = None) -> None:
        self._database = database
        self._worker_id = worker_id
        self._receiving = Receiving(front or database, worker_id)

    async def receive(
        self,
        *,
        event_id: str,
        twin_key: str | None,
        lane: str,
        kind: str,
        payload: JsonObject | None,
        decision: tuple[str, str] | None,
        twin_reason: str,
        may_take: bool,
    ) -> Received:
        """Write a delivery down, decided or not. Its number, and whether to take it in now; none when it was here.

        Raises `StoreUnavailableError`: then nothing may be acked.
        """
        verdict, reason = decision or (None, None)
        told = Told(
            event_id=event_id,
            twin_key=twin_key,
            lane=lane,
            kind=kind,
            payload=payload,
            verdict=verdict,
            reason=reason,
        )
        return await self._receiving.receive(told, twin_reason, may_take=may_take)

    async def claim(self, limit: int) -> Sequence[Delivery]:
        """The deliveries that have waited longest, at most one of each lane."""
        rows = await self._database.fetch(query("slack_claim"), self._worker_id, limit)
        return [(row["inbox_id"], row["payload"], row["attempts"]) for row in rows]

    async def decide(self, inbox_id: int, verdict: str, reason: str, session_id: SessionId | None) -> Delivery | None:
        """A delivery is taken in, and its payload is gone. Returns the next of its lane, to be taken in now."""
        arguments = (inbox_id, verdict, reason, session_id, self._worker_id)
        return _read_delivery(await self._database.fetchrow(query("slack_decide"), *arguments))

    async def put_back(self, inbox_id: int, after_s: float) -> None:
        """Take it in later."""
        await self._database.execute(query("slack_put_back"), inbox_id, self._worker_id, after_s)

    async def hold(self, inbox_ids: Sequence[int]) -> None:
        """This process is still at work on these: nobody else takes them for another 20 seconds."""
        await self._database.execute(query("slack_hold"), list(inbox_ids), self._worker_id)

    async def release(self) -> None:
        """This process leaves."""
        await self._database.execute(query("slack_release"), self._worker_id)

    async def recover(self) -> None:
        """Free what dead processes had taken."""
        await self._database.execute(query("slack_recover"))

    async def next_in(self) -> float | None:
        """Seconds until something is due; none when nothing waits."""
        row = await self._database.fetchrow(query("slack_next_in"))
        return None if row is None else row[0]

    async def forget_old(self, after_days: float) -> None:
        """Delete old decisions, with the keys by which a delivery is known again; where answers stood; judgements."""
        for name in ("slack_forget", "slack_forget_posts", "slack_forget_feedback"):
            while await self._database.fetch(query(name), after_days):
                continue  # a thousand at a time, so that nobody waits for long
        await self._database.execute(query("slack_forget_buckets"))

    async def list_decisions(self, limit: int) -> Sequence[tuple[str, str, str, str]]:
        """The newest decisions: event id, kind, verdict, reason."""
        rows = await self._database.fetch(query("slack_list_decisions"), limit)
        return [(row["event_id"], row["kind"], row["verdict"], row["reason"]) for row in rows]


ThreadState = tuple[bool, bool, bool, bool, int, tuple[str, ...]]
"""Whether anything was said; whether the agent was called in; whether the last thing was kept; whether the same person
said it; how often bots spoke since a person did; the names of the others."""

FoundMessage = tuple[str, int, UserId | None, str, TaskId | None, str | None, bool]
"""Its key, seq, author and text, the task whose run answers it, how that task stands, and whether the answer is not
wanted any more."""


class SlackThreads:
    """Messages of Slack's sessions beyond what the engine does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load_state(self, session_id: SessionId, user_id: UserId | None) -> ThreadState:
        """How a thread stands before `user_id` speaks."""
        row = await self._database.fetchrow(query("slack_thread_state"), session_id, user_id)
        assert row is not None, "the statement always gives one row"
        is_kept = row["role"] == "user" and row["is_kept"] is True
        is_own = user_id is not None and row["author_id"] == user_id
        return row["role"] is not None, row["is_engaged"], is_kept, is_own, row["bot_hops"], tuple(row["names"])

    async def keep_message(self, inbound: Inbound) -> bool:
        """Store a message without a task; the session's next task takes it along. False: it is there already.

        Raises `UserGoneError`.
        """
        user_id = inbound.user.id if inbound.user else None
        try:
            row = await self._database.fetchrow(
                query("slack_keep_message"),
                inbound.session_id,
                user_id,
                inbound.tenant,
                inbound.agent_id,
                inbound.audience,
                new_message_id(),
                inbound.author_name,
                inbound.text,
                inbound.dedupe_key,
                hashlib.sha256(inbound.text.encode()).digest(),
                inbound.user.account_id if inbound.user else None,
            )
        except asyncpg.UniqueViolationError:
            return False
        except asyncpg.NoDataFoundError as error:
            raise UserGoneError("this person was erased") from error
        return row is not None

    async def list_versions(self, session_id: SessionId, key: str) -> Sequence[FoundMessage]:
        """A message by its key, and what it was asked again as (`{key}:…`), the oldest first."""
        rows = await self._database.fetch(query("slack_list_versions"), session_id, key)
        return [_read_found(row) for row in rows]

    async def rewrite_message(self, session_id: SessionId, author_id: UserId | None, seq: int, text: str) -> None:
        """Give a message another text and forget all that was drawn from it, or is just being drawn.

        Those are its facts, what was merged out of them, and the session's summaries and title.
        `author_id`: who said it, as far as is known; whoever was linked or parted meanwhile is found.
        """
        while True:
            async with self._database.scope(user_id=author_id or "nobody", session_id=session_id) as connection:
                if author_id is not None:  # nobody stores their facts, or links them, until this is done
                    await connection.fetchrow(query("lock_user"), author_id)
                row = await connection.fetchrow(query("slack_find_author"), session_id, seq)
                if row is None or row["author_id"] == author_id:
                    await connection.fetchrow(query("lock_session"), session_id)
                    if author_id is not None:
                        await forget_drawn(connection, author_id, session_id, seq)
                    await connection.execute(query("slack_rewrite_message"), session_id, seq, text)
                    return
                author_id = row["author_id"]

    async def list_running(
        self, prefix: str, user_id: UserId | None, thread_ts: str | None = None
    ) -> Sequence[tuple[SessionId, TaskId]]:
        """What runs or waits in sessions whose ids begin with `prefix`, of one person or of all.

        With `thread_ts` only what is answered in that thread.
        """
        rows = await self._database.fetch(query("slack_list_running"), prefix, user_id, thread_ts)
        return [(SessionId(row["session_id"]), TaskId(row["task_id"])) for row in rows]

    async def add_feedback(self, session_id: SessionId, post_key: str, rater: str, *, is_good: bool) -> None:
        """Note a person's judgement of an answer; a later one replaces it."""
        await self._database.execute(query("slack_add_feedback"), session_id, post_key, rater, is_good)


PartState = Literal["draft", "posting", "final", "last", "withdrawn"]
Part = tuple[int, str | None, PartState, bool]
"""Which message of an answer, its ts where it is known, how it stands, and whether another process still writes it."""


class SlackPosts:
    """Which messages in Slack show which answer."""

    def __init__(self, database: Database, worker_id: WorkerId) -> None:
        self._database = database
        self._worker_id = worker_id

    async def begin_part(
        self,
        session_id: SessionId,
        question: str,
        part: int,
        *,
        installation: str,
        conversation: str,
        state: PartState,
        post_key: str | None = None,
    ) -> bool:
        """Write down that a message is about to be made. False: somebody else did."""
        arguments = (session_id, question, part, installation, conversation, state, post_key, self._worker_id)
        return await self._database.fetchrow(query("slack_begin_part"), *arguments) is not None

    async def take_part(self, session_id: SessionId, question: str, part: int, *, post_key: str) -> bool:
        """What was only a preview is posted whole now. False: the preview's message is there by now."""
        row = await self._database.fetchrow(query("slack_take_part"), session_id, question, part, post_key)
        return row is not None

    async def show_part(self, session_id: SessionId, question: str, part: int, ts: str) -> bool:
        """A preview's message is there. False: the answer was posted without it, or is not wanted any more."""
        row = await self._database.fetchrow(query("slack_show_part"), session_id, question, part, ts)
        return row is not None

    async def release_parts(self, session_id: SessionId, question: str) -> None:
        """This process writes nothing more into the preview of an answer."""
        await self._database.execute(query("slack_release_parts"), session_id, question, self._worker_id)

    async def set_part(
        self, session_id: SessionId, question: str, part: int, *, ts: str | None, state: PartState, post_key: str | None
    ) -> None:
        """How a message of an answer stands. What is not told stays; what was withdrawn stays so."""
        await self._database.execute(query("slack_set_part"), session_id, question, part, ts, state, post_key)

    async def drop_part(self, session_id: SessionId, question: str, part: int) -> None:
        """The message was not made, or is gone."""
        await self._database.execute(query("slack_drop_part"), session_id, question, part)

    async def load_parts(self, session_id: SessionId, question: str) -> Sequence[Part]:
        """The messages of an answer, in order; part -1 stands for one that is not wanted any more."""
        arguments = (session_id, question, self._worker_id)
        return _read_parts(await self._database.fetch(query("slack_load_parts"), *arguments))

    async def withdraw(
        self, session_id: SessionId, question: str, *, installation: str, conversation: str
    ) -> Sequence[Part]:
        """From now on nothing of this answer may be posted. Returns what stands of it."""
        arguments = (session_id, question, installation, conversation)
        return _read_parts(await self._database.fetch(query("slack_withdraw"), *arguments))

    async def filter_known(self, installation: str, conversation: str, ts: Sequence[str]) -> set[str]:
        """Which of these messages are known to belong to an answer."""
        rows = await self._database.fetch(query("slack_known_posts"), installation, conversation, list(ts))
        return {row["ts"] for row in rows}

    async def find_session(self, installation: str, conversation: str, ts: str) -> SessionId | None:
        """The session that a posted message belongs to."""
        row = await self._database.fetchrow(query("slack_find_session"), installation, conversation, ts)
        return SessionId(row["session_id"]) if row else None


def _read_delivery(row: Record | None) -> Delivery | None:
    return (row["inbox_id"], row["payload"], row["attempts"]) if row else None


def _read_found(row: Record) -> FoundMessage:
    is_own = row["state"] in {"queued", "stopped"} or row["run_task_id"] is None
    task_id, state = (row["task_id"], row["state"]) if is_own else (row["run_task_id"], row["run_state"])
    author_id, is_withdrawn = row["author_id"], row["is_withdrawn"]
    return row["key"], row["seq"], author_id, row["text"], TaskId(task_id) if task_id else None, state, is_withdrawn


def _read_parts(rows: Sequence[Record]) -> Sequence[Part]:
    return [(row["part"], row["ts"], row["state"], row["is_held"]) for row in rows]
