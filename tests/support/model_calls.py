"""Requests for a model in tests, and a call of it to the end."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from agent.ports import Block, ModelMessage, ModelReply, ModelRequest, Text, ToolSpec
from agent.records import JsonObject
from gateway.claude import CallLimits, ClaudeModel
from tests.support.model_steps import Step
from tests.support.scripted_model import QUICK, ScriptedModel, build_scripted_claude

MODEL = "claude-sonnet-5"


def tool(name: str, **properties: JsonObject) -> ToolSpec:
    """A tool whose arguments are all texts unless said otherwise."""
    return ToolSpec(name=name, description=name, input_schema={"type": "object", "properties": {**properties}})


def user(*blocks: Block | str) -> ModelMessage:
    """A message of people."""
    return ModelMessage(role="user", blocks=tuple(Text(text=b) if isinstance(b, str) else b for b in blocks))


def assistant(*blocks: Block | str) -> ModelMessage:
    """A message of the model."""
    return ModelMessage(role="assistant", blocks=tuple(Text(text=b) if isinstance(b, str) else b for b in blocks))


def ask(
    *messages: ModelMessage | str, tools: Sequence[ToolSpec] = (), model: str = MODEL, max_tokens: int = 1_000
) -> ModelRequest:
    """A request; a bare text is a message of a person."""
    return ModelRequest(
        model=model,
        max_tokens=max_tokens,
        system=(Text(text="Be kind.", cache_for="1h"),),
        tools=tuple(tools),
        messages=tuple(user(m) if isinstance(m, str) else m for m in messages or ("hello",)),
    )


async def call(model: ClaudeModel, request: ModelRequest) -> tuple[str, ModelReply]:
    """The text as it streamed, and the reply that ends every stream."""
    async with asyncio.timeout(5):
        *pieces, reply = [item async for item in model.stream(request)]
    assert isinstance(reply, ModelReply)
    assert all(isinstance(piece, str) for piece in pieces)
    return "".join(str(piece) for piece in pieces), reply


@asynccontextmanager
async def scripted(*steps: Step, limits: CallLimits = QUICK) -> AsyncIterator[tuple[ScriptedModel, ClaudeModel]]:
    """A scripted model and the real SDK over it, closed and checked at the end. Prompts may move."""
    model = ScriptedModel(checks_prefix=False)
    model.add(*steps)
    claude = build_scripted_claude(model, limits)
    try:
        async with model:
            yield model, claude
    finally:
        await claude.aclose()
