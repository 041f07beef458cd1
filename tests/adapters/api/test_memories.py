"""Memories over HTTP: whose they are, who may ask, and what is handed on."""

import pytest
from starlette.requests import Request

from adapters.api.errors import ApiError
from adapters.api.memory_operations import MEMORY_OPERATIONS
from adapters.api.quota import Quota
from agent.memories import MemoryDraft
from tests.adapters.api.caller import MEMORIES, OPERATOR, TASKS, Caller, build_app, error_of
from tests.adapters.api.fake import FakeGateway
from tests.adapters.api.fake_memories import ANNS_TOKEN, FakeMemories

ANNS = "/api/v1/users/ann"
FULL = {
    "memory": "likes tea",
    "topics": ["drinks"],
    "slot": "diet",
    "visibility": "thread",
    "is_pinned": True,
    "agent_id": "support",
    "team_id": "t",
    "input": "I like tea",
    "feedback": "good",
}


@pytest.fixture
def memories() -> FakeMemories:
    """Ann's."""
    return FakeMemories()


@pytest.fixture
def crm(gateway: FakeGateway, memories: FakeMemories) -> Caller:
    """A program that may read and write everybody's memories."""
    return Caller(build_app(gateway, memories=memories), MEMORIES)


@pytest.fixture
def ann(crm: Caller) -> Caller:
    """Ann herself."""
    caller = Caller(crm.app, MEMORIES)
    caller.client.headers["authorization"] = f"Bearer {ANNS_TOKEN}"
    return caller


async def test_a_program_handles_a_persons_memories(crm: Caller, memories: FakeMemories) -> None:
    """Proves: UM-6."""
    page = await crm.get(f"{ANNS}/memories?page=2&limit=5&sort=memory&order=asc&topic=food&topic=tea")
    assert (page.json()["total"], page.json()["memories"][0]["memory"]) == (1, "likes tea")
    for path in ("/memories/mem_1", "/memory-search?query=tea&method=last_n&limit=3&audience=shared", "/memory-topics"):
        assert (await crm.get(ANNS + path)).status_code == 200
    assert (await crm.get(f"{ANNS}/memory-stats")).json()["tokens"] == 3
    assert (await crm.get(f"{ANNS}/memory-export?with_replaced=false")).json()["version"] == 1
    assert (await crm.client.post(f"{ANNS}/memories", json=FULL)).status_code == 201
    assert (await crm.client.put(f"{ANNS}/memories/mem_1", json=FULL)).status_code == 200
    assert (await crm.client.put(f"{ANNS}/memories/crm-9", json=FULL)).status_code == 201
    gone = await crm.client.post(f"{ANNS}/memory-deletions", json={"memory_ids": ["mem_1", "mem_2"]})
    assert gone.json() == {"memory_ids": ["mem_1"], "versions": 0}
    assert (await crm.client.delete(f"{ANNS}/memories/mem_1")).status_code == 200
    assert (await crm.client.delete(f"{ANNS}/memories")).json()["versions"] == 2
    report = await crm.client.post(f"{ANNS}/memory-import", json={"file": {}, "with_new_ids": True})
    assert report.json()["added"] == 1
    done = await crm.client.post(f"{ANNS}/memory-optimizations", json={"apply": False})
    assert done.json()["merges"] == [{"memory": "x", "sources": ["mem_1"]}]
    assert (await crm.client.delete(f"{ANNS}/memory-optimizations/opt_1")).json() == {"memory_ids": ["mem_1"]}
    draft = MemoryDraft(**{**FULL, "topics": ("drinks",)})  # type: ignore[arg-type]
    assert memories.drafts == [(draft, False)] * 3
    assert [what for what, user_id in memories.asked if user_id == "ann"] == [
        *("list food+tea memory False 2 5", "load", "search tea last_n 3 shared", "topics", "stats", "export False"),
        *("add", "upsert", "upsert", "delete many", "delete", "clear", "import True False 50000"),
        *("optimize summarize False", "undo opt_1"),
    ]


async def test_people_may_not_ask_without_end(ann: Caller, crm: Caller, memories: FakeMemories) -> None:
    """A visitor's token costs nothing, and each question costs the database and may cost a model. Proves: AG-5."""
    answers = [await ann.get("/api/v1/me/memory-search?query=tea") for _ in range(601)]
    assert [answer.status_code for answer in answers] == [200] * 600 + [429]
    assert error_of(answers[-1])["code"] == "busy"
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60
    assert len(memories.asked) == 600
    assert (await crm.get(f"{ANNS}/memories")).status_code == 200, "a program goes on"


async def test_what_people_import_counts_for_the_work_that_it_is(ann: Caller) -> None:
    """A file has up to a thousand facts in it, each of which is looked at for secrets. Proves: AG-5, UM-12."""
    answers = [await ann.client.post("/api/v1/me/memory-import", json={"file": {}}) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]


