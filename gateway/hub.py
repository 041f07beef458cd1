"""Who watches which session in this process, and what is being said there right now.

Durable entries go to every watcher as they are committed. Pieces of running answers are gathered for 40 ms, and of long
ones for up to 160 ms, as a page shows those more seldom anyway: a watcher gets a few frames a second instead of one per
token. A watcher that does not keep up loses nothing: its mailbox
overflows, it is told so, and it resumes from its cursor.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from adapters.ports import SlowConsumerError
from agent.ids import RunId, SessionId
from agent.records import LogEntry, Message
from agent.signals import Delta, Presence
from agent.text import utf16_length

FLUSH_S = 0.04
SLOWER_EVERY_UNITS = 2_000
MAX_FLUSHES = 4
"""For each so many UTF-16 units of an answer one more flush is left out before the next, up to so many times 40 ms."""
MAX_ENTRIES = 64
MAX_BYTES = 256 * 1024
MAX_AT_ONCE = 16
"""Of more entries that are committed together a watcher is told only how far they go: it reads them in the log."""
_ENTRY_BYTES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The log goes up to `seq` at least; what is new has to be read."""

    seq: int


Item: TypeAlias = LogEntry | Delta | Head
Hear: TypeAlias = Callable[[Presence], None]


class Relay(Protocol):
    """Tells other processes what happens here, and asks them for what is watched here. No method waits."""

    def refresh(self) -> None:
        """Something that others told may have been missed."""
        ...

    def watch(self, session_id: SessionId) -> None:
        """The first watcher of a session came."""
        ...

    def unwatch(self, session_id: SessionId) -> None:
        """The last watcher of a session left."""
        ...

    def tell_head(self, session_id: SessionId, seq: int) -> None:
        """The log has grown here."""
        ...

    def tell_delta(self, session_id: SessionId, delta: Delta) -> None:
        """An answer goes on here."""
        ...

    def tell_end(self, session_id: SessionId, run_id: RunId) -> None:
        """An answer ended here."""
        ...

    def tell_presence(self, session_id: SessionId, presence: Presence) -> None:
        """A person does something here."""
        ...


