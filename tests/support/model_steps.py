"""The steps of a `ScriptedModel`: what it answers, fails with, or holds back, and which request it expects."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from agent.records import JsonObject
from agent.speech import CLOSE, MEMORY_HEAD, OPEN
from gateway.demo.wire import WireError, WireRequest, text_block, tool_use_block

Predicate: TypeAlias = Callable[[WireRequest], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One answer. Where `pieces` are given they cut the first text block; `gate` holds the stream after each piece
    until it is set, and `hold` holds the whole answer until it is set. `error` is sent in the place of the answer, or
    after `pieces` in mid-stream; `is_cut` ends the stream without its end. `may_move` allows the prompt to change.
    """

    content: tuple[JsonObject, ...] = ()
    stop_reason: str = "end_turn"
    pieces: tuple[str, ...] = ()
    error: WireError | None = None
    hold: asyncio.Event | None = None
    gate: "Gate | None" = None
    is_cut: bool = False
    may_move: bool = False
    when: Predicate | None = None


class Gate:
    """Lets a stream's pieces through one at a time, or all at once."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(0)
        self._is_open = False
        self.reached = asyncio.Event()

    def let(self, pieces: int = 1) -> None:
        """Lets some more pieces through."""
        for _ in range(pieces):
            self._free.release()

    def open(self) -> None:
        """Lets everything through from now on."""
        self._is_open = True
        self._free.release()

    async def wait(self) -> None:
        """Waits for its turn; `reached` is set when the stream waits here for the first time."""
        self.reached.set()
        if not self._is_open:
            await self._free.acquire()


def says(text: str, *, stop_reason: str = "end_turn") -> Step:
    """A text."""
    return Step(content=(text_block(text),), stop_reason=stop_reason)


def says_slowly(pieces: Sequence[str], gate: Gate) -> Step:
    """A text whose pieces wait at a gate, each before it is sent."""
    return Step(content=(text_block("".join(pieces)),), pieces=tuple(pieces), gate=gate)


_call_ids = iter(range(10**9))


def calls(*tools: tuple[str, JsonObject], text: str = "") -> Step:
    """Calls of tools side by side, after a text where one is given. Each gets an id of its own."""
    blocks = [tool_use_block(f"toolu_{next(_call_ids)}", name, arguments) for name, arguments in tools]
    return Step(content=(*([text_block(text)] if text else []), *blocks), stop_reason="tool_use")


def blocks(*content: JsonObject, stop_reason: str = "end_turn") -> Step:
    """Any blocks: thinking, redacted thinking, or what the API will have tomorrow."""
    return Step(content=content, stop_reason=stop_reason)


def fails(status: int, kind: str, message: str = "scripted", *, retry_after_s: float | None = None) -> Step:
    """An error status in the place of an answer."""
    headers = {} if retry_after_s is None else {"retry-after": str(retry_after_s)}
    return Step(error=WireError(status, kind, message, headers=headers))


def breaks(*pieces: str, kind: str = "overloaded_error", message: str = "scripted") -> Step:
    """An `error` event in mid-stream, after some text."""
    return Step(
        content=(text_block("".join(pieces) or "…"),), pieces=pieces or ("…",), error=WireError(200, kind, message)
    )


def is_cut_off(*pieces: str) -> Step:
    """A stream that ends in the middle of its text."""
    return Step(content=(text_block("".join(pieces)),), pieces=pieces, is_cut=True)


def hangs(until: asyncio.Event, then: Step) -> Step:
    """An answer that does not begin until it is let."""
    return replace(then, hold=until)


def last_text(request: WireRequest) -> str:
    """The last text of a person in a request, without its label and without the memory block."""
    texts = [
        str(block["text"])
        for role, content in request.messages
        for block in content
        if role == "user" and block["type"] == "text" and not str(block["text"]).startswith(MEMORY_HEAD)
    ]
    return texts[-1].partition(f"{CLOSE}\n")[2] if texts and texts[-1].startswith(OPEN) else (texts or [""])[-1]


def last_text_has(words: str) -> Predicate:
    """Suits a request whose last text of a person has some words."""
    return lambda request: words in last_text(request)


def prompt_text(request: WireRequest) -> str:
    """All that the model reads, in one text: for looking for what must, or must not, stand there."""
    parts: list[str] = [str(block["text"]) for block in request.system]
    for _, content in request.messages:
        parts += [str(block.get("text", block.get("content", ""))) for block in content]
    return "\n".join(parts)


def first_label(request: WireRequest) -> str:
    """Tells sessions apart by the label of their first message, whose tag is unrelated from session to session."""
    for block in request.messages[0][1]:
        if block["type"] == "text":
            return str(block["text"]).partition("\n")[0]
    return ""


def content_of(requests: Iterable[WireRequest]) -> list[str]:
    """The last text of each request."""
    return [last_text(request) for request in requests]


def describe_step(step: Step) -> str:
    """A step for a failure's text."""
    return (
        f"{step.error!r}"
        if step.error
        else " ".join(str(b.get("text", b.get("name", b["type"]))) for b in step.content)
    )
