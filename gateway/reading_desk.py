"""What those who read off the reply path work with: their jobs, what was said, and the model at somebody's cost."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from agent.errors import AnswerCutError, StoreUnavailableError
from agent.ids import SessionId, UserId
from agent.ports import ModelRequest
from agent.records import JsonObject, JsonValue
from gateway.agents import Agents
from gateway.spending import Spending
from memory.context import Sessions
from memory.jobs import Job, Jobs

STORE_RETRY_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingDesk:
    """The jobs of one kind, and what it takes to do them."""

    jobs: Jobs
    sessions: Sessions
    spending: Spending
    agents: Agents

    async def work(self, do: Callable[[Job], Awaitable[None]]) -> bool:
        """Do the job that is due. Returns whether there was one; ending it or putting it off is up to `do`.

        Raises `StoreUnavailableError`. Where the database was just slow, the job does not wait until its lock ends.
        """
        job = await self.jobs.take()
        if job is None:
            return False
        try:
            await do(job)
        except StoreUnavailableError as error:
            with suppress(StoreUnavailableError):
                await self.jobs.delay(job, STORE_RETRY_S, type(error).__name__)
            raise
        return True

    async def ask(
        self, user_id: UserId | None, session_id: SessionId, request: ModelRequest, schema: JsonObject
    ) -> JsonValue:
        """The model's answer, billed to this person and session. Raises `ModelError` and `StoreUnavailableError`."""
        model = await self.spending.model_for(user_id, session_id)
        answer, usage = await model.complete_json(request, schema)
        if answer is None and usage.output_tokens >= request.max_tokens:
            raise AnswerCutError(f"{usage.output_tokens} tokens of an answer that does not end")
        return answer
