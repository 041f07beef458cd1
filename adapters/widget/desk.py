"""What a person in a conversation asks of the gateway, and what they are answered."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from adapters.deadlines import told_in_time
from adapters.ports import WidgetGateway
from adapters.widget.commands import (
    Accept,
    Answered,
    BecomeKnown,
    Decide,
    ForgetMe,
    Identifying,
    IssueCode,
    Judge,
    ListSessions,
    LoadHistory,
    ManageMemories,
    MarkSeen,
    Question,
    RedeemCode,
    Request,
    StopRun,
    TellTyping,
)
from adapters.widget.door import Visitor
from adapters.widget.greeting import CHANNEL, Place, is_visible
from adapters.widget.identifying import Identifier
from adapters.widget.limits import FILES, Limits
from adapters.widget.own_data import OwnData
from adapters.widget.replies import (
    render_ack,
    render_error,
    render_history,
    render_nack,
    render_sessions,
    render_time,
    render_welcome,
)
from agent.errors import (
    ApprovalClosedError,
    ApprovalNotYoursError,
    BusyError,
    ConflictError,
    InputError,
    NotFoundError,
    ParleyError,
    StoreUnavailableError,
)
from agent.files import ENDINGS
from agent.records import Attachment, Audience, JsonObject, JsonValue
from agent.signals import Presence
from agent.tasks import Inbound

PresenceState: TypeAlias = Literal["joined", "left", "typing"]
_NO_FILE = "attachments: expected files that were uploaded for this conversation within the last hour"
_RETRY_S = 2.0
_FEATURES: list[JsonValue] = [
    "stop",
    "history",
    "sessions",
    "refresh",
    "feedback",
    "action",
    "attachments",
    "identify",
    "link",
    "memories",
    "forget",
]


class Desk:
    """Serves one place, whose person may become another. Every method gives the frame to send, or none.

    `is_identifying`: who the person is may be changing just now.
    """

    __slots__ = ("_gateway", "_identifier", "_limits", "_own_data", "is_identifying", "place")

    def __init__(
        self,
        gateway: WidgetGateway,
        place: Place,
        limits: Limits,
        identifier: Identifier | None = None,
        own_data: OwnData | None = None,
    ) -> None:
        self._own_data = own_data
        self._gateway = gateway
        self._identifier = identifier
        self._limits = limits
        self.place = place
        self.is_identifying = False

    def link(self, attachment: Attachment) -> str:
        """Where the person finds a file of this conversation."""
        return self.place.links.open_path(attachment, time.time())

    async def serve(self, work: Request) -> str | None:
        """Does one thing. What the store cannot do now is answered, never raised."""
        if isinstance(work, Accept | Judge | Decide):
            return await self._answer(work)
        if isinstance(work, BecomeKnown | IssueCode | RedeemCode):
            return await self._identify(work)
        if isinstance(work, ManageMemories | ForgetMe):
            if self._own_data is None:
                return render_nack(work.frame_id, "unsupported", "this gateway does not offer it")
            return await self._own_data.serve(self.place, work)
        try:
            async with told_in_time():
                return await self._ask(work)
        except StoreUnavailableError as error:
            return render_error("unavailable", error.sentence)
        except InputError as error:
            return render_error("invalid", str(error))

    async def _ask(self, work: Question) -> str | None:
        match work:
            case StopRun():
                await self._gateway.stop_run(self.place.session_id, work.run_id)
            case MarkSeen():
                await self._gateway.mark_seen(self.place.session_id, self.place.user.id, work.seq)
            case LoadHistory():
                return await self._load_history(work)
            case ListSessions():
                return await self._list_sessions(work)
            case TellTyping():
                self.tell("typing")
        return None

    def tell(self, state: PresenceState) -> None:
        """Let the others in a shared thread know what the person does."""
        place = self.place
        if place.audience is Audience.SHARED:
            presence = Presence(user_id=place.user.id, name=place.author_name, state=state)
            self._gateway.tell_presence(place.session_id, presence)

    async def _identify(self, work: Identifying) -> str:
        if self._identifier is None:
            return render_nack(work.frame_id, "unsupported", "this gateway does not offer it")
        self.is_identifying = True
        try:
            reply, self.place = await self._identifier.serve(self.place, work)
        finally:
            self.is_identifying = False
        return reply

    async def _answer(self, work: Answered) -> str:
        try:
            async with told_in_time():
                return await self._try(work)
        except ApprovalNotYoursError as error:
            return render_nack(work.frame_id, "forbidden", str(error))
        except ApprovalClosedError as error:
            return render_nack(work.frame_id, "conflict", str(error))
        except NotFoundError as error:
            return render_nack(work.frame_id, "not_found", str(error))
        except ConflictError as error:
            return render_nack(work.frame_id, "conflict", error.sentence)
        except BusyError as error:
            return render_nack(work.frame_id, "busy", error.sentence, error.retry_after_s)
        except StoreUnavailableError as error:
            return render_nack(work.frame_id, "unavailable", error.sentence, _RETRY_S)
        except InputError as error:
            return render_nack(work.frame_id, "invalid", str(error))
        except ParleyError as error:
            return render_nack(work.frame_id, "failed", error.sentence, _RETRY_S)

    async def _try(self, work: Answered) -> str:
        match work:
            case Accept():
                return await self._accept(work)
            case Judge():
                return await self._judge(work)
            case Decide():
                place = self.place
                decided = await self._gateway.decide(place.user, place.session_id, work.approval_id, work.decision)
                return render_ack(work.frame_id, decided.seq, decided.message_id)

    async def _accept(self, work: Accept) -> str:
        place = self.place
        attachments: Sequence[Attachment] = ()
        if work.attachments:
            attachments = await self._gateway.find_attachments(place.user.id, place.session_id, work.attachments)
            if len(attachments) != len(set(work.attachments)):
                return render_nack(work.frame_id, "attachments", _NO_FILE)
        accepted = await self._gateway.accept(self._inbound(work, attachments))
        return render_ack(work.frame_id, accepted.seq, accepted.message_id)

    async def _judge(self, work: Judge) -> str:
        place = self.place
        seq = await self._gateway.save_feedback(
            place.user.id, place.session_id, work.message_id, work.value, work.comment
        )
        if seq is None:
            return render_nack(
                work.frame_id, "not_found", "message_id: expected that of an answer in this conversation"
            )
        return render_ack(work.frame_id, seq, work.message_id)

    def _inbound(self, work: Accept, attachments: Sequence[Attachment]) -> Inbound:
        place = self.place
        return Inbound(
            channel=CHANNEL,
            tenant=place.site.tenant,
            session_id=place.session_id,
            audience=place.audience,
            agent_id=place.site.agent_id,
            user=place.user,
            author_name=place.author_name,
            text=work.text,
            dedupe_key=work.frame_id,
            client_id=work.frame_id,
            max_waiting=self._limits.max_waiting,
            attachments=tuple(attachments),
        )

    async def _load_history(self, work: LoadHistory) -> str:
        session_id = self.place.session_id
        messages = await self._gateway.load_messages_before(session_id, work.before, work.limit + 1)
        reader_id = self.place.user.id
        answers = [one.message_id for one in messages if one.role in ("assistant", "human")]
        opinions = await self._gateway.list_opinions(reader_id, session_id, answers) if answers else {}
        return render_history(messages, reader_id, work.limit, self.link, opinions)

    async def _list_sessions(self, work: ListSessions) -> str:
        place = self.place
        site = place.site
        sessions = await self._gateway.list_sessions_of_user(place.user.id, CHANNEL, site.tenant, work.limit)
        return render_sessions([one for one in sessions if is_visible(one, place.site, place.bearer)])


def render_place(place: Place, limits: Limits) -> str:
    """The `welcome` of a place."""
    fields: JsonObject = {"session_id": place.session_id}
    if isinstance(place.bearer, Visitor) and place.bearer.fresh_token is not None:
        fields["token"] = place.bearer.fresh_token
    name = place.user.display_name
    fields |= {
        "epoch": place.epoch,
        "head": place.head,
        "cursor": place.resume.cursor,
        "resumed": place.resume.is_resumed,
        "user": {"id": place.user.id, "name": name or None, "verified": place.is_verified},
        "config": _render_config(place, limits),
        "mode": place.mode,
        "hb_s": limits.hb_s,
        "server_time": render_time(datetime.now(UTC)),
    }
    return render_welcome(fields)


def _render_config(place: Place, limits: Limits) -> JsonObject:
    look = place.site.look
    config: JsonObject = {
        "max_chars": limits.text_characters,
        "features": _list_features(place),
        "upload": _render_upload(place, limits),
    }
    for name in ("title", "subtitle", "greeting", "color", "locale"):
        value: str | None = getattr(look, name)
        if value is not None:
            config[name] = value
    if look.starters:
        config["starters"] = [{"label": one.label, "value": one.value} for one in look.starters]
    return config


def _list_features(place: Place) -> list[JsonValue]:
    """What this gateway offers here; where nobody else reads, nobody needs to know who types."""
    return [*_FEATURES, "typing"] if place.audience is Audience.SHARED else _FEATURES


def _render_upload(place: Place, limits: Limits) -> JsonObject:
    """Where files go, how many and how large they may be, and of which kinds, as a file field takes them."""
    endings: list[JsonValue] = [f".{ending}" for endings in ENDINGS.values() for ending in endings]
    path = place.links.upload_path(time.time())
    return {"url": path, "max_bytes": limits.file_bytes, "max_files": FILES, "accept": endings}
