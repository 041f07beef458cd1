"""Clicks, forms, shortcuts and commands as Slack tells the app of them, and what it makes of the answers."""

from typing import Any

from adapters.slack_fake.blocks import parse_blocks
from adapters.slack_fake.errors import UsageError
from adapters.slack_fake.json_types import Json
from adapters.slack_fake.methods_views import TRIGGER_LIFE_S
from adapters.slack_fake.records import Channel, Ephemeral, Installation, Message, User, View
from adapters.slack_fake.rendering import render_message, render_view
from adapters.slack_fake.response_urls import add_response_url
from adapters.slack_fake.world import Outgoing, World


def new_trigger(world: World, user: User) -> str:
    """What opens one modal within three seconds."""
    trigger_id = f"{world.new_id('')}.{world.new_secret('')}"
    world.triggers[trigger_id] = (user.user_id, world.clock.now() + TRIGGER_LIFE_S, "new")
    return trigger_id


def _frame(world: World, user: User, installation: Installation, kind: str) -> Json:
    """What all payloads share."""
    team = world.teams[user.team_id]
    org = world.enterprises.get(team.enterprise_id or "")
    return {
        "type": kind,
        "user": {"id": user.user_id, "username": user.name, "name": user.name, "team_id": user.team_id},
        "api_app_id": world.app.app_id,
        "token": world.app.verification_token,
        "team": {"id": team.team_id, "domain": team.domain},
        "enterprise": {"id": org.enterprise_id, "name": org.name} if org else None,
        "is_enterprise_install": installation.is_org_wide,
        "trigger_id": new_trigger(world, user),
    }


def _action(world: World, block: Json, element: Json, value: str | None) -> Json:
    """The clicked element. Feedback buttons say which of the two it was by its value."""
    action: Json = {
        "type": element["type"],
        "action_id": element["action_id"],
        "block_id": block.get("block_id", ""),
        "action_ts": world.new_ts(),
    }
    if element["type"] == "feedback_buttons":
        sides = [element[side] for side in ("positive_button", "negative_button") if side in element]
        chosen = next((side for side in sides if side.get("value") == value), None)
        if chosen is None:
            raise UsageError(f"no feedback button has the value {value}")
        return action | {"text": chosen.get("text"), "value": chosen.get("value")}
    if element["type"] in {"static_select", "overflow", "radio_buttons"}:
        chosen = next((o for o in element.get("options", []) if o.get("value") == value), None)
        if chosen is None:
            raise UsageError(f"no option has the value {value}")
        return action | {"selected_option": chosen}
    given = value if value is not None else element.get("value")
    return action | ({"text": element["text"]} if "text" in element else {}) | ({"value": given} if given else {})


def build_message_click(
    world: World,
    installation: Installation,
    user: User,
    target: Message | Ephemeral,
    found: tuple[Json, Json],
    value: str | None,
) -> Outgoing:
    """A click in a message. A click in an ephemeral one carries no message."""
    channel = world.channels[target.channel_id]
    is_ephemeral = isinstance(target, Ephemeral)
    container: Json = {"type": "message", "message_ts": target.ts, "channel_id": target.channel_id}
    container["is_ephemeral"] = is_ephemeral
    if target.thread_ts and not is_ephemeral:
        container["thread_ts"] = target.thread_ts
    place = {"ephemeral_ts": target.ts} if is_ephemeral else {"message_ts": target.ts, "thread_ts": target.thread_ts}
    payload = _frame(world, user, installation, "block_actions") | {
        "container": container,
        "channel": {"id": channel.channel_id, "name": channel.name or "directmessage"},
        "state": {"values": {}},
        "response_url": add_response_url(world, target.channel_id, user.user_id, installation, **place),
        "actions": [_action(world, *found, value)],
    }
    if isinstance(target, Message):
        payload["message"] = render_message(world, target)
    return Outgoing(kind="interactive", payload=payload, name="block_actions")


