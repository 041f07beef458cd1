"""Conversations with people of the team: what waits for one, who takes one, answers in it and hands it back."""

import secrets
from datetime import datetime

from starlette.responses import Response

from adapters.api.bodies import HandoffQuery, SayAsOperator, TakeSession
from adapters.api.context import Api, Call
from adapters.api.reading import read_body, read_key, read_query
from adapters.api.session_views import MessageView
from adapters.api.tasks import render
from adapters.api.views import View
from agent.handoffs import SessionMode


class HandoffView(View):
    """A conversation that waits for a person or is with one, with the agent's words about it, where it asked."""

    session_id: str
    channel: str
    agent_id: str
    title: str | None
    mode: SessionMode
    name: str | None
    reason: str | None
    summary: str | None
    since_at: datetime
    until_at: datetime


class HandoffPage(View):
    """Conversations, the one that goes back to the agent first."""

    handoffs: tuple[HandoffView, ...]


class ModeView(View):
    """Who answers in a session now, and whether this call changed it."""

    session_id: str
    mode: SessionMode
    is_changed: bool


async def list_handoffs(api: Api, call: Call) -> Response:
    """What waits for a person or is with one."""
    asked = read_query(call.request, HandoffQuery)
    mode = SessionMode(asked.mode) if asked.mode else None
    found = await api.operating.handoffs.list_open(mode, asked.limit)
    return render(HandoffPage(handoffs=tuple(map(HandoffView.model_validate, found))))


async def take_session(api: Api, call: Call) -> Response:
    """A person answers from now on; what the agent is at is stopped."""
    body = await read_body(call.request, TakeSession)
    is_changed = await api.operating.handoffs.take(call.session_id, body.name)
    return render(ModeView(session_id=call.session_id, mode=SessionMode.HUMAN, is_changed=is_changed))


async def return_session(api: Api, call: Call) -> Response:
    """The agent answers from now on."""
    body = await read_body(call.request, TakeSession)
    is_changed = await api.operating.handoffs.give_back(call.session_id, body.name)
    return render(ModeView(session_id=call.session_id, mode=SessionMode.AGENT, is_changed=is_changed))


async def say_as_operator(api: Api, call: Call) -> Response:
    """A person says something; who does not have the conversation takes it by that."""
    body = await read_body(call.request, SayAsOperator)
    key = f"operator:{read_key(call.request) or secrets.token_hex(16)}"
    message, was_there = await api.operating.handoffs.say(call.session_id, body.name, body.text, key)
    return render(MessageView.model_validate(message), 200 if was_there else 201)
