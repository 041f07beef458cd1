"""The tool with which an agent asks for a person of the team. In whose conversation comes from the task."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from pydantic import Field

from agent.tasks import Task
from agent.tools import Tool, ToolContext, build_tool

NAME = "request_human"
ASKED = "A person of the team was asked and will join here. Tell the person so; you may go on helping meanwhile."
ASKED_BEFORE = "A person of the team was asked already. Nothing more is to be done."
Ask = Callable[[Task, str, str], Awaitable[bool]]
"""Whether a person is asked now: the task, why, and what it is about. False: one was asked before."""


def build_handoff_tool(ask: Ask) -> Tool:
    """The tool `request_human`."""

    async def request_human(
        context: ToolContext,
        reason: Annotated[str, Field(min_length=1, max_length=200, description="Why a person is needed, in a line")],
        summary: Annotated[
            str, Field(max_length=1_000, description="What the team has to know to go on, in a few sentences")
        ] = "",
    ) -> str:
        """Ask a person of the team to join this conversation.

        Use it when the person asks for a human, or needs something that you cannot do or must not decide. Never say
        that somebody was asked without having used it.
        """
        return ASKED if await ask(context.task, reason, summary) else ASKED_BEFORE

    return build_tool(request_human, name=NAME, title="Asking a person to join", is_repeatable=True)
