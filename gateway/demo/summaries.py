"""The demo model's summaries: what is marked is kept as it was said, and the beginning of the rest."""

import re

from agent.records import JsonObject, JsonValue

_LINE = re.compile(r"^(\d+)\.(\*?) ([^:\n]*): (.*)$", re.MULTILINE)
_SAID = 80
_FACTS = 20


def find_summary(prompt: str) -> JsonObject:
    """Decisions and questions among the marked messages, and of the newest others what people said."""
    lines = _LINE.findall(prompt.partition("⟦messages⟧\n")[2])
    marked = [(said, int(n)) for n, mark, _, said in lines if mark]
    others = [(said[:_SAID], int(n)) for n, mark, name, said in lines if not mark and name.startswith("⟦")]
    return {
        "decisions": _items([one for one in marked if not one[0].rstrip().endswith("?")]),
        "questions": _items([one for one in marked if one[0].rstrip().endswith("?")]),
        "promises": [],
        "facts": _items(others[-_FACTS:]),
        "ended": [],
        "state": f"{len(lines)} messages were condensed by the demo model, which picks and does not understand.",
    }


def _items(lines: list[tuple[str, int]]) -> list[JsonValue]:
    return [{"text": text, "evidence": number} for text, number in lines]
