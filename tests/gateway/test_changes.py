"""Who has to be told that an id has changed its meaning, and how often."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import cast

from gateway.changes import Change, Changes
from memory.links import Links
from tests.support.agent_runs import AT


class Told:
    """Stands for the store: what it says next."""

    def __init__(self) -> None:
        self.now: Sequence[tuple[bytes, str, datetime]] = ()

    async def list_changes(self, within_s: float) -> Sequence[tuple[bytes, str, datetime]]:
        """What a test put there."""
        return self.now


async def test_an_id_that_is_nobodys_is_told_of_while_it_is_fresh_and_caches_are_emptied_seldom() -> None:
    """Somebody may have been let in at that moment; but a busy site must not lose its caches all the time.

    Proves: ID-3.
    """
    store, heard, emptied = Told(), list[Collection[Change]](), list[int]()
    changes = Changes(cast("Links", store))
    changes.listeners.append(heard.append)
    changes.caches.append(lambda: emptied.append(1))
    merged, split = (b"a", "merged", AT), (b"b", "split", AT)
    for now in ((), (merged, split), (merged, split), (merged,), ()):
        store.now = now
        await changes.look()
    assert heard == [{merged[:2], split[:2]}, {merged[:2]}, {merged[:2]}]
    assert len(emptied) == 3, "when something comes, and when something goes"


async def test_an_id_that_is_parted_again_is_told_of_again() -> None:
    """Two accounts are parted one after the other: who was let in between as both must not stay so. Proves: ID-3."""
    store, heard = Told(), list[Collection[Change]]()
    changes = Changes(cast("Links", store))
    changes.listeners.append(heard.append)
    first, second = (b"a", "split", AT), (b"a", "split", AT + timedelta(seconds=5))
    for now in ((first,), (first, second), (first, second), (second,)):
        store.now = now
        await changes.look()
    assert heard == [{(b"a", "split")}, {(b"a", "split")}]
