"""What nobody waits for: Slack wants the ack of a click or a command first."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog

from adapters.slack.errors import SlackError
from adapters.slack.ports import WebApi
from agent.records import JsonObject

log = structlog.get_logger(__name__)
PATIENCE_S = 5.0
CLOSE_S = 5.0
T = TypeVar("T")


class Errands:
    """Those that are under way."""

    def __init__(self, api: WebApi) -> None:
        self._api = api
        self._tasks: set[asyncio.Task[Any]] = set()

    async def call(self, installation: str, method: str, arguments: JsonObject) -> None:
        """Make a call whose failure only leaves something out."""
        try:
            await self._api.call(installation, method, arguments, patience_s=PATIENCE_S)
        except SlackError as error:
            log.info("slack_surface_not_shown", error=str(error))

    async def tell(self, response_url: str, text: str) -> None:
        """Tell the person who sent a command more, and nobody else."""
        try:
            await self._api.respond(response_url, text)
        except SlackError as error:
            log.info("slack_command_not_answered", error=str(error))

    def start(self, work: Coroutine[None, None, T]) -> asyncio.Task[T]:
        """Do something in the background. Whoever waits for it and goes away does not end it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._end)
        return task

    def _end(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("slack_surface_not_shown", error=type(error).__name__)

    async def close(self) -> None:
        """What is under way has a moment left."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_S)
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_S)
