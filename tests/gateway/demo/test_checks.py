"""The demo refuses what the vendor refuses, so that a mistake shows without a key."""

from copy import deepcopy
from typing import Any

import pytest

from agent.extraction import SCHEMA
from gateway.demo.checks import check_headers, parse_request
from gateway.demo.wire import WireError

Body = dict[str, Any]
CALL: Body = {"type": "tool_use", "id": "toolu_1", "name": "now", "input": {}}
RESULT: Body = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "noon"}
MARK: Body = {"type": "ephemeral", "ttl": "5m"}


def body(*messages: tuple[str, object], **changes: object) -> Body:
    """A request that is right, but for the changes."""
    given = [{"role": role, "content": content} for role, content in messages or (("user", "hello"),)]
    return {"model": "m", "max_tokens": 10, "messages": given, **changes}


def text(words: str, **more: object) -> Body:
    """A block of text."""
    return {"type": "text", "text": words, **more}


RIGHT: dict[str, Body] = {
    "a text": body(),
    "blocks": body(("user", [text("a"), text("b", cache_control=MARK)])),
    "tools answered": body(("user", "a"), ("assistant", [CALL]), ("user", [RESULT, text("and?")])),
    "results in two messages": body(
        ("user", "a"),
        ("assistant", [CALL, CALL | {"id": "toolu_2"}]),
        ("user", [RESULT]),
        ("user", [RESULT | {"tool_use_id": "toolu_2"}]),
    ),
    "a system of blocks": body(system=[text("kind", cache_control={"type": "ephemeral", "ttl": "1h"})]),
    "a system of text": body(system="kind"),
    "thinking given back": body(
        ("user", "a"),
        ("assistant", [{"type": "thinking", "thinking": "", "signature": "c2ln"}, CALL]),
        ("user", [RESULT]),
    ),
    "blocks of tomorrow": body(("user", "a"), ("assistant", [{"type": "hologram"}]), ("user", "b")),
    "the schema of facts": body(output_config={"format": {"type": "json_schema", "schema": SCHEMA}}),
    "an effort": body(output_config={"effort": "low"}, tool_choice={"type": "auto"}),
    "four breakpoints": body(("user", [text("a", cache_control=MARK) for _ in range(4)])),
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_is_taken(name: str) -> None:
    """A check that refuses too much would be worse than none."""
    before = deepcopy(RIGHT[name])
    parse_request(RIGHT[name])
    assert RIGHT[name] == before


WRONG: list[tuple[str, Any]] = [
    ("JSON object", [1]),
    ("model", {"max_tokens": 1, "messages": []}),
    ("model", body(model="")),
    ("max_tokens", body(max_tokens=0)),
    ("max_tokens", body(max_tokens="10")),
    ("max_tokens", body(max_tokens=True)),
    ("temperature", body(temperature=0.5)),
    ("top_p", body(top_p=0.5)),
    ("top_k", body(top_k=5)),
    ("memory", body(memory=[])),
    ("stream", body(stream="yes")),
    ("tool_choice", body(tool_choice={"type": "any"})),
    ("tool_choice", body(tool_choice={"type": "tool", "name": "now"})),
    ("messages", body() | {"messages": "hello"}),
    ("at least one message", body() | {"messages": []}),
    ("list of objects", body() | {"messages": ["hello"]}),
    ("role", body(("system", "hello"))),
    ("name", body() | {"messages": [{"role": "user", "content": "a", "name": "Al"}]}),
    ("first message", body(("assistant", "a"), ("user", "b"))),
    ("prefill", body(("user", "a"), ("assistant", "b"))),
    ("must not be empty", body(("user", []))),
    ("non-whitespace", body(("user", ""))),
    ("non-whitespace", body(("user", [text(" \n")]))),
    ("non-whitespace", body(system=" ")),
    ("text block", body(system=[{"type": "image"}])),
    ("colour", body(("user", [text("a", colour="red")]))),
    ("type: Field required", body(("user", [{"text": "a"}]))),
    ("not allowed in user", body(("user", [CALL]))),
    ("not allowed in assistant", body(("user", "a"), ("assistant", [RESULT]), ("user", "b"))),
    ("without `tool_result`", body(("user", "a"), ("assistant", [CALL]), ("user", "b"))),
    ("without `tool_result`", body(("user", "a"), ("assistant", [CALL, CALL | {"id": "x"}]), ("user", [RESULT]))),
    ("prefill", body(("user", "a"), ("assistant", [CALL]))),
    ("come first", body(("user", "a"), ("assistant", [CALL]), ("user", [text("b"), RESULT]))),
    ("unexpected `tool_use_id`", body(("user", [RESULT]))),
    (
        "unexpected `tool_use_id`",
        body(("user", "a"), ("assistant", [CALL]), ("user", [RESULT]), ("assistant", "b"), ("user", [RESULT])),
    ),
    ("single result", body(("user", "a"), ("assistant", [CALL]), ("user", [RESULT, RESULT]))),
    ("unique", body(("user", "a"), ("assistant", [CALL, CALL]), ("user", [RESULT]))),
    ("id and name", body(("user", "a"), ("assistant", [{"type": "tool_use", "input": {}}]), ("user", [RESULT]))),
    ("input", body(("user", "a"), ("assistant", [CALL | {"input": "x"}]), ("user", [RESULT]))),
    ("tool_use_id", body(("user", "a"), ("assistant", [CALL]), ("user", [{"type": "tool_result"}]))),
    ("signature", body(("user", "a"), ("assistant", [{"type": "thinking", "thinking": "x"}]), ("user", "b"))),
    ("Found 5", body(("user", [text("a", cache_control=MARK) for _ in range(5)]))),
    ("ephemeral", body(("user", [text("a", cache_control={"type": "eternal"})]))),
    ("ttl", body(("user", [text("a", cache_control=MARK), text("b", cache_control=MARK | {"ttl": "1h"})]))),
    ("tools", body(tools={})),
    ("tools.0.name", body(tools=[{"name": "no spaces", "input_schema": {"type": "object"}}])),
    ("tools.0.input_schema", body(tools=[{"name": "now", "input_schema": {"type": "string"}}])),
    ("unique", body(tools=[{"name": "now", "input_schema": {"type": "object"}}] * 2)),
    ("title", body(tools=[{"name": "now", "title": "Now", "input_schema": {"type": "object"}}])),
    ("output_config", body(output_config={"schema": {}})),
    ("output_config.format", body(output_config={"format": {"type": "json"}})),
    ("additionalProperties", body(output_config={"format": {"type": "json_schema", "schema": {"type": "object"}}})),
    (
        "maxLength",
        body(output_config={"format": {"type": "json_schema", "schema": {"type": "string", "maxLength": 3}}}),
    ),
]


@pytest.mark.parametrize(("names", "wrong"), WRONG)
def test_what_is_wrong_is_refused_by_name(names: str, wrong: Any) -> None:
    """The vendor's words say what to mend; so must these."""
    with pytest.raises(WireError, match=names.replace(".", r"\.")) as caught:
        parse_request(wrong)
    assert (caught.value.status, caught.value.kind) == (400, "invalid_request_error")


def test_a_thread_may_end_with_the_model_after_a_pause() -> None:
    """`pause_turn` asks for the model's own words back, as they are."""
    parse_request(body(("user", "a"), ("assistant", "b")), may_end_with_assistant=True)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"anthropic-version": "2026-10-21"}, 401),
        ({"anthropic-version": "2026-10-21", "authorization": "Bearer "}, 401),
        ({"anthropic-version": "2026-10-21", "x-api-key": "k"}, 401),
        ({"authorization": "Bearer k"}, 400),
    ],
)
def test_a_request_without_key_or_version_is_refused(headers: dict[str, str], status: int) -> None:
    """The SDK sends both; a hand-made client learns it here."""
    with pytest.raises(WireError) as caught:
        check_headers(headers)
    assert caught.value.status == status
