"""What the demo model knows about the asker: the memory block, and what they said in this thread.

Facts are stored off the reply path, some seconds after they were said, so the thread may be ahead of the memory block;
and the person may have told something newer elsewhere, so the memory block may be ahead of the thread.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gateway.demo.facts import Fact, Forget, read_changes, slot_of
from gateway.demo.scene import Scene

RECENT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A fact about the asker. `is_remembered` tells the memory block from the thread."""

    text: str
    slot: str | None
    is_remembered: bool


def find_known(scene: Scene) -> tuple[Known, ...]:
    """What is known about the asker, remembered things first."""
    messages = [*scene.own_words, scene.question]
    recent = messages[-RECENT:]
    wishes = [wish for text in recent for wish in read_changes(text) if isinstance(wish, Forget)]
    remembered = [Known(text=text, slot=slot_of(text), is_remembered=True) for text in scene.memory or ()]
    kept = [
        known
        for known in remembered
        if not any(wish.covers(known.text) for wish in wishes) and not _is_outdated(known, messages, recent)
    ]
    names = {known.text.casefold() for known in kept}
    slots = {known.slot for known in kept if known.slot}
    told = (known for known in _fold(messages) if known.text.casefold() not in names and known.slot not in slots)
    return (*kept, *told)


def find_told(texts: Iterable[str]) -> tuple[str, ...]:
    """The facts in somebody's messages, without those they took back."""
    return tuple(known.text for known in _fold(texts))


def _fold(texts: Iterable[str]) -> list[Known]:
    facts: list[Known] = []
    for text in texts:
        for change in read_changes(text):
            facts = _apply(facts, change)
    return facts


def _apply(facts: list[Known], change: Fact | Forget) -> list[Known]:
    if isinstance(change, Forget):
        return [fact for fact in facts if not change.covers(fact.text)]
    new = Known(text=change.text, slot=change.slot, is_remembered=False)
    others = [f for f in facts if f.text.casefold() != new.text.casefold() and not (new.slot and f.slot == new.slot)]
    return [*others, new]


def _is_outdated(known: Known, messages: list[str], recent: list[str]) -> bool:
    """Whether the thread has something newer in the same slot: said just now, or after this was said here."""
    told = [fact.casefold() for fact in _in_slot(known.slot, messages)]
    if known.slot is None or not told or told[-1] == known.text.casefold():
        return False
    return known.text.casefold() in told or bool(list(_in_slot(known.slot, recent)))


def _in_slot(slot: str | None, texts: Iterable[str]) -> Iterator[str]:
    changes = (change for text in texts for change in read_changes(text))
    return (change.text for change in changes if isinstance(change, Fact) and change.slot == slot)
