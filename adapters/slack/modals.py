"""A person's memories in the home tab, and the forms by which they correct and delete them. Pure."""

from agent.ids import MemoryId
from agent.records import JsonObject, JsonValue, UserMemory

MEMORY_ACTION = "parley_memory:"
EDIT, DELETE = "edit", "delete"
EDITED, DELETED = "parley_memory_edited", "parley_memory_deleted"
FIELD = "memory"
TEXT_LIMIT = 2_900


def build_memory(memory: UserMemory, shown: str) -> JsonObject:
    """A section with one memory, and a menu to correct or delete it. `shown` is its text in Slack's own form."""
    options: list[JsonValue] = [
        {"text": {"type": "plain_text", "text": text}, "value": value}
        for text, value in (("Correct …", EDIT), ("Forget …", DELETE))
    ]
    return {
        "type": "section",
        "text": {"type": "mrkdwn", "text": f"• {shown}", "verbatim": True},
        "accessory": {"type": "overflow", "action_id": f"{MEMORY_ACTION}{memory.memory_id}", "options": options},
    }


def build_edit_form(memory: UserMemory) -> JsonObject:
    """The form to correct a memory."""
    element: JsonObject = {
        "type": "plain_text_input",
        "action_id": FIELD,
        "multiline": True,
        "initial_value": memory.memory[:TEXT_LIMIT],
        "max_length": TEXT_LIMIT,
    }
    field: JsonObject = {"type": "input", "block_id": FIELD, "label": _plain("What I remember"), "element": element}
    return _form(memory, EDITED, "Correct", "Save", field)


def build_delete_form(memory: UserMemory) -> JsonObject:
    """The form that asks once more before a memory is deleted."""
    question: JsonObject = {"type": "section", "text": _plain(f"Forget this for good?\n\n{memory.memory[:TEXT_LIMIT]}")}
    return _form(memory, DELETED, "Forget", "Forget", question)


def _form(memory: UserMemory, callback_id: str, title: str, submit: str, block: JsonObject) -> JsonObject:
    return {
        "type": "modal",
        "callback_id": callback_id,
        "private_metadata": memory.memory_id,
        "title": _plain(title),
        "submit": _plain(submit),
        "close": _plain("Cancel"),
        "blocks": [block],
    }


def read_memory_id(action_id: str) -> MemoryId | None:
    """Which memory a menu belongs to."""
    return MemoryId(action_id.removeprefix(MEMORY_ACTION)) if action_id.startswith(MEMORY_ACTION) else None


def build_errors(text: str) -> JsonObject:
    """What keeps the form open, and says why under its field."""
    return {"response_action": "errors", "errors": {FIELD: text}}


def _plain(text: str) -> JsonObject:
    return {"type": "plain_text", "text": text}
