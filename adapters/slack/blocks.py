"""Block Kit: feedback buttons, the home tab, prompts."""

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.slack.modals import build_memory
from agent.records import JsonObject, JsonValue, UserMemory

FEEDBACK_ACTION = "parley_feedback"
GOOD, BAD = "good", "bad"
MEMORIES_SHOWN = 40
SESSIONS_SHOWN = 10
_SECTION_LIMIT = 2_900
PROMPTS: list[dict[str, str]] = [
    {"title": "What can you do?", "message": "What can you help me with?"},
    {"title": "What do you remember?", "message": "What do you remember about me?"},
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """A thread of a person: its title or beginning, and where it leads."""

    title: str
    link: str | None


def build_feedback(post_key: str) -> list[JsonValue]:
    """The two buttons under an answer."""
    element: JsonObject = {
        "type": "feedback_buttons",
        "action_id": FEEDBACK_ACTION,
        "positive_button": {"text": _plain("Good answer"), "value": f"{GOOD}:{post_key}"},
        "negative_button": {"text": _plain("Bad answer"), "value": f"{BAD}:{post_key}"},
    }
    return [{"type": "context_actions", "elements": [element]}]


def build_home(memories: Sequence[UserMemory], recent: Sequence[Recent]) -> JsonObject:
    """The home tab: what is remembered about the person who looks, and their recent threads."""
    blocks: list[JsonValue] = [_header("What I remember about you")]
    blocks += [build_memory(memory, _fit(escape(memory.memory))) for memory in memories[:MEMORIES_SHOWN]]
    if not memories:
        blocks.append(_section("Nothing yet."))
    if len(memories) > MEMORIES_SHOWN:
        blocks.append(_section(f"… and {len(memories) - MEMORIES_SHOWN} more: `/parley memories`"))
    blocks += [{"type": "divider"}, _header("Your recent threads")]
    lines = [f"<{one.link}|{escape(one.title)}>" if one.link else escape(one.title) for one in recent[:SESSIONS_SHOWN]]
    blocks += _list(lines, "None yet. Mention me in a conversation, or write to me under Messages.")
    return {"type": "home", "blocks": blocks}


def build_list(title: str, lines: Sequence[str], empty: str) -> str:
    """A list in Slack's own text form, as much of it as one message holds."""
    body = "\n".join(f"• {escape(line)}" for line in lines) or empty
    return f"*{title}*\n{_fit(body)}"


def escape(text: str) -> str:
    """Text that is shown as it stands: nothing in it is a mention, a link or markup."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return " ".join(plain.replace("|", "¦").split())


def _list(lines: Sequence[str], empty: str) -> list[JsonValue]:
    """Sections of as many lines as fit."""
    sections: list[JsonValue] = []
    gathered = ""
    for line in lines:
        item = f"• {_fit(line)}\n"
        if len(gathered) + len(item) > _SECTION_LIMIT:
            sections.append(_section(gathered))
            gathered = ""
        gathered += item
    return [*sections, _section(gathered or empty)]


def _fit(text: str) -> str:
    return text if len(text) <= _SECTION_LIMIT - 10 else f"{text[: _SECTION_LIMIT - 10]}…"


def _plain(text: str) -> JsonObject:
    return {"type": "plain_text", "text": text}


def _header(text: str) -> JsonObject:
    return {"type": "header", "text": _plain(text)}


def _section(text: str) -> JsonObject:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}
