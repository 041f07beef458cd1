"""What a channel asks of the gateway. `gateway.service` implements it; an adapter knows nothing else."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from agent.approvals import Approval
from agent.asks import Decision
from agent.handoffs import SessionMode
from agent.ids import ApprovalId, AttachmentId, MessageId, RunId, SessionId, TaskId, UserId
from agent.people import Account, Erasure, LinkCode, Linked
from agent.records import Attachment, Identity, LogEntry, Message, Run, Session, User
from agent.signals import Delta, Presence
from agent.tasks import Accepted, Inbound, TaskStatus


class Gateway(Protocol):
    """Every method raises `StoreUnavailableError` when the database is away; nothing was done then."""

    async def find_user(self, identity: Identity) -> User | None:
        """The person behind an account, if they were ever seen."""
        ...

    async def ensure_user(self, identity: Identity, details: User) -> User:
        """The person behind an account, made known now if they are new.

        What `details` tells (not none, not empty) replaces what was stored. The id of a known person never changes;
        a new person gets `details.id` where the caller chose one and it is free, else a random one.
        """
        ...

    async def accept(self, inbound: Inbound) -> Accepted:
        """Commit a message and its task, then start on it. When this returns, the message is safe and may be acked.

        The user, where there is one, need not be stored yet: a new visitor is stored with their first message.
        Raises `ConflictError` (same key, other text) and `BusyError` (too many turns wait).
        """
        ...

    async def stop_run(self, session_id: SessionId, run_id: RunId) -> bool:
        """Stop a running or waiting run; its partial text is kept. False when there is nothing to stop."""
        ...

    def follow(self, session_id: SessionId, after: int) -> AbstractAsyncContextManager[AsyncIterator[LogEntry | Delta]]:
        """Durable events with seq > `after`, each once, in order, without gaps, and the deltas of running answers.

        Who joins in mid-run first gets one delta with offset 0 that holds the text so far. A consumer that does not
        keep up (64 entries or 256 KiB behind) gets `SlowConsumerError` from the iterator.
        """
        ...

    async def load_session(self, session_id: SessionId, user_id: UserId | None) -> Session | None:
        """A session, and whether `user_id` takes part in it."""
        ...

    async def list_sessions_of_user(self, user_id: UserId, channel: str, tenant: str, limit: int) -> Sequence[Session]:
        """A person's sessions on one channel, the one that changed last first."""
        ...

    async def list_sessions(
        self, before: datetime | None, limit: int, mode: SessionMode | None = None
    ) -> Sequence[Session]:
        """All sessions, or those in a mode, for operators: the one that changed last first."""
        ...

    async def join_session(self, session_id: SessionId, user_id: UserId) -> None:
        """Make a person a participant of a session that exists. Harmless when they are one."""
        ...

    async def load_log(self, session_id: SessionId, after: int, limit: int) -> Sequence[LogEntry]:
        """Durable events with seq > `after`, in order."""
        ...

    async def load_messages_before(self, session_id: SessionId, before: int, limit: int) -> Sequence[Message]:
        """Messages with seq < `before`, in order, at most `limit`: the newest of them."""
        ...

    async def mark_seen(self, session_id: SessionId, user_id: UserId, seq: int) -> None:
        """Remember how far a participant has read."""
        ...

    async def load_task(self, task_id: TaskId) -> TaskStatus | None:
        """A task as its giver sees it; the answer of a merged task is that of the run it was merged into."""
        ...

    async def wait_for_task(self, task_id: TaskId, timeout_s: float) -> TaskStatus | None:
        """The task once it is over, or as it stands after `timeout_s`."""
        ...

    async def list_runs(self, session_id: SessionId, before: int | None, limit: int) -> Sequence[tuple[int, Run]]:
        """Runs of a session with their positions, newest first, those before position `before` when it is given."""
        ...

    async def decide(self, user: User, session_id: SessionId, approval_id: ApprovalId, decision: Decision) -> Accepted:
        """What the person who asked decides about a call that waits for it: a message of theirs, answered by a run.

        The same again is the same. Raises `NotFoundError`, `ApprovalNotYoursError`, and `ApprovalClosedError`, whose
        texts are for the person.
        """
        ...

    async def list_approvals(self, session_id: SessionId) -> Sequence[Approval]:
        """The newest hundred calls of a session that needed approval, newest first."""
        ...


