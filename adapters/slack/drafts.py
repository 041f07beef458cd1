"""Shows an answer while it is written: carries out the ladder's steps, one at a time."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

import structlog

from adapters.slack.addresses import Address
from adapters.slack.errors import LimitedError, RefusedError, SlackError, UnknownError
from adapters.slack.ladder import Card, Ladder, Rung, Step
from adapters.slack.outward import render_beginning
from adapters.slack.ports import Posts, WebApi
from adapters.slack.records import text_of
from adapters.slack.splitting import split
from agent.records import JsonObject, JsonValue

log = structlog.get_logger(__name__)
FIRST_LOOK_S = 0.3
PATIENCE_S = 5.0
TITLE_LIMIT = 200
QUIET: JsonObject = {"unfurl_links": False, "unfurl_media": False}
"""Unfurling would call addresses that a model wrote, without anybody's click."""


class Draft:
    """The preview of one answer. Whoever holds `lock` is the only one who writes."""

    def __init__(
        self, address: Address, api: WebApi, posts: Posts, rung: Rung, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.address = address
        self.ladder = Ladder(rung=rung)
        self.lock = asyncio.Lock()
        self._ended = asyncio.Event()
        self.refusal: str | None = None
        self.status: asyncio.Task[None] | None = None
        self._api = api
        self._posts = posts
        self._clock = clock
        self._text = ""
        self._cards: list[Card] = []
        self._changed = asyncio.Event()

    def tell(self, text: str) -> None:
        """The answer so far."""
        if not self._text:
            self.ladder.wait(FIRST_LOOK_S, self._clock())
        self._text = text
        self._end_cards()
        self._changed.set()

    def tell_tool(self, title: str) -> None:
        """A tool is at work; what was at work before is done."""
        self._end_cards()
        self._cards.append(Card(card_id=f"tool-{len(self._cards) + 1}", title=title[:TITLE_LIMIT]))
        self._changed.set()

    def _end_cards(self) -> None:
        self._cards = [replace(card, is_done=True) for card in self._cards]

    def end(self) -> None:
        """Nothing more is to be shown."""
        self._ended.set()
        self._changed.set()

    async def write(self) -> None:
        """Show what comes, until it is over."""
        while not self._ended.is_set() and self.ladder.rung is not Rung.END:
            self._changed.clear()
            self.ladder.tell(split(render_beginning(self._text)) if self._text else [])
            self.ladder.tell_cards(self._cards)
            async with self.lock:
                if self._ended.is_set():
                    return
                step = self.ladder.next_step(self._clock())
                if step is not None:
                    await self._carry_out(step)
            if step is None:
                await self._wait()

    async def _wait(self) -> None:
        """Until more was said, or until it may be shown."""
        wait_s = self.ladder.wait_s(self._clock())
        if wait_s > 0:
            await asyncio.sleep(wait_s)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(5.0):  # a stream must not grow too old while a tool runs
                await self._changed.wait()

    async def _carry_out(self, step: Step) -> None:
        key = self.address.key
        if step.ts is None and not await self._begin(step):
            self.ladder.rung = Rung.END
            return
        try:
            ts = await self._call(step)
        except LimitedError as error:
            await self._drop(step)
            self.ladder.wait(error.retry_after_s, self._clock())
        except RefusedError as error:
            log.info("slack_preview_refused", step=step.verb, code=error.code)
            self.refusal = error.code if step.verb == "start" and not step.cards else self.refusal
            await self._drop(step)
            self.ladder.refused(step, self._clock())
        except UnknownError:
            self.ladder.lost(step, self._clock())
        else:
            if step.ts is None and not await self._posts.show_part(*key, step.part, ts):
                self.ladder.rung = Rung.END
                await self._take_away(step, ts)
            else:
                self.ladder.did(step, ts, self._clock())

    async def _take_away(self, step: Step, ts: str) -> None:
        """Another process posted the answer, or withdrew it, while this message was being made."""
        place: JsonObject = {"channel": self.address.conversation, "ts": ts}
        for method in ("chat.stopStream", "chat.delete") if step.verb == "start" else ("chat.delete",):
            try:
                await self._api.call(self.address.installation, method, {**place}, patience_s=PATIENCE_S)
            except SlackError as error:
                log.warning("slack_message_not_removed", error=str(error))

    async def _begin(self, step: Step) -> bool:
        address = self.address
        return await self._posts.begin_part(
            *address.key,
            step.part,
            installation=address.installation,
            conversation=address.conversation,
            state="draft",
        )

    async def _drop(self, step: Step) -> None:
        if step.ts is None:
            await self._posts.drop_part(*self.address.key, step.part)

    async def _call(self, step: Step) -> str:
        method, arguments = render_step(step, self.address)
        answer = await self._api.call(self.address.installation, method, arguments)
        return step.ts or text_of(answer, "ts") or ""


def render_words(text: str, cards: Sequence[Card]) -> JsonObject:
    """The arguments that say something: text alone, or chunks where there are cards."""
    if not cards:
        return {"markdown_text": text} if text else {}
    chunks: list[JsonValue] = [
        {
            "type": "task_update",
            "id": card.card_id,
            "title": card.title,
            "status": "pending" if card.is_waiting else "complete" if card.is_done else "in_progress",
        }
        for card in cards
    ]
    return {"chunks": [*chunks, {"type": "markdown_text", "text": text}] if text else chunks}


def render_step(step: Step, address: Address) -> tuple[str, JsonObject]:
    """A step as a method and its arguments."""
    arguments: JsonObject = {"channel": address.conversation, **render_words(step.text, step.cards)}
    match step.verb:
        case "start":
            whose: JsonObject = {"recipient_team_id": address.team, "recipient_user_id": address.user}
            return "chat.startStream", {**arguments, "thread_ts": address.thread_ts, **whose}
        case "append":
            return "chat.appendStream", {**arguments, "ts": step.ts}
        case "close":
            return "chat.stopStream", {**arguments, "ts": step.ts, "session_status": "processing"}
        case "post":
            return "chat.postMessage", {**arguments, "thread_ts": address.thread_ts, **QUIET}
        case "rewrite":
            return "chat.update", {**arguments, "ts": step.ts}
