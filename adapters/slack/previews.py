"""Follows the runs of messages that were taken in here, and shows their answers while they are written."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine

import structlog

from adapters.ports import Gateway, SlowConsumerError
from adapters.slack.addresses import Address
from adapters.slack.drafts import Draft
from adapters.slack.errors import UNAVAILABLE, RefusedError, SlackError
from adapters.slack.ladder import Rung
from adapters.slack.ports import Posts, WebApi
from agent.errors import StoreUnavailableError
from agent.ids import RunId, SessionId
from agent.records import LogEntry, Message, RunNote, RunState
from agent.signals import Delta
from agent.text import utf16_length

log = structlog.get_logger(__name__)
PREVIEW_LIMIT = 2_000
HAND_OVER_S = 60.0
REFUSED_FOR_S = 600.0
"""How long streaming, or the status, is left out in a workspace where Slack has none."""


class Previews:
    """The previews of this process, by answer. `rung` is where each begins."""

    def __init__(
        self,
        gateway: Gateway,
        api: WebApi,
        posts: Posts,
        rung: Rung = Rung.STREAM,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gateway = gateway
        self._api = api
        self._posts = posts
        self._rung = rung
        self._clock = clock
        self._drafts: dict[tuple[SessionId, str], Draft] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._no_stream_until_s: dict[str, float] = {}
        self._no_status_until_s: dict[str, float] = {}
        self._working: dict[tuple[str, str], set[RunId]] = {}

    def start(self, address: Address, run_id: RunId, after: int) -> None:
        """Show a run's answer as it comes; `after` is its message's seq. Left out when too many are shown."""
        if address.key in self._drafts or len(self._drafts) >= PREVIEW_LIMIT:
            return
        may_stream = self._clock() >= self._no_stream_until_s.get(address.installation, 0.0)
        draft = Draft(address, self._api, self._posts, self._rung if may_stream else max(self._rung, Rung.REWRITE))
        self._drafts[address.key] = draft
        self._spawn(self._show(draft, run_id, after), f"slack preview {run_id}")

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def hand_over(self, key: tuple[SessionId, str]) -> Draft | None:
        """End a preview; its messages are the caller's from now on. None: it is not shown here."""
        draft = self._drafts.pop(key, None)
        if draft is not None:
            draft.end()
            async with draft.lock:  # the call that is under way ends first
                pass
        return draft

    async def close(self) -> None:
        """End all previews; what they show stays for whoever posts the answers."""
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5.0)

    def is_busy(self, address: Address) -> bool:
        """Whether another run goes on in the thread by now."""
        return bool(self._working.get((address.conversation, address.thread_ts)))

    async def end_status(self, address: Address, draft: Draft | None) -> None:
        """The agent has answered: the sign goes, unless another run goes on in the thread."""
        if draft is not None and draft.status is not None:
            await asyncio.wait([draft.status])  # the sign that it works must not come after this one
        if not self.is_busy(address):
            await self.set_status(address, "active")

    async def set_status(self, address: Address, status: str) -> None:
        """Slack's own sign that the agent works, with its stop button. Where Slack has none, nothing happens."""
        if self._clock() < self._no_status_until_s.get(address.installation, 0.0):
            return
        arguments = {"channel_id": address.conversation, "thread_ts": address.thread_ts, "status": status}
        try:
            await self._api.call(address.installation, "agents.sessions.setStatus", {**arguments})
        except SlackError as error:
            log.info("slack_status_not_set", error=str(error))
            if isinstance(error, RefusedError) and error.code in UNAVAILABLE:
                self._no_status_until_s[address.installation] = self._clock() + REFUSED_FOR_S

    async def _show(self, draft: Draft, run_id: RunId, after: int) -> None:
        writer = asyncio.create_task(draft.write())
        is_answered = True
        try:
            async with self._gateway.follow(draft.address.session_id, after) as events:
                is_answered = await self._read(draft, run_id, events)
        except (SlowConsumerError, StoreUnavailableError) as error:
            log.info("slack_preview_ended", error=type(error).__name__)
        finally:
            self._stop_working(draft.address, run_id)
            draft.end()
            async with draft.lock:
                writer.cancel()
            await self._release(draft)
        if draft.refusal in UNAVAILABLE:
            self._no_stream_until_s[draft.address.installation] = self._clock() + REFUSED_FOR_S
        if is_answered:  # whoever posts the answer takes the draft over, unless that is another process
            asyncio.get_running_loop().call_later(HAND_OVER_S, self._drafts.pop, draft.address.key, None)
        else:
            await self._give_up(draft)

    async def _release(self, draft: Draft) -> None:
        """Whoever posts the answer need not wait for this process any more."""
        try:
            await self._posts.release_parts(*draft.address.key)
        except StoreUnavailableError as error:
            log.info("slack_preview_not_released", error=type(error).__name__)

    def _stop_working(self, address: Address, run_id: RunId) -> None:
        place = (address.conversation, address.thread_ts)
        working = self._working.get(place, set())
        working.discard(run_id)
        if not working:
            self._working.pop(place, None)

    async def _read(self, draft: Draft, run_id: RunId, events: AsyncIterator[LogEntry | Delta]) -> bool:
        """Until the run is over. Whether there is an answer, which others post."""
        text, units = "", 0
        working = self._working.setdefault((draft.address.conversation, draft.address.thread_ts), set())
        async for event in events:
            if event.run_id != run_id:
                continue
            match event:
                case Delta(offset=offset) if offset in {0, units}:
                    text = event.text if offset == 0 else text + event.text
                    units = utf16_length(event.text) if offset == 0 else units + utf16_length(event.text)
                    draft.tell(text)
                case Message(role="assistant" | "system"):
                    return True
                case RunNote(state=RunState.TOOL, label=label):
                    draft.tell_tool(label or "Using a tool")
                case RunNote(state=RunState.THINKING):
                    working.add(run_id)
                    draft.status = self._spawn(self.set_status(draft.address, "processing"), "slack status")
                case RunNote(state=state) if state.is_final:
                    return False
        return False

    async def _give_up(self, draft: Draft) -> None:
        """The run ended without an answer of its own: what is shown stays as it is."""
        if self._drafts.get(draft.address.key) is not draft:
            return
        del self._drafts[draft.address.key]
        streaming = [shown for shown in draft.ladder.shown if shown.is_streaming]
        for shown in streaming:
            arguments = {"channel": draft.address.conversation, "ts": shown.ts, "session_status": "active"}
            try:
                await self._api.call(draft.address.installation, "chat.stopStream", {**arguments}, patience_s=10.0)
            except SlackError as error:
                log.info("slack_stream_not_ended", error=str(error))
        if not streaming:
            await self.end_status(draft.address, draft)
