"""Tools that need the approval of the person who asked: what is held back, how it is shown, how it goes on. Pure.

run 1: the model calls the tool ─► held back, nothing runs ─► the run ends with the question
run 2: the person decides ─► the same call stands as this run's first turn, and runs or is answered
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from agent.asks import AWAITED, ApprovalState, Ask, Decision
from agent.ids import ApprovalId, RunId, SessionId, UserId, new_approval_id
from agent.ports import ModelReply
from agent.records import JsonObject, JsonValue, ToolCall, Turn, Usage
from agent.secret_gate import redact
from agent.speech import UNNAMED
from agent.text import storable_object
from agent.tools import Tool, ToolUse, find_argument_fault

REFUSED = "Not run: the person who asked has refused this call. Do not make it again unless they ask for it."
EXPIRED = "Not run: this call was not approved in time. Do not make it again unless somebody asks for it."
NOBODY_ASKED = "Not run: this tool needs the approval of the person who asks, and nobody in particular asked."
NEEDS_APPROVAL = "approval"
"""The stop reason of a run that ended with the question."""
_ANSWERS = {ApprovalState.REFUSED: REFUSED, ApprovalState.EXPIRED: EXPIRED}
_WORDS = {ApprovalState.APPROVED: "Approved", ApprovalState.REFUSED: "Refused", ApprovalState.EXPIRED: "Not in time"}
DECISIONS: Mapping[str, Decision] = {"approve": "approved", "refuse": "refused"}
"""What the buttons under a question are called, and what each decides."""
HIDDEN = "(hidden)"
LINES, LINE_CHARACTERS = 20, 200
TITLE_CHARACTERS = 80
_SECRET_NAME = re.compile(r"pass(word|wd|phrase)|secret|token|api_?key|credential|authorization|\bpin\b", re.IGNORECASE)
_MARKUP = re.compile(r"[\\`*_~\[\]()<>|#!&@\s]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A call about which a person decided, as the run that goes on with it is given it."""

    approval_id: ApprovalId
    name: str
    arguments: JsonObject
    state: ApprovalState


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A call that needs or needed approval. Only the person `user_id` may decide about it."""

    approval_id: ApprovalId
    session_id: SessionId
    run_id: RunId
    user_id: UserId
    user_name: str
    tool: str
    title: str
    arguments: JsonObject
    state: ApprovalState
    asked_at: datetime
    expires_at: datetime
    decided_at: datetime | None


def hold_calls(
    tools: Mapping[str, Tool], uses: Iterable[ToolUse], decided: Sequence[Decided], *, has_asker: bool
) -> dict[str, ToolCall]:
    """By call id what is not to be run now, with what the model is told instead.

    A call whose arguments do not fit is no question to anybody: the model is told at once.
    """
    known = {one.approval_id: one for one in decided}
    held: dict[str, ToolCall] = {}
    for use in uses:
        tool, decision = tools.get(use.name), known.get(ApprovalId(use.call_id))
        if decision is not None:
            if (answer := _ANSWERS.get(decision.state)) is not None:
                held[use.call_id] = _answer(use, answer, is_error=True)
        elif tool is not None and tool.needs_approval:
            if not has_asker:
                held[use.call_id] = _answer(use, NOBODY_ASKED, is_error=True)
            elif (fault := find_argument_fault(tool, use.arguments)) is not None:
                held[use.call_id] = _answer(use, fault, is_error=True)
            else:
                held[use.call_id] = _answer(use, AWAITED, is_error=False)
    return held


def _answer(use: ToolUse, text: str, *, is_error: bool) -> ToolCall:
    arguments = storable_object(use.arguments)
    return ToolCall(call_id=use.call_id, name=use.name, arguments=arguments, result=text, is_error=is_error)


def find_awaited(tools: Mapping[str, Tool], turns: Iterable[Turn]) -> list[ToolCall]:
    """The calls of a run that wait for somebody's word."""
    calls = (call for turn in turns for call in turn.tool_calls if call.result == AWAITED and not call.is_error)
    return [call for call in calls if (tool := tools.get(call.name)) and (tool.needs_approval or tool.may_ask)]


def list_approved(decided: Iterable[Decided]) -> frozenset[str]:
    """The ids of the calls that the person who asked has said yes to."""
    return frozenset(one.approval_id for one in decided if one.state is ApprovalState.APPROVED)


def build_ask(tools: Mapping[str, Tool], call: ToolCall, user_id: UserId) -> Ask:
    """The question about a call."""
    tool = tools.get(call.name)
    title = plain(tool.title if tool else call.name)[:TITLE_CHARACTERS]
    return Ask(approval_id=new_approval_id(), call_id=call.call_id, title=title, user_id=user_id)


def build_calls(decided: Iterable[Decided], model: str) -> ModelReply:
    """The calls that were decided about, as if the model had just made them."""
    blocks: list[JsonObject] = [
        {"type": "tool_use", "id": one.approval_id, "name": one.name, "input": one.arguments} for one in decided
    ]
    return ModelReply(content=tuple(blocks), stop_reason="tool_use", usage=Usage(), model=model)


def render_question(asks: Sequence[tuple[Ask, ToolCall]], name: str) -> str:
    """What everybody in the thread reads: who is asked, for which tools, with which arguments."""
    who = plain(name) or UNNAMED
    parts = [f"**{ask.title}** waits for the approval of {who}." + _fence(call) for ask, call in asks]
    return "\n\n".join(parts)


def _fence(call: ToolCall) -> str:
    lines = render_arguments(call.arguments)
    return "\n\n```\n" + "\n".join(lines).replace("```", "'''") + "\n```" if lines else ""


def render_arguments(arguments: JsonObject) -> list[str]:
    """The arguments as plain lines, long ones cut, and without secrets."""
    lines = [f"{_one_line(name)}: {_render_value(name, value)}" for name, value in arguments.items()]
    lines = [line if len(line) <= LINE_CHARACTERS else f"{line[:LINE_CHARACTERS]}…" for line in map(redact, lines)]
    return lines if len(lines) <= LINES else [*lines[:LINES], f"… and {len(lines) - LINES} more"]


def _render_value(name: str, value: JsonValue) -> str:
    if _SECRET_NAME.search(name):
        return HIDDEN
    if isinstance(value, dict):
        return ", ".join(f"{_one_line(key)}: {_render_value(key, item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(_render_value(name, item) for item in value)
    return _one_line(value) if isinstance(value, str) else json.dumps(value)


def _one_line(text: str) -> str:
    return " ".join(text[: 4 * LINE_CHARACTERS].split())


def render_decision(state: ApprovalState, title: str) -> str:
    """What stands in the thread for a decision. Nothing of it is the model's: it is taken for the person's words."""
    return f"{_WORDS[state]}: {title}"


def plain(text: str) -> str:
    """A name in which nothing is markup."""
    return _MARKUP.sub(" ", text).strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A button under a question: `name` is a key of `DECISIONS`."""

    name: str
    label: str
    approval_id: ApprovalId


def list_choices(asks: Sequence[Ask]) -> list[Choice]:
    """The buttons for all that a message asks; each says which call it is for where there are several."""
    return [
        Choice(
            name=name,
            label=name.capitalize() if len(asks) == 1 else f"{name.capitalize()} {n}: {ask.title}",
            approval_id=ask.approval_id,
        )
        for n, ask in enumerate(asks, 1)
        for name in DECISIONS
    ]
