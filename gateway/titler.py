"""Names sessions off the reply path: durable jobs, one small call for a new session and one for much new talk."""

import asyncio

import structlog

from agent.errors import ModelError, StoreUnavailableError
from agent.ids import SessionId
from agent.titles import MESSAGES_READ, SCHEMA, build_titling, is_due, read_title
from gateway import metrics
from gateway.agents import AgentConfig
from gateway.reading_desk import ReadingDesk
from memory.jobs import Job
from memory.titles import Titles, TitleState

log = structlog.get_logger(__name__)
ATTEMPTS = 4
RETRY_S = 60.0
TITLE_S = 60.0


class Titler:
    """Does the jobs of kind `title`."""

    def __init__(self, desk: ReadingDesk, titles: Titles) -> None:
        self._desk = desk
        self._titles = titles

    async def work(self) -> bool:
        """Do the job that is due, if there is one."""
        return await self._desk.work(self._do)

    async def _do(self, job: Job) -> None:
        """A title is worth a few tries; the next answer asks for it anew."""
        try:
            async with asyncio.timeout(TITLE_S):
                await self._title(job)
        except StoreUnavailableError:
            raise
        except (ModelError, TimeoutError) as error:
            metrics.titles.labels("failed").inc()
            log.warning("session_not_titled", session_id=job.session_id, error=type(error).__name__)
            if job.attempts < ATTEMPTS:
                await self._desk.jobs.delay(job, RETRY_S * job.attempts, type(error).__name__)
                return
        await self._desk.jobs.end(job)

    async def _title(self, job: Job) -> None:
        config = self._desk.agents.get(job.agent_id)
        state = await self._titles.load(job.session_id)
        if config.has_titles and state is not None and is_due(state.head, state.titled_seq, state.title):
            await self._ask(config, job.session_id, state)

    async def _ask(self, config: AgentConfig, session_id: SessionId, state: TitleState) -> None:
        said = await self._desk.sessions.load_messages_before(session_id, state.head + 1, MESSAGES_READ)
        request = build_titling(config.small_model, said, state.title, state.summary)
        made = read_title(await self._desk.ask(None, session_id, request, SCHEMA))
        metrics.titles.labels("made" if made else "nonsense").inc()
        if made is not None:
            await self._titles.save(session_id, state, made)
