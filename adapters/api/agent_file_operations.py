"""The operations on what agents know, for operators."""

from adapters.api import agent_files
from adapters.api.agent_files import (
    FilesView,
    FileView,
    RemovalQuery,
    RevisionQuery,
    RevisionsView,
    RevisionView,
    WriteFile,
)
from adapters.api.errors import ErrorCode
from adapters.api.operation import OF_A_BODY, OF_ONE, Handler, Operation
from adapters.api.tokens import Scope

AGENT = "/api/v1/agents/{agent_id}"
FILE = f"{AGENT}/files/{{name}}"


def _decide(word: str, handler: Handler, summary: str) -> Operation:
    return Operation(
        method="POST",
        path=f"{FILE}/revisions/{{revision}}/{word}",
        handler=handler,
        summary=summary,
        answers={200: RevisionView},
        scope=Scope.OPERATOR,
        errors=(*OF_ONE, ErrorCode.CONFLICT),
    )


AGENT_FILE_OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="GET",
        path=f"{AGENT}/files",
        handler=agent_files.list_agent_files,
        summary="List what an agent knows: its live files",
        answers={200: FilesView},
        scope=Scope.OPERATOR,
        errors=OF_ONE,
    ),
    Operation(
        method="GET",
        path=FILE,
        handler=agent_files.show_agent_file,
        summary="Read a file of an agent",
        answers={200: FileView},
        scope=Scope.OPERATOR,
        errors=OF_ONE,
    ),
    Operation(
        method="PUT",
        path=FILE,
        handler=agent_files.write_agent_file,
        summary="Write a file of an agent, live at once",
        body=WriteFile,
        answers={200: RevisionView},
        scope=Scope.OPERATOR,
        errors=(*OF_ONE, *OF_A_BODY),
    ),
    Operation(
        method="DELETE",
        path=FILE,
        handler=agent_files.remove_agent_file,
        summary="Take a file of an agent away",
        query=RemovalQuery,
        answers={200: RevisionView},
        scope=Scope.OPERATOR,
        errors=OF_ONE,
    ),
    Operation(
        method="GET",
        path=f"{AGENT}/revisions",
        handler=agent_files.list_agent_revisions,
        summary="List revisions of an agent's files, the newest first",
        query=RevisionQuery,
        answers={200: RevisionsView},
        scope=Scope.OPERATOR,
        errors=OF_ONE,
    ),
    _decide("approve", agent_files.approve_agent_revision, "Make a proposed revision live"),
    _decide("reject", agent_files.reject_agent_revision, "Decline a proposed revision"),
    _decide("restore", agent_files.restore_agent_revision, "Make an earlier revision's text live again"),
)
