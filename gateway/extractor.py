"""Reads what people said for facts, off the reply path: durable jobs, one call per burst of talk."""

import structlog

from agent.errors import StoreUnavailableError
from agent.extraction import MAX_CANDIDATES, SCHEMA, FactChange, believe, build_extraction, is_small_talk, own_words
from agent.ports import Model
from agent.records import Audience, Message
from gateway import metrics
from gateway.agents import AgentConfig, Agents
from memory.context import Sessions
from memory.jobs import Job, Jobs
from memory.memories import Memories, Reading

log = structlog.get_logger(__name__)
WORDS_AT_ONCE = 50
ATTEMPTS = 6
RETRY_S = 30.0


class Extractor:
    """Does the extraction jobs of this database, one at a time per process."""

    def __init__(self, jobs: Jobs, memories: Memories, sessions: Sessions, model: Model, agents: Agents) -> None:
        self._jobs = jobs
        self._memories = memories
        self._sessions = sessions
        self._model = model
        self._agents = agents

    async def work(self) -> bool:
        """Do the job that is due, if there is one."""
        job = await self._jobs.take()
        if job is not None:
            await self._do(job)
        return job is not None

    async def _do(self, job: Job) -> None:
        try:
            await self.extract(job)
        except StoreUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001  what one person wrote must not end the process, nor be tried for ever
            if job.attempts < ATTEMPTS:
                await self._jobs.delay(job, RETRY_S * job.attempts, type(error).__name__)
                return
            log.error("extraction_given_up", session_id=job.session_id, error=type(error).__name__)
        await self._jobs.end(job)

    async def extract(self, job: Job) -> int:
        """Read one speaker's new words in one session. Returns how many facts changed. Raises `ModelError`."""
        config = self._agents.get(job.agent_id)
        if config.memory_mode != "agentic":
            return 0
        session = await self._sessions.load_session(job.session_id, None)
        audience = session.audience if session else Audience.SHARED
        changed = 0
        while words := await self._memories.load_new_words(job.user_id, job.session_id, WORDS_AT_ONCE):
            said = [message for message in words if not is_small_talk(message.text)]
            facts = await self._memories.apply(
                job.user_id,
                await self._ask(config, job, said, audience) if said else (),
                Reading(
                    session_id=job.session_id,
                    first_seq=words[0].seq,
                    last_seq=words[-1].seq,
                    audience=audience,
                    agent_id=job.agent_id,
                    model=config.small_model,
                ),
            )
            log.info("facts_extracted", session_id=job.session_id, messages=len(words), facts=facts)
            changed += facts
            if len(words) < WORDS_AT_ONCE:
                break
        metrics.facts.inc(changed)
        return changed

    async def _ask(
        self, config: AgentConfig, job: Job, said: list[Message], audience: Audience
    ) -> tuple[FactChange, ...]:
        text = " ".join(own_words(message.text) for message in said)
        known = await self._memories.find_related(job.user_id, text, MAX_CANDIDATES, audience)
        request = build_extraction(config.small_model, said, known, config.capture_instructions)
        answer, _ = await self._model.complete_json(request, SCHEMA)
        return believe(answer, said, known)