def build_view_click(
    world: World, installation: Installation, user: User, view: View, found: tuple[Json, Json], value: str | None
) -> Outgoing:
    """A click in App Home or in a modal."""
    payload = _frame(world, user, installation, "block_actions") | {
        "container": {"type": "view", "view_id": view.view_id},
        "view": render_view(world, view),
        "actions": [_action(world, *found, value)],
    }
    return Outgoing(kind="interactive", payload=payload, name="block_actions")


def build_submission(world: World, installation: Installation, user: User, view: View, values: Json) -> Outgoing:
    """A modal sent off. `values` are {block_id: {action_id: text or whole element state}}."""
    view.body["state"] = {"values": {b: {a: _state(v) for a, v in fields.items()} for b, fields in values.items()}}
    payload = _frame(world, user, installation, "view_submission")
    payload |= {"view": render_view(world, view), "response_urls": []}
    return Outgoing(kind="interactive", payload=payload, name="view_submission")


def _state(value: Any) -> Json:
    return value if isinstance(value, dict) else {"type": "plain_text_input", "value": value}


def build_close(world: World, installation: Installation, user: User, view: View) -> Outgoing:
    """A modal closed, for apps that asked to hear of it."""
    payload = _frame(world, user, installation, "view_closed") | {"view": render_view(world, view), "is_cleared": False}
    return Outgoing(kind="interactive", payload=payload, name="view_closed")


def build_shortcut(
    world: World, installation: Installation, user: User, message: Message, callback_id: str
) -> Outgoing:
    """A message shortcut."""
    channel = world.channels[message.channel_id]
    place = {"message_ts": None, "thread_ts": message.root_ts}
    payload = _frame(world, user, installation, "message_action") | {
        "callback_id": callback_id,
        "channel": {"id": channel.channel_id, "name": channel.name or "directmessage"},
        "message_ts": message.ts,
        "message": render_message(world, message),
        "action_ts": world.new_ts(),
        "response_url": add_response_url(world, message.channel_id, user.user_id, installation, **place),
    }
    return Outgoing(kind="interactive", payload=payload, name="message_action")


def build_command(
    world: World, installation: Installation, user: User, channel: Channel, command: str, text: str
) -> tuple[Outgoing, str]:
    """A slash command, which carries no thread; and its response URL."""
    team = world.teams[user.team_id]
    response_url = add_response_url(world, channel.channel_id, user.user_id, installation)
    payload: Json = {
        "token": world.app.verification_token,
        "team_id": team.team_id,
        "team_domain": team.domain,
        "channel_id": channel.channel_id,
        "channel_name": channel.name or "directmessage",
        "user_id": user.user_id,
        "user_name": user.name,
        "command": command,
        "text": text,
        "api_app_id": world.app.app_id,
        "is_enterprise_install": "true" if installation.is_org_wide else "false",
        "response_url": response_url,
        "trigger_id": new_trigger(world, user),
    }
    if team.enterprise_id is not None:
        payload |= {"enterprise_id": team.enterprise_id}
        payload |= {"enterprise_name": world.enterprises[team.enterprise_id].name}
    return Outgoing(kind="slash_commands", payload=payload, name=command), response_url


def take_submission_answer(world: World, view: View, body: Any) -> Json:
    """What the app's answer to a submission does to the modal; the result is its errors, by block."""
    action = body.get("response_action") if isinstance(body, dict) else None
    if action == "errors":
        errors: Json = body.get("errors", {})
        return errors
    if action in {"update", "push"}:
        new = body["view"]
        new = {**new, "blocks": parse_blocks(new.get("blocks"), limit=100)}
        if action == "update":
            view.body = new
        else:
            pushed = View(
                view_id=world.new_id("V"),
                team_id=view.team_id,
                user_id=view.user_id,
                body=new,
                hash=view.hash,
                root_id=view.root_id,
                previous_id=view.view_id,
            )
            world.views[pushed.view_id] = pushed
        world.on_change()
        return {}
    closing = [view] if action != "clear" else [v for v in world.views.values() if v.root_id == view.root_id]
    for each in closing:
        each.is_open = False
    world.on_change()
    return {}
