"""Whatever comes under Slack's signature: understood, or refused with a 4xx; never a 5xx."""

import json
from typing import Any
from urllib.parse import urlencode

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.slack.errors import PayloadError
from adapters.slack.inbox import find_lane, prejudge, read_delivery
from adapters.slack.interactions import parse_interaction
from adapters.slack.payloads import parse_event, parse_form, parse_json
from adapters.slack.sharing import find_place, move
from tests.adapters.slack.test_door import event, open_door

WORDS = [
    "type",
    "event",
    "event_callback",
    "message",
    "app_mention",
    "message_changed",
    "message_deleted",
    "tombstone",
    "subtype",
    "channel",
    "ts",
    "thread_ts",
    "user",
    "text",
    "files",
    "bot_id",
    "previous_message",
    "deleted_ts",
    "tokens",
    "bot",
    "team",
    "id",
    "view",
    "state",
    "values",
    "actions",
    "container",
    "message_action",
    "block_actions",
    "view_submission",
    "command",
    "trigger_id",
    "authorizations",
    "event_id",
    "team_id",
    "edited",
    "channel_type",
    "im",
    "event_time",
    "enterprise_id",
    "is_enterprise_install",
    "is_ext_shared_channel",
    "payload",
    "ssl_check",
]
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.text(max_size=20)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=6),
    max_leaves=25,
)
BODIES = st.dictionaries(st.sampled_from(WORDS), VALUES, max_size=10)
KINDS = st.sampled_from(["event_callback", "block_actions", "message_action", "view_submission", "url_verification"])


def spoil(base: dict[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    """A good body with one thing in it that is something else."""
    here: Any = base
    for name in path[:-1]:
        here = here.setdefault(name, {}) if isinstance(here, dict) else {}
    if isinstance(here, dict):
        here[path[-1]] = value
    return base


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(BODIES, KINDS, st.lists(st.sampled_from(WORDS), min_size=1, max_size=3), VALUES)
def test_no_body_makes_the_parsing_fail_in_a_way_of_its_own(
    body: dict[str, Any], kind: str, path: list[str], value: Any
) -> None:
    """One error for all that is not understood; everything else is a 500. Proves: SL-1."""
    spoiled = spoil(json.loads(json.dumps(event(), default=str)), path, value)
    for candidate in (body, {**body, "type": kind}, {**spoiled, "type": kind}, spoiled):
        for parse in (parse_event, parse_interaction, read_delivery):
            try:
                found: Any = parse(candidate)
            except PayloadError:
                continue
            place = find_place(found)
            if place is not None:
                move(found, ("T9", "T9", "U9"))
            if parse is read_delivery:
                prejudge(found, ())
                assert isinstance(find_lane(found), str)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_make_the_reading_fail_in_a_way_of_its_own(data: bytes) -> None:
    """JSON and forms come from outside. Proves: SL-1."""
    for parse in (parse_json, parse_form):
        try:
            assert isinstance(parse(data), dict)
        except PayloadError:
            continue


async def test_signed_nonsense_is_a_400_and_never_a_500() -> None:
    """Through the door as it stands on the internet. Proves: SL-1."""
    nonsense: list[Any] = [
        {"type": "block_actions"},
        {"type": "view_submission"},
        {"type": "message_action", "trigger_id": "1"},
        {"type": ["event_callback"]},
        {"command": {}, "type": None},
        {"event": None, "type": "event_callback", "event_id": 7},
        {"event": {"type": {"a": 1}}, "type": "event_callback", "event_id": "E"},
        {"type": "event_callback", "event_id": "E", "team_id": 1, "event": {"type": "message", "channel": [], "ts": 1}},
        {"payload": {"type": "view_submission"}},
        {**event(), "event_id": "E" * 100_000},
        event(ts="1" * 100_000),
        {"type": "shortcut", "trigger_id": "1" * 100_000, "team": {"id": "T1"}},
    ]
    async with open_door() as (inbox, post):
        for body in nonsense:
            assert (await post(json.dumps(body).encode())).status_code == 400
            form = urlencode({"payload": json.dumps(body)}).encode()
            assert (await post(form, kind="application/x-www-form-urlencoded")).status_code == 400
        assert inbox.received == {}
