"""The form of the message shortcut: what to ask about a message, and where to answer. Pure.

The message travels in the form's hidden field, which holds 3,000 characters: of a long one its beginning.
"""

import json

from adapters.slack.errors import PayloadError
from adapters.slack.payloads import kind_of, parse_json
from adapters.slack.records import Asked, Origin, Said, SharedFile, Shortcut, objects_of, text_of
from agent.records import JsonObject, JsonValue

ASK_FORM = "parley_ask_form"
QUESTION, PLACE = "question", "place"
IN_THREAD, TO_ME = "thread", "me"
QUESTION_LIMIT = 2_900
SHOWN_LIMIT = 400
FILES_CARRIED = 3
_CARRIED_LIMIT = 2_950
_CUT = 100
ID_LIMIT = 100


def build_ask_form(shortcut: Shortcut, shown: str, bot_name: str) -> JsonObject:
    """The form about a message; `shown` is the message as people read it."""
    quoted = f"{shown[:SHOWN_LIMIT]}…" if len(shown) > SHOWN_LIMIT else shown
    blocks: list[JsonValue] = [
        {"type": "section", "text": _plain(f"“{quoted}”")},
        {
            "type": "input",
            "block_id": QUESTION,
            "optional": True,
            "label": _plain("Your question"),
            "element": {
                "type": "plain_text_input",
                "action_id": QUESTION,
                "multiline": True,
                "max_length": QUESTION_LIMIT,
                "placeholder": _plain("What does it mean? What should I answer?"),
            },
        },
    ]
    if shortcut.said.kind != "im":
        blocks.append(_build_places())
    return {
        "type": "modal",
        "callback_id": ASK_FORM,
        "private_metadata": pack(shortcut.said),
        "title": _plain(f"Ask {bot_name}"[:24]),
        "submit": _plain("Ask"),
        "close": _plain("Cancel"),
        "blocks": blocks,
    }


def _build_places() -> JsonObject:
    thread: JsonObject = {"text": _plain("In its thread, for all who read it"), "value": IN_THREAD}
    mine: JsonObject = {"text": _plain("To me alone, as a direct message"), "value": TO_ME}
    element: JsonObject = {
        "type": "radio_buttons",
        "action_id": PLACE,
        "options": [thread, mine],
        "initial_option": thread,
    }
    return {"type": "input", "block_id": PLACE, "label": _plain("Where to answer"), "element": element}


def pack(said: Said) -> str:
    """A message as the hidden field carries it. Raises `PayloadError` for ids that are longer than Slack's ever are."""
    if max(len(one or "") for one in (said.conversation, said.ts, said.thread_ts, said.user, said.home)) > ID_LIMIT:
        raise PayloadError("expected shorter ids")
    files: list[JsonValue] = [
        {"name": file.name[:100], "mimetype": file.mimetype[:100], "size": file.size_bytes, "url": file.url}
        for file in said.files[:FILES_CARRIED]
        if len(file.url or "") <= 300
    ]
    carried: JsonObject = {
        "conversation": said.conversation,
        "ts": said.ts,
        "thread_ts": said.thread_ts,
        "user": said.user,
        "home": said.home,
        "text": said.text,
        "files": files,
        "is_cut": False,
    }
    while len(packed := json.dumps(carried, ensure_ascii=False)) > _CARRIED_LIMIT:
        text = str(carried["text"])
        if not text and not carried["files"]:
            raise PayloadError("expected a shorter message")
        carried |= {"text": text[: min(len(text), _CARRIED_LIMIT) - _CUT], "is_cut": True}
        if not text:
            carried["files"] = []
    return packed


def read_asked(origin: Origin, metadata: str, question: str, place: str, asker: tuple[str, str]) -> Asked:
    """What a form that was sent off asks. `asker` is their home and user. Raises `PayloadError`."""
    carried = parse_json(metadata)
    conversation, ts = text_of(carried, "conversation"), text_of(carried, "ts")
    if conversation is None or ts is None:
        raise PayloadError("expected the message that is asked about")
    said = Said(
        origin=origin,
        conversation=conversation,
        kind=kind_of(conversation),
        ts=ts,
        thread_ts=text_of(carried, "thread_ts"),
        user=text_of(carried, "user"),
        home=text_of(carried, "home") or "",
        text=text_of(carried, "text") or "",
        files=tuple(_read_file(file) for file in objects_of(carried, "files")),
    )
    return Asked(
        origin=origin,
        said=said,
        asker_home=asker[0],
        asker=asker[1],
        question=question.strip()[:QUESTION_LIMIT],
        is_private=place == TO_ME and said.kind != "im",
        is_cut=carried.get("is_cut") is True,
    )


def _read_file(file: JsonObject) -> SharedFile:
    size = file.get("size")
    return SharedFile(
        name=text_of(file, "name") or "file",
        mimetype=text_of(file, "mimetype") or "",
        size_bytes=size if isinstance(size, int) else 0,
        url=text_of(file, "url"),
    )


def render_question(question: str, author: str | None, quoted: str) -> str:
    """What the agent is asked: the asker's own words, and then the message as a quotation, whoever wrote it."""
    whose = f"a message of {author}'s" if author else "a message"
    lines = "\n".join(f"> {line}" for line in quoted.splitlines())
    return f"{question}\n\n(about {whose})\n{lines}".strip()


def _plain(text: str) -> JsonObject:
    return {"type": "plain_text", "text": text}
