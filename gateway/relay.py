"""Joins the hubs of several processes over a bus, so that a thread watched here shows what runs there.

    here: somebody watches S ─► register, then tell everybody "+S"
    there: S runs ─► "+S" heard: send the text so far and how far the log goes; from then on every piece and every head

A bus may lose anything, so nothing rests on it: a piece that does not fit what is there is asked for anew, and every
few seconds the heads of the watched sessions are looked up. While no other process is alive, this costs nothing.
"""

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from agent.ids import RunId, SessionId, TaskId, UserId, WorkerId, run_id_of
from agent.records import JsonObject, JsonValue
from agent.signals import Delta, Presence
from agent.text import utf16_length
from gateway.faults import outlive_bugs, outlive_faults
from gateway.hub import Hub
from gateway.ports import Bus
from memory.watchers import Watchers

PIECE = 1_000
"""Characters of text in one frame: under 8,000 bytes however they are written in JSON."""
LIST_BYTES = 6_000
"""Session ids in one frame take so much at most, as they are written in JSON."""
REGISTER_S = 0.02
LOOK_S = 10.0
Stop = Callable[[SessionId, RunId], bool]


class BusRelay:
    """`gateway.hub.Relay` over a bus and the register of watchers."""

    def __init__(self, hub: Hub, bus: Bus, watchers: Watchers, worker_id: WorkerId, stop: Stop) -> None:
        self._hub = hub
        self._bus = bus
        self._watchers = watchers
        self._worker_id = worker_id
        self._stop = stop
        self._is_alone = True
        self._elsewhere: dict[SessionId, set[WorkerId]] = {}
        self._to_add: set[SessionId] = set()
        self._to_remove: set[SessionId] = set()
        self._changed = asyncio.Event()
        self._is_stale = False
        self._others = 0
        self._may_list_gone = False
        self._heard_meanwhile: list[tuple[str, WorkerId, list[SessionId]]] | None = None
        bus.subscribe(self._hear)

    # What the hub tells

    def watch(self, session_id: SessionId) -> None:
        """Somebody watches a session here from now on."""
        self._to_remove.discard(session_id)
        self._to_add.add(session_id)
        self._changed.set()

    def unwatch(self, session_id: SessionId) -> None:
        """Nobody watches a session here any more."""
        self._to_add.discard(session_id)
        self._to_remove.add(session_id)
        self._changed.set()

    def tell_head(self, session_id: SessionId, seq: int) -> None:
        """The log has grown here."""
        self._send(self._elsewhere.get(session_id, ()), {"t": "h", "s": session_id, "q": seq})

    def tell_delta(self, session_id: SessionId, delta: Delta) -> None:
        """An answer goes on here."""
        if nodes := self._elsewhere.get(session_id):
            self._send_delta(nodes, session_id, delta)

    def tell_end(self, session_id: SessionId, run_id: RunId) -> None:
        """An answer ended here."""
        self._send(self._elsewhere.get(session_id, ()), {"t": "e", "s": session_id, "r": run_id})

    def tell_presence(self, session_id: SessionId, presence: Presence) -> None:
        """A person does something here."""
        who: JsonObject = {"u": presence.user_id, "m": presence.name, "a": presence.state, "o": presence.role}
        self._send(self._elsewhere.get(session_id, ()), {"t": "p", "n": self._worker_id, "s": session_id, **who})

    # What the process tells

    def refresh(self) -> None:
        """Something may have been missed, as after a lost connection: register, look, and say that we are here."""
        self._is_stale = True
        self._changed.set()

    def set_others(self, count: int) -> None:
        """How many other processes are alive."""
        if self._is_alone and count:
            self.refresh()
        elif count < self._others:
            self._list_again()
        self._others = count
        self._is_alone = count == 0
        if self._is_alone:
            self._elsewhere.clear()

    async def stop_elsewhere(self, session_id: SessionId, task_id: TaskId) -> bool:
        """Ask whichever process runs a task to stop it. False: none does."""
        owner = await self._watchers.ask_to_stop(session_id, task_id)
        if owner is None:
            return False
        self._send([owner], {"t": "x", "s": session_id, "r": run_id_of(task_id)})
        return True

    async def stop_asked(self) -> None:
        """Stop what others asked for, even if the bus lost their asking."""
        for session_id, task_id in await self._watchers.list_to_stop():
            self._stop(session_id, run_id_of(task_id))

    async def run(self) -> None:
        """Keep the register, until cancelled, and look every few seconds whether something was lost."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._changed.wait()
            await asyncio.sleep(REGISTER_S)
            was_told = self._changed.is_set()
            self._changed.clear()
            if self._is_alone:
                continue
            is_done = False
            with outlive_faults("relay"):
                await (self._register() if was_told or self._is_stale else self._look(self._hub.watched))
                is_done = True
            self._is_stale |= not is_done

    async def _register(self) -> None:
        """Write what changed, tell everybody, then look what happened before they knew."""
        if self._is_stale:
            self._is_stale = False
            self._to_add |= set(self._hub.watched)
            await self._list_others()
            self._send([None], {"t": "j", "n": self._worker_id})
        elif self._may_list_gone:
            await self._list_others()
        added, removed = self._to_add, self._to_remove
        self._to_add, self._to_remove = set(), set()
        if removed:
            await self._watchers.remove(removed)
            self._tell_sessions("-", removed)
        if added:
            await self._watchers.add(added)
            self._tell_sessions("+", added)
            await self._look(list(added))

    def _list_again(self) -> None:
        """A process may have gone without a word, and nobody watches there any more."""
        self._may_list_gone = True
        self._changed.set()

    async def _list_others(self) -> None:
        """Read what is watched elsewhere. What is heard while the answer is on its way is newer than it."""
        self._may_list_gone, self._heard_meanwhile = False, []
        try:
            self._elsewhere = await self._watchers.list_others()
            for kind, node, sessions in self._heard_meanwhile:
                self._note(kind, node, sessions)
        finally:
            self._heard_meanwhile = None

    async def _look(self, sessions: Sequence[SessionId]) -> None:
        if sessions:
            for session_id, head in (await self._watchers.load_heads(sessions)).items():
                self._hub.put_head(session_id, head)

    # What others tell

    def _hear(self, text: str) -> None:
        with outlive_bugs("relay"):  # a frame may come from another version of Parley
            self._take(json.loads(text))

    def _take(self, frame: dict[str, Any]) -> None:
        node = WorkerId(frame.get("n", ""))
        if node == self._worker_id:
            return
        match frame["t"]:
            case "d":
                self._hear_delta(node, frame)
            case "h":
                self._hub.put_head(SessionId(frame["s"]), frame["q"])
            case "e":
                self._hub.end_remote(SessionId(frame["s"]), RunId(frame["r"]))
            case "p":
                presence = Presence(
                    user_id=UserId(frame["u"]), name=frame["m"], state=frame["a"], role=frame.get("o", "user")
                )
                self._hub.put_presence(SessionId(frame["s"]), presence)
            case "+" | "-" as kind:
                self._note(kind, node, frame["s"])
                if self._heard_meanwhile is not None:
                    self._heard_meanwhile.append((kind, node, frame["s"]))
                for session_id in frame["s"] if kind == "+" else ():
                    self._send_live(node, session_id)
            case "w":
                self._send_live(node, SessionId(frame["s"]))
            case "j":  # it learns from the register what is watched here
                self._is_alone = False
                self._to_add |= set(self._hub.watched)
                self._list_again()
            case "x":
                self._stop(SessionId(frame["s"]), RunId(frame["r"]))

    def _hear_delta(self, node: WorkerId, frame: dict[str, Any]) -> None:
        delta = Delta(run_id=RunId(frame["r"]), offset=frame["o"], text=frame["x"])
        if not self._hub.put_remote(SessionId(frame["s"]), delta):
            self._send([node], {"t": "w", "n": self._worker_id, "s": frame["s"]})

    def _note(self, kind: str, node: WorkerId, sessions: Iterable[SessionId]) -> None:
        for session_id in sessions:
            nodes = self._elsewhere.setdefault(session_id, set())
            if kind == "+":
                nodes.add(node)
            else:
                nodes.discard(node)
            if not nodes:
                del self._elsewhere[session_id]

    def _send_live(self, node: WorkerId, session_id: SessionId) -> None:
        if live := self._hub.load_live(session_id):
            self._send_delta([node], session_id, live)

    # Frames

    def _tell_sessions(self, kind: str, sessions: set[SessionId]) -> None:
        for part in split_sessions(sorted(sessions)):
            self._send([None], {"t": kind, "n": self._worker_id, "s": [*part]})

    def _send_delta(self, nodes: Iterable[WorkerId], session_id: SessionId, delta: Delta) -> None:
        offset = delta.offset
        for start in range(0, len(delta.text), PIECE):
            piece = delta.text[start : start + PIECE]
            frame: JsonObject = {
                "t": "d",
                "n": self._worker_id,
                "s": session_id,
                "r": delta.run_id,
                "o": offset,
                "x": piece,
            }
            self._send(nodes, frame)
            offset += utf16_length(piece)

    def _send(self, nodes: Iterable[WorkerId | None], frame: JsonObject) -> None:
        nodes = list(nodes)
        if nodes:
            text = _write(frame)
            for node in nodes:
                self._bus.send(node, text)


def split_sessions(sessions: Iterable[SessionId]) -> Iterator[Sequence[SessionId]]:
    """The same ids in the same order, as many at a time as fit into one frame."""
    part: list[SessionId] = []
    size = 0
    for session_id in sessions:
        length = len(_write(session_id).encode()) + 1
        if part and size + length > LIST_BYTES:
            yield part
            part, size = [], 0
        part.append(session_id)
        size += length
    if part:
        yield part


def _write(frame: JsonValue) -> str:
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"))
