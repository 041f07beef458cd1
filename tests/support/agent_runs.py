"""One run of the agent against a scripted model, without a store."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from agent.events import Event, TextDelta
from agent.ids import AgentId, MemoryId, MessageId, SessionId, TaskId, UserId
from agent.loop import Agent, Work, run_agent
from agent.ports import Model, ModelReply, ModelRequest, Text, ToolResult
from agent.progress import Progress
from agent.prompt import Context
from agent.records import Author, JsonObject, JsonValue, Message, PastRun, Run, Turn, Usage, User, UserMemory
from agent.speech import CLOSE, MEMORY_HEAD
from agent.tasks import Task
from agent.tools import Tool
from tests.support.database import PATIENCE_S
from tests.support.make import ANN, SESSION
from tests.support.model_calls import MODEL

AT = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def spoken(text: str, *, user: User = ANN, seq: int = 1, session_id: SessionId = SESSION) -> Message:
    """What a person said."""
    return Message(
        session_id=session_id,
        seq=seq,
        message_id=MessageId(f"msg_{seq}"),
        role="user",
        author=Author(id=user.id, name=user.display_name),
        text=text,
        at=AT,
    )


def remembered(text: str, *, user: User = ANN, **more: Any) -> UserMemory:
    """A memory of a person."""
    return UserMemory(
        memory_id=MemoryId(f"mem_{text}"),
        user_id=user.id,
        memory=text,
        valid_from=AT,
        created_at=AT,
        updated_at=AT,
        **more,
    )


def task_of(user: User | None = ANN) -> Task:
    """A first attempt."""
    return Task(
        task_id=TaskId("task_1"),
        session_id=SESSION,
        position=1,
        epoch=1,
        attempt=1,
        agent_id=AgentId("assistant"),
        user=user,
        prompt="",
    )


def context_of(*texts: str, history: Sequence[PastRun] = (), memories: Sequence[UserMemory] | None = None) -> Context:
    """What Ann says, after what was said before."""
    prompt = tuple(spoken(text, seq=n) for n, text in enumerate(texts or ("hello",), 100))
    return Context(
        asker=ANN, prompt=prompt, history=tuple(history), memories=None if memories is None else tuple(memories)
    )


def agent_with(*tools: Tool, **settings: Any) -> Agent:
    """An agent with these tools."""
    named = {tool.name: tool for tool in tools}
    return Agent(agent_id=AgentId("assistant"), model=MODEL, instructions="Be kind.", tools=named, **settings)


@dataclass(slots=True)
class Running:
    """A run and what is seen of it."""

    progress: Progress = field(default_factory=Progress)
    events: list[Event] = field(default_factory=list)
    journal: dict[int, Turn] = field(default_factory=dict)
    has_streamed: asyncio.Event = field(default_factory=asyncio.Event)

    def emit(self, event: Event) -> None:
        """What the run tells."""
        self.events.append(event)
        if isinstance(event, TextDelta):
            self.has_streamed.set()

    async def record_calls(self, n: int, turn: Turn) -> None:
        """The journal."""
        self.journal[n] = turn

    async def record_results(self, n: int, turn: Turn) -> None:
        """The journal."""
        self.journal[n] = turn

    @property
    def streamed(self) -> str:
        """The text as it came."""
        return "".join(event.text for event in self.events if isinstance(event, TextDelta))

    async def run(self, model: Model, agent: Agent | None = None, context: Context | None = None) -> Run:
        """To its end."""
        async with asyncio.timeout(PATIENCE_S):
            return await run_agent(self.work(model, agent), context or context_of())

    def work(self, model: Model, agent: Agent | None = None) -> Work:
        """A first attempt at Ann's task."""
        return Work(
            agent=agent or agent_with(),
            model=model,
            task=task_of(),
            journal=self,
            emit=self.emit,
            progress=self.progress,
        )


def ann(user_id: str) -> User:
    """Another person called Ann."""
    return User(id=UserId(user_id), first_name="Ann")


class PlainModel:
    """A model without a wire: for replies and faults that no wire of ours can carry. One reply, or fault, per call."""

    def __init__(self, *replies: ModelReply | BaseException, facts: JsonValue = None) -> None:
        self._replies = list(replies)
        self._facts = facts
        self.requests: list[ModelRequest] = []

    async def stream(self, request: ModelRequest) -> AsyncGenerator[str | ModelReply, None]:
        """The reply's text in one piece, then the reply."""
        self.requests.append(request)
        reply = self._replies.pop(0)
        if isinstance(reply, BaseException):
            raise reply
        for block in reply.content:
            if block.get("type") == "text":
                yield str(block["text"])
        yield reply

    async def for_anybody(self, user_id: UserId) -> "PlainModel":
        """This one, whoever pays."""
        return self

    async def complete_json(self, request: ModelRequest, schema: JsonObject) -> tuple[JsonValue, Usage]:
        """The facts, always."""
        return self._facts, Usage()


def reply_of(*content: JsonObject, stop_reason: str = "end_turn") -> ModelReply:
    """A finished call."""
    return ModelReply(content=content, stop_reason=stop_reason, usage=Usage(output_tokens=1), model=MODEL)


def text_reply(text: str) -> ModelReply:
    """A call that says this."""
    return reply_of({"type": "text", "text": text})


def tool_reply(name: str, arguments: JsonObject) -> ModelReply:
    """A call that asks for one tool."""
    return reply_of({"type": "tool_use", "id": "toolu_1", "name": name, "input": arguments}, stop_reason="tool_use")


class EchoModel:
    """Answers every request with what was asked; for many sessions at once, where no script could tell the order.

    While `may_answer` is cleared, calls wait. `running` counts the calls that are on; `most` is the highest it was.
    """

    def __init__(self) -> None:
        self.requests: list[ModelRequest] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.running = 0
        self.most = 0
        self.changed = asyncio.Condition()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[str | ModelReply, None]:
        """The texts of the last message of people, without labels and memory block."""
        self.requests.append(request)
        await self._count(1)
        try:
            await self.may_answer.wait()
        finally:
            await self._count(-1)
        answer = " + ".join(question_of(request))
        yield answer
        yield text_reply(answer)

    async def complete_json(self, request: ModelRequest, schema: JsonObject) -> tuple[JsonValue, Usage]:
        """Nothing is a fact."""
        return {"operations": []}, Usage()

    async def _count(self, change: int) -> None:
        async with self.changed:
            self.running += change
            self.most = max(self.most, self.running)
            self.changed.notify_all()

    async def wait_until_running(self, count: int) -> None:
        """Until so many calls are on at once."""
        async with asyncio.timeout(PATIENCE_S), self.changed:
            await self.changed.wait_for(lambda: self.running >= count)


def all_text(request: ModelRequest) -> str:
    """All that a model reads of the thread."""
    blocks = (block for message in request.messages for block in message.blocks)
    return "\n".join(block.text for block in blocks if isinstance(block, Text | ToolResult))


def question_of(request: ModelRequest) -> list[str]:
    """What people say in the last message, without labels and memory block."""
    blocks = [block.text for block in request.messages[-1].blocks if isinstance(block, Text)]
    return [text.partition(f"{CLOSE}\n")[2] for text in blocks if not text.startswith(MEMORY_HEAD)]
