"""What the adapter asks to be kept. `memory.slack` implements it; plain values cross here: neither knows the other."""

from collections.abc import Sequence
from typing import Literal, Protocol, TypeAlias

from agent.ids import MemoryId, SessionId, TaskId, UserId
from agent.records import Identity, JsonObject, User, UserMemory
from agent.tasks import Inbound

Delivery: TypeAlias = tuple[int, JsonObject, int]
"""Its number, its payload, and which attempt at taking it in this is."""
ThreadState: TypeAlias = tuple[bool, bool, bool, bool, int, tuple[str, ...]]
"""Whether anything was said; whether the agent was called in; whether the last thing was kept; whether the same person
said it; how often bots spoke since a person did; the names of the others."""
FoundMessage: TypeAlias = tuple[str, int, UserId | None, str, TaskId | None, str | None, bool]
"""Its key, seq, author and text, the task whose run answers it, how that task stands, and whether the answer is not
wanted any more."""
PartState: TypeAlias = Literal["draft", "posting", "final", "last", "withdrawn"]
"""How a message of an answer stands: a preview, being posted whole, there, there and the last, not wanted any more."""
Part: TypeAlias = tuple[int, str | None, PartState, bool]
"""Which message of an answer, its ts where it is known, how it stands, and whether another process still writes it."""


class Inbox(Protocol):
    """Deliveries: written down before the ack, taken in afterwards. All raise `StoreUnavailableError`."""

    async def receive(
        self,
        *,
        event_id: str,
        twin_key: str | None,
        lane: str,
        kind: str,
        payload: JsonObject | None,
        decision: tuple[str, str] | None,
        twin_reason: str,
        may_take: bool,
    ) -> tuple[int, bool] | None:
        """Write a delivery down. Its number, and whether to take it in now; none when it was here before."""
        ...

    async def claim(self, limit: int) -> Sequence[Delivery]:
        """The deliveries that have waited longest, one of each lane, now ours."""
        ...

    async def decide(self, inbox_id: int, verdict: str, reason: str, session_id: SessionId | None) -> Delivery | None:
        """A delivery is taken in. Returns the next of its lane, now ours."""
        ...

    async def put_back(self, inbox_id: int, after_s: float) -> None:
        """Take it in later."""
        ...

    async def hold(self, inbox_ids: Sequence[int]) -> None:
        """These are still being taken in here: nobody else takes them for another while."""
        ...

    async def release(self) -> None:
        """This process leaves."""
        ...

    async def recover(self) -> None:
        """Free what dead processes had taken."""
        ...

    async def next_in(self) -> float | None:
        """Seconds until something is due."""
        ...

    async def forget_old(self, after_days: float) -> None:
        """Delete what is past retention."""
        ...


class Threads(Protocol):
    """Messages beyond what the engine does."""

    async def load_state(self, session_id: SessionId, user_id: UserId | None) -> ThreadState:
        """How a thread stands before `user_id` speaks."""
        ...

    async def keep_message(self, inbound: Inbound) -> bool:
        """Store a message without a task; the session's next task takes it along. False: it is there already."""
        ...

    async def list_versions(self, session_id: SessionId, key: str) -> Sequence[FoundMessage]:
        """A message by its key, and what it was asked again as (`{key}:…`), the oldest first."""
        ...

    async def rewrite_message(self, session_id: SessionId, author_id: UserId | None, seq: int, text: str) -> None:
        """Give a message another text and forget the facts that were drawn from it."""
        ...

    async def list_running(
        self, prefix: str, user_id: UserId | None, thread_ts: str | None = None
    ) -> Sequence[tuple[SessionId, TaskId]]:
        """What runs or waits in sessions whose ids begin with `prefix`; or of that what is answered in one thread."""
        ...

    async def add_feedback(self, session_id: SessionId, post_key: str, rater: str, *, is_good: bool) -> None:
        """Note a person's judgement of an answer."""
        ...


class Posts(Protocol):
    """Which messages in Slack show which answer. `question` is the key of the message that is answered."""

    async def begin_part(
        self,
        session_id: SessionId,
        question: str,
        part: int,
        *,
        installation: str,
        conversation: str,
        state: PartState,
        post_key: str | None = None,
    ) -> bool:
        """Write down that a message is about to be made. False: somebody else did."""
        ...

    async def take_part(self, session_id: SessionId, question: str, part: int, *, post_key: str) -> bool:
        """What was only a preview is posted whole now. False: the preview's message is there by now."""
        ...

    async def show_part(self, session_id: SessionId, question: str, part: int, ts: str) -> bool:
        """A preview's message is there. False: the answer was posted without it, or is not wanted any more."""
        ...

    async def release_parts(self, session_id: SessionId, question: str) -> None:
        """This process writes nothing more into the preview of an answer."""
        ...

    async def set_part(
        self, session_id: SessionId, question: str, part: int, *, ts: str | None, state: PartState, post_key: str | None
    ) -> None:
        """How a message of an answer stands."""
        ...

    async def drop_part(self, session_id: SessionId, question: str, part: int) -> None:
        """The message was not made, or is gone."""
        ...

    async def load_parts(self, session_id: SessionId, question: str) -> Sequence[Part]:
        """The messages of an answer, in order; part -1 stands for one that is not wanted any more."""
        ...

    async def withdraw(
        self, session_id: SessionId, question: str, *, installation: str, conversation: str
    ) -> Sequence[Part]:
        """From now on nothing of this answer may be posted. Returns what stands of it."""
        ...

    async def filter_known(self, installation: str, conversation: str, ts: Sequence[str]) -> set[str]:
        """Which of these messages are known to belong to an answer."""
        ...

    async def find_session(self, installation: str, conversation: str, ts: str) -> SessionId | None:
        """The session that a posted message belongs to."""
        ...