class WidgetGateway(Gateway, Protocol):
    """What the widget asks beyond what every channel does."""

    def tell_presence(self, session_id: SessionId, presence: Presence) -> None:
        """Tell all who watch a session what a person does right now. Nothing is kept."""
        ...

    def hear_presence(self, session_id: SessionId, hear: Callable[[Presence], None]) -> Callable[[], None]:
        """Be told what people in a followed session do, until the function that this gives is called."""
        ...

    async def save_attachment(
        self, user_id: UserId, session_id: SessionId, *, name: str, media_type: str, content: bytes
    ) -> Attachment:
        """Keep a file that the person is about to send in a session. Raises `BusyError` when there is no room."""
        ...

    async def find_attachments(
        self, user_id: UserId, session_id: SessionId, ids: Sequence[str]
    ) -> Sequence[Attachment]:
        """Those of the ids that the person put into this session, in their order."""
        ...

    async def load_attachment(
        self, user_id: UserId, session_id: SessionId, attachment_id: AttachmentId
    ) -> tuple[Attachment, bytes] | None:
        """A file that was sent in a session that is the person's or shared; none for any other."""
        ...

    async def save_feedback(
        self, user_id: UserId, session_id: SessionId, message_id: MessageId, value: str, comment: str | None
    ) -> int | None:
        """Keep what a person thinks of an answer (`up` or `down`), in place of what they thought before.

        Gives the answer's seq; none where the session has no such answer.
        """
        ...

    async def list_opinions(
        self, user_id: UserId, session_id: SessionId, message_ids: Sequence[MessageId]
    ) -> Mapping[MessageId, str]:
        """What a person thinks of these answers, as far as they said so."""
        ...


class People(Protocol):
    """Who is who: accounts linked by proof, parted again, erased. All raise `StoreUnavailableError`."""

    async def find_visitor(self, visitor_id: UserId, tenant: str) -> User | None:
        """The person behind a visitor's token; none while nothing is known of them.

        Raises `UserGoneError` where the token stands for nobody any more: the visitor signed in, or was erased.
        """
        ...

    async def list_former_ids(self, user_id: UserId) -> Sequence[UserId]:
        """The ids that became this one."""
        ...

    async def identify(self, visitor: User, known: User) -> Linked:
        """The site signed a visitor in: what the visitor said and what is remembered of them is the known person's.

        Raises `LinkRefusedError` for a visitor who is somebody by another proof.
        """
        ...

    async def prove_email(self, identity: Identity, user: User, email: str | None) -> User:
        """Note the address that an account's channel vouches for. Who proved the same elsewhere is the same person.

        For a signed token with a verified address, and for full members of an organisation that is the gateway's own.
        """
        ...

    async def issue_link_code(self, user: User, identity: Identity) -> LinkCode:
        """A code for the account that speaks, to be said on another channel. Raises `BusyError`."""
        ...

    async def redeem_link_code(self, user: User, identity: Identity, code: str) -> Linked:
        """The account that speaks, and that which the code was issued to, are one person's from now on.

        Raises `LinkRefusedError`, whose text is for the person, and `BusyError` after too many tries.
        """
        ...

    async def require(self, user_id: UserId) -> UserId:
        """Who the id is now. Raises `UserNotFoundError` for nobody."""
        ...

    async def issue_code(self, user_id: UserId) -> LinkCode:
        """A code for a person who has an account already. Raises `BusyError`."""
        ...

    async def redeem_code(self, user_id: UserId, code: str) -> Linked:
        """The same as `redeem_link_code`, for a person who has an account already."""
        ...

    async def list_accounts(self, user_id: UserId) -> Sequence[Account]:
        """A person's accounts."""
        ...

    async def erase(self, user_id: UserId) -> Erasure:
        """Erase all that was said by a person, answered to them and remembered of them. Raises `UserNotFoundError`."""
        ...

    async def unlink(self, user_id: UserId, identity_id: str) -> UserId:
        """Undo the link that brought an account. It goes back, with what it made, to the user who is returned.

        Raises `NotFoundError` and `LinkRefusedError`.
        """
        ...


class SlowConsumerError(Exception):
    """The reader of a session's events fell too far behind; it has to resume from its cursor."""
