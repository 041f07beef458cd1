"""Parses commands, buttons and shortcuts."""

from adapters.slack.ask_form import ASK_FORM, PLACE, QUESTION, read_asked
from adapters.slack.errors import PayloadError
from adapters.slack.payloads import home_of, kind_of, parse_said
from adapters.slack.records import (
    Clicked,
    Command,
    Interaction,
    Origin,
    OtherInteraction,
    Shortcut,
    Submitted,
    object_of,
    objects_of,
    text_of,
)
from agent.records import JsonObject


def parse_interaction(payload: JsonObject) -> Interaction:
    """The fields of a slash command or the payload of an interaction. Raises `PayloadError`."""
    if text_of(payload, "command") is not None:
        return _parse_command(payload)
    match payload.get("type"):
        case "block_actions":
            return _parse_click(payload)
        case "message_action":
            return _parse_shortcut(payload)
        case "view_submission":
            return _parse_submission(payload)
        case str() as kind:
            return OtherInteraction(origin=_origin(payload), kind=kind)
        case _:
            raise PayloadError("expected a command or an interaction")


def _parse_command(payload: JsonObject) -> Command:
    origin = Origin(
        installation=_installation(payload, text_of(payload, "team_id"), text_of(payload, "enterprise_id")),
        team=text_of(payload, "team_id") or "",
        event_id=_event_id(payload),
        app_id=text_of(payload, "api_app_id") or "",
        is_shared=None,
    )
    return Command(
        origin=origin,
        conversation=text_of(payload, "channel_id") or "",
        user=_person(payload, "user_id"),
        home=home_of(origin, text_of(payload, "team_id")),
        text=(text_of(payload, "text") or "").strip(),
        response_url=text_of(payload, "response_url") or "",
    )


def _parse_click(payload: JsonObject) -> Interaction:
    action = next(iter(objects_of(payload, "actions")), None)
    if action is None:
        return OtherInteraction(origin=_origin(payload), kind="block_actions")
    container, user, origin = object_of(payload, "container"), object_of(payload, "user"), _origin(payload)
    return Clicked(
        origin=origin,
        conversation=text_of(object_of(payload, "channel"), "id") or text_of(container, "channel_id"),
        ts=text_of(object_of(payload, "message"), "ts") or text_of(container, "message_ts"),
        user=_person(user, "id"),
        home=home_of(origin, text_of(user, "team_id")),
        trigger_id=text_of(payload, "trigger_id") or "",
        action_id=text_of(action, "action_id") or "",
        value=text_of(action, "value") or text_of(object_of(action, "selected_option"), "value") or "",
        thread_ts=text_of(object_of(payload, "message"), "thread_ts") or text_of(container, "thread_ts"),
    )


def _parse_submission(payload: JsonObject) -> Interaction:
    view, user, origin = object_of(payload, "view"), object_of(payload, "user"), _origin(payload)
    blocks = object_of(object_of(view, "state"), "values")
    if text_of(view, "callback_id") == ASK_FORM:
        return read_asked(
            origin,
            text_of(view, "private_metadata") or "",
            _value_in(object_of(blocks, QUESTION)),
            _value_in(object_of(blocks, PLACE)),
            (home_of(origin, text_of(user, "team_id")), _person(user, "id")),
        )
    return Submitted(
        origin=origin,
        user=_person(user, "id"),
        home=home_of(origin, text_of(user, "team_id")),
        callback_id=text_of(view, "callback_id") or "",
        metadata=text_of(view, "private_metadata") or "",
        values={name: _value_in(object_of(blocks, name)) for name in blocks},
    )


def _value_in(block: JsonObject) -> str:
    """What was written into the first field of a block, or chosen in it."""
    fields = (object_of(block, name) for name in block)
    found = (text_of(field, "value") or text_of(object_of(field, "selected_option"), "value") for field in fields)
    return next(found, None) or ""


def _parse_shortcut(payload: JsonObject) -> Interaction:
    origin, message = _origin(payload), object_of(payload, "message")
    conversation = text_of(object_of(payload, "channel"), "id")
    if conversation is None or text_of(message, "ts") is None:
        return OtherInteraction(origin=origin, kind="message_action")
    said = parse_said(origin, message, conversation, kind_of(conversation))
    return Shortcut(origin=origin, said=said, trigger_id=text_of(payload, "trigger_id") or "")


def _origin(payload: JsonObject) -> Origin:
    team = text_of(object_of(payload, "team"), "id") or text_of(object_of(payload, "user"), "team_id")
    enterprise = text_of(object_of(payload, "enterprise"), "id")
    return Origin(
        installation=_installation(payload, team, enterprise),
        team=team or enterprise or "",
        event_id=_event_id(payload),
        app_id=text_of(payload, "api_app_id") or "",
        is_shared=None,
    )


def _installation(payload: JsonObject, team: str | None, enterprise: str | None) -> str:
    is_org_wide = payload.get("is_enterprise_install") in (True, "true")
    found = (enterprise if is_org_wide else team) or team or enterprise
    if found is None:
        raise PayloadError("expected a team")
    return found


def _person(value: JsonObject, key: str) -> str:
    """Somebody did it: without them it would be everybody's."""
    user = text_of(value, key)
    if user is None:
        raise PayloadError("expected a user")
    return user


def _event_id(payload: JsonObject) -> str:
    """Interactions have no event id; the trigger's id is as unique."""
    trigger = text_of(payload, "trigger_id") or text_of(payload, "action_ts")
    if trigger is None:
        raise PayloadError("expected a trigger_id")
    return f"trigger:{trigger}"