class Own(Protocol):
    """What a person may do about themselves. All raise `StoreUnavailableError`."""

    async def list_newest(self, user_id: UserId, limit: int) -> Sequence[UserMemory]:
        """The live memories of a person, the newest first."""
        ...

    async def find(self, user_id: UserId, memory_id: MemoryId) -> UserMemory | None:
        """One of the person's own memories."""
        ...

    async def correct(self, user_id: UserId, memory_id: MemoryId, text: str) -> None:
        """Have a memory say something else.

        Raises `MemoryInvalidError`, of its kinds `MemorySecretError`, `MemoryConflictError` and `NotFoundError`.
        """
        ...

    async def delete(self, user_id: UserId, memory_id: MemoryId) -> None:
        """Forget one thing. Harmless when it is gone."""
        ...

    async def forget(self, user_id: UserId) -> str:
        """Forget the person. What they are told."""
        ...

    async def link(self, identity: Identity, user: User, code: str | None) -> str:
        """Make a code, or use one. What the person is told."""
        ...

    async def prove_email(self, identity: Identity, user: User, email: str) -> User:
        """Slack vouches for this address: who proved the same elsewhere is the same person."""
        ...

    async def withdraw_email(self, identity: Identity, but: str | None) -> None:
        """Slack vouches for no address of this account but this one, if any. Harmless for an unknown account."""
        ...


Pin: TypeAlias = tuple[str, str, str | None]
"""Installation, team and bot user."""
StoredTokens: TypeAlias = tuple[JsonObject | None, int, float | None]
"""The tokens (none once they are worth nothing), their version, and the seconds until they end."""


class Shared(Protocol):
    """Whose a conversation is that several companies share."""

    async def pin(self, conversation: str, installation: str, team: str, bot_user: str | None) -> Pin:
        """The installation it belongs to: the first that told of it."""
        ...

    async def find(self, conversation: str) -> Pin | None:
        """The installation it belongs to; none when it is not known to be shared."""
        ...


class Installations(Protocol):
    """Where the app is installed. All raise `StoreUnavailableError`."""

    async def save(self, installation: str, tokens: JsonObject, about: JsonObject, expires_in_s: float | None) -> None:
        """Keep the tokens of a new installation, or of one that comes again."""
        ...

    async def load(self, installation: str) -> StoredTokens | None:
        """The tokens of an installation; none when it was never seen."""
        ...

    async def begin_refresh(self, installation: str, version: int) -> bool:
        """Take the right to renew these tokens, for a while. False: somebody else does, or did."""
        ...

    async def end_refresh(
        self, installation: str, version: int, tokens: JsonObject, expires_in_s: float | None
    ) -> bool:
        """Keep renewed tokens. False: the app was installed anew or removed meanwhile."""
        ...

    async def give_up_refresh(self, installation: str, version: int) -> None:
        """Leave it to the next try."""
        ...

    async def end(self, installation: str, version: int, at_s: float | None, reason: str) -> bool:
        """The app was removed, or the tokens of this version revoked, at `at_s`: now without one."""
        ...


class Limits(Protocol):
    """Token buckets by name, shared by all processes. Durations are in seconds."""

    async def take(self, name: str, per_s: float, burst: float) -> float:
        """Take a call's token. Returns 0, or the seconds to wait, and then nothing was taken."""
        ...

    async def find_block(self, name: str) -> float:
        """Seconds that Slack still asks to wait, whatever tokens there are."""
        ...

    async def block(self, name: str, seconds: float) -> None:
        """Slack asked for patience."""
        ...


class Tokens(Protocol):
    """Which token opens which installation."""

    async def find(self, installation: str) -> str:
        """The token. Raises `RefusedError` when there is none, `LimitedError` when it cannot be had just now."""
        ...

    def forget(self, installation: str) -> None:
        """Slack would not have it."""
        ...


class WebApi(Protocol):
    """Slack's Web API for all installations, with its limits."""

    async def call(
        self, installation: str, method: str, arguments: JsonObject, *, patience_s: float = 0.0
    ) -> JsonObject:
        """Call a method; waits up to `patience_s` for its turn.

        Raises `RefusedError`, `LimitedError` and `UnknownError`.
        """
        ...

    async def respond(self, response_url: str, text: str) -> None:
        """Tell whoever sent a command something, and nobody else. Raises `SlackError`."""
        ...

    async def download(self, installation: str, url: str, limit_bytes: int) -> bytes | None:
        """A file from Slack's own hosts, at most so much of it; none when it cannot be had."""
        ...
