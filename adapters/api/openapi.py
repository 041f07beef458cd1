"""The description of the API (OpenAPI 3.1), made from the table of operations and from the models that check."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from adapters.api.errors import MEANING, STATUS, ErrorCode
from adapters.api.event_views import EVENTS
from adapters.api.operation import Operation
from adapters.api.views import ErrorView
from agent.records import JsonObject, JsonValue

VERSION = "1"
REF = "#/components/schemas/"
_NAMES: Mapping[str, str] = {
    "task_id": "The id that the task was given.",
    "session_id": "The id of the session, percent-encoded where it has to be.",
    "user_id": "The id of the user, percent-encoded where it has to be.",
    "memory_id": "The id of the memory.",
    "approval_id": "The id of the approval.",
    "identity_id": "The id of the account.",
    "optimization_id": "The id that the merge was given.",
    "agent_id": "The id of the agent, as it is configured.",
    "name": "The name of the file, such as support-hours.md.",
    "revision": "The number of the revision.",
}
_RETRY: JsonObject = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
_LOCATION: JsonObject = {"Location": {"description": "Where the task is.", "schema": {"type": "string"}}}


def render_openapi(operations: Sequence[Operation]) -> bytes:
    """The description as JSON."""
    paths: dict[str, JsonValue] = {}
    for operation in operations:
        of_path = cast("JsonObject", paths.setdefault(operation.path, {}))
        of_path[operation.method.lower()] = _describe(operation)
    document: JsonObject = {
        "openapi": "3.1.0",
        "info": {
            "title": "Parley",
            "version": VERSION,
            "description": "Give an agent tasks, wait for its answers or watch them come, and read what was said.",
        },
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": _schemas(operations),
            "responses": {code.value: _error(code) for code in ErrorCode},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "person": {"type": "http", "scheme": "bearer", "description": "A person's own token of the widget."},
            },
        },
    }
    return json.dumps(document, ensure_ascii=False).encode()


def _describe(operation: Operation) -> JsonObject:
    described: JsonObject = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": f"{(operation.handler.__doc__ or '').strip()} {_needs(operation)}",
        "parameters": list(_parameters(operation)),
        "responses": _responses(operation),
    }
    if operation.scope is None:
        described["security"] = [{"person": []}]
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": _json(operation.body)}
    return described


def _needs(operation: Operation) -> str:
    return f"Needs the scope `{operation.scope}`." if operation.scope else "Needs a token of the person's own."


def _parameters(operation: Operation) -> Iterator[JsonValue]:
    for name in re.findall(r"{(\w+)}", operation.path):
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": _NAMES[name],
            "schema": {"type": "string"},
        }
    schema = operation.query.model_json_schema()
    for name, of_field in schema.get("properties", {}).items():
        yield {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": of_field}
    for name, meaning in operation.headers.items():
        yield {"name": name, "in": "header", "required": False, "description": meaning, "schema": {"type": "string"}}


def _responses(operation: Operation) -> JsonObject:
    responses: JsonObject = {
        str(status): {"description": (model.__doc__ or "").strip(), "content": _json(model), **_headers(status)}
        for status, model in operation.answers.items()
    }
    if operation.is_stream:
        answer = cast("JsonObject", responses.setdefault("200", {"description": "A stream.", "content": {}}))
        cast("JsonObject", answer["content"])["text/event-stream"] = _stream()
    for code in operation.all_errors:
        responses[str(STATUS[code])] = {"$ref": f"#/components/responses/{code}"}
    return responses


def _headers(status: int) -> JsonObject:
    return {"headers": _LOCATION} if status == 202 else {}


def _json(model: type[BaseModel]) -> JsonObject:
    return {"application/json": {"schema": _ref(model)}}


def _stream() -> JsonObject:
    names = ", ".join(EVENTS)
    return {
        "schema": {"type": "string", "description": f"Server-sent events {names}; x-events says what each carries."},
        "x-events": {name: _ref(model) for name, model in EVENTS.items()},
    }


def _error(code: ErrorCode) -> JsonObject:
    headers: JsonObject = {"headers": _RETRY} if code in {ErrorCode.BUSY, ErrorCode.UNAVAILABLE} else {}
    return {"description": f"`{code}`: {MEANING[code]}", "content": _json(ErrorView), **headers}


def _ref(model: type[BaseModel]) -> JsonObject:
    return {"$ref": REF + model.__name__}


def _schemas(operations: Sequence[Operation]) -> JsonObject:
    shown: set[type[BaseModel]] = {ErrorView, *EVENTS.values()}
    sent: set[type[BaseModel]] = set()
    for operation in operations:
        shown.update(operation.answers.values())
        sent.update([operation.body] if operation.body else [])
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        *((model, "serialization") for model in sorted(shown, key=lambda model: model.__name__)),
        *((model, "validation") for model in sorted(sent, key=lambda model: model.__name__)),
    ]
    _, schema = models_json_schema(models, ref_template=REF + "{model}")
    return cast("JsonObject", schema["$defs"])
