"""The frames of Socket Mode, pure."""

import json
import uuid

from adapters.slack_fake.delivery import Attempt
from adapters.slack_fake.json_types import Json
from adapters.slack_fake.world import Outgoing

HOST = "applink-fake"
CONNECTION_LIFE_S = 18_060


def render_hello(app_id: str, connections: int) -> str:
    """The first frame on a connection."""
    debug = {"host": HOST, "build_number": 1, "approximate_connection_time": CONNECTION_LIFE_S}
    hello = {"type": "hello", "num_connections": connections, "debug_info": debug}
    return json.dumps({**hello, "connection_info": {"app_id": app_id}})


def render_disconnect(reason: str) -> str:
    """`warning`, `refresh_requested`, `link_disabled` or `too_many_websockets`."""
    return json.dumps({"type": "disconnect", "reason": reason, "debug_info": {"host": HOST}})


def render_envelope(outgoing: Outgoing, attempt: Attempt) -> tuple[str, str]:
    """A new envelope's id and its frame. An event that comes again comes in another envelope."""
    envelope_id = str(uuid.uuid4())
    frame: Json = {
        "envelope_id": envelope_id,
        "payload": outgoing.payload,
        "type": outgoing.kind,
        "accepts_response_payload": outgoing.kind != "events_api",
    }
    if outgoing.kind == "events_api":
        frame |= {"retry_attempt": attempt.number, "retry_reason": attempt.reason}
    return envelope_id, json.dumps(frame)


def parse_ack(text: str) -> tuple[str, Json | None] | None:
    """The envelope that a frame from the app acknowledges, and what it gives back; None for anything else."""
    try:
        frame = json.loads(text)
    except ValueError:
        return None
    if not isinstance(frame, dict) or not isinstance(frame.get("envelope_id"), str):
        return None
    payload = frame.get("payload")
    return frame["envelope_id"], payload if isinstance(payload, dict) else None
