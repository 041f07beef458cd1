"""A thread with the demo model in tests: people, the memory block, tools, all the way through the real SDK."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agent.ids import SessionId, UserId
from agent.ports import ModelMessage, ModelReply, Text, ToolResult, ToolSpec, Verbatim
from agent.pricing import DEMO_MODEL
from agent.records import Author
from agent.speech import MEMORY_END, MEMORY_HEAD, render_label
from gateway.claude import ClaudeModel
from tests.support.model_calls import ask, call, tool

SESSION = SessionId("web:demo:1")
TOOLS = (tool("current_time", timezone={"type": "string"}), tool("calculate", expression={"type": "string"}))
RESULTS = {"current_time": "2026-11-20 14:03", "calculate": "391"}


def label(name: str) -> str:
    """The label of a person."""
    return render_label(SESSION, Author(id=UserId(f"usr_{name}"), name=name))


@dataclass(slots=True)
class DemoTalk:
    """Says things in a thread and keeps it as the gateway does: without the memory block."""

    claude: ClaudeModel
    memory: Sequence[str] | None = ()
    tools: Sequence[ToolSpec] = TOOLS
    results: Mapping[str, str] = field(default_factory=lambda: RESULTS)
    thread: list[ModelMessage] = field(default_factory=list)
    replies: list[ModelReply] = field(default_factory=list)

    async def say(self, *texts: str, by: str = "Alice") -> str:
        """The whole answer to what somebody says, tools and all."""
        spoken = [Text(text=f"{label(by)}\n{text}", cache_for="5m") for text in texts]
        question = ModelMessage(role="user", blocks=(*spoken, *self._memory_block(by)))
        turns: list[ModelMessage] = []
        while True:
            request = ask(*self.thread, question, *turns, tools=self.tools, model=DEMO_MODEL, max_tokens=8_000)
            text, reply = await call(self.claude, request)
            self.replies.append(reply)
            if reply.stop_reason != "tool_use":
                break
            turns += self._run_tools(reply)
        self.thread += [ModelMessage(role="user", blocks=tuple(spoken)), *turns]
        self.thread.append(ModelMessage(role="assistant", blocks=(Text(text=text),)))
        return text

    def listen(self, text: str, *, by: str) -> None:
        """Somebody says something that the agent does not answer."""
        self.thread.append(ModelMessage(role="user", blocks=(Text(text=f"{label(by)}\n{text}"),)))

    def _memory_block(self, by: str) -> tuple[Text, ...]:
        if self.memory is None:
            return ()
        lines = [f"- {fact}" for fact in self.memory] or ["(nothing is remembered yet)"]
        return (Text(text="\n".join([f"{MEMORY_HEAD} {label(by)}.", *lines, MEMORY_END])),)

    def _run_tools(self, reply: ModelReply) -> tuple[ModelMessage, ModelMessage]:
        written = tuple(Verbatim(content=block) for block in reply.content)
        results = tuple(
            ToolResult(call_id=str(block["id"]), text=self.results[str(block["name"])]) for block in reply.content
        )
        return ModelMessage(role="assistant", blocks=written), ModelMessage(role="user", blocks=results)

    @property
    def tool_calls(self) -> list[tuple[str, object]]:
        """Every tool asked for so far, with its arguments."""
        return [
            (str(block["name"]), block["input"])
            for reply in self.replies
            for block in reply.content
            if block["type"] == "tool_use"
        ]
