"""Callers over HTTP: the API with its idempotency key, and the fake platform's events, each sent until it is acked."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp

from agent.records import JsonObject
from tests.chaos.ledger import Ledger, Question
from tests.chaos.speech import draw, make_token, question

PATIENCE_S = 4.0
"""After this long without an answer a sender sends again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """How a question is put: path, headers and body."""

    path: str
    headers: dict[str, str]
    body: JsonObject


@dataclass(slots=True, kw_only=True)
class Callers:
    """The lines of one channel. `deliveries_most`: how often each question is sent at most, to whichever replica.

    `pause_s` is the longest pause between an ack and the next question of a line.
    """

    name: str
    seed: int
    ledger: Ledger
    urls: list[str]
    client: aiohttp.ClientSession
    session_of: Callable[[int], str]
    call_of: Callable[[Question, str], Call]
    deliveries_most: int = 4
    pause_s: float = 1.5
    stopped: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, lines: int) -> None:
        """Ask until stopped, and then until the last question is acked as often as it was sent."""
        async with asyncio.TaskGroup() as group:
            for line in range(lines):
                group.create_task(self._run_line(line, group))

    async def _run_line(self, line: int, group: asyncio.TaskGroup) -> None:
        chance = draw(self.seed, self.name, line)
        number = 0
        await asyncio.sleep(chance.uniform(0, self.pause_s))
        while not self.stopped.is_set():
            token = make_token(f"{self.seed} {self.name} {line} {number}")
            asked = self.ledger.ask(token, self.session_of(line), f"{self.name} {line}", number)
            call, acked = self.call_of(asked, question(token)), asyncio.Event()
            for copy in range(chance.randint(1, self.deliveries_most)):
                late_s = chance.uniform(0, 0.3) if copy else 0.0
                own = random.Random(chance.random())
                group.create_task(self._deliver(asked, call, acked, late_s, own))
            await acked.wait()
            number += 1
            await asyncio.sleep(chance.uniform(0, self.pause_s))

    async def probe(self, url: str, number: int) -> None:
        """One question to this replica, until it is acked."""
        token = make_token(f"{self.seed} probe {number}")
        asked = self.ledger.ask(token, self.session_of(number), f"probe {number}", 0)
        while (ack := await self._send(url, self.call_of(asked, question(token)))) is None:  # noqa: ASYNC110  it is done here
            await asyncio.sleep(0.05)
        asked.acks.add(ack)

    async def _deliver(
        self, asked: Question, call: Call, acked: asyncio.Event, late_s: float, chance: random.Random
    ) -> None:
        await asyncio.sleep(late_s)
        self.ledger.deliveries += 1
        while (ack := await self._send(chance.choice(self.urls), call)) is None:  # noqa: ASYNC110  it is done here
            await asyncio.sleep(chance.uniform(0.05, 0.4))
        asked.acks.add(ack)
        acked.set()

    async def _send(self, url: str, call: Call) -> str | None:
        """The task's id when it was acked."""
        started_s = time.monotonic()
        timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
        try:
            async with self.client.post(
                url + call.path, json=call.body, headers=call.headers, timeout=timeout
            ) as answer:
                body = await answer.json() if answer.status in {200, 202} else {}
        except (aiohttp.ClientError, TimeoutError):
            self.ledger.lost_requests += 1
            return None
        took_s = time.monotonic() - started_s
        if body:
            self.ledger.waits_s.append(took_s)
            return str(body["task_id"])
        self.ledger.refusals_s.setdefault((self.name, answer.status), []).append(took_s)
        return None


def call_api(secret: str) -> Callable[[Question, str], Call]:
    """Questions as tasks of the API."""

    def build(asked: Question, text: str) -> Call:
        body: JsonObject = {"prompt": text, "session_id": asked.session_id, "user_details": {"id": asked.line}}
        return Call(
            path="/api/v1/tasks",
            headers={"Authorization": f"Bearer {secret}", "Idempotency-Key": asked.token},
            body=body,
        )

    return build


def call_platform(asked: Question, text: str) -> Call:
    """Questions as events of the fake platform."""
    conversation = asked.session_id.removeprefix("chaos:")
    body: JsonObject = {"id": asked.token, "conversation": conversation, "author": asked.line, "text": text}
    return Call(path="/chaos/events", headers={}, body=body)
