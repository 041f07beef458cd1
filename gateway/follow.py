"""A session's events for one reader: each durable one once, in order, without gaps, whatever order they arrive in.

Numbers are given under a lock that is held until the commit, so whoever sees number n can read all before it.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TypeAlias

from agent.ids import RunId, SessionId
from agent.records import LogEntry, Message, RunNote
from agent.signals import Delta
from gateway.hub import Head, Hub, Mailbox
from memory.context import Sessions

PAGE = 200
Events: TypeAlias = AsyncGenerator[LogEntry | Delta, None]


@asynccontextmanager
async def follow(hub: Hub, sessions: Sessions, session_id: SessionId, after: int) -> AsyncGenerator[Events, None]:
    """Events after `after`. The watch begins before the log is read, so that nothing falls between."""
    mailbox = hub.attach(session_id)
    events = _events(mailbox, sessions, session_id, after)
    try:
        yield events
    finally:
        await events.aclose()
        hub.detach(session_id, mailbox)


async def _events(mailbox: Mailbox, sessions: Sessions, session_id: SessionId, cursor: int) -> Events:
    over: set[RunId] = set()
    async for entry in _read_log(sessions, session_id, cursor):
        cursor = entry.seq
        _note_end(over, entry)
        yield entry
    while True:
        item = await mailbox.get()
        if isinstance(item, Delta):
            if item.run_id not in over:
                yield item
        elif item.seq == cursor + 1 and not isinstance(item, Head):
            cursor = item.seq
            _note_end(over, item)
            yield item
        elif item.seq > cursor:
            async for entry in _read_log(sessions, session_id, cursor):
                cursor = entry.seq
                _note_end(over, entry)
                yield entry


async def _read_log(sessions: Sessions, session_id: SessionId, after: int) -> AsyncGenerator[LogEntry, None]:
    while page := await sessions.load_log(session_id, after, PAGE):
        for entry in page:
            yield entry
        after = page[-1].seq
        if len(page) < PAGE:
            return


def _note_end(over: set[RunId], entry: LogEntry) -> None:
    """Deltas of an answer that is in the log already would only repeat it."""
    if isinstance(entry, RunNote):
        if entry.state.is_final:
            over.add(entry.run_id)
        else:
            over.discard(entry.run_id)
    elif isinstance(entry, Message) and entry.role == "assistant" and entry.run_id:
        over.add(entry.run_id)
