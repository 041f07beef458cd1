"""What a person may see of themselves, by every way there is: Python, the command line, HTTP, the widget."""

import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import httpx2

from agent.errors import AskerChangedError
from agent.records import Audience, JsonObject
from gateway.memory_commands import list_page
from memory.database import Database
from memory.search import Search
from tests.adapters.widget.peer import Closed, Peer
from tests.isolation.checks import Witness
from tests.isolation.people import SHOP, People
from tests.support.gateway import Core

Seen = TypeVar("Seen")
ASKED = "who likes what, and what is known"
RECONNECTS = 5
LOOKS = 20
MESSAGES = "message-search"
PATHS = (
    "memories",
    "memory-export",
    "memory-search?query=likes&limit=50",
    f"{MESSAGES}?query={ASKED}&limit=50",
    "identities",
)


class Looking:
    """The eyes of the people of one world."""

    def __init__(self, people: People, core: Core, database: Database, witness: Witness) -> None:
        self._people = people
        self._app = core.gateway.app
        self._memories = core.gateway.service.memories
        self._search = Search(database)
        self._witness = witness

    async def look(self, person: int) -> None:
        """A person looks from Python and over HTTP."""
        seen: list[tuple[str, str]] = []
        kin = self._people.kin
        before = kin.changes
        user_id = (await self._people.find(person)).id
        listing = list_page(user_id, topics=(), page=1, limit=50, as_json=True)
        seen.append(("the export", json.dumps(await _insist(lambda: self._memories.export_memories(user_id)))))
        seen.append(("the command line", await _insist(lambda: listing(self._memories))))
        found = await self._search.find_memories(user_id, ASKED, 50, Audience.PRIVATE)
        seen.append(("the search", repr(found)))
        places = {str(hit.message.session_id) for hit in await self._search.find_turns(user_id, ASKED, 50)}
        seen += await self._call(person)
        is_steady = before == kin.changes
        for where, text in seen:
            if where != MESSAGES:
                self._witness.see_own(self._people.number, person, text, where, is_steady=is_steady)
            else:
                places |= {str(hit["session_id"]) for hit in json.loads(text)["messages"]}
        for place in sorted(places):
            if not self._may_be_in(person, place, is_steady=is_steady):
                self._witness.faults.append(f"{user_id} found what was said in {place}")

    async def _call(self, person: int) -> list[tuple[str, str]]:
        headers = {"authorization": f"Bearer {self._people.token(person)}"}
        transport = httpx2.ASGITransport(app=self._app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://parley.test", headers=headers) as client:
            answers = [(path.partition("?")[0], await _get(client, f"/api/v1/me/{path}")) for path in PATHS]
        for path, answer in answers:
            if answer.status_code != 200:
                self._witness.faults.append(f"/me/{path} gave {answer.status_code}")
        return [(path, answer.text) for path, answer in answers if answer.status_code == 200]

    async def watch(self, person: int) -> None:
        """A person opens the widget's panel, at a quiet time."""
        for _ in range(RECONNECTS):
            try:
                async with Peer(self._app) as peer:
                    await peer.greet(site=SHOP.key, token=self._people.token(person))
                    peer.send({"type": "memories", "id": "m", "op": "list"})
                    frame: JsonObject = await peer.until("memories")
            except Closed:  # somebody who was linked or parted a moment ago has to come back
                continue
            self._witness.see_own(self._people.number, person, json.dumps(frame), "the widget")
            return

    def _may_be_in(self, person: int, place: str, *, is_steady: bool) -> bool:
        if f":{self._people.number}-" not in place:
            return False
        is_theirs = self._people.kin.is_one if is_steady else self._people.kin.was_one
        name, _, whose = place.partition(f":{self._people.number}-")[2].partition("-")
        is_visitor = name == "open" and person in self._people.kin.places.visitors.get(int(whose), ())
        return name == "shared" or is_visitor or is_theirs(person, int(whose[0]))


async def _insist(look: Callable[[], Awaitable[Seen]]) -> Seen:
    """As whoever is told to try again does: they were linked at that moment."""
    for _ in range(LOOKS):
        with suppress(AskerChangedError):
            return await look()
    raise AssertionError(f"looked {LOOKS} times, and was never told")


async def _get(client: httpx2.AsyncClient, path: str) -> httpx2.Response:
    """As whoever is told to come again does: the store was too busy, or they were linked at that moment."""
    for _ in range(LOOKS):
        answer = await client.get(path)
        if answer.status_code not in {409, 503}:
            break
    return answer
