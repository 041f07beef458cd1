"""Reads what people said for facts, off the reply path: durable jobs, one call per burst of talk."""

import asyncio
from collections.abc import Sequence

import structlog

from agent.errors import BudgetSpentError, ModelError, StoreUnavailableError
from agent.extraction import (
    MAX_CANDIDATES,
    SCHEMA,
    FactChange,
    believe,
    build_extraction,
    is_sound_answer,
)
from agent.own_words import own_words
from agent.records import Audience, Message, UserMemory
from agent.small_talk import is_small_talk
from gateway import metrics
from gateway.agents import AgentConfig
from gateway.reading_desk import ReadingDesk
from memory.errors import WordsMovedError
from memory.jobs import Job
from memory.memories import Memories, Reading

log = structlog.get_logger(__name__)
WORDS_AT_ONCE = 50
ATTEMPTS = 6
TOGETHER_ATTEMPTS = 3
"""After so many the messages are read one by one, so that one that cannot be read does not take the others along."""
SINGLE_WORDS = 5
RETRY_S = 30.0
LONGEST_RETRY_S = 600.0
EXTRACT_S = 100.0
"""Less than a job is locked for."""


class Extractor:
    """Does the extraction jobs of this database."""

    def __init__(self, desk: ReadingDesk, memories: Memories) -> None:
        self._desk = desk
        self._memories = memories

    async def work(self) -> bool:
        """Do the job that is due, if there is one."""
        return await self._desk.work(self._do)

    async def _do(self, job: Job) -> None:
        try:
            async with asyncio.timeout(EXTRACT_S):
                has_more = await self.extract(job)
        except StoreUnavailableError:
            raise
        except WordsMovedError:
            await self._desk.jobs.end(job, has_more=True)
        except Exception as error:  # noqa: BLE001  what one person wrote must not end the process, nor be tried for ever
            await self._put_off(job, error)
        else:
            await self._desk.jobs.end(job, has_more=has_more)

    async def _put_off(self, job: Job, error: Exception) -> None:
        asked_s = error.retry_after_s or 0.0 if isinstance(error, ModelError) else 0.0
        after_s = max(asked_s, min(LONGEST_RETRY_S, RETRY_S * job.attempts))
        log.warning("extraction_failed", session_id=job.session_id, error=type(error).__name__, attempt=job.attempts)
        await self._desk.jobs.delay(job, after_s, type(error).__name__)

    async def extract(self, job: Job) -> bool:
        """Read some of a speaker's new words in a session. Returns whether there are more of them. Raises `ModelError`.

        While the model is away, words wait; those that it always fails at are left out after `ATTEMPTS` tries.
        """
        config = self._desk.agents.get(job.agent_id)
        if config.memory_mode != "agentic":
            return False
        session = await self._desk.sessions.load_session(job.session_id, None)
        audience = session.audience if session else Audience.SHARED
        is_together = job.attempts <= TOGETHER_ATTEMPTS
        limit = WORDS_AT_ONCE if is_together else SINGLE_WORDS
        unread = self._desk.agents.unread
        words, has_more = await self._memories.load_new_words(job.user_id, job.session_id, limit, unread)
        for part in [words] if is_together else [[message] for message in words]:
            if part:
                await self._read(config, job, part, audience)
        return has_more

    async def _read(self, config: AgentConfig, job: Job, words: Sequence[Message], audience: Audience) -> None:
        said = [message for message in words if not is_small_talk(message.text)]
        text = " ".join(own_words(message.text) for message in said)
        known = await self._memories.find_related(job.user_id, text, MAX_CANDIDATES, audience) if said else []
        try:
            changes = await self._ask(config, job, said, known) if said else ()
        except StoreUnavailableError:
            raise
        except Exception as error:
            if job.attempts < ATTEMPTS or _may_pass(error):
                raise
            log.error("words_left_unread", session_id=job.session_id, error=type(error).__name__, messages=len(words))
            metrics.extractions.labels("given_up").inc()
            changes = ()
        reading = Reading(
            session_id=job.session_id,
            first_seq=words[0].seq,
            last_seq=words[-1].seq,
            audience=audience,
            agent_id=job.agent_id,
            model=config.small_model,
            said=tuple(words),
            known=tuple(memory.memory_id for memory in known),
        )
        facts = await self._memories.apply(job.user_id, changes, reading)
        metrics.facts.inc(facts)
        log.info("facts_extracted", session_id=job.session_id, messages=len(words), facts=facts)

    async def _ask(
        self, config: AgentConfig, job: Job, said: Sequence[Message], known: Sequence[UserMemory]
    ) -> tuple[FactChange, ...]:
        request = build_extraction(config.small_model, said, known, config.capture_instructions)
        answer = await self._desk.ask(job.user_id, job.session_id, request, SCHEMA)
        metrics.extractions.labels("read" if is_sound_answer(answer) else "nonsense").inc()
        return believe(answer, said, known, job.user_id)


def _may_pass(error: Exception) -> bool:
    """Whether it says nothing of the words: the model is away, or today's budget is spent."""
    return isinstance(error, BudgetSpentError) or (isinstance(error, ModelError) and error.is_retryable)
