"""Deliveries as Slack sends them, small."""

from typing import Any

from adapters.slack.payloads import parse_event
from adapters.slack.records import Challenge, Event, Said
from agent.records import JsonObject

BOT = "U0BOT"


def body(event: dict[str, Any], **outer: Any) -> JsonObject:
    """An Events API body of a workspace `T0ACME`."""
    granted = {
        "team_id": "T0ACME",
        "enterprise_id": None,
        "user_id": BOT,
        "is_bot": True,
        "is_enterprise_install": False,
    }
    return {
        "type": "event_callback",
        "team_id": "T0ACME",
        "api_app_id": "A0PARLEY",
        "event_id": "Ev01",
        "authorizations": [granted],
        "event": event,
        **outer,
    }


def parsed(event: dict[str, Any], **outer: Any) -> Event:
    """What the adapter makes of it."""
    found = parse_event(body(event, **outer))
    assert not isinstance(found, Challenge)
    return found


def said(text: str = "hi", **fields: Any) -> Said:
    """A message of Ann's in a channel."""
    event = {"type": "message", "channel": "C0GENERAL", "user": "U0ANN", "ts": "100.1", "text": text, **fields}
    found = parsed(event)
    assert isinstance(found, Said)
    return found
