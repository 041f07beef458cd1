"""The demo model's answers in JSON: facts out of talk, facts that fit a question, else an empty instance."""

import re
from collections.abc import Iterator

from agent.records import JsonObject, JsonValue
from gateway.demo.facts import Fact, Forget, plain_words, read_changes, slot_of
from gateway.demo.scene import TEXT_LIMIT
from gateway.demo.summaries import find_summary
from gateway.demo.wire import WireRequest

_ITEM = re.compile(r"(\d+)\. (.*)", re.DOTALL)


def answer_schema(request: WireRequest, schema: JsonObject) -> JsonValue:
    """JSON that follows the schema asked for."""
    properties = schema.get("properties")
    if isinstance(properties, dict) and "operations" in properties:
        return {"operations": list[JsonValue](find_operations(_prompt_text(request)))}
    if isinstance(properties, dict) and "numbers" in properties:
        return {"numbers": list[JsonValue](find_picks(_prompt_text(request)))}
    if isinstance(properties, dict) and "title" in properties:
        return find_title(_prompt_text(request))
    if isinstance(properties, dict) and "decisions" in properties:
        return find_summary(_prompt_text(request))
    return empty_instance(schema)


def find_title(prompt: str) -> JsonObject:
    """The first words that a person said."""
    said = prompt.partition("⟦said⟧\n")[2].splitlines()
    first = next((line.removeprefix("user: ") for line in said if line.startswith("user: ")), "")
    return {"title": " ".join(first.split()[:8]), "summary": "", "topics": []}


def find_picks(prompt: str) -> list[int]:
    """The facts that share a word with the question, those that share most first."""
    asked = plain_words(prompt.partition("⟦question⟧\n")[2].partition("\n⟦facts⟧")[0][:TEXT_LIMIT])
    shared = {n: len(asked & plain_words(fact)) for n, fact in _read_items(prompt, "facts", "end").items()}
    return sorted((n for n, words in shared.items() if words), key=lambda n: -shared[n])


def find_operations(prompt: str) -> Iterator[JsonObject]:
    """What the new messages change in the known facts, by the numbers both have in the prompt."""
    known = _read_items(prompt, "known facts", "new messages")
    for evidence, message in _read_items(prompt, "new messages", "end").items():
        for change in read_changes(message[:TEXT_LIMIT]):
            if isinstance(change, Forget):
                for number in [n for n, fact in known.items() if change.covers(fact)]:
                    yield {"op": "forget", "known": number, "evidence": evidence}
                    del known[number]
            elif operation := _operation(change, known, evidence):
                yield operation


def _operation(fact: Fact, known: dict[int, str], evidence: int) -> JsonObject | None:
    """Add or update; none for what is known already. `known` then has the new wording."""
    if any(text.casefold() == fact.text.casefold() for text in known.values()):
        return None
    body: JsonObject = {
        "op": "add",
        "fact": fact.text,
        "slot": fact.slot,
        "topics": list[JsonValue](fact.topics),
        "evidence": evidence,
    }
    older = [number for number, text in known.items() if fact.slot and slot_of(text) == fact.slot]
    if older:
        known[older[0]] = fact.text
        return body | {"op": "update", "known": older[0]}
    return body


def _prompt_text(request: WireRequest) -> str:
    return "\n".join(
        str(b["text"]) for role, bs in request.messages if role == "user" for b in bs if b["type"] == "text"
    )


def _read_items(prompt: str, head: str, end: str) -> dict[int, str]:
    """The numbered items between two headings. An item may go over several lines."""
    section = prompt.partition(f"⟦{head}⟧\n")[2].partition(f"\n⟦{end}⟧")[0]
    items: dict[int, str] = {}
    for line in section.splitlines():
        found = _ITEM.fullmatch(line)
        if found and int(found[1]) == len(items) + 1:
            items[int(found[1])] = found[2]
        elif items:
            items[len(items)] += f"\n{line}"
    return items


def empty_instance(schema: JsonValue) -> JsonValue:
    """The least JSON that follows a schema: its first choice, no text, no items."""
    if not isinstance(schema, dict):
        return None
    choices = schema.get("anyOf")
    if isinstance(choices, list) and choices:
        return empty_instance(choices[-1])
    values = schema.get("enum")
    if isinstance(values, list) and values:
        return values[0]
    if schema.get("type") == "object":
        properties, required = schema.get("properties"), schema.get("required")
        names = required if isinstance(required, list) else []
        return {str(n): empty_instance(properties.get(str(n))) for n in names} if isinstance(properties, dict) else {}
    empty: dict[JsonValue, JsonValue] = {"array": [], "string": "", "integer": 0, "number": 0, "boolean": False}
    kind = schema.get("type")
    return empty.get(kind) if isinstance(kind, str) else None
