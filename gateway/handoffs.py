"""Conversations handed to people of the team and back: by the agent's tool, by operators, and by themselves in time.

Who takes a conversation stops what the agent is at there. What people say meanwhile is kept, and the agent sees it,
with what the team said, once it answers again.
"""

from collections.abc import Awaitable, Callable, Container
from dataclasses import dataclass
from typing import Literal

import structlog

from agent.errors import InputError, NotFoundError
from agent.handoffs import ModeNote, SessionMode
from agent.ids import RunId, SessionId, UserId, run_id_of
from agent.records import Message
from agent.secret_gate import redact
from agent.signals import Presence
from agent.speech import plain_name
from agent.tasks import Task
from agent.text import storable
from gateway import metrics
from gateway.hub import Hub
from memory.handoffs import HandoffStore

log = structlog.get_logger(__name__)
OVERDUE_AT_ONCE = 100
Stop = Callable[[SessionId, RunId], Awaitable[bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffRules:
    """How long a person is waited for, and how long one who has a conversation may say nothing."""

    wait_s: float = 3_600.0
    silence_s: float = 3_600.0


class Handoffs:
    """Who answers where. Every method raises `StoreUnavailableError`.

    `stop_run`, `on_posted` (there is something to post) and `posting` (the channels where the gateway goes to the
    people) are set by who builds it, before anybody asks.
    """

    def __init__(self, store: HandoffStore, hub: Hub, rules: HandoffRules) -> None:
        self._store = store
        self._hub = hub
        self._rules = rules
        self.stop_run: Stop | None = None
        self.on_posted: Callable[[], None] | None = None
        self.posting: Container[str] = ()
        self.list_open = store.list_open

    async def ask(self, task: Task, reason: str, summary: str) -> bool:
        """The agent asks for a person. False: one was asked already, or has the conversation.

        Secrets are taken out of what the team is told: it is read outside the conversation.
        """
        changed = await self._store.change(
            task.session_id,
            SessionMode.WAITING,
            for_s=self._rules.wait_s,
            run_id=task.run_id,
            reason=redact(storable(reason)),
            summary=redact(storable(summary)),
        )
        return self._tell_change(changed)

    async def take(self, session_id: SessionId, name: str) -> bool:
        """A person of the team answers from now on. False: one does already.

        Raises `NotFoundError`, and `InputError` where nobody would be reached.
        """
        name = plain_name(storable(name))
        await self._require(session_id, is_to_speak=True)
        changed = await self._store.change(session_id, SessionMode.HUMAN, for_s=self._rules.silence_s, name=name)
        if is_new := self._tell_change(changed):
            await self._stop_runs(session_id)
        self._tell(session_id, name, "joined")
        return is_new

    async def give_back(self, session_id: SessionId, name: str | None) -> bool:
        """The agent answers from now on. False: it does already. Raises `NotFoundError`."""
        name = plain_name(storable(name)) if name else None
        is_new = self._tell_change(await self._store.change(session_id, SessionMode.AGENT, name=name))
        if not is_new:
            await self._require(session_id)
        elif name is not None:
            self._tell(session_id, name, "left")
        return is_new

    async def say(self, session_id: SessionId, name: str, text: str, key: str) -> tuple[Message, bool]:
        """What a person of the team says; who does not have the conversation takes it.

        Gives the message, and whether it was there already: the same key with the same text is the same message.
        Raises as `take` does, and `ConflictError`.
        """
        name, text = plain_name(storable(name)), storable(text)
        while (said := await self._store.say(session_id, name, text, key, for_s=self._rules.silence_s)) is None:
            await self.take(session_id, name)
        message, is_posted, was_there = said
        if not was_there:
            self._hub.publish(session_id, [message])
        if is_posted and self.on_posted is not None:
            self.on_posted()
        return message, was_there

    async def give_back_overdue(self) -> None:
        """Whoever was waited for, or was silent, for too long: the agent goes on."""
        for session_id in await self._store.list_overdue(OVERDUE_AT_ONCE):
            self._tell_change(await self._store.change(session_id, SessionMode.AGENT, must_be_over=True))

    async def _stop_runs(self, session_id: SessionId) -> None:
        for task_id in await self._store.list_unfinished(session_id):
            if self.stop_run is not None:
                await self.stop_run(session_id, run_id_of(task_id))

    async def _require(self, session_id: SessionId, *, is_to_speak: bool = False) -> None:
        place = await self._store.find_place(session_id)
        if place is None:
            raise NotFoundError("there is no such session here")
        channel, has_place = place
        if is_to_speak and channel in self.posting and not has_place:
            raise InputError("nobody has asked the agent in this conversation yet, so there is no place to answer")

    def _tell_change(self, changed: tuple[ModeNote, bool] | None) -> bool:
        if changed is None:
            return False
        note, is_posted = changed
        self._hub.publish(note.session_id, [note])
        metrics.handoffs.labels(note.mode).inc()
        log.info("handoff", session_id=note.session_id, mode=note.mode, by="time" if _is_by_time(note) else "somebody")
        if is_posted and self.on_posted is not None:
            self.on_posted()
        return True

    def _tell(self, session_id: SessionId, name: str, state: Literal["joined", "left"]) -> None:
        who = UserId(f"operator:{name}")
        self._hub.tell_presence(session_id, Presence(user_id=who, name=name, state=state, role="human"))


def _is_by_time(note: ModeNote) -> bool:
    return note.mode is SessionMode.AGENT and note.name is None
