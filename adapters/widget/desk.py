"""What a person in a conversation asks of the gateway, and what they are answered."""

from datetime import UTC, datetime

from adapters.ports import Gateway
from adapters.widget.commands import Accept, ListSessions, LoadHistory, MarkSeen, StopRun
from adapters.widget.door import Visitor
from adapters.widget.greeting import CHANNEL, Place, is_visible
from adapters.widget.limits import Limits
from adapters.widget.replies import (
    render_ack,
    render_error,
    render_history,
    render_nack,
    render_sessions,
    render_time,
    render_welcome,
)
from adapters.widget.sites import Look
from agent.errors import BusyError, ConflictError, InputError, ParleyError, StoreUnavailableError
from agent.records import Inbound, JsonObject, JsonValue

_RETRY_S = 2.0
_FEATURES: list[JsonValue] = ["stop", "history", "sessions", "refresh"]


class Desk:
    """Serves one place. Every method gives the frame to send, or none."""

    __slots__ = ("_gateway", "_limits", "_place")

    def __init__(self, gateway: Gateway, place: Place, limits: Limits) -> None:
        self._gateway = gateway
        self._place = place
        self._limits = limits

    async def serve(self, work: Accept | StopRun | LoadHistory | ListSessions | MarkSeen) -> str | None:
        """Does one thing. What the store cannot do now is answered, never raised."""
        if isinstance(work, Accept):
            return await self._accept(work)
        try:
            return await self._ask(work)
        except StoreUnavailableError as error:
            return render_error("unavailable", error.sentence)
        except InputError as error:
            return render_error("invalid", str(error))

    async def _ask(self, work: StopRun | LoadHistory | ListSessions | MarkSeen) -> str | None:
        match work:
            case StopRun():
                await self._gateway.stop_run(self._place.session_id, work.run_id)
            case MarkSeen():
                await self._gateway.mark_seen(self._place.session_id, self._place.user.id, work.seq)
            case LoadHistory():
                return await self._load_history(work)
            case ListSessions():
                return await self._list_sessions(work)
        return None

    async def _accept(self, work: Accept) -> str:
        try:
            accepted = await self._gateway.accept(self._inbound(work))
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
        return render_ack(work.frame_id, accepted.seq, accepted.message_id)

    def _inbound(self, work: Accept) -> Inbound:
        place = self._place
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
        )

    async def _load_history(self, work: LoadHistory) -> str:
        session_id = self._place.session_id
        messages = await self._gateway.load_messages_before(session_id, work.before, work.limit + 1)
        return render_history(messages, self._place.user.id, work.limit)

    async def _list_sessions(self, work: ListSessions) -> str:
        place = self._place
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
        "config": _render_config(place.site.look, limits),
        "hb_s": limits.hb_s,
        "server_time": render_time(datetime.now(UTC)),
    }
    return render_welcome(fields)


def _render_config(look: Look, limits: Limits) -> JsonObject:
    config: JsonObject = {"max_chars": limits.text_characters, "features": _FEATURES}
    for name in ("title", "subtitle", "greeting", "color", "locale"):
        value: str | None = getattr(look, name)
        if value is not None:
            config[name] = value
    if look.starters:
        config["starters"] = [{"label": one.label, "value": one.value} for one in look.starters]
    return config
