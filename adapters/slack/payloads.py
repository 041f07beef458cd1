"""Parses what Slack delivers: the outer JSON or form, and events into records."""

import json
from urllib.parse import parse_qs

from adapters.slack.errors import PayloadError
from adapters.slack.records import (
    Challenge,
    ConversationKind,
    Deleted,
    Edited,
    Event,
    HomeOpened,
    Origin,
    Other,
    Revoked,
    Said,
    SharedFile,
    StopClicked,
    UserChanged,
    object_of,
    objects_of,
    text_of,
)
from agent.records import JsonObject
from agent.text import storable, storable_object

TIME_LIMIT_S = 1e11


def parse_json(body: bytes | str) -> JsonObject:
    """A JSON object. Raises `PayloadError` for everything else, however it is broken."""
    try:
        value = json.loads(body.decode() if isinstance(body, bytes) else body)
    except (ValueError, RecursionError):
        raise PayloadError("expected JSON in UTF-8") from None
    if not isinstance(value, dict):
        raise PayloadError("expected a JSON object")
    try:
        return storable_object(value)
    except RecursionError:
        raise PayloadError("expected fewer objects inside each other") from None


def parse_form(body: bytes) -> JsonObject:
    """A form's fields, the first of each name. An interaction's `payload` field is returned parsed."""
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        raise PayloadError("expected a form in UTF-8") from None
    if "payload" in fields:
        return parse_json(fields["payload"][0])
    return {storable(name): storable(values[0]) for name, values in fields.items()}


def parse_event(body: JsonObject) -> Event | Challenge:
    """An Events API body. Raises `PayloadError` when it is none."""
    if body.get("type") == "url_verification":
        return Challenge(challenge=text_of(body, "challenge") or "")
    event = object_of(body, "event")
    kind = text_of(event, "type")
    if body.get("type") != "event_callback" or kind is None:
        raise PayloadError("expected an event")
    origin = parse_origin(body)
    match kind:
        case "message" | "app_mention":
            return _parse_message(origin, event)
        case "agent_session_stopped":
            return _parse_stop(origin, event)
        case "app_home_opened":
            return _parse_home(origin, event)
        case "user_change" | "user_profile_changed":
            user = object_of(event, "user")
            return UserChanged(origin=origin, user=_need(user, "id"), profile=user)
        case "tokens_revoked" | "app_uninstalled" if _is_bots_end(event):
            return Revoked(origin=origin, kind=kind, at_s=_time(body))
        case _:
            return Other(origin=origin, kind=kind)


def parse_origin(body: JsonObject) -> Origin:
    """The installation an event was delivered for: that of its authorization, never the team of its author."""
    granted = next(iter(objects_of(body, "authorizations")), {})
    team = text_of(granted, "team_id") or text_of(body, "team_id") or ""
    enterprise = text_of(granted, "enterprise_id") or text_of(body, "enterprise_id")
    is_org_wide = granted.get("is_enterprise_install") is True and enterprise is not None
    return Origin(
        installation=enterprise if is_org_wide and enterprise else team or enterprise or _refuse("a team"),
        team=team or enterprise or "",
        event_id=_need(body, "event_id"),
        app_id=text_of(body, "api_app_id") or "",
        bot_user=text_of(granted, "user_id"),
        is_shared=body.get("is_ext_shared_channel") is True,
    )


def _parse_message(origin: Origin, event: JsonObject) -> Event:
    match event.get("subtype"):
        case "message_changed":
            return _parse_edit(origin, event)
        case "message_deleted":
            before = object_of(event, "previous_message")
            return Deleted(
                origin=origin,
                conversation=_need(event, "channel"),
                kind=_kind(event),
                ts=text_of(event, "deleted_ts") or _need(before, "ts"),
                thread_ts=_thread(before),
            )
        case _:
            return parse_said(origin, event, _need(event, "channel"), _kind(event))


