"""The terminal's side of `gw.v1`, without a socket: frames in, frames and characters out.

It keeps what a client has to keep to lose nothing: the cursor, the epoch, the token, and an outbox of messages that are
not acked yet, which are sent again under the same ids after every reconnect.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from agent.handoffs import SessionMode, render_mode
from agent.records import JsonObject, JsonValue, RunState
from gateway.chat_asks import OpenAsks
from gateway.chat_screen import Screen, plain

VERSION = 1
HISTORY = 20
_FINAL = {state.value for state in RunState if state.is_final}


@dataclass(frozen=True, slots=True)
class Show:
    """Write these characters."""

    text: str


@dataclass(frozen=True, slots=True)
class SendFrame:
    """Send this frame, after so many seconds."""

    frame: JsonObject
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Complain:
    """Tell the person that something was not done. `is_fatal`: the conversation is over."""

    text: str
    is_fatal: bool = False


@dataclass(frozen=True, slots=True)
class Welcomed:
    """The conversation is open; `is_first` the first time."""

    is_first: bool


Step: TypeAlias = Show | SendFrame | Complain | Welcomed


class ChatSession:
    """One person's conversation, across connections."""

    def __init__(
        self, *, site: str, thread: str | None, name: str | None, token: str | None, new_id: Callable[[], str]
    ) -> None:
        self._hello: JsonObject = {"type": "hello", "v": VERSION, "site": site}
        if name is not None:
            self._hello["name"] = name
        if thread is not None:
            self._hello["thread"] = thread
        if token is not None:
            self._hello["token"] = token
        self._new_id = new_id
        self._screen = Screen()
        self._cursor = 0
        self._head = 0
        self._outbox: dict[str, str] = {}
        self._unanswered: dict[str, str] = {}
        self._runs: dict[str, None] = {}
        self._asks = OpenAsks()
        self._is_history_awaited = False
        self.session_id = ""
        self.user_id = ""
        self.heartbeat_s = 25.0

    @property
    def is_idle(self) -> bool:
        """Whether everything that was asked for has come."""
        return not self._unanswered and not self._is_history_awaited

    @property
    def active_run(self) -> str | None:
        """The run that has begun last and not ended."""
        return next(reversed(self._runs), None)

    def hello(self) -> JsonObject:
        """The first frame of a connection."""
        return {**self._hello, "cursor": self._cursor}

    def write(self, text: str) -> JsonObject:
        """A message of the person's, kept until it is acked. It may be sent once the session is welcomed."""
        message_id = self._new_id()
        self._outbox[message_id] = text
        self._unanswered[message_id] = ""
        return {"type": "send", "id": message_id, "text": text}

    def ask_history(self) -> JsonObject:
        """Ask for the newest messages."""
        self._is_history_awaited = True
        return {"type": "history", "before": self._cursor + 1, "limit": HISTORY}

    def stop(self) -> JsonObject | None:
        """Stop the answer that is being written, if there is one."""
        run_id = self.active_run
        return None if run_id is None else {"type": "stop", "run_id": run_id}

    def decide(self, command: str) -> JsonObject | None:
        """Press a button under the agent's oldest question, if there is one. Its answer is waited for."""
        frame = self._asks.press(command, self._new_id())
        if frame is not None:
            self._unanswered[_text(frame, "value")] = ""
        return frame

    def receive(self, frame: JsonObject) -> Iterator[Step]:
        """What follows from a frame. Kinds that are not known are passed over, as the protocol wants it."""
        match frame.get("type"):
            case "welcome":
                yield from self._welcome(frame)
            case "reset":
                self._runs.clear()
                self._unanswered = {one: "" for one in self._unanswered if one in self._outbox}
                yield Show(self._screen.say("(the conversation begins anew here)"))
            case "ack":
                self._outbox.pop(_text(frame, "id"), None)
            case "nack":
                yield from self._refused(frame)
            case "message" | "run" if self._is_new(frame):
                yield Show(self._message(frame) if frame["type"] == "message" else self._run(frame))
            case "handoff" if self._is_new(frame):
                yield from self._hand_over(_text(frame, "mode"), is_past=_number(frame, "seq") <= self._head)
            case "d":
                yield Show(self._screen.add_piece(_text(frame, "r"), _number(frame, "o"), _text(frame, "x")))
            case "history":
                self._is_history_awaited = False
                yield from self._history(frame.get("messages"))
            case "error":
                yield Complain(plain(_text(frame, "message")), is_fatal=frame.get("fatal") is True)
            case _:
                pass

    def _welcome(self, frame: JsonObject) -> Iterator[Step]:
        is_first = not self.session_id
        self.session_id = _text(frame, "session_id")
        self._cursor, self._head = _number(frame, "cursor"), _number(frame, "head")
        self.heartbeat_s = float(_number(frame, "hb_s")) or self.heartbeat_s
        user = frame.get("user")
        self.user_id = _text(user, "id") if isinstance(user, dict) else ""
        self._hello |= {"epoch": _text(frame, "epoch")}
        if "token" in frame:
            self._hello["token"] = _text(frame, "token")
        if "thread" not in self._hello:
            self._hello["session_id"] = self.session_id
        yield Welcomed(is_first)
        for message_id, text in self._outbox.items():
            yield SendFrame({"type": "send", "id": message_id, "text": text})

    def _refused(self, frame: JsonObject) -> Iterator[Step]:
        message_id = _text(frame, "id")
        text = self._outbox.get(message_id)
        if text is None:
            if "retry_after" not in frame:
                self._asks.refused(message_id)
            self._unanswered = {one: run for one, run in self._unanswered.items() if run or one in self._outbox}
            yield Complain(plain(_text(frame, "message")))
            return
        if "retry_after" in frame:
            wait = frame["retry_after"]
            yield SendFrame(
                {"type": "send", "id": message_id, "text": text},
                after_s=float(wait) if isinstance(wait, int | float) else 1.0,
            )
            return
        del self._outbox[message_id]
        self._unanswered.pop(message_id, None)
        yield Complain(f"not sent: {plain(_text(frame, 'message'))}")

    def _is_new(self, frame: JsonObject) -> bool:
        seq = _number(frame, "seq")
        if seq <= self._cursor:
            return False
        self._cursor = seq
        return True

    def _message(self, frame: JsonObject) -> str:
        run_id, client_id = _text(frame, "run_id"), _text(frame, "client_id")
        if frame.get("role") == "assistant" and run_id:
            self._screen.agent_name = plain(_author(frame)[1]) or self._screen.agent_name
            shown = self._screen.finish(run_id, _text(frame, "text"))
            hint = self._asks.take(frame.get("actions"))
            return shown + (self._screen.say(hint) if hint else "")
        self._asks.close(client_id)
        if client_id in self._unanswered:
            self._outbox.pop(client_id, None)
            self._unanswered[client_id] = run_id
            return ""
        return self._screen.say(self._line(frame))

    def _run(self, frame: JsonObject) -> str:
        run_id, state = _text(frame, "run_id"), _text(frame, "state")
        if state not in _FINAL:
            self._runs[run_id] = None
            is_past = _number(frame, "seq") <= self._head
            is_told = state in {"tool", "queued"} and bool(_text(frame, "label"))
            return self._screen.note(f"({_text(frame, 'label')} …)") if is_told and not is_past else ""
        self._runs.pop(run_id, None)
        self._unanswered = {
            one: run
            for one, run in self._unanswered.items()
            if one in self._outbox or self._asks.is_open(one) or (run and run != run_id)
        }
        shown = self._screen.end(run_id)
        return shown + self._screen.say("(stopped)") if state == "stopped" else shown

    def _hand_over(self, mode: str, *, is_past: bool) -> Iterator[Step]:
        if mode in set(SessionMode) and not is_past:
            yield Show(self._screen.say(f"({render_mode(SessionMode(mode), None)})"))

    def _history(self, messages: JsonValue) -> Iterator[Step]:
        if isinstance(messages, list):
            lines = [self._line(one) for one in messages if isinstance(one, dict)]
            hints = [self._asks.take(one.get("actions")) for one in messages if isinstance(one, dict)]
            lines += [hint for hint in hints if hint]
            yield Show("".join(self._screen.say(line) for line in [*lines, "(so far)"]))

    def _line(self, frame: JsonObject) -> str:
        author_id, name = _author(frame)
        is_own = author_id == self.user_id and bool(author_id)
        return f"{'You' if is_own else plain(name) or _text(frame, 'role')}: {_text(frame, 'text')}"


def _author(frame: JsonObject) -> tuple[str, str]:
    author = frame.get("author")
    return (_text(author, "id"), _text(author, "name")) if isinstance(author, dict) else ("", "")


def _text(frame: JsonObject, name: str) -> str:
    value = frame.get(name)
    return value if isinstance(value, str) else ""


def _number(frame: JsonObject, name: str) -> int:
    value = frame.get(name)
    return int(value) if isinstance(value, int | float) else 0
