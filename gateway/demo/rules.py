"""What the demo model answers: a checked request in, a reply out. The same request always gets the same reply."""

import json
import re
from collections.abc import Callable
from re import Match, Pattern
from typing import TypeAlias

from gateway.demo.extraction import answer_schema
from gateway.demo.replies import (
    WHO_I_AM,
    count_up,
    fall_back,
    greet,
    introduce,
    long_story,
    part,
    say_after,
    tell_mood,
    thank,
)
from gateway.demo.scene import Scene, read_scene
from gateway.demo.telling import (
    say_changes,
    tell_all,
    tell_asker,
    tell_dislikes,
    tell_likes,
    tell_my_words,
    tell_own_words,
    tell_people,
    tell_recent,
    tell_slot,
    tell_their_facts,
    tell_their_words,
)
from gateway.demo.tool_talk import CALCULATOR, CLOCK, MEMORY, asks_time, find_calls, find_sums, tell_results
from gateway.demo.wire import WireReply, WireRequest, digest, text_block, tool_use_block

Handler: TypeAlias = Callable[[Scene, Match[str]], str]


def answer(request: WireRequest) -> WireReply:
    """A text, calls of tools, or the JSON that was asked for."""
    name = digest(request.raw)
    if request.schema is not None:
        text = json.dumps(answer_schema(request, request.schema), ensure_ascii=False)
        return WireReply(content=(text_block(text),), message_id=f"msg_{name}")
    scene = read_scene(request)
    calls = () if scene.results else tuple(find_calls(scene))
    if calls:
        blocks = (tool_use_block(f"toolu_{name}_{n}", tool, arguments) for n, (tool, arguments) in enumerate(calls))
        return WireReply(content=tuple(blocks), stop_reason="tool_use", message_id=f"msg_{name}")
    return WireReply(content=(text_block(compose(scene)),), message_id=f"msg_{name}")


def compose(scene: Scene) -> str:
    """The text: a greeting, what was noted, what tools gave, what a rule says; the first one says who speaks."""
    noted = "" if MEMORY in _tool_names(scene) else say_changes(scene)
    handler, text = _ask_rules(scene)
    greeting = text if handler is greet else ""
    parts = [greeting, noted, tell_results(scene.results), "" if greeting else text]
    if not any(parts):
        parts.append(_miss_tools(scene) or fall_back(scene))
    if scene.is_first_contact and handler not in (greet, introduce):
        parts.append(WHO_I_AM)
    return "\n\n".join(part for part in parts if part)


def _ask_rules(scene: Scene) -> tuple[Handler | None, str]:
    for pattern, handler in RULES:
        if found := pattern.search(scene.question):
            return handler, handler(scene, found)
    return None, ""


def _miss_tools(scene: Scene) -> str:
    names = _tool_names(scene)
    if asks_time(scene.question) and CLOCK not in names:
        return "I have no clock here: this agent has no tool for the time."
    if find_sums(scene.question) and CALCULATOR not in names:
        return "I cannot calculate here: this agent has no tool for it."
    return ""


def _tool_names(scene: Scene) -> set[str]:
    return {str(tool["name"]) for tool in scene.tools}


def _rule(pattern: str, handler: Handler) -> tuple[Pattern[str], Handler]:
    return re.compile(pattern, re.IGNORECASE), handler


RULES: tuple[tuple[Pattern[str], Handler], ...] = (
    _rule(r"^\W*(?:please )?(?:repeat after me|say)\b:? (?P<words>.+)", say_after),
    _rule(r"\b(?:long |short )?story\b", long_story),
    _rule(r"\bcount (?:up )?to (?P<n>\d{1,4})\b", count_up),
    _rule(
        r"\bwhat (?:did|have) i (?:just )?(?:say|said|ask|asked|write|written|tell you|told you)\b.*", tell_own_words
    ),
    _rule(r"\bmy (?:first|last) message\b", tell_own_words),
    _rule(r"\bwhat (?:did|have) you (?:just )?(?:say|said|answer|answered)\b", tell_my_words),
    _rule(
        r"\bwhat (?:did|has) (?P<who>[\w' -]{1,60}?) (?:just )?(?:say|said|ask|asked|write|written|tell)\b",
        tell_their_words,
    ),
    _rule(r"\b(?:what|where) does (?P<who>[\w'-]+) (?:like|love|live|work|prefer)\b", tell_their_facts),
    _rule(r"\bwhat (?:do(?:n't| not)? i (?:not like|dislike|hate)|don't i like)\b", tell_dislikes),
    _rule(r"\bwhat (?:do|would) i (?:like|love|enjoy|prefer)\b|\bmy (?:favou?rites?|likes)\b.*\?", tell_likes),
    _rule(
        r"\bwhere do i (?:live|work)\b|\bwhat(?:'s| is) my (?:name|job|birthday)\b|\bwhen is my birthday\b", tell_slot
    ),
    _rule(r"\bwhat do i (?:eat|work as)\b|\b(?:what|which) languages? do i\b|\bwhat are my pronouns\b", tell_slot),
    _rule(r"\bwhat (?:do you (?:know|remember)|have you (?:remembered|stored))\b", tell_all),
    _rule(r"\bdo you (?:know|remember) (?:me|anything|something)\b", tell_all),
    _rule(r"\bwho am i\b|\bdo you know who i am\b", tell_asker),
    _rule(r"\bwho(?:'s| is| else is| all is) (?:here|in (?:this|the) \w+)\b|\bwho are we\b", tell_people),
    _rule(
        r"\bsummar(?:y|i[sz]e)|\brecap\b|\bwhat (?:have we|did we|was|has been) (?:talk|discuss|said|happen)",
        tell_recent,
    ),
    _rule(r"\b(?:who|what) are you\b|\bare you (?:an? )?(?:ai|bot|human|real|claude|robot|model)\b", introduce),
    _rule(r"\bwhat(?:'s| is) your name\b|^\W*help\b|\bwhat (?:can|do) you do\b", introduce),
    _rule(r"\bhow are you\b|\bhow do you do\b", tell_mood),
    _rule(r"\b(?:thanks|thank you|thx|cheers)\b", thank),
    _rule(r"^\W*(?:bye|goodbye|good night|see you|ciao)\b", part),
    _rule(
        r"^\W*(?:hello|hi|hey|hiya|howdy|greetings|good (?:morning|afternoon|evening|day)|moin|hallo|servus)\b", greet
    ),
)
"""The first pattern found in the question answers it."""
