"""Memories: an operator's or a program's way to everybody's, and a person's way to their own."""

from dataclasses import replace

from starlette.responses import Response

from adapters.api.bodies import NoQuery
from adapters.api.context import Api, Call, no_such
from adapters.api.memory_bodies import (
    MAX_OWN_IMPORT,
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
    MergeView,
    OptimizationView,
    RevivedView,
    StatsView,
    TopicsView,
    TopicView,
)
from adapters.api.names import is_name
from adapters.api.reading import read_body, read_query
from adapters.api.tasks import render
from agent.ids import AgentId, MemoryId
from agent.memories import MemoryDraft, MemorySort, SearchMethod
from agent.records import Audience

_IMPORT_WEIGHS = 60
_NOT_OWN = ("is_pinned", "team_id", "input", "feedback", "source_session_id")
"""What of a memory a person has no field for."""


async def list_memories(api: Api, call: Call) -> Response:
    """A page of a person's memories."""
    query = read_query(call.request, MemoryQuery)
    page = await api.memories.list_memories(
        call.user_id,
        topics=query.topic,
        sort=MemorySort(query.sort),
        is_descending=query.order == "desc",
        page=query.page,
        limit=query.limit,
    )
    views = tuple(map(MemoryView.model_validate, page.memories))
    return render(MemoryPageView(memories=views, page=page.page, pages=page.pages, limit=page.limit, total=page.total))


async def show_memory(api: Api, call: Call) -> Response:
    """One memory."""
    read_query(call.request, NoQuery)
    return render(MemoryView.model_validate(await api.memories.load_memory(call.user_id, call.memory_id)))


async def add_memory(api: Api, call: Call) -> Response:
    """Remember something about a person."""
    draft = _draft(await read_body(call.request, WriteMemory))
    return render(MemoryView.model_validate(await api.memories.add_memory(call.user_id, draft)), 201)


async def add_own_memory(api: Api, call: Call) -> Response:
    """Remember something about oneself: a plain fact."""
    draft = _own_draft(await read_body(call.request, WriteOwnMemory))
    return render(
        MemoryView.model_validate(await api.memories.add_memory(call.writer_id, draft, must_be_plain=True)), 201
    )


async def put_memory(api: Api, call: Call) -> Response:
    """Write the memory of an id, whether it is there or not."""
    draft = _draft(await read_body(call.request, WriteMemory))
    memory, is_new = await api.memories.upsert_memory(call.user_id, call.memory_id, draft)
    return render(MemoryView.model_validate(memory), 201 if is_new else 200)


async def replace_own_memory(api: Api, call: Call) -> Response:
    """Correct what is remembered about oneself; what a person does not write of it stays, but for who made it."""
    told = _own_draft(await read_body(call.request, WriteOwnMemory))
    known = await api.memories.load_memory(call.user_id, call.memory_id)
    draft = replace(told, **{name: getattr(known, name) for name in _NOT_OWN})
    memory = await api.memories.replace_memory(call.writer_id, call.memory_id, draft, must_be_plain=True)
    return render(MemoryView.model_validate(memory))


async def delete_memory(api: Api, call: Call) -> Response:
    """Delete one memory."""
    read_query(call.request, NoQuery)
    return render(ForgottenView.model_validate(await api.memories.delete_memory(call.user_id, call.memory_id)))


async def delete_memories(api: Api, call: Call) -> Response:
    """Delete several memories."""
    body = await read_body(call.request, DeleteMemories)
    ids = [MemoryId(memory_id) for memory_id in body.memory_ids]
    return render(ForgottenView.model_validate(await api.memories.delete_memories(call.user_id, ids)))


async def clear_memories(api: Api, call: Call) -> Response:
    """Delete all memories of a person."""
    read_query(call.request, NoQuery)
    return render(ForgottenView.model_validate(await api.memories.clear_memories(call.user_id)))


async def search_memories(api: Api, call: Call) -> Response:
    """Look for memories."""
    query = read_query(call.request, SearchQuery)
    found = await api.memories.search_memories(
        call.user_id,
        query.query,
        method=SearchMethod(query.method),
        limit=query.limit,
        audience=Audience(query.audience),
    )
    return render(FoundView(memories=tuple(map(MemoryView.model_validate, found))))


async def list_memory_topics(api: Api, call: Call) -> Response:
    """A person's topics."""
    read_query(call.request, NoQuery)
    topics = await api.memories.list_topics(call.user_id)
    return render(TopicsView(topics=tuple(TopicView(topic=topic, total=total) for topic, total in topics)))


async def show_memory_stats(api: Api, call: Call) -> Response:
    """Figures about a person's memories."""
    read_query(call.request, NoQuery)
    return render(StatsView.model_validate(await api.memories.load_stats(call.user_id)))


async def export_memories(api: Api, call: Call) -> Response:
    """All memories of a person as a file."""
    query = read_query(call.request, ExportQuery)
    file = await api.memories.export_memories(call.user_id, with_replaced=query.with_replaced)
    return render(MemoryFileView.model_validate(file))


async def import_memories(api: Api, call: Call) -> Response:
    """Write what was exported."""
    body = await read_body(call.request, ImportMemories)
    report = await api.memories.import_memories(call.user_id, body.file, with_new_ids=body.with_new_ids)
    return render(ImportedView.model_validate(report))


async def import_own_memories(api: Api, call: Call) -> Response:
    """Write what was exported: plain facts. One counts as 60 questions."""
    api.quota.take_many(call.request, call.user_id, _IMPORT_WEIGHS)
    body = await read_body(call.request, ImportMemories)
    report = await api.memories.import_memories(
        call.writer_id, body.file, with_new_ids=body.with_new_ids, must_be_plain=True, most=MAX_OWN_IMPORT
    )
    return render(ImportedView.model_validate(report))


async def optimize_memories(api: Api, call: Call) -> Response:
    """Make the memories of a person fewer."""
    body = await read_body(call.request, OptimizeMemories)
    done = await api.memories.optimize_memories(call.user_id, body.strategy, apply=body.apply)
    merges = (
        MergeView(memory=merge.draft.memory, sources=tuple(source.memory_id for source in merge.sources))
        for merge in done.merges
    )
    view = OptimizationView(
        optimization_id=done.optimization_id,
        strategy=done.strategy,
        merges=tuple(merges),
        count_before=done.count_before,
        count_after=done.count_after,
        tokens_before=done.tokens_before,
        tokens_after=done.tokens_after,
    )
    return render(view)


async def undo_optimization(api: Api, call: Call) -> Response:
    """Part again what the newest optimisation merged."""
    read_query(call.request, NoQuery)
    optimization_id = call.request.path_params["optimization_id"]
    if not is_name(optimization_id):
        raise no_such("optimization")
    revived = await api.memories.undo_optimization(call.user_id, optimization_id)
    return render(RevivedView(memory_ids=tuple(revived)))


def _draft(body: WriteMemory) -> MemoryDraft:
    return MemoryDraft(
        memory=body.memory,
        topics=tuple(body.topics),
        slot=body.slot,
        visibility=body.visibility,
        is_pinned=body.is_pinned,
        agent_id=AgentId(body.agent_id) if body.agent_id is not None else None,
        team_id=body.team_id,
        input=body.input,
        feedback=body.feedback,
    )


def _own_draft(body: WriteOwnMemory) -> MemoryDraft:
    return MemoryDraft(memory=body.memory, topics=tuple(body.topics), slot=body.slot, visibility=body.visibility)
