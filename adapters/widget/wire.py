"""One connection as a state machine: frames and time in, commands out. It knows no socket and no event loop.

    fresh ──hello──▶ greeting ──greeted()──▶ greeted
      └──────────────────┴──────Close──────────┴────▶ closed

A frame that comes while the greeting is on its way waits for it. Pings of the websocket are the transport's business.
"""

from typing import Literal

from adapters.widget.codes import CloseCode
from adapters.widget.commands import (
    Accept,
    BecomeKnown,
    Close,
    Command,
    Decide,
    ForgetMe,
    Greet,
    IssueCode,
    Judge,
    ListSessions,
    LoadHistory,
    ManageMemories,
    MarkSeen,
    Moment,
    RedeemCode,
    Say,
    StopRun,
    TellTyping,
)
from adapters.widget.door import Bearer, Door, is_same_person, may_join
from adapters.widget.errors import BadFrameError, RefusedError, TokenRefusedError
from adapters.widget.frames import (
    Action,
    Feedback,
    Forget,
    Frame,
    Hello,
    History,
    Identify,
    Link,
    Memories,
    Personal,
    Ping,
    Refresh,
    Seen,
    Send,
    Sessions,
    Stop,
    Typing,
)
from adapters.widget.limits import BAD_FRAMES, FrameMeter, Limits, Quotas
from adapters.widget.reading import read_frame
from adapters.widget.replies import render_error, render_heartbeat, render_nack, render_pong
from adapters.widget.said_codes import find_said_code
from adapters.widget.sites import Site
from adapters.widget.tokens import EXPIRY_GRACE_S, Claims
from agent.approvals import DECISIONS
from agent.ids import ApprovalId, MessageId, RunId, SessionId

State = Literal["fresh", "greeting", "greeted", "closed"]
_HELD_FRAMES = 32
_NEVER = float("inf")


