"""Somebody who is linked or parted elsewhere in the very moment in which they prove something here."""

import asyncio
import hashlib
from typing import cast

from starlette.applications import Starlette

from adapters.ports import People
from adapters.widget.codes import CloseCode
from adapters.widget.routes import build_widget
from agent.errors import LinkRefusedError
from agent.people import LinkCode
from agent.records import Identity, User
from tests.adapters.widget.make import SECRET, SITES
from tests.adapters.widget.peer import WAIT_S, Peer, user_of
from tests.support.fake_gateway import FakeGateway, as_gateway


class SlowPeople:
    """Says no, once it is let."""

    def __init__(self) -> None:
        self.is_asked, self.may_answer = asyncio.Event(), asyncio.Event()

    async def issue_link_code(self, user: User, account: Identity) -> LinkCode:
        """No."""
        self.is_asked.set()
        await self.may_answer.wait()
        raise LinkRefusedError("not now")


async def test_who_is_parted_while_they_prove_something_comes_back_as_who_they_are(gateway: FakeGateway) -> None:
    """A parting is told once; who missed it would go on as somebody else. Proves: ID-3."""
    people = SlowPeople()
    widget = build_widget(as_gateway(gateway), SITES, SECRET, "db1", None, cast("People", people))
    async with Peer(Starlette(routes=widget.routes)) as peer, asyncio.timeout(WAIT_S):
        user_id = str(user_of(await peer.greet())["id"])
        peer.send({"type": "link", "id": "c"})
        await people.is_asked.wait()
        widget.see_off({(hashlib.sha256(user_id.encode()).digest(), "split"), (b"x", "erased")})
        people.may_answer.set()
        assert (await peer.until("nack"))["code"] == "refused"
        assert (await peer.closed()).code == CloseCode.RESTART
