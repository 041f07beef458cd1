"""A request as the demo rules see it: who asks what, what was said before, what is remembered, what tools gave back."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from agent.records import JsonObject, JsonValue
from agent.speech import CLOSE, MEMORY_HEAD, OPEN
from gateway.demo.wire import WireRequest, digest

TEXT_LIMIT = 4_000
"""How much of a message the rules read: their patterns are simple, but not all of them are linear."""

_LABELLED = re.compile(rf"{OPEN}([^{OPEN}{CLOSE}]+) · ([0-9a-f]{{6}}|operator){CLOSE}\n(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Something said in the thread. The agent's own words have no tag; words without a label have neither."""

    name: str
    tag: str
    text: str
    is_agent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolAnswer:
    """What a tool gave back in this run."""

    name: str
    arguments: JsonObject
    text: str
    is_error: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """`question` is what the asker says now, in one text; `before` all that was said earlier, in order.

    `memory` is none where there is no memory block. `seed` differs from question to question.
    """

    asker: str
    tag: str
    question: str
    before: tuple[Said, ...]
    memory: tuple[str, ...] | None
    results: tuple[ToolAnswer, ...]
    tools: tuple[JsonObject, ...]
    seed: str

    @property
    def is_first_contact(self) -> bool:
        """Whether the agent has not said anything here yet."""
        return not any(said.is_agent for said in self.before)

    @property
    def own_words(self) -> tuple[str, ...]:
        """What the asker said before."""
        return tuple(said.text for said in self.before if not said.is_agent and said.tag == self.tag)

    @property
    def people(self) -> dict[str, str]:
        """Everybody who spoke, by tag: the names they last had."""
        names = {said.tag: said.name for said in self.before if not said.is_agent and said.name}
        return {**names, self.tag: self.asker} if self.asker else names

    def pick(self, choices: tuple[str, ...]) -> str:
        """One of several, always the same for the same request."""
        return choices[int(self.seed[:6], 16) % len(choices)]


def read_scene(request: WireRequest) -> Scene:
    """The scene of a checked request."""
    asked = _index_of_question(request)
    spoken = [
        _read_said("user", text) for text in _texts(request.messages[asked][1]) if not text.startswith(MEMORY_HEAD)
    ]
    last = spoken[-1] if spoken else Said(name="", tag="", text="")
    question = [said.text for said in spoken if said.tag == last.tag]
    before = [
        *(said for role, blocks in request.messages[:asked] for said in _read_all(role, blocks)),
        *(said for said in spoken if said.tag != last.tag),
    ]
    return Scene(
        asker=last.name,
        tag=last.tag,
        question="\n".join(question)[:TEXT_LIMIT],
        before=tuple(before),
        memory=_read_memory(request.messages[asked][1]),
        results=tuple(_read_results(request, asked)),
        tools=request.tools,
        seed=digest([role_and_blocks[1] for role_and_blocks in _as_json(request)]),
    )


def _as_json(request: WireRequest) -> list[tuple[str, list[JsonValue]]]:
    return [(role, list[JsonValue](blocks)) for role, blocks in request.messages]


def _index_of_question(request: WireRequest) -> int:
    for index in range(len(request.messages) - 1, -1, -1):
        role, blocks = request.messages[index]
        if role == "user" and not any(block["type"] == "tool_result" for block in blocks):
            return index
    return 0


def _texts(blocks: tuple[JsonObject, ...]) -> Iterator[str]:
    return (str(block["text"]) for block in blocks if block["type"] == "text")


def _read_all(role: str, blocks: tuple[JsonObject, ...]) -> Iterator[Said]:
    return (_read_said(role, text) for text in _texts(blocks) if not text.startswith(MEMORY_HEAD))


def _read_said(role: str, text: str) -> Said:
    if role == "assistant":
        return Said(name="", tag="", text=text, is_agent=True)
    if labelled := _LABELLED.fullmatch(text):
        return Said(name=labelled[1], tag=labelled[2], text=labelled[3][:TEXT_LIMIT])
    return Said(name="", tag="", text=text[:TEXT_LIMIT])


def _read_memory(blocks: tuple[JsonObject, ...]) -> tuple[str, ...] | None:
    for text in _texts(blocks):
        if text.startswith(MEMORY_HEAD):
            return tuple(line[2:].strip() for line in text.splitlines() if line.startswith("- "))
    return None


def _read_results(request: WireRequest, asked: int) -> Iterator[ToolAnswer]:
    calls = {
        str(block["id"]): block
        for role, blocks in request.messages[asked:]
        for block in blocks
        if role == "assistant" and block["type"] == "tool_use"
    }
    for _, blocks in request.messages[asked + 1 :]:
        for block in blocks:
            if block["type"] == "tool_result" and (call := calls.get(str(block["tool_use_id"]))):
                arguments = call["input"]
                yield ToolAnswer(
                    name=str(call["name"]),
                    arguments=arguments if isinstance(arguments, dict) else {},
                    text=_result_text(block.get("content")),
                    is_error=block.get("is_error") is True,
                )


def _result_text(content: JsonValue) -> str:
    if isinstance(content, list):
        return "\n".join(str(block.get("text", "")) for block in content if isinstance(block, dict)).strip()
    return content.strip() if isinstance(content, str) else ""
