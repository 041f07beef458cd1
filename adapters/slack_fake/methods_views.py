"""`views.*`: App Home and modals."""

from typing import Any

from adapters.slack_fake.blocks import MAX_VIEW_BLOCKS, parse_blocks
from adapters.slack_fake.calls import Call, Method
from adapters.slack_fake.errors import RefusalError
from adapters.slack_fake.json_types import Json
from adapters.slack_fake.records import View
from adapters.slack_fake.rendering import render_view

TRIGGER_LIFE_S = 3.0
MAX_PUSHED = 3
MAX_TITLE, MAX_PRIVATE = 24, 3_000


def _body(call: Call, kind: str) -> Json:
    """The view that a call gives, checked."""
    view: Any = call.args.data("view")
    if not isinstance(view, dict):
        raise RefusalError("invalid_arguments")
    if view.get("type") != kind:
        raise _bad("type", f"must be {kind}")
    private = view.get("private_metadata") or ""
    if not isinstance(private, str) or len(private) > MAX_PRIVATE:
        raise _bad("private_metadata", f"must be less than {MAX_PRIVATE + 1} characters")
    blocks = view.get("blocks")
    if not isinstance(blocks, list):
        raise _bad("blocks", "missing required field")
    if kind == "modal":
        title = view.get("title")
        text = title.get("text") if isinstance(title, dict) else None
        if not isinstance(text, str) or not 0 < len(text) <= MAX_TITLE:
            raise _bad("title", f"must be less than {MAX_TITLE + 1} characters")
        if any(b.get("type") == "input" for b in blocks if isinstance(b, dict)) and "submit" not in view:
            raise _bad("submit", "missing required field")
    return {**view, "blocks": parse_blocks(blocks, limit=MAX_VIEW_BLOCKS)}


def _bad(field: str, problem: str) -> RefusalError:
    messages = [f"[ERROR] {problem} [json-pointer:/view/{field}]"]
    return RefusalError("invalid_arguments", response_metadata={"messages": messages})


def _use_trigger(call: Call) -> str:
    """The person behind a trigger id, which opens one view within three seconds."""
    trigger_id = call.args.need("trigger_id", "invalid_trigger_id")
    trigger = call.world.triggers.get(trigger_id)
    if trigger is None:
        raise RefusalError("invalid_trigger_id")
    user_id, expires_at, state = trigger
    if state == "used":
        raise RefusalError("exchanged_trigger_id")
    if call.world.clock.now() > expires_at:
        raise RefusalError("expired_trigger_id")
    call.world.triggers[trigger_id] = (user_id, expires_at, "used")
    return user_id


def _add(call: Call, user_id: str, body: Json, *, previous: View | None = None) -> View:
    view_id = call.world.new_id("V")
    view = View(
        view_id=view_id,
        team_id=call.here.team_id or call.bot.team_id,
        user_id=user_id,
        body=body,
        hash=_hash(call),
        root_id=previous.root_id if previous else view_id,
        previous_id=previous.view_id if previous else None,
    )
    call.world.views[view_id] = view
    call.world.on_change()
    return view


def _hash(call: Call) -> str:
    return f"{call.world.now_s()}.{call.world.new_id('h')}"


def open_view(call: Call) -> Json:
    """`views.open`"""
    body = _body(call, "modal")
    return {"view": render_view(call.world, _add(call, _use_trigger(call), body))}


def push_view(call: Call) -> Json:
    """`views.push`: on top of the modal that is open, three at most."""
    body = _body(call, "modal")
    user_id = _use_trigger(call)
    mine = [v for v in call.world.views.values() if v.user_id == user_id and v.is_open and v.body["type"] == "modal"]
    if not mine:
        raise RefusalError("not_found")
    if len(mine) >= MAX_PUSHED:
        raise RefusalError("push_limit_reached")
    return {"view": render_view(call.world, _add(call, user_id, body, previous=mine[-1]))}


def update_view(call: Call) -> Json:
    """`views.update`, by id or by the app's own name for it."""
    view = _find(call)
    _check_hash(call, view)
    view.body = _body(call, str(view.body["type"]))
    view.hash = _hash(call)
    call.world.on_change()
    return {"view": render_view(call.world, view)}


def _find(call: Call) -> View:
    view_id, external_id = call.args.text("view_id"), call.args.text("external_id")
    for view in call.world.views.values():
        is_named = external_id is not None and view.body.get("external_id") == external_id
        if view.is_open and (view.view_id == view_id or is_named):
            return view
    raise RefusalError("not_found")


def _check_hash(call: Call, view: View) -> None:
    given = call.args.text("hash")
    if given is not None and given != view.hash:
        raise RefusalError("hash_conflict")


def publish_view(call: Call) -> Json:
    """`views.publish`: somebody's App Home."""
    body = _body(call, "home")
    user = call.world.find_user(call.args.need("user_id", "user_not_found"))
    key = (call.here.installation_id, user.user_id)
    known = call.world.homes.get(key)
    if known is None:
        known = call.world.homes[key] = _add(call, user.user_id, body)
    else:
        _check_hash(call, known)
        known.body, known.hash = body, _hash(call)
        call.world.on_change()
    return {"view": render_view(call.world, known)}


METHODS = {
    "views.open": Method(run=open_view, per_minute=100),
    "views.push": Method(run=push_view, per_minute=100),
    "views.update": Method(run=update_view, per_minute=100),
    "views.publish": Method(run=publish_view, per_minute=100),
}