class Mailbox:
    """What one watcher has not read yet, `max_bytes` at most. Deltas that follow one another are one."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._items: deque[Item] = deque()
        self._bytes = 0
        self._is_full = False
        self._filled = asyncio.Event()

    def put(self, item: Item) -> None:
        """Add an item; a mailbox that is full stays full."""
        if self._is_full:
            return
        last = self._items[-1] if self._items else None
        if isinstance(item, Delta) and isinstance(last, Delta) and last.run_id == item.run_id and item.offset:
            self._items[-1] = Delta(run_id=item.run_id, offset=last.offset, text=last.text + item.text)
            self._bytes += len(item.text)
        else:
            self._items.append(item)
            self._bytes += _size(item)
        if len(self._items) > MAX_ENTRIES or self._bytes > self._max_bytes:
            self._is_full = True
            self._items.clear()
        self._filled.set()

    @property
    def is_filled(self) -> bool:
        """Whether something can be read at once."""
        return bool(self._items)

    async def get(self) -> Item:
        """The next item. Raises `SlowConsumerError` once too much was waiting."""
        while not self._items:
            if self._is_full:
                raise SlowConsumerError
            self._filled.clear()
            await self._filled.wait()
        item = self._items.popleft()
        self._bytes -= _size(item)
        return item


def _size(item: Item) -> int:
    return _ENTRY_BYTES + (len(item.text) if isinstance(item, Delta | Message) else 0)


@dataclass(slots=True, kw_only=True)
class _Live:
    """The text of a running answer, here or elsewhere: what watchers have, and what they get with the next flush."""

    run_id: RunId
    is_remote: bool = False
    sent: list[str] = field(default_factory=list)
    sent_units: int = 0
    pending: list[str] = field(default_factory=list)
    waited: int = 0

    def is_due(self) -> bool:
        """Another 40 ms are over: whether what is pending goes out now."""
        self.waited += 1
        return self.waited >= count_flushes(self.sent_units)


def count_flushes(sent_units: int) -> int:
    """For how many times 40 ms the next piece of an answer is gathered, of which so much is out."""
    return min(MAX_FLUSHES, 1 + sent_units // SLOWER_EVERY_UNITS)


class Hub:
    """The watchers of this process. All methods are plain calls on the event loop's thread."""

    def __init__(self) -> None:
        self._mailboxes: dict[SessionId, set[Mailbox]] = {}
        self._listeners: dict[SessionId, list[Hear]] = {}
        self._live: dict[SessionId, _Live] = {}
        self._dirty: set[SessionId] = set()
        self._timer: asyncio.TimerHandle | None = None
        self.relay: Relay | None = None

    @property
    def watched(self) -> Sequence[SessionId]:
        """The sessions that somebody watches here."""
        return list(self._mailboxes)

    def attach(self, session_id: SessionId) -> Mailbox:
        """Begin to watch. If an answer is being written, the mailbox starts with all of it."""
        self.flush(session_id)
        live = self._live.get(session_id)
        so_far = "".join(live.sent) if live else ""
        mailbox = Mailbox(MAX_BYTES + len(so_far))  # nobody is behind by what was said before they came
        if live and so_far:
            mailbox.put(Delta(run_id=live.run_id, offset=0, text=so_far))
        if session_id not in self._mailboxes and self.relay:
            self.relay.watch(session_id)
        self._mailboxes.setdefault(session_id, set()).add(mailbox)
        return mailbox

    def detach(self, session_id: SessionId, mailbox: Mailbox) -> None:
        """End to watch."""
        watchers = self._mailboxes.get(session_id, set())
        watchers.discard(mailbox)
        if not watchers and self._mailboxes.pop(session_id, None) is not None:
            if self.relay:
                self.relay.unwatch(session_id)
            if (live := self._live.get(session_id)) and live.is_remote:
                del self._live[session_id]

    def publish(self, session_id: SessionId, entries: Sequence[LogEntry]) -> None:
        """Give committed entries to the session's watchers, here and elsewhere."""
        items: Sequence[Item] = entries if len(entries) <= MAX_AT_ONCE else [Head(seq=entries[-1].seq)]
        for mailbox in self._mailboxes.get(session_id, ()):
            for item in items:
                mailbox.put(item)
        if entries and self.relay:
            self.relay.tell_head(session_id, entries[-1].seq)

    def hear_presence(self, session_id: SessionId, hear: Hear) -> Callable[[], None]:
        """Be told what people in a session do, until the function that this gives is called."""
        self._listeners.setdefault(session_id, []).append(hear)

        def stop() -> None:
            listeners = self._listeners.get(session_id, [])
            if hear in listeners:
                listeners.remove(hear)
            if not listeners:
                self._listeners.pop(session_id, None)

        return stop

    def put_presence(self, session_id: SessionId, presence: Presence) -> None:
        """A person does something, here or elsewhere."""
        for hear in list(self._listeners.get(session_id, ())):
            hear(presence)

    def tell_presence(self, session_id: SessionId, presence: Presence) -> None:
        """A person does something here: for the session's watchers everywhere."""
        self.put_presence(session_id, presence)
        if self.relay:
            self.relay.tell_presence(session_id, presence)

    def put_head(self, session_id: SessionId, seq: int) -> None:
        """The log has grown elsewhere."""
        for mailbox in self._mailboxes.get(session_id, ()):
            mailbox.put(Head(seq=seq))

    def put_remote(self, session_id: SessionId, delta: Delta) -> bool:
        """An answer goes on elsewhere. False: a piece before this one is missing here, and nothing was passed on.

        A piece that comes when the last watcher has left is for nobody, and none is missing.
        """
        live = self._live.get(session_id)
        if session_id not in self._mailboxes or (live and not live.is_remote):
            return True
        if delta.offset == 0:
            live = self._live[session_id] = _Live(run_id=delta.run_id, is_remote=True)
        if live is None or live.run_id != delta.run_id or live.sent_units != delta.offset:
            return live is not None and live.run_id == delta.run_id and delta.offset < live.sent_units
        live.sent.append(delta.text)
        live.sent_units += utf16_length(delta.text)
        for mailbox in self._mailboxes.get(session_id, ()):
            mailbox.put(delta)
        return True

    def end_remote(self, session_id: SessionId, run_id: RunId) -> None:
        """An answer ended elsewhere."""
        if (live := self._live.get(session_id)) and live.is_remote and live.run_id == run_id:
            del self._live[session_id]

    def load_live(self, session_id: SessionId) -> Delta | None:
        """All that watchers have of the answer that is being written here."""
        live = self._live.get(session_id)
        if live is None or live.is_remote or not live.sent:
            return None
        return Delta(run_id=live.run_id, offset=0, text="".join(live.sent))

    def begin_run(self, session_id: SessionId, run_id: RunId) -> None:
        """An answer starts, or starts over."""
        self._live[session_id] = _Live(run_id=run_id)

    def add_text(self, session_id: SessionId, text: str) -> None:
        """The running answer goes on."""
        self._live[session_id].pending.append(text)
        self._dirty.add(session_id)
        self._wind()

    def end_run(self, session_id: SessionId) -> None:
        """The answer is whole, or given up: what is gathered goes out."""
        self.flush(session_id)
        live = self._live.get(session_id)
        if live and not live.is_remote:
            del self._live[session_id]
            if self.relay:
                self.relay.tell_end(session_id, live.run_id)

    def _wind(self) -> None:
        if self._timer is None and self._dirty:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_S, self._flush_due)

    def _flush_due(self) -> None:
        self._timer = None
        for session_id in list(self._dirty):
            live = self._live.get(session_id)
            if live is None or live.is_due():
                self.flush(session_id)
        self._wind()

    def flush(self, session_id: SessionId) -> None:
        """What is gathered of a session goes out now."""
        self._dirty.discard(session_id)
        live = self._live.get(session_id)
        if live is None or not live.pending:
            return
        text = "".join(live.pending)
        delta = Delta(run_id=live.run_id, offset=live.sent_units, text=text)
        live.sent.append(text)
        live.sent_units += utf16_length(text)
        live.pending.clear()
        live.waited = 0
        for mailbox in self._mailboxes.get(session_id, ()):
            mailbox.put(delta)
        if self.relay:
            self.relay.tell_delta(session_id, delta)
