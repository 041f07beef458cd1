"""The operations on memories: on anybody's with an API token, and on one's own with a person's token."""

from pydantic import BaseModel

from adapters.api import memories
from adapters.api.bodies import NoQuery
from adapters.api.errors import ErrorCode
from adapters.api.memory_bodies import (
    DeleteMemories,
    ExportQuery,
    ImportMemories,
    MemoryQuery,
    OptimizeMemories,
    SearchQuery,
    WriteMemory,
    WriteOwnMemory,
)
from adapters.api.memory_views import (
    ForgottenView,
    FoundView,
    ImportedView,
    MemoryFileView,
    MemoryPageView,
    MemoryView,
    OptimizationView,
    RevivedView,
    StatsView,
    TopicsView,
)
from adapters.api.message_search import FoundMessagesView, MessageSearchQuery, search_messages
from adapters.api.operation import OF_A_BODY, OF_ONE, Handler, Operation
from adapters.api.tokens import Scope
from adapters.api.views import View

USER, ME = "/api/v1/users/{user_id}", "/api/v1/me"
_BODY_ERRORS = (*OF_A_BODY, ErrorCode.CONFLICT)


_LONG = (memories.search_memories, search_messages, memories.export_memories)
"""An embedder may take its time beside the store's, and all that is remembered may be much."""


def _read(
    path: str,
    handler: Handler,
    summary: str,
    answer: type[View],
    query: type[BaseModel] = NoQuery,
    errors: tuple[ErrorCode, ...] = OF_ONE,
) -> Operation:
    """A reading, as an API token may do it."""
    return Operation(
        method="GET",
        path=USER + path,
        handler=handler,
        summary=summary,
        answers={200: answer},
        scope=Scope.MEMORIES,
        query=query,
        is_long=handler in _LONG,
        errors=errors,
    )


def _read_own(
    path: str, handler: Handler, summary: str, answer: type[View], query: type[BaseModel] = NoQuery
) -> Operation:
    """The same, as the person may do it."""
    return Operation(
        method="GET",
        path=ME + path,
        handler=handler,
        summary=summary,
        answers={200: answer},
        scope=None,
        query=query,
        is_long=handler in _LONG,
        errors=OF_ONE,
    )


