"""The tools with which an agent looks into its own thread: results that were cut, and what was said long ago.

Which thread that is comes from the task, never from the model.
"""

from typing import Annotated

from pydantic import Field

from agent.errors import ToolError
from agent.payloads import READ_RESULT, count_pages, find_passages, read_page
from agent.records import Message
from agent.speech import render_label
from agent.tools import Tool, ToolContext, build_tool
from gateway.agents import AgentConfig, Agents
from memory.context import Sessions
from memory.search import Search

SEARCH_CONVERSATION = "search_conversation"
FOUND = 10
FOUND_CHARACTERS = 1_200


def add_session_tools(agents: Agents, sessions: Sessions, search: Search, *, has_servers: bool = False) -> Agents:
    """The agents with `search_conversation` where what is said is stored, and `read_result` where results may be long.

    `has_servers`: any agent may have tools of servers beside its own.
    """
    read_result, search_conversation = build_read_result(sessions), build_search_conversation(search)

    def find(config: AgentConfig) -> list[Tool]:
        reading = [read_result] if config.agent.tools or has_servers else []
        return [*reading, search_conversation] if config.is_stored else reading

    return agents.with_tools(find)


def build_read_result(sessions: Sessions) -> Tool:
    """The tool `read_result`."""

    async def read_result(
        context: ToolContext,
        id: Annotated[str, Field(max_length=200, description="The id that stands at the cut")],  # noqa: A002
        page: Annotated[int, Field(ge=1, description="Which page to read, from 1")] = 1,
        query: Annotated[
            str, Field(max_length=200, description="Give the passages where these words stand, rather than a page")
        ] = "",
    ) -> str:
        """Read the whole of a tool's result in this conversation that was too long to be shown."""
        text = await sessions.load_result(context.task.session_id, id.strip())
        if text is None:
            raise ToolError("id: there is no result with this id in this conversation.")
        if query.strip():
            return "\n".join(find_passages(text, query)) or "The query stands nowhere in it."
        shown = read_page(text, page)
        if shown is None:
            raise ToolError(f"page: expected 1 to {count_pages(text)}")
        return shown

    return build_tool(read_result, name=READ_RESULT, title="Reading a long result", is_repeatable=True)


def build_search_conversation(search: Search) -> Tool:
    """The tool `search_conversation`."""

    async def search_conversation(
        context: ToolContext,
        query: Annotated[str, Field(min_length=1, max_length=500, description="Names and words to look for")],
    ) -> str:
        """Find what was said earlier in this conversation, also long ago and in what was summarised since."""
        user = context.task.user
        found = await search.find_in_session(context.task.session_id, user.id if user else None, query, FOUND)
        lines = [_render(message) for message in sorted((one.message for one in found), key=lambda said: said.seq)]
        return "\n\n".join(lines) or "Nothing that was said here has to do with it."

    return build_tool(search_conversation, title="Looking through the conversation", is_repeatable=True)


def _render(message: Message) -> str:
    """Who said it and when; as a tool's result it loses the characters that labels are made of."""
    label = render_label(message.session_id, message.author)[1:-1]
    return f"{label}, {message.at:%Y-%m-%d %H:%M} UTC:\n{message.text[:FOUND_CHARACTERS]}"
