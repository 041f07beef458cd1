"""What watchers of a session get: everything in order, pieces gathered, and a word when they fall behind."""

import asyncio

import pytest

from adapters.ports import SlowConsumerError
from agent.ids import RunId
from agent.records import RunNote, RunState
from agent.signals import Delta
from gateway.hub import MAX_BYTES, MAX_ENTRIES, Head, Hub, Mailbox, count_flushes
from tests.support.agent_runs import AT
from tests.support.make import SESSION

RUN = RunId("run_1")


def note(seq: int) -> RunNote:
    """A durable entry."""
    return RunNote(session_id=SESSION, seq=seq, run_id=RUN, state=RunState.THINKING, at=AT)


async def read(mailbox: Mailbox) -> list[object]:
    """All that waits in a mailbox."""
    items: list[object] = []
    while mailbox.is_filled:
        items.append(await mailbox.get())
    return items


async def test_pieces_that_come_together_go_out_together_with_offsets_as_browsers_count() -> None:
    """A frame per token would cost more than the token."""
    hub = Hub()
    mailbox = hub.attach(SESSION)
    hub.begin_run(SESSION, RUN)
    for piece in ("Hi ", "\U0001f600", "!"):
        hub.add_text(SESSION, piece)
    hub.flush(SESSION)
    hub.add_text(SESSION, " Bye")
    hub.end_run(SESSION)
    assert await read(mailbox) == [Delta(run_id=RUN, offset=0, text="Hi \U0001f600! Bye")]
    again = hub.attach(SESSION)
    hub.begin_run(SESSION, RUN)
    hub.add_text(SESSION, "\U0001f600")
    hub.flush(SESSION)
    assert await read(again) == [Delta(run_id=RUN, offset=0, text="\U0001f600")]
    hub.add_text(SESSION, "!")
    hub.flush(SESSION)
    assert await read(again) == [Delta(run_id=RUN, offset=2, text="!")]
    hub.end_run(SESSION)


async def test_gathered_pieces_go_out_by_themselves() -> None:
    """A model that pauses in mid-sentence must not hold back what it said."""
    hub = Hub()
    mailbox = hub.attach(SESSION)
    hub.begin_run(SESSION, RUN)
    hub.add_text(SESSION, "Hm")
    async with asyncio.timeout(5):
        assert await mailbox.get() == Delta(run_id=RUN, offset=0, text="Hm")
    hub.end_run(SESSION)


@pytest.mark.parametrize(("units", "flushes"), [(0, 1), (1999, 1), (2000, 2), (6000, 4), (1_000_000, 4)])
def test_of_a_long_answer_more_is_gathered(units: int, flushes: int) -> None:
    """Each frame costs some 70 bytes, and a page shows a long answer more seldom anyway."""
    assert count_flushes(units) == flushes


async def test_a_long_answer_still_goes_out_by_itself_and_whole() -> None:
    """What is left out of one flush must not wait for the next piece of the model."""
    hub = Hub()
    mailbox = hub.attach(SESSION)
    hub.begin_run(SESSION, RUN)
    hub.add_text(SESSION, "x" * 9000)
    hub.flush(SESSION)
    hub.add_text(SESSION, "y")
    async with asyncio.timeout(5):
        assert [await mailbox.get(), await mailbox.get()] == [
            Delta(run_id=RUN, offset=0, text="x" * 9000),
            Delta(run_id=RUN, offset=9000, text="y"),
        ]


async def test_who_joins_in_mid_run_starts_with_all_of_it_and_goes_on_without_a_gap() -> None:
    """A reload in the middle of an answer shows the answer."""
    hub = Hub()
    hub.begin_run(SESSION, RUN)
    hub.add_text(SESSION, "One ")
    hub.flush(SESSION)
    hub.add_text(SESSION, "two ")
    mailbox = hub.attach(SESSION)
    hub.add_text(SESSION, "three")
    hub.end_run(SESSION)
    text = ""
    for item in await read(mailbox):
        assert isinstance(item, Delta)
        assert item.offset == len(text)
        text += item.text
    assert text == "One two three"
    assert await read(hub.attach(SESSION)) == [], "and nothing after the end"


async def test_an_answer_that_starts_over_starts_at_nothing() -> None:
    """The text of a failed attempt must not stand before that of the next."""
    hub = Hub()
    mailbox = hub.attach(SESSION)
    hub.begin_run(SESSION, RUN)
    hub.add_text(SESSION, "Half")
    hub.end_run(SESSION)
    hub.begin_run(SESSION, RUN)
    hub.add_text(SESSION, "Whole")
    hub.end_run(SESSION)
    assert await read(mailbox) == [Delta(run_id=RUN, offset=0, text="Half"), Delta(run_id=RUN, offset=0, text="Whole")]


@pytest.mark.parametrize("kind", ["entries", "bytes"])
async def test_who_does_not_keep_up_is_told_and_costs_no_more(kind: str) -> None:
    """A sleeping tab must not fill the memory of the process."""
    hub = Hub()
    slow, quick = hub.attach(SESSION), hub.attach(SESSION)
    hub.begin_run(SESSION, RUN)
    seen = 0
    for n in range(1, MAX_ENTRIES + 2):
        if kind == "entries":
            hub.publish(SESSION, [note(n)])
        else:
            hub.add_text(SESSION, "x" * (MAX_BYTES // MAX_ENTRIES + 1))
            hub.flush(SESSION)
        seen += len(await read(quick))
    assert seen == MAX_ENTRIES + 1
    for _ in range(2):
        with pytest.raises(SlowConsumerError):
            await slow.get()
    assert not slow._items
    hub.end_run(SESSION)


async def test_a_session_that_nobody_watches_and_nothing_runs_in_leaves_nothing_behind() -> None:
    """A hundred thousand visitors must not stay in memory. Proves: RE-6."""
    hub = Hub()
    for n in range(100):
        place = type(SESSION)(f"s{n}")
        mailbox = hub.attach(place)
        hub.begin_run(place, RUN)
        hub.add_text(place, "x")
        hub.end_run(place)
        hub.publish(place, [note(1)])
        hub.detach(place, mailbox)
        hub.detach(place, mailbox)
        assert hub.put_remote(place, Delta(run_id=RUN, offset=1, text="y")), "nothing is asked for again"
        assert hub.put_remote(place, Delta(run_id=RUN, offset=0, text="xy"))
    assert (hub._mailboxes, hub._live, hub._dirty) == ({}, {}, set())


async def test_many_entries_that_are_committed_together_throw_no_reader_out() -> None:
    """A run that ends for a hundred messages at once is no fault of who watches it."""
    hub = Hub()
    mailbox = hub.attach(SESSION)
    hub.publish(SESSION, [note(seq) for seq in range(1, 101)])
    hub.publish(SESSION, [note(101)])
    assert await read(mailbox) == [Head(seq=100), note(101)]


async def test_who_joins_a_very_long_answer_is_not_behind_by_it() -> None:
    """They would come back and be thrown out again until the answer ends."""
    hub = Hub()
    hub.begin_run(SESSION, RUN)
    hub.add_text(SESSION, "x" * (MAX_BYTES + 1))
    mailbox = hub.attach(SESSION)
    hub.add_text(SESSION, "y")
    hub.end_run(SESSION)
    assert await read(mailbox) == [Delta(run_id=RUN, offset=0, text="x" * (MAX_BYTES + 1) + "y")]
