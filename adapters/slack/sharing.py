"""Conversations that several companies share: each belongs to the installation that told of it first."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from adapters.slack.ports import Pin, Shared
from adapters.slack.records import (
    Asked,
    Clicked,
    Command,
    Deleted,
    Edited,
    Event,
    Interaction,
    Origin,
    Said,
    Shortcut,
    StopClicked,
)

LIMIT = 20_000
KNOWN_S = 20.0
"""For so long a conversation is not looked up again: another process may have heard that it is free."""
E = TypeVar("E", bound=Event | Interaction)


class Pins:
    """Puts what comes from a shared conversation under the installation that it belongs to."""

    def __init__(self, shared: Shared, clock: Callable[[], float] = time.monotonic) -> None:
        self._shared = shared
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, Pin]] = OrderedDict()

    async def settle(self, event: E) -> E:
        """The event, with the origin that counts. Raises `StoreUnavailableError`."""
        place = find_place(event)
        pin = await self._find(*place) if place is not None else None
        return event if pin is None or place is None or pin[0] == place[0].installation else move(event, pin)

    async def _find(self, origin: Origin, conversation: str) -> Pin | None:
        if origin.is_shared is False:
            return None
        until_s, known = self._known.get(conversation, (0.0, None))
        if known is not None and self._clock() < until_s:
            return known
        if origin.is_shared:
            pin: Pin | None = await self._shared.pin(conversation, origin.installation, origin.team, origin.bot_user)
        else:
            pin = await self._shared.find(conversation)
        self._known.pop(conversation, None)
        if pin is not None:
            self._known[conversation] = (self._clock() + KNOWN_S, pin)
        if len(self._known) > LIMIT:
            self._known.popitem(last=False)
        return pin

    def forget(self, installation: str) -> None:
        """It was removed: its conversations are free."""
        for conversation in [name for name, (_, pin) in self._known.items() if pin[0] == installation]:
            del self._known[conversation]


def find_place(event: Event | Interaction) -> tuple[Origin, str] | None:
    """Where something happened; none when in no conversation."""
    match event:
        case Edited(said=said):
            return said.origin, said.conversation
        case Asked() | Shortcut():
            return event.origin, event.said.conversation
        case Said() | Deleted() | StopClicked() | Clicked() | Command():
            return (event.origin, event.conversation) if event.conversation else None
        case _:
            return None


def move(event: E, pin: Pin) -> E:
    """The event as if the pinned installation had been told of it."""
    moved: Event | Interaction = event
    match event:
        case Said():
            moved = _move_said(event, pin)
        case Edited():
            moved = replace(event, said=_move_said(event.said, pin))
        case Asked() | Shortcut():
            moved = replace(event, origin=_move(event.origin, pin), said=_move_said(event.said, pin))
        case Deleted() | StopClicked() | Clicked() | Command():
            moved = replace(event, origin=_move(event.origin, pin))
    return moved  # type: ignore[return-value]


def _move(origin: Origin, pin: Pin) -> Origin:
    installation, team, bot_user = pin
    return replace(origin, installation=installation, team=team, bot_user=bot_user or origin.bot_user)


def _move_said(said: Said, pin: Pin) -> Said:
    """A mention of the bot is one whichever company's bot it names; people of the pinned team are at home there."""
    installation, team, bot_user = pin
    text, told = said.text, said.origin.bot_user
    if bot_user is not None and told is not None:
        text = text.replace(f"<@{told}>", f"<@{bot_user}>")
    home = installation if said.home == team else said.home
    return replace(said, origin=_move(said.origin, pin), text=text, home=home)
