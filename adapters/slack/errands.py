"""Calls of the Web API that nobody waits for: Slack wants the ack of a click first."""

import asyncio
from collections.abc import Coroutine

import structlog

from adapters.slack.errors import SlackError
from adapters.slack.ports import WebApi
from agent.records import JsonObject

log = structlog.get_logger(__name__)
PATIENCE_S = 5.0


class Errands:
    """Those that are under way."""

    def __init__(self, api: WebApi) -> None:
        self._api = api
        self._tasks: set[asyncio.Task[None]] = set()

    async def call(self, installation: str, method: str, arguments: JsonObject) -> None:
        """Make a call whose failure only leaves something out."""
        try:
            await self._api.call(installation, method, arguments, patience_s=PATIENCE_S)
        except SlackError as error:
            log.info("slack_surface_not_shown", error=str(error))

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Do something in the background."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("slack_surface_not_shown", error=type(error).__name__)

    async def close(self) -> None:
        """End what is under way."""
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5.0)