def _parse_edit(origin: Origin, event: JsonObject) -> Event:
    message, before = object_of(event, "message"), object_of(event, "previous_message")
    if message.get("subtype") == "tombstone":  # a deleted root whose thread stays
        return Deleted(
            origin=origin,
            conversation=_need(event, "channel"),
            kind=_kind(event),
            ts=_need(message, "ts"),
            thread_ts=_thread(message),
        )
    said = parse_said(origin, message, _need(event, "channel"), _kind(event))
    edited_ts = text_of(object_of(message, "edited"), "ts") or text_of(event, "ts") or ""
    return Edited(said=said, before=text_of(before, "text") or "", edited_ts=edited_ts)


def parse_said(origin: Origin, message: JsonObject, conversation: str, kind: ConversationKind) -> Said:
    """A message object, as events and shortcuts carry it."""
    user, bot_id = text_of(message, "user"), text_of(message, "bot_id")
    app_id = text_of(message, "app_id") or text_of(object_of(message, "bot_profile"), "app_id")
    return Said(
        origin=origin,
        conversation=conversation,
        kind=kind,
        ts=_need(message, "ts"),
        thread_ts=_thread(message),
        user=user,
        home=home_of(origin, text_of(message, "user_team") or text_of(message, "team")),
        text=text_of(message, "text") or "",
        files=tuple(_parse_file(file) for file in objects_of(message, "files")),
        subtype=text_of(message, "subtype"),
        bot_id=bot_id,
        app_id=app_id,
        username=text_of(message, "username") or text_of(object_of(message, "bot_profile"), "name"),
        is_own=(user is not None and user == origin.bot_user) or (app_id is not None and app_id == origin.app_id),
    )


def home_of(origin: Origin, team: str | None) -> str:
    """A person's home: the installation for its own people, else the team they come from."""
    return origin.installation if team is None or team == origin.team else team


def _parse_file(file: JsonObject) -> SharedFile:
    size = file.get("size")
    return SharedFile(
        name=text_of(file, "name") or text_of(file, "title") or "file",
        mimetype=text_of(file, "mimetype") or "application/octet-stream",
        size_bytes=size if isinstance(size, int) else 0,
        url=text_of(file, "url_private_download") or text_of(file, "url_private"),
    )


def _parse_stop(origin: Origin, event: JsonObject) -> StopClicked:
    streams = event.get("streaming_message_ts")
    return StopClicked(
        origin=origin,
        conversation=_need(event, "channel"),
        thread_ts=text_of(event, "thread_ts"),
        streams=tuple(str(ts) for ts in streams) if isinstance(streams, list) else (),
    )


def _parse_home(origin: Origin, event: JsonObject) -> HomeOpened:
    return HomeOpened(
        origin=origin,
        user=_need(event, "user"),
        tab=text_of(event, "tab") or "home",
        conversation=text_of(event, "channel") or "",
    )


def _time(body: JsonObject) -> float | None:
    """When an event was, in Unix time; none when it does not say, or says what no clock can."""
    at = body.get("event_time")
    return float(at) if isinstance(at, int | float) and 0 < at < TIME_LIMIT_S else None


def _is_bots_end(event: JsonObject) -> bool:
    """Revoked tokens may be only those of people, which this app has none of."""
    return event.get("type") == "app_uninstalled" or bool(object_of(event, "tokens").get("bot"))


def _kind(event: JsonObject) -> ConversationKind:
    """The conversation's kind; an event that does not say is judged by the id's first letter."""
    match event.get("channel_type"):
        case "im":
            return "im"
        case "mpim":
            return "mpim"
        case None:
            return kind_of(_need(event, "channel"))
        case _:
            return "channel"


def kind_of(conversation: str) -> ConversationKind:
    """The kind as far as an id tells it."""
    return "im" if conversation.startswith("D") else "channel"


def _thread(message: JsonObject) -> str | None:
    """The thread a message stands in; none for the root itself."""
    thread_ts = text_of(message, "thread_ts")
    return None if thread_ts == message.get("ts") else thread_ts


def _need(value: JsonObject, key: str) -> str:
    return text_of(value, key) or _refuse(key)


def _refuse(what: str) -> str:
    raise PayloadError(f"expected {what}")
