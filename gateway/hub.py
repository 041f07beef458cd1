"""Who watches which session in this process, and what is being said there right now.

Durable entries go to every watcher as they are committed. Pieces of running answers are gathered for 40 ms, so that a
watcher gets a few frames a second instead of one per token. A watcher that does not keep up loses nothing: its mailbox
overflows, it is told so, and it resumes from its cursor.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from adapters.ports import SlowConsumerError
from agent.ids import RunId, SessionId
from agent.records import Delta, LogEntry, Message
from agent.text import utf16_length

FLUSH_S = 0.04
MAX_ENTRIES = 64
MAX_BYTES = 256 * 1024
_ENTRY_BYTES = 200


class Mailbox:
    """What one watcher has not read yet. Deltas that follow one another are one."""

    def __init__(self) -> None:
        self._items: deque[LogEntry | Delta] = deque()
        self._bytes = 0
        self._is_full = False
        self._filled = asyncio.Event()

    def put(self, item: LogEntry | Delta) -> None:
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
        if len(self._items) > MAX_ENTRIES or self._bytes > MAX_BYTES:
            self._is_full = True
            self._items.clear()
        self._filled.set()

    async def get(self) -> LogEntry | Delta:
        """The next item. Raises `SlowConsumerError` once too much was waiting."""
        while not self._items:
            if self._is_full:
                raise SlowConsumerError
            self._filled.clear()
            await self._filled.wait()
        item = self._items.popleft()
        self._bytes -= _size(item)
        return item


def _size(item: LogEntry | Delta) -> int:
    return _ENTRY_BYTES + (len(item.text) if isinstance(item, Delta | Message) else 0)


@dataclass(slots=True, kw_only=True)
class _Live:
    """The text of a running answer: what watchers have, and what they get with the next flush."""

    run_id: RunId
    sent: list[str] = field(default_factory=list)
    sent_units: int = 0
    pending: list[str] = field(default_factory=list)


class Hub:
    """The watchers of this process. All methods are plain calls on the event loop's thread."""

    def __init__(self) -> None:
        self._mailboxes: dict[SessionId, set[Mailbox]] = {}
        self._live: dict[SessionId, _Live] = {}
        self._dirty: set[SessionId] = set()
        self._timer: asyncio.TimerHandle | None = None

    def attach(self, session_id: SessionId) -> Mailbox:
        """Begin to watch. If an answer is being written, the mailbox starts with all of it."""
        self._flush(session_id)
        mailbox = Mailbox()
        if (live := self._live.get(session_id)) and live.sent:
            mailbox.put(Delta(run_id=live.run_id, offset=0, text="".join(live.sent)))
        self._mailboxes.setdefault(session_id, set()).add(mailbox)
        return mailbox

    def detach(self, session_id: SessionId, mailbox: Mailbox) -> None:
        """End to watch."""
        watchers = self._mailboxes.get(session_id, set())
        watchers.discard(mailbox)
        if not watchers:
            self._mailboxes.pop(session_id, None)

    def publish(self, session_id: SessionId, entries: Iterable[LogEntry]) -> None:
        """Give committed entries to the session's watchers."""
        if watchers := self._mailboxes.get(session_id):
            for entry in entries:
                for mailbox in watchers:
                    mailbox.put(entry)

    def begin_run(self, session_id: SessionId, run_id: RunId) -> None:
        """An answer starts, or starts over."""
        self._live[session_id] = _Live(run_id=run_id)

    def add_text(self, session_id: SessionId, text: str) -> None:
        """The running answer goes on."""
        self._live[session_id].pending.append(text)
        self._dirty.add(session_id)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_S, self._flush_all)

    def end_run(self, session_id: SessionId) -> None:
        """The answer is whole, or given up: what is gathered goes out."""
        self._flush(session_id)
        self._live.pop(session_id, None)

    def _flush_all(self) -> None:
        self._timer = None
        for session_id in list(self._dirty):
            self._flush(session_id)

    def _flush(self, session_id: SessionId) -> None:
        self._dirty.discard(session_id)
        live = self._live.get(session_id)
        if live is None or not live.pending:
            return
        text = "".join(live.pending)
        delta = Delta(run_id=live.run_id, offset=live.sent_units, text=text)
        live.sent.append(text)
        live.sent_units += utf16_length(text)
        live.pending.clear()
        for mailbox in self._mailboxes.get(session_id, ()):
            mailbox.put(delta)
