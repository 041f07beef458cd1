"""A file and an opinion over the whole gateway: the store, the limits of requests, the agent, and what is counted."""

import httpx2

from gateway import metrics
from tests.adapters.widget.make import send
from tests.adapters.widget.peer import Peer, rows_of
from tests.adapters.widget.test_uploads import upload_url
from tests.support.agent_runs import EchoModel
from tests.support.gateway import Core, open_core, run_sql


def client(core: Core) -> httpx2.AsyncClient:
    """A page's `fetch`."""
    headers = {"origin": "http://localhost:8080"}
    transport = httpx2.ASGITransport(core.gateway.app)
    return httpx2.AsyncClient(transport=transport, base_url="http://localhost:8080", headers=headers)


async def test_the_agent_reads_an_attached_text_and_the_opinion_of_its_answer_is_counted(database_url: str) -> None:
    """From the upload to the answer, and what the operator sees of it. Proves: WI-38, WI-40."""
    ups = metrics.feedback.labels("up")
    before = ups._value.get()
    async with open_core(database_url, EchoModel()) as core, Peer(core.gateway.app) as peer, client(core) as http:
        welcome = await peer.greet()
        kept = await http.post(upload_url(welcome, "notes.md"), content=b"zebra " * 60_000)
        assert (kept.status_code, kept.json()["size"]) == (201, 360_000)
        peer.send(send("read this", attachments=[{"id": kept.json()["id"]}]))
        asked = await peer.until("message")
        while (answer := await peer.until("message"))["role"] != "assistant":
            pass
        assert "[attached file: notes.md, text/plain, 360000 bytes; only its beginning is shown]" in str(answer["text"])
        [file] = rows_of(asked, "attachments")
        saved = await http.get(str(file["url"]))
        assert (saved.status_code, len(saved.content)) == (200, 360_000)
        opinion = {"value": "up", "comment": "good, my password is hunter2x"}
        peer.send({"type": "feedback", "id": "f", "message_id": answer["id"], **opinion})
        assert (await peer.until("ack"))["message_id"] == answer["id"]
        peer.send({"type": "feedback", "id": "f", "message_id": asked["id"], "value": "up"})
        assert (await peer.until("nack"))["code"] == "not_found"
    assert ups._value.get() == before + 1
    [opinion_kept] = await run_sql(database_url, "SELECT comment FROM feedback")
    assert opinion_kept["comment"] == "good, my password is [password removed]"
