"""Files in and out: by a signed link, within limits, and never as a page of this origin."""

import json

import httpx2
import pytest
from starlette.applications import Starlette

from adapters.http_limits import HttpLimits
from adapters.widget.limits import Limits
from adapters.widget.links import LINK_LIFE_S, UPLOADS_PATH, Grant, read_link, sign_link
from adapters.widget.routes import FRAMES_PATH, Widget
from agent.errors import BusyError
from agent.ids import AttachmentId, SessionId, UserId
from agent.records import JsonObject
from tests.adapters.widget.conftest import Connect, build
from tests.adapters.widget.make import GATEWAY_SECRET, NOW_S, ORIGIN, send
from tests.adapters.widget.peer import Peer, rows_of
from tests.agent.test_files import PNG
from tests.support.fake_gateway import FakeGateway

GRANT = Grant(session_id=SessionId("web:demo:x"), user_id=UserId("usr_1"), attachment_id=AttachmentId("file_1"))


@pytest.fixture
def app(widget_and_app: tuple[Widget, Starlette]) -> Starlette:
    return widget_and_app[1]


def client(app: Starlette) -> httpx2.AsyncClient:
    """A page's `fetch`, in process."""
    headers = {"origin": "http://localhost:8080"}
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://localhost:8080", headers=headers)


def upload_url(welcome: JsonObject, name: str) -> str:
    """Where the widget sends a file of this name."""
    config = welcome["config"]
    assert isinstance(config, dict)
    upload = config["upload"]
    assert isinstance(upload, dict)
    return f"{upload['url']}&name={name}"


async def test_a_file_is_uploaded_sent_seen_by_others_and_saved(connect: Connect, app: Starlette) -> None:
    """The whole way of a file. Proves: WI-39."""
    async with connect() as ann, connect() as ben, client(app) as http:
        mine, theirs = await ann.greet(thread="x", name="Ann"), await ben.greet(thread="x", name="Ben")
        kept = await http.post(upload_url(mine, "shot.exe"), content=PNG)
        assert (kept.status_code, kept.headers["access-control-allow-origin"]) == (201, "http://localhost:8080")
        one = {"id": "file_1", "name": "shot.exe.png", "type": "image/png", "size": len(PNG)}
        assert kept.json() == one
        ann.send(send("", attachments=[{"id": "file_1"}]))
        assert (await ann.until("ack"))["seq"] == 1
        [shown] = rows_of(await ben.until("message"), "attachments")
        url = str(shown.pop("url"))
        assert shown == one
        file = await http.get(url)
        assert (file.status_code, file.content) == (200, PNG)
        assert file.headers["content-type"] == "image/png"
        assert file.headers["x-content-type-options"] == "nosniff"
        assert file.headers["content-disposition"] == "attachment; filename*=UTF-8''shot.exe.png"
        assert "sandbox" in file.headers["content-security-policy"]
        ben.send({"type": "history", "before": 9, "limit": 5})
        [row] = rows_of(await ben.until("history"), "messages")
        assert [one["name"] for one in rows_of(row, "attachments")] == ["shot.exe.png"]
    assert mine["session_id"] == theirs["session_id"]


async def test_a_file_that_was_not_uploaded_here_cannot_be_sent(connect: Connect, app: Starlette) -> None:
    """Another person's, another conversation's, or none at all. Proves: WI-39."""
    async with connect() as ann, connect() as ben, client(app) as http:
        mine = await ann.greet(thread="x")
        await ben.greet(thread="x")
        await http.post(upload_url(mine, "a.png"), content=PNG)
        ben.send(send("mine now", attachments=[{"id": "file_1"}]))
        assert (await ben.until("nack"))["code"] == "attachments"
        ann.send(send("two", attachments=[{"id": "file_1"}, {"id": "file_2"}]))
        assert (await ann.until("nack"))["code"] == "attachments"


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [(b"MZ\x90\x00\x03", 415, "type"), (b"", 415, "type"), (b"x" * 1001, 413, "too_large")],
)
async def test_what_is_no_file_for_here_is_refused_with_its_reason(
    gateway: FakeGateway, content: bytes, status: int, code: str
) -> None:
    """The person reads why before anything is sent. Proves: WI-37."""
    _, app = build(gateway, Limits(file_bytes=1000))
    async with Peer(app) as peer, client(app) as http:
        answer = await http.post(upload_url(await peer.greet(), "a.exe"), content=content)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert gateway.files == {}


