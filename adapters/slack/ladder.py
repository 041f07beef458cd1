"""The answering ladder as a state machine: stream ─► a post that is rewritten once a second ─► nothing but the end.

It is told what the answer is so far, asked for the next step, and told what came of it. One step at a time: there is
one writer. What it shows is a preview; the final text is put in its place by `adapters.slack.answers`.

    rung STREAM   start ─► append … ─► close          refused, expired, unclear or nearly four minutes old ─┐
    rung REWRITE  post ─► rewrite …  ◄──────────────────────────────────────────────────────────────────────┘
    rung END      nothing                              a rewrite that is refused ends here
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal, TypeAlias

STREAM_AGE_S = 230.0
"""Slack ends a stream after about five minutes, as people report."""
REWRITE_EVERY_S = 1.0
APPEND_EVERY_S = 0.5

Verb: TypeAlias = Literal["start", "append", "close", "post", "rewrite"]


class Rung(IntEnum):
    """How an answer that is being written is shown."""

    STREAM = 0
    REWRITE = 1
    END = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A tool call as people see it while the answer streams. `is_waiting`: for approval, and so it has not begun."""

    card_id: str
    title: str
    is_done: bool = False
    is_waiting: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A call to make. `ts` is none where a message begins; `text` is what to add (append, close) or the whole.

    `cards` are those that are new or done now.
    """

    verb: Verb
    part: int
    ts: str | None
    text: str
    cards: tuple[Card, ...] = ()


@dataclass(slots=True, kw_only=True)
class Shown:
    """A message of the answer as it stands in Slack. `sent` is what it shows, as far as that is known."""

    ts: str
    is_streaming: bool
    sent: str
    since_s: float


@dataclass(slots=True)
class Ladder:
    """One answer. Times are monotonic seconds, handed in."""

    rung: Rung = Rung.STREAM
    shown: list[Shown] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    cards: tuple[Card, ...] = ()
    takes_cards: bool = True
    has_lost_start: bool = False
    _next_at_s: float = 0.0
    _cards_shown: dict[str, Card] = field(default_factory=dict)

    def tell(self, parts: list[str]) -> None:
        """The answer so far, rendered and split; all parts but the last are final."""
        self.parts = [*parts[:-1], parts[-1].rstrip()] if parts else []

    def tell_cards(self, cards: Sequence[Card]) -> None:
        """The tool calls so far."""
        self.cards = tuple(cards)

    @property
    def open_cards(self) -> tuple[Card, ...]:
        """Those that are shown as going on."""
        return tuple(card for card in self._cards_shown.values() if not card.is_done)

    def _find_news(self) -> tuple[Card, ...]:
        """The cards that are not shown as they stand; only a stream shows any."""
        if not self.takes_cards or self.rung is not Rung.STREAM:
            return ()
        return tuple(card for card in self.cards if self._cards_shown.get(card.card_id) != card)

    def wait_s(self, now_s: float) -> float:
        """Seconds until the next step may be due."""
        return max(0.0, self._next_at_s - now_s)

    def next_step(self, now_s: float) -> Step | None:
        """What to do now; none when there is nothing to do, or not yet."""
        if self.rung is Rung.END or now_s < self._next_at_s or not (self.parts or self._find_news()):
            return None
        part = max(0, len(self.shown) - 1)
        if self.shown and self._is_whole(part):
            part += 1
        if part >= len(self.shown):
            return self._begin(part)
        return self._go_on(part, self.shown[part], now_s)

    def _is_whole(self, part: int) -> bool:
        """Whether a part is final and shown to its end."""
        message = self.shown[part]
        return part < len(self.parts) - 1 and not message.is_streaming and message.sent == self.parts[part]

    def _begin(self, part: int) -> Step | None:
        text, cards = self.parts[part] if part < len(self.parts) else "", self._find_news()
        if not text and not cards:
            return None
        verb: Verb = "start" if self.rung is Rung.STREAM else "post"
        return Step(verb=verb, part=part, ts=None, text=text, cards=cards)

    def _go_on(self, part: int, message: Shown, now_s: float) -> Step | None:
        whole = self.parts[part] if part < len(self.parts) else ""
        is_final = part < len(self.parts) - 1
        if not message.is_streaming:
            changed = bool(whole) and whole != message.sent
            return Step(verb="rewrite", part=part, ts=message.ts, text=whole) if changed else None
        if not whole.startswith(message.sent) or now_s - message.since_s >= STREAM_AGE_S:
            return Step(verb="close", part=part, ts=message.ts, text="")
        rest, cards = whole[len(message.sent) :], self._find_news()
        if is_final:
            return Step(verb="close", part=part, ts=message.ts, text=rest, cards=cards)
        return Step(verb="append", part=part, ts=message.ts, text=rest, cards=cards) if rest or cards else None

    def did(self, step: Step, ts: str, now_s: float) -> None:
        """A step was carried out; `ts` names its message."""
        self._cards_shown.update((card.card_id, card) for card in step.cards)
        match step.verb:
            case "start" | "post":
                is_streaming = step.verb == "start"
                self.shown.append(Shown(ts=ts, is_streaming=is_streaming, sent=step.text, since_s=now_s))
            case "append":
                self.shown[step.part].sent += step.text
            case "close":
                self.shown[step.part].sent += step.text
                self.shown[step.part].is_streaming = False
            case "rewrite":
                self.shown[step.part].sent = step.text
        self._next_at_s = now_s + (REWRITE_EVERY_S if step.verb in {"post", "rewrite"} else APPEND_EVERY_S)

    def refused(self, step: Step, now_s: float) -> None:
        """Slack would not have it: without its cards, and if there were none, one rung down."""
        if step.cards:
            self.takes_cards = False
        elif step.verb in {"append", "close"}:
            self.shown[step.part].is_streaming = False
            self.rung = max(self.rung, Rung.REWRITE)
        else:
            self.rung = Rung.REWRITE if step.verb == "start" else Rung.END
        self._next_at_s = now_s

    def lost(self, step: Step, now_s: float) -> None:
        """Nobody knows whether it was carried out: what was sent is unclear, so it is written anew; a begin is left."""
        if step.verb in {"start", "post"}:
            self.has_lost_start = True
            self.rung = Rung.END
        else:
            self.shown[step.part].is_streaming = False
            self.rung = max(self.rung, Rung.REWRITE)
        self._next_at_s = now_s + REWRITE_EVERY_S

    def wait(self, seconds: float, now_s: float) -> None:
        """Not now."""
        self._next_at_s = now_s + seconds
