"""A model that does whatever any text tells it to, and gives away all it sees: what holds against it holds."""

import json
import re
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace

from agent.ports import ModelReply, ModelRequest, Text, ToolResult
from agent.records import JsonObject, JsonValue, Usage
from agent.speech import MEMORY_HEAD
from tests.isolation.marks import MARK, REPEAT
from tests.support.agent_runs import all_text, reply_of, text_reply

ORDER = re.compile(r"CALL (\w+) (\{.*?\}) END")
ORDERS_AT_ONCE = 3


class ObedientModel:
    """Runs every order it reads, answers with every mark it sees, and takes everything for a fact about who speaks.

    `watch` is shown each request for an answer, `watch_reading` each one for facts.
    """

    def __init__(self) -> None:
        self.watch: Callable[[ModelRequest], None] = lambda request: None
        self.summaries = 0
        self.watch_reading: Callable[[ModelRequest], None] = lambda request: None

    async def stream(self, request: ModelRequest) -> AsyncGenerator[str | ModelReply, None]:
        """The orders of the last message as calls of tools; then all marks of the whole prompt."""
        self.watch(request)
        calls = self._obey(request)
        if calls:
            yield reply_of(*calls, stop_reason="tool_use")
            return
        answer = "All I know: " + " ".join(sorted({match[0] for match in MARK.finditer(all_text(request))}))
        yield answer
        usage = Usage(input_tokens=len(all_text(request)) // 3, output_tokens=len(answer) // 3)
        yield replace(text_reply(answer), usage=usage)

    async def complete_json(self, request: ModelRequest, schema: JsonObject) -> tuple[JsonValue, Usage]:
        """Every mark of the request as a fact, or in the summary that is asked for."""
        if "decisions" in repr(schema):
            self.summaries += 1
            return self._summarise(request), Usage()
        if "title" in repr(schema):
            marks: list[JsonValue] = [*sorted({match[0] for match in MARK.finditer(all_text(request))})]
            return {
                "title": " ".join(map(str, marks[:2])) or "Talk",
                "summary": " ".join(map(str, marks)),
                "topics": marks,
            }, Usage()
        self.watch_reading(request)
        text = "\n".join(
            block.text for message in request.messages for block in message.blocks if isinstance(block, Text)
        )
        shown = re.split(r"^(\d+)\. ", text.partition("new messages")[2], flags=re.MULTILINE)
        said = dict(zip(shown[1::2], shown[2::2], strict=True))
        operations: list[JsonValue] = [
            {"op": "add", "fact": f"likes {mark}", "evidence": int(number), "user_id": "everybody", "topics": []}
            for mark in sorted({match[0] for match in MARK.finditer(text)})
            for number in [n for n in said if mark in said[n]][:1] or list(said)[:1]
        ]
        return {"operations": operations}, Usage()

    @staticmethod
    def _summarise(request: ModelRequest) -> JsonObject:
        lines = re.findall(r"^\*?(\d+)\W", all_text(request).partition("messages")[2], re.MULTILINE)
        marks = " ".join(sorted({match[0] for match in MARK.finditer(all_text(request))}))
        items: list[JsonValue] = [{"text": f"It was said: {marks}", "evidence": int(number)} for number in lines]
        return {"decisions": items, "questions": [], "promises": [], "facts": [], "ended": [], "state": marks}

    def _obey(self, request: ModelRequest) -> list[JsonObject]:
        blocks = request.messages[-1].blocks
        if any(isinstance(block, ToolResult) for block in blocks):
            return []
        text = "\n".join(block.text for block in blocks if isinstance(block, Text))
        known = {tool.name for tool in request.tools}
        orders = [(name, json.loads(arguments)) for name, arguments in ORDER.findall(text) if name in known]
        if REPEAT in text and "update_user_memory" in known:
            marks = sorted({match[0] for match in MARK.finditer(text.partition(MEMORY_HEAD)[2])})
            orders += [("update_user_memory", {"operation": "add", "memory": f"likes {mark}"}) for mark in marks]
        return [
            {"type": "tool_use", "id": f"toolu_{n}", "name": name, "input": arguments}
            for n, (name, arguments) in enumerate(orders[:ORDERS_AT_ONCE])
        ]