class Wire:
    """The protocol of one connection. `origin` and `address` are what the transport knows of the peer."""

    __slots__ = (
        "_address",
        "_bad_frames",
        "_bearer",
        "_door",
        "_expires_s",
        "_heard_at_s",
        "_heartbeats",
        "_held",
        "_hello_by_s",
        "_limits",
        "_meter",
        "_next_hb_s",
        "_origin",
        "_quotas",
        "_session_id",
        "_site",
        "_thread",
        "state",
    )

    def __init__(
        self, door: Door, quotas: Quotas, limits: Limits, *, origin: str | None, address: str, at: Moment
    ) -> None:
        self._door = door
        self._quotas = quotas
        self._limits = limits
        self._origin = origin
        self._address = address
        self._meter = FrameMeter(at.monotonic_s)
        self._bad_frames = 0
        self._heartbeats = 0
        self._held: list[Frame] = []
        self._site: Site | None = None
        self._bearer: Bearer | None = None
        self._session_id = SessionId("")
        self._thread: str | None = None
        self._heard_at_s = at.monotonic_s
        self._next_hb_s = _NEVER
        self._expires_s = _NEVER
        self._hello_by_s = at.monotonic_s + limits.hello_s
        self.state: State = "fresh"

    @property
    def deadline_s(self) -> float:
        """When `tick` is due, by the monotonic clock. It may be called earlier."""
        if self.state == "fresh":
            return self._hello_by_s
        if self.state == "greeted":
            return min(self._next_hb_s, self._expires_s, self._heard_at_s + self._limits.idle_s)
        return _NEVER

    def tick(self, at: Moment) -> list[Command]:
        """What is due by now."""
        now = at.monotonic_s
        if self.state == "fresh" and now >= self._hello_by_s:
            return [self.close(CloseCode.HEARTBEAT, f"hello: expected within {self._limits.hello_s:g} s")]
        if self.state != "greeted":
            return []
        if now >= self._expires_s:
            return [self.close(CloseCode.TOKEN, "token: expected a fresh one before it expired")]
        if now >= self._heard_at_s + self._limits.idle_s:
            return [self.close(CloseCode.IDLE, "no frame for a long time")]
        if now < self._next_hb_s:
            return []
        self._heartbeats += 1
        self._next_hb_s = now + self._limits.hb_s
        return [Say(render_heartbeat(self._heartbeats))]

    def receive(self, data: str | bytes, at: Moment) -> list[Command]:
        """One frame of the peer."""
        if self.state == "closed":
            return []
        self._heard_at_s = at.monotonic_s
        if self._meter.is_flood(at.monotonic_s):
            return [self.close(CloseCode.RATE, "too many frames")]
        try:
            frame = read_frame(data)
            if self.state == "fresh":
                return [self._greet(frame, at)]
        except BadFrameError as error:
            return self._count_bad(error)
        except RefusedError as error:
            return [self.close(error.code, error.reason)]
        if isinstance(frame, Hello):
            return self._count_bad(BadFrameError("type", "no second hello"))
        if self.state == "greeting":
            self._held.append(frame)
            return [self.close(CloseCode.RATE, "too many frames")] if len(self._held) > _HELD_FRAMES else []
        return self._decide(frame, at)

    def greeted(self, session_id: SessionId, thread: str | None, at: Moment) -> list[Command]:
        """The welcome is out. `thread` is the name of a shared one. Decides on the frames that came meanwhile."""
        if self.state != "greeting":
            return []
        self.state = "greeted"
        self._session_id = session_id
        self._thread = thread
        self._next_hb_s = at.monotonic_s + self._limits.hb_s
        held, self._held = self._held, []
        commands: list[Command] = []
        for frame in held:
            if self.state == "greeted":
                commands += self._decide(frame, at)
        return commands

    def close(self, code: CloseCode, reason: str) -> Close:
        """The connection ends here; nothing that comes later counts."""
        self.state = "closed"
        self._held = []
        return Close(code, reason)

    def _greet(self, frame: Frame, at: Moment) -> Command:
        if not isinstance(frame, Hello):
            raise RefusedError(CloseCode.BAD_FRAME, "type: expected hello as the first frame")
        admitted = self._door.admit(frame, self._origin, at.unix_s)
        self._site, self._bearer = admitted.site, admitted.bearer
        self._note_expiry(at)
        self.state = "greeting"
        return Greet(admitted)

    def _count_bad(self, error: BadFrameError) -> list[Command]:
        if self.state == "fresh":
            return [self.close(CloseCode.BAD_FRAME, str(error))]
        self._bad_frames += 1
        if self._bad_frames >= BAD_FRAMES:
            said = Say(render_error("bad_frame", str(error), is_fatal=True))
            return [said, self.close(CloseCode.TOO_MANY_BAD_FRAMES, "too many bad frames")]
        if error.reply_id is not None:
            return [Say(render_nack(error.reply_id, "bad_frame", str(error)))]
        return [Say(render_error("bad_frame", str(error)))]

    def _decide(self, frame: Frame, at: Moment) -> list[Command]:
        match frame:
            case Send():
                attached = tuple(one.id for one in frame.attachments or ())
                return [self._accept(frame.id, frame.text, attached, at)]
            case Ping():
                return [Say(render_pong(frame.n))]
            case Stop():
                return [StopRun(RunId(frame.run_id))]
            case Seen():
                return [MarkSeen(frame.cursor)]
            case History():
                return [LoadHistory(frame.before, frame.limit)]
            case Sessions():
                return [ListSessions(frame.limit)]
            case Feedback():
                return [Judge(frame.id, MessageId(frame.message_id), frame.value, frame.comment)]
            case Action():
                return [self._act(frame, at)]
            case Typing():
                return [TellTyping()] if frame.on and self._thread is not None else []
            case Hello():
                return []
            case _:
                return self._decide_who(frame, at)

    def _decide_who(self, frame: Personal, at: Moment) -> list[Command]:
        """Frames about the person themselves."""
        match frame:
            case Refresh():
                return self._refresh(frame.token, at)
            case Identify():
                return [self._identify(frame, at)]
            case Link():
                return [IssueCode(frame.id) if frame.code is None else RedeemCode(frame.id, frame.code)]
            case Memories():
                return [ManageMemories(frame.id, frame.op, frame.memory_id, frame.memory)]
            case Forget():
                return [ForgetMe(frame.id)]

    def _act(self, frame: Action, at: Moment) -> Command:
        """A button: a decision about a call that waits, or a text that is said by it."""
        if frame.name in DECISIONS:
            return Decide(frame.id, ApprovalId(frame.value), DECISIONS[frame.name])
        return self._accept(frame.id, frame.value, (), at)

    def _accept(self, frame_id: str, text: str, attached: tuple[str, ...], at: Moment) -> Command:
        limit = self._limits.text_characters
        if not text.strip() and not attached:
            return Say(render_nack(frame_id, "empty", "text: expected at least one visible character"))
        if len(text) > limit:
            return Say(render_nack(frame_id, "too_long", f"text: expected at most {limit} characters"))
        wait_s = self._quotas.take_message(self._session_id, self._address, at.monotonic_s)
        if wait_s > 0:
            return Say(render_nack(frame_id, "rate", "Too many messages at once. Please wait a moment.", wait_s))
        if not attached and (code := find_said_code(text)) is not None:
            return RedeemCode(frame_id, code, is_said=True)
        return Accept(frame_id, text, attached)

    def _identify(self, frame: Identify, at: Moment) -> Command:
        """A visitor may become anybody the site vouches for; a known person stays the same."""
        assert self._site is not None
        assert self._bearer is not None
        try:
            bearer = self._door.identify(self._site, frame.token, at.unix_s)
        except TokenRefusedError as error:
            return Say(render_nack(frame.id, "token", str(error)))
        if not isinstance(bearer, Claims):
            return Say(render_nack(frame.id, "token", "token: expected one that the site signed"))
        if isinstance(self._bearer, Claims) and not is_same_person(self._bearer, bearer):
            return Say(render_nack(frame.id, "other_person", "token: expected one of the same person"))
        if self._thread is not None and not may_join(self._site, bearer, self._thread):
            return Say(render_nack(frame.id, "token", "token: expected one that opens this thread"))
        return BecomeKnown(frame.id, bearer)

    def identified(self, bearer: Bearer, at: Moment) -> None:
        """The person is known now, as this token says."""
        self._bearer = bearer
        self._note_expiry(at)

    def _refresh(self, token: str, at: Moment) -> list[Command]:
        site, known = self._site, self._bearer
        assert site is not None
        assert known is not None
        try:
            bearer = self._door.identify(site, token, at.unix_s)
        except TokenRefusedError as error:
            return [self.close(CloseCode.TOKEN, str(error))]
        if not is_same_person(known, bearer):
            return [self.close(CloseCode.TOKEN, "token: expected one of the same person")]
        if self._thread is not None and not may_join(site, bearer, self._thread):
            return [self.close(CloseCode.NOT_FOUND, "no such conversation")]
        self._bearer = bearer
        self._note_expiry(at)
        return []

    def _note_expiry(self, at: Moment) -> None:
        if isinstance(self._bearer, Claims):
            self._expires_s = at.monotonic_s + self._bearer.expires_at_s + EXPIRY_GRACE_S - at.unix_s
