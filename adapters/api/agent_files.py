"""What agents know, in files with revisions: for operators."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field
from starlette.responses import Response

from adapters.api.bodies import NoQuery, Sent
from adapters.api.context import Api, Call, no_such
from adapters.api.reading import read_body, read_query
from adapters.api.tasks import render
from adapters.api.views import View
from agent.agent_memories import CAUSE_CHARACTERS, FILE_CHARACTERS, AgentFile, RevisionState
from agent.ids import AgentId

MAX_LISTED = 200
MAX_REVISION = 2**31 - 1
Cause = Annotated[str, Field(max_length=CAUSE_CHARACTERS, description="Why, in one line.")]


class WriteFile(Sent):
    """A file's whole new text, live at once."""

    text: str = Field(description=f"Markdown, 1 to {FILE_CHARACTERS:,} characters, without secrets.")
    cause: Cause


class RemovalQuery(NoQuery):
    """Why it goes."""

    cause: Cause


class RevisionQuery(NoQuery):
    """Which revisions."""

    name: str | None = Field(default=None, max_length=100, description="Only of this file.")
    state: Literal["proposed", "live", "replaced", "rejected"] | None = Field(
        default=None, description="Only in this state."
    )
    limit: int = Field(default=50, ge=1, le=MAX_LISTED, description="How many at most.")


class FileView(View):
    """A live file, and the number of its revision."""

    agent_id: str
    name: str
    revision: int
    markdown: str


class FilesView(View):
    """An agent's live files, by name."""

    files: tuple[FileView, ...]


class RevisionView(View):
    """One version of a file, by whom and why. `markdown` is null where it takes the file away."""

    agent_id: str
    name: str
    revision: int
    markdown: str | None
    state: RevisionState
    author: str
    cause: str
    based_on: int
    made_at: datetime
    decided_by: str | None
    decided_at: datetime | None


class RevisionsView(View):
    """Revisions, the newest first."""

    revisions: tuple[RevisionView, ...]


async def list_agent_files(api: Api, call: Call) -> Response:
    """The files that stand in every prompt of an agent."""
    read_query(call.request, NoQuery)
    files = await api.operating.files.list_files([_agent_of(api, call)])
    return render(FilesView(files=tuple(map(FileView.model_validate, files))))


async def show_agent_file(api: Api, call: Call) -> Response:
    """One of them."""
    read_query(call.request, NoQuery)
    return render(FileView.model_validate(await _find_file(api, call)))


async def write_agent_file(api: Api, call: Call) -> Response:
    """Write a file; it is live at once."""
    body = await read_body(call.request, WriteFile)
    agent_id, name = _agent_of(api, call), call.request.path_params["name"]
    made = await api.operating.files.write_file(agent_id, name, body.text, by=call.token.name, cause=body.cause)
    return render(RevisionView.model_validate(made))


async def remove_agent_file(api: Api, call: Call) -> Response:
    """Take a file away; its revisions stay."""
    query = read_query(call.request, RemovalQuery)
    file = await _find_file(api, call)
    made = await api.operating.files.write_file(file.agent_id, file.name, None, by=call.token.name, cause=query.cause)
    return render(RevisionView.model_validate(made))


async def list_agent_revisions(api: Api, call: Call) -> Response:
    """Revisions of an agent's files."""
    query = read_query(call.request, RevisionQuery)
    state = RevisionState(query.state) if query.state else None
    found = await api.operating.files.list_revisions(_agent_of(api, call), query.name, state, query.limit)
    return render(RevisionsView(revisions=tuple(map(RevisionView.model_validate, found))))


async def approve_agent_revision(api: Api, call: Call) -> Response:
    """Make a proposed revision live."""
    place = await _find_place(api, call)
    made = await api.operating.files.approve(place.agent_id, place.name, place.revision, by=call.token.name)
    return render(RevisionView.model_validate(made))


async def reject_agent_revision(api: Api, call: Call) -> Response:
    """Decline a proposed revision."""
    place = await _find_place(api, call)
    made = await api.operating.files.reject(place.agent_id, place.name, place.revision, by=call.token.name)
    return render(RevisionView.model_validate(made))


async def restore_agent_revision(api: Api, call: Call) -> Response:
    """Make an earlier revision's text live again, as a new revision."""
    place = await _find_place(api, call)
    made = await api.operating.files.roll_back(place.agent_id, place.name, place.revision, by=call.token.name)
    return render(RevisionView.model_validate(made))


async def _find_file(api: Api, call: Call) -> AgentFile:
    name = call.request.path_params["name"]
    files = await api.operating.files.list_files([_agent_of(api, call)])
    found = next((file for file in files if file.name == name), None)
    if found is None:
        raise no_such("file")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    agent_id: AgentId
    name: str
    revision: int


async def _find_place(api: Api, call: Call) -> _Place:
    read_query(call.request, NoQuery)
    text = call.request.path_params["revision"]
    if not (text.isascii() and text.isdecimal() and len(text) <= 10 and 1 <= int(text) <= MAX_REVISION):
        raise no_such("revision")
    return _Place(agent_id=_agent_of(api, call), name=call.request.path_params["name"], revision=int(text))


def _agent_of(api: Api, call: Call) -> AgentId:
    agent_id = AgentId(call.request.path_params["agent_id"])
    if agent_id not in api.agents:
        raise no_such("agent")
    return agent_id