async def test_a_large_file_passes_where_other_bodies_may_not_be_so_large(gateway: FakeGateway) -> None:
    """The limit of all requests is far below that of a file. Proves: WI-37."""
    widget, app = build(gateway)
    app.add_middleware(HttpLimits, larger={UPLOADS_PATH: Limits().file_bytes}, refusals=widget.refusals)
    async with Peer(app) as peer, client(app) as http:
        url = upload_url(await peer.greet(), "a.txt")
        answer = await http.post(url, content=b"x" * 1_000_000)
        assert answer.status_code == 201
        answer = await http.post(url, content=b"x" * 6_000_000)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (UPLOADS_PATH, {"code": "too_large", "message": "body: expected at most 10 bytes"}),
        (FRAMES_PATH, {"code": 4400, "reason": "body: expected at most 10 bytes"}),
    ],
)
async def test_a_body_that_is_refused_unread_is_refused_in_a_form_that_the_page_may_read(
    gateway: FakeGateway, path: str, body: JsonObject
) -> None:
    """Else a browser hides the reason, and the widget knows none to tell. Proves: WI-37."""
    widget, app = build(gateway)
    app.add_middleware(HttpLimits, max_body_bytes=10, refusals=widget.refusals)
    async with client(app) as http:
        answer = await http.post(path, content=b"x" * 11, headers={"origin": ORIGIN})
        assert (answer.status_code, answer.json()) == (413, body)
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert (answer.headers["connection"], answer.headers["cache-control"]) == ("close", "no-store")
        foreign = await http.post(path, content=b"x" * 11, headers={"origin": "https://evil.example"})
        assert foreign.status_code == 413
        assert "access-control-allow-origin" not in foreign.headers


@pytest.mark.parametrize(("path", "code"), [(UPLOADS_PATH, "timeout"), (FRAMES_PATH, 1013)])
async def test_a_body_that_comes_too_slowly_may_be_sent_again(gateway: FakeGateway, path: str, code: str | int) -> None:
    """A slow network is no fault of the person's. Proves: WI-35."""
    widget, _ = build(gateway)
    response = widget.refusals[path]({"type": "http", "headers": []}, 408, "timeout", "body: expected it sooner")
    assert (response.status_code, json.loads(bytes(response.body))["code"]) == (408, code)


async def test_a_key_that_was_not_given_out_opens_nothing(app: Starlette, gateway: FakeGateway) -> None:
    """Neither made up, nor changed, nor for another purpose. Proves: WI-39."""
    good = sign_link(GATEWAY_SECRET.links, "open", GRANT, NOW_S * 2)
    async with client(app) as http:
        for key in ("", "x", "x.y", f"A{good}", f"{good}A", "\u00e9.\u00e9"):
            for answer in (
                await http.post(UPLOADS_PATH, params={"key": key}, content=PNG),
                await http.get("/widget/files/a.png", params={"key": key}),
            ):
                assert (answer.status_code, answer.json()["code"]) == (403, "key")
        assert (await http.post(UPLOADS_PATH, params={"key": good}, content=PNG)).status_code == 403
    assert gateway.files == {}


def test_a_link_ends_after_a_day() -> None:
    """What leaks from a browser's history is soon of no use. Proves: WI-39."""
    key = sign_link(GATEWAY_SECRET.links, "open", GRANT, NOW_S)
    assert read_link(GATEWAY_SECRET.links, "open", key, NOW_S + LINK_LIFE_S) == GRANT
    with pytest.raises(Exception, match="key: expected"):
        read_link(GATEWAY_SECRET.links, "open", key, NOW_S + LINK_LIFE_S + 2)


async def test_a_page_of_another_origin_uploads_nothing_and_one_of_a_sites_may_ask(app: Starlette) -> None:
    """A browser asks first, and is told. Proves: WI-19."""
    async with client(app) as http:
        asked = await http.options(UPLOADS_PATH, headers={"origin": ORIGIN})
        assert (asked.status_code, asked.headers["access-control-allow-headers"]) == (204, "content-type")
        refused = await http.post(UPLOADS_PATH, headers={"origin": "https://evil.example"}, content=PNG)
        assert (refused.status_code, refused.json()["code"]) == (403, "origin")


async def test_who_uploads_too_much_is_told_to_wait(connect: Connect, app: Starlette, gateway: FakeGateway) -> None:
    """An address has twenty files a minute, and a store that is full says so. Proves: WI-16."""
    async with connect() as peer, client(app) as http:
        url = upload_url(await peer.greet(), "a.png")
        for _ in range(19):
            assert (await http.post(url, content=PNG)).status_code == 201
        gateway.fault = BusyError("There is no room for more files here.", retry_after_s=1)
        full = await http.post(url, content=PNG)
        assert (full.status_code, full.json()["message"]) == (429, "There is no room for more files here.")
        gateway.fault = None
        assert (await http.post(url, content=PNG)).json()["code"] == "rate"
