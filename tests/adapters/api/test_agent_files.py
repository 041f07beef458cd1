"""What agents know, over HTTP: operators read, write, decide and go back; nobody else does."""

import pytest

from adapters.api.agent_file_operations import AGENT_FILE_OPERATIONS
from agent.agent_memories import RevisionState
from tests.adapters.api.caller import MEMORIES, OPERATOR, TASKS, Caller, build_app, error_of
from tests.adapters.api.fake import FakeGateway
from tests.adapters.api.fake_operating import FakeFiles

SUPPORT = "/api/v1/agents/support"
HOURS = f"{SUPPORT}/files/hours.md"


@pytest.fixture
def files() -> FakeFiles:
    """The files of agents."""
    return FakeFiles()


@pytest.fixture
def desk(gateway: FakeGateway, files: FakeFiles) -> Caller:
    """An operator."""
    return Caller(build_app(gateway, files=files), OPERATOR)


async def test_operators_read_write_decide_and_go_back(desk: Caller, files: FakeFiles) -> None:
    """Who did it is the name of their token. Proves: AM-1, AM-2."""
    assert [file["name"] for file in (await desk.get(f"{SUPPORT}/files")).json()["files"]] == ["hours.md"]
    assert (await desk.get(HOURS)).json() == {
        "agent_id": "support",
        "name": "hours.md",
        "revision": 3,
        "markdown": "9-5",
    }
    body = {"text": "10-6", "cause": "summer"}
    assert (await desk.client.put(HOURS, json=body)).json()["state"] == "live"
    assert (await desk.client.delete(f"{HOURS}?cause=closed")).json()["markdown"] is None
    listed = (await desk.get(f"{SUPPORT}/revisions?name=hours.md&state=proposed&limit=5")).json()["revisions"]
    assert [revision["author"] for revision in listed] == ["agent"]
    for word in ("approve", "reject", "restore"):
        assert (await desk.post(f"{HOURS}/revisions/4/{word}")).status_code == 200
    assert files.calls == [
        ("write", "hours.md", "10-6", "root", "summer"),
        ("write", "hours.md", None, "root", "closed"),
        ("list", "hours.md", RevisionState.PROPOSED, 5),
        ("approve", "hours.md", 4, "root"),
        ("reject", "hours.md", 4, "root"),
        ("roll back", "hours.md", 4, "root"),
    ]


async def test_what_cannot_be_is_refused_by_its_name(desk: Caller, files: FakeFiles) -> None:
    """Proves: AM-2, API-9."""
    late = await desk.post(f"{HOURS}/revisions/3/approve")
    assert (late.status_code, error_of(late)["code"], "field" in error_of(late)) == (409, "conflict", False)
    for path in (f"{HOURS}/revisions/0/approve", f"{HOURS}/revisions/x/reject", f"{HOURS}/revisions/{9**20}/restore"):
        assert (await desk.post(path)).status_code == 404
    for path in (f"{SUPPORT}/files/other.md", "/api/v1/agents/nobody/files", "/api/v1/agents/nobody/revisions"):
        assert (await desk.get(path)).status_code == 404
    assert (await desk.client.put(HOURS, json={"text": "10-6"})).status_code == 422
    assert (await desk.client.delete(HOURS)).status_code == 422
    assert (await desk.client.delete(f"{SUPPORT}/files/other.md?cause=closed")).status_code == 404
    assert (await desk.get(f"{SUPPORT}/revisions?state=lost")).status_code == 422
    assert files.calls == []


@pytest.mark.parametrize("operation", AGENT_FILE_OPERATIONS, ids=lambda operation: operation.name)
async def test_only_operators_may(gateway: FakeGateway, files: FakeFiles, operation: object) -> None:
    """The files stand in everybody's prompts. Proves: AM-2, API-9."""
    path = operation.path.format(agent_id="support", name="hours.md", revision=4)  # type: ignore[attr-defined]
    for token in (TASKS, MEMORIES):
        caller = Caller(build_app(gateway, files=files), token)
        response = await caller.client.request(operation.method, path, json={})  # type: ignore[attr-defined]
        assert (response.status_code, error_of(response)["code"]) == (403, "forbidden")
    assert files.calls == []