def test_an_address_is_counted_whoever_comes_from_it_and_free_again_after_a_minute() -> None:
    """People who are invented on the way are no reason to be answered without end. Proves: AG-5."""
    now_s = 0.0
    quota = Quota(5, 2, lambda: now_s)
    request = Request({"type": "http", "headers": [], "client": ("192.0.2.1", 1)})
    other = Request({"type": "http", "headers": [], "client": ("192.0.2.2", 1)})
    for one in (request, request, other):
        quota.take_address(one)
    with pytest.raises(ApiError) as refused:
        quota.take_address(request)
    assert (refused.value.status, refused.value.headers) == (429, {"retry-after": "60"})
    now_s = 60.0
    quota.take_address(request)


async def test_people_handle_their_own_memories_and_name_nobody_elses(ann: Caller, memories: FakeMemories) -> None:
    """Who it is about comes from the token alone. Proves: UM-4, UM-6, UM-10."""
    own = {"memory": "likes tea", "visibility": "thread"}
    assert (await ann.client.post("/api/v1/me/memories", json=own)).status_code == 201
    assert (await ann.client.put("/api/v1/me/memories/mem_1", json=own)).status_code == 200
    assert (await ann.client.put("/api/v1/me/memories/mem_2", json=own)).status_code == 404
    named = await ann.client.post("/api/v1/me/memory-deletions", json={"memory_ids": ["mem_1", "mem_2"]})
    assert named.json() == {"memory_ids": ["mem_1"], "versions": 0}
    assert (await ann.client.post("/api/v1/me/memory-import", json={"file": {}})).json()["added"] == 1
    assert memories.asked[-1] == ("import False True 1000", "ann")
    reads = ("memories", "memories/mem_1", "memory-search?query=tea", "memory-export", "memory-topics", "memory-stats")
    for path in reads:
        assert (await ann.get(f"/api/v1/me/{path}")).status_code == 200
    for path in ("memories/mem_1", "memories"):
        assert (await ann.client.delete(f"/api/v1/me/{path}")).status_code == 200
    assert {user_id for _, user_id in memories.asked} == {"ann"}
    assert memories.drafts == [(MemoryDraft(memory="likes tea", visibility="thread"), True)] * 2
    for more in ({"user_id": "bob"}, {"agent_id": "support"}, {"is_pinned": True}):
        refused = await ann.client.post("/api/v1/me/memories", json={**own, **more})
        assert refused.status_code == 422


@pytest.mark.parametrize("operation", MEMORY_OPERATIONS, ids=lambda operation: operation.name)
async def test_no_other_token_opens_memories(gateway: FakeGateway, memories: FakeMemories, operation: object) -> None:
    """A program that gives tasks need not know what is remembered. Proves: UM-10, API-9."""
    method, path = operation.method, operation.path.format(user_id="ann", memory_id="mem_1", optimization_id="opt_1")  # type: ignore[attr-defined]
    app = build_app(gateway, memories=memories)
    is_own = path.startswith("/api/v1/me/")
    wrong = [OPERATOR.secret, MEMORIES.secret] if is_own else [ANNS_TOKEN]
    for secret, status in ((TASKS.secret, 401 if is_own else 403), *((one, 401) for one in wrong), ("", 401)):
        caller = Caller(app)
        caller.client.headers["authorization"] = f"Bearer {secret}"
        response = await caller.client.request(method, path, json={})
        assert response.status_code == status
        assert error_of(response)["code"] in {"unauthorized", "forbidden"}
    caller = Caller(app)
    del caller.client.headers["authorization"]
    assert (await caller.client.request(method, path)).status_code == 401
    assert memories.asked == []


async def test_what_is_not_there_is_not_found(crm: Caller) -> None:
    """Whether it is the person or the memory. Proves: UM-6."""
    for path in ("/api/v1/users/bob/memories", f"{ANNS}/memories/mem_2", "/api/v1/users/%00/memories"):
        response = await crm.get(path)
        assert (response.status_code, error_of(response)["code"]) == (404, "not_found")
    for query in ("sort=age", "limit=0", "limit=201", "page=0", "order=up", "x=1"):
        assert (await crm.get(f"{ANNS}/memories?{query}")).status_code == 422


async def test_people_look_through_their_own_threads(ann: Caller) -> None:
    """What they said and heard is theirs to find again, from the token alone. Proves: UM-6, UM-16."""
    found = (await ann.get("/api/v1/me/message-search?query=coffee")).json()["messages"]
    assert [(one["session_id"], one["score"], one["message"]["text"]) for one in found] == [
        ("web:demo:1", 1.5, "I like tea, not coffee")
    ]
    for query in ("", "?query=", "?query=tea&limit=0", "?query=tea&limit=101", "?query=tea&user_id=bob"):
        refused = await ann.get(f"/api/v1/me/message-search{query}")
        assert (refused.status_code, error_of(refused)["code"]) == (422, "invalid")
