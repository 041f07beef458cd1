"""`parley handoffs`: calls the running gateway's own API with the operator's token, and shows what it says."""

import json
import secrets
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

from agent.records import JsonObject, JsonValue
from gateway.chat_screen import plain
from gateway.command_errors import CommandError
from gateway.operator_token import FILE_NAME, provide_operator_token
from gateway.settings import Settings

TIMEOUT_S = 30.0
NO_TOKEN = f"expected PARLEY_OPERATOR_TOKEN, or the file {FILE_NAME} in the gateway's data directory"


def list_handoffs(settings: Settings, url: str, mode: str | None, *, limit: int, as_json: bool) -> str:
    """What waits for a person or is with one: a line each, with the agent's words under it. Raises `CommandError`."""
    query = urlencode({"limit": limit} | ({"mode": mode} if mode else {}))
    found = _call(settings, url, "GET", f"/api/v1/handoffs?{query}")
    if as_json:
        return json.dumps(found["handoffs"], ensure_ascii=False, indent=2)
    rows = found["handoffs"] if isinstance(found["handoffs"], list) else []
    return "\n".join(_render(row) for row in rows if isinstance(row, dict)) or "No conversation waits for a person."


def take_session(settings: Settings, url: str, session_id: str, name: str) -> str:
    """The person has the conversation. Raises `CommandError`."""
    done = _call(settings, url, "POST", f"{_path(session_id)}/take", {"name": name})
    return f"{session_id}  {'is yours' if done['is_changed'] else 'is with a person already'}"


def return_session(settings: Settings, url: str, session_id: str, name: str) -> str:
    """The agent has it again. Raises `CommandError`."""
    done = _call(settings, url, "POST", f"{_path(session_id)}/return", {"name": name})
    return f"{session_id}  {'is with the agent again' if done['is_changed'] else 'was with the agent'}"


def answer_session(settings: Settings, url: str, session_id: str, name: str, text: str) -> str:
    """The person has said it there. Raises `CommandError`."""
    said = _call(settings, url, "POST", f"{_path(session_id)}/messages", {"name": name, "text": text})
    return f"{session_id}  said as {plain(name)}, number {said['seq']}"


def _path(session_id: str) -> str:
    return f"/api/v1/sessions/{quote(session_id, safe='')}"


def _render(row: JsonObject) -> str:
    left_s = (datetime.fromisoformat(str(row["until_at"])) - datetime.now(UTC)).total_seconds()
    who = f"with {plain(str(row['name']))}" if row["name"] else "waits"
    lines = [f"{row['session_id']}  {who}, goes back in {max(0, round(left_s / 60))} min"]
    lines += [f"    {plain(str(row[name]))}" for name in ("title", "reason", "summary") if row[name]]
    return "\n".join(lines)


def _call(settings: Settings, url: str, method: str, path: str, body: JsonObject | None = None) -> dict[str, JsonValue]:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise CommandError(f"--url: expected an address such as http://127.0.0.1:8080; found {plain(url)}")
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=TIMEOUT_S)
    headers = {"authorization": f"Bearer {_find_token(settings)}", "content-type": "application/json"}
    if method == "POST":
        headers["idempotency-key"] = secrets.token_hex(16)
    try:
        connection.request(method, parts.path.rstrip("/") + path, json.dumps(body) if body else None, headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
    except (OSError, HTTPException, ValueError) as error:
        raise CommandError(f"there is no gateway at {plain(url)}: {type(error).__name__}") from error
    finally:
        connection.close()
    if not isinstance(answer, dict):
        raise CommandError(f"there is no gateway at {plain(url)}: it answers something else")
    if isinstance(fault := answer.get("error"), dict):
        raise CommandError(plain(str(fault.get("message"))))
    return answer


def _find_token(settings: Settings) -> str:
    if settings.operator_token is not None:
        return settings.operator_token.get_secret_value()
    path: Path = settings.data_dir / FILE_NAME
    if not path.exists():
        raise CommandError(NO_TOKEN)
    return provide_operator_token(settings.data_dir).secret