MEMORY_OPERATIONS: tuple[Operation, ...] = (
    _read("/memories", memories.list_memories, "List what is remembered about a person", MemoryPageView, MemoryQuery),
    Operation(
        method="POST",
        path=f"{USER}/memories",
        handler=memories.add_memory,
        summary="Remember something about a person",
        body=WriteMemory,
        answers={201: MemoryView},
        scope=Scope.MEMORIES,
        errors=(*OF_ONE, *_BODY_ERRORS),
    ),
    Operation(
        method="DELETE",
        path=f"{USER}/memories",
        handler=memories.clear_memories,
        summary="Forget all that is remembered about a person",
        answers={200: ForgottenView},
        scope=Scope.MEMORIES,
        errors=OF_ONE,
    ),
    _read("/memories/{memory_id}", memories.show_memory, "See one memory", MemoryView),
    Operation(
        method="PUT",
        path=f"{USER}/memories/{{memory_id}}",
        handler=memories.put_memory,
        summary="Write the memory of an id, whether it is there or not",
        body=WriteMemory,
        answers={200: MemoryView, 201: MemoryView},
        scope=Scope.MEMORIES,
        errors=(*OF_ONE, *_BODY_ERRORS),
    ),
    Operation(
        method="DELETE",
        path=f"{USER}/memories/{{memory_id}}",
        handler=memories.delete_memory,
        summary="Forget one memory, with its older versions",
        answers={200: ForgottenView},
        scope=Scope.MEMORIES,
        errors=OF_ONE,
    ),
    Operation(
        method="POST",
        path=f"{USER}/memory-deletions",
        handler=memories.delete_memories,
        summary="Forget several memories",
        body=DeleteMemories,
        answers={200: ForgottenView},
        scope=Scope.MEMORIES,
        errors=(*OF_ONE, *_BODY_ERRORS),
    ),
    _read(
        "/memory-search",
        memories.search_memories,
        "Look for memories of a person",
        FoundView,
        SearchQuery,
        (*OF_ONE, ErrorCode.BUSY),
    ),
    _read("/memory-topics", memories.list_memory_topics, "List the topics of a person's memories", TopicsView),
    _read("/memory-stats", memories.show_memory_stats, "See figures about a person's memories", StatsView),
    _read("/memory-export", memories.export_memories, "Export a person's memories", MemoryFileView, ExportQuery),
    Operation(
        method="POST",
        path=f"{USER}/memory-import",
        handler=memories.import_memories,
        is_long=True,
        summary="Import what was exported: all of it or nothing",
        body=ImportMemories,
        answers={200: ImportedView},
        scope=Scope.MEMORIES,
        errors=(*OF_ONE, *_BODY_ERRORS),
    ),
    Operation(
        method="POST",
        path=f"{USER}/memory-optimizations",
        handler=memories.optimize_memories,
        is_long=True,
        summary="Let the model merge memories that belong together",
        body=OptimizeMemories,
        answers={200: OptimizationView},
        scope=Scope.MEMORIES,
        errors=(*OF_ONE, *_BODY_ERRORS, ErrorCode.BUSY),
    ),
    Operation(
        method="DELETE",
        path=f"{USER}/memory-optimizations/{{optimization_id}}",
        handler=memories.undo_optimization,
        is_long=True,
        summary="Undo the newest merge: the memories are as they were",
        answers={200: RevivedView},
        scope=Scope.MEMORIES,
        errors=(*OF_ONE, ErrorCode.CONFLICT),
    ),
    _read_own("/memories", memories.list_memories, "List what is remembered about me", MemoryPageView, MemoryQuery),
    Operation(
        method="POST",
        path=f"{ME}/memories",
        handler=memories.add_own_memory,
        summary="Remember something about me",
        body=WriteOwnMemory,
        answers={201: MemoryView},
        scope=None,
        errors=(*OF_ONE, *_BODY_ERRORS),
    ),
    Operation(
        method="DELETE",
        path=f"{ME}/memories",
        handler=memories.clear_memories,
        summary="Forget all that is remembered about me",
        answers={200: ForgottenView},
        scope=None,
        errors=OF_ONE,
    ),
    _read_own("/memories/{memory_id}", memories.show_memory, "See one memory of mine", MemoryView),
    Operation(
        method="PUT",
        path=f"{ME}/memories/{{memory_id}}",
        handler=memories.replace_own_memory,
        summary="Correct a memory of mine",
        body=WriteOwnMemory,
        answers={200: MemoryView},
        scope=None,
        errors=(*OF_ONE, *_BODY_ERRORS),
    ),
    Operation(
        method="DELETE",
        path=f"{ME}/memories/{{memory_id}}",
        handler=memories.delete_memory,
        summary="Forget one memory of mine",
        answers={200: ForgottenView},
        scope=None,
        errors=OF_ONE,
    ),
    Operation(
        method="POST",
        path=f"{ME}/memory-deletions",
        handler=memories.delete_memories,
        summary="Forget several memories of mine",
        body=DeleteMemories,
        answers={200: ForgottenView},
        scope=None,
        errors=(*OF_ONE, *_BODY_ERRORS),
    ),
    Operation(
        method="POST",
        path=f"{ME}/memory-import",
        handler=memories.import_own_memories,
        is_long=True,
        summary="Import what I exported: all of it or nothing",
        body=ImportMemories,
        answers={200: ImportedView},
        scope=None,
        errors=(*OF_ONE, *_BODY_ERRORS),
    ),
    _read_own("/memory-topics", memories.list_memory_topics, "List the topics of my memories", TopicsView),
    _read_own("/memory-stats", memories.show_memory_stats, "See figures about my memories", StatsView),
    _read_own("/memory-search", memories.search_memories, "Look for memories of mine", FoundView, SearchQuery),
    _read_own(
        "/message-search",
        search_messages,
        "Look through what was said in my threads",
        FoundMessagesView,
        MessageSearchQuery,
    ),
    _read_own("/memory-export", memories.export_memories, "Export my memories", MemoryFileView, ExportQuery),
)
