"""What the demo model tells out of the memory block and the thread."""

import re
from collections.abc import Iterable
from re import Match

from agent.secret_gate import has_secret
from gateway.demo.facts import Fact, Forget, read_changes, to_second_person
from gateway.demo.knowledge import Known, find_known, find_told
from gateway.demo.scene import Said, Scene

_QUOTE_LIMIT, _QUOTES = 300, 5


def say_changes(scene: Scene) -> str:
    """What the demo model says to facts told and wishes to forget; empty where there are none."""
    changes = list(read_changes(scene.question))
    return " ".join(_say_change(scene, change) for change in changes)


def _say_change(scene: Scene, change: Fact | Forget) -> str:
    if isinstance(change, Forget):
        what = "everything about you" if change.is_all else f"that {_you(change.text)}" if change.text else "that"
        if scene.memory is None:
            return f"I keep no memories here, so there is nothing to forget but what stands in this thread: {what}."
        return f"All right, I will forget {what}."
    if has_secret(change.text):
        return "That looks like a secret. I keep no such thing; better not to say it in a chat."
    if scene.memory is None:
        return f"I see: {_you(change.text)}. I keep no memories here, so I know it in this thread only."
    return f"Noted: {_you(change.text)}. I will remember that."


def _you(fact: str) -> str:
    return to_second_person(fact).rstrip(".")


def tell_likes(scene: Scene, _: Match[str]) -> str:
    """What the asker likes."""
    return _tell_known(scene, r"(likes|loves|enjoys|prefers)\b|.*favou?rite", "what you like", "I like tea")


def tell_dislikes(scene: Scene, _: Match[str]) -> str:
    """What the asker does not like."""
    return _tell_known(scene, r"(hates|dislikes|does not)\b", "what you do not like", "I hate rain")


def tell_slot(scene: Scene, found: Match[str]) -> str:
    """Where the asker lives or works, what they are called, and the like."""
    question = found.group().lower()
    for word, slot, what, example in _SLOT_QUESTIONS:
        if word in question:
            known = [known for known in find_known(scene) if known.slot == slot]
            if slot == "name" and scene.asker and not known:
                return f"You are {scene.asker}."
            return _tell(known) or f"I do not know {what}. Tell me, for example: {example}."
    return tell_all(scene, found)


_SLOT_QUESTIONS = (
    ("live", "home_city", "where you live", "I live in Berlin"),
    ("name", "name", "your name", "my name is Alice"),
    ("work", "employer", "where you work", "I work at Acme"),
    ("job", "job", "what your job is", "I work as a nurse"),
    ("birthday", "birthday", "your birthday", "my birthday is on 3 May"),
    ("language", "language", "what you speak", "I speak German"),
    ("eat", "diet", "what you eat", "I am vegetarian"),
    ("pronouns", "pronouns", "your pronouns", "my pronouns are she/her"),
)


def tell_all(scene: Scene, _: Match[str]) -> str:
    """All that is known about the asker."""
    known = find_known(scene)
    if known:
        return _tell(known)
    if scene.memory is None:
        return "I keep no memories here, and you have told me nothing about yourself in this thread."
    return "I know nothing about you yet. Tell me, for example: I like tea, or: I live in Berlin."


def _tell_known(scene: Scene, pattern: str, what: str, example: str) -> str:
    known = [known for known in find_known(scene) if re.match(pattern, known.text, re.IGNORECASE)]
    return _tell(known) or f"I do not know {what} yet. Tell me, for example: {example}."


def _tell(known: Iterable[Known]) -> str:
    known = list(known)
    remembered = [_you(one.text) for one in known if one.is_remembered]
    told = [_you(one.text) for one in known if not one.is_remembered]
    parts = [f"I remember that {_join(remembered)}."] if remembered else []
    parts += [f"You told me in this thread that {_join(told)}."] if told else []
    return " ".join(parts)


def _join(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def tell_own_words(scene: Scene, found: Match[str]) -> str:
    """What the asker said first or last."""
    words = scene.own_words
    if not words:
        return "This is the first thing you said here, as far as I can see."
    is_first = "first" in found.group().lower()
    return f"{'First' if is_first else 'Last'} you said: {_quote(words[0] if is_first else words[-1])}"


def tell_my_words(scene: Scene, _: Match[str]) -> str:
    """What the demo model itself said last."""
    mine = [said.text for said in scene.before if said.is_agent]
    return f"I said: {_quote(mine[-1])}" if mine else "I have not said anything here yet."


def tell_their_words(scene: Scene, found: Match[str]) -> str:
    """What somebody else in the thread said; everybody here can read it anyway."""
    name = found["who"].strip()
    if name.casefold() in ("everybody", "everyone", "others", "the others", "people"):
        return tell_recent(scene, found)
    words = [said.text for said in scene.before if not said.is_agent and _is_named(said, name)]
    if not words:
        return f"Nobody called {name} has said anything that I can see. {tell_people(scene, found)}"
    return f"{name} said: {' / '.join(_quote(text) for text in words[-_QUOTES:])}"


def tell_their_facts(scene: Scene, found: Match[str]) -> str:
    """What somebody else told about themselves in this thread. Memories of others are never told."""
    name = found["who"].strip()
    told = find_told(said.text for said in scene.before if not said.is_agent and _is_named(said, name))
    if told:
        return f"In this thread {name} said so: {name} {', '.join(told)}."
    return f"{name} has not said that in this thread, and what I remember about other people I do not tell."


def tell_recent(scene: Scene, _: Match[str]) -> str:
    """The last things said by people."""
    said = [said for said in scene.before if not said.is_agent]
    if not said:
        return "Nothing was said here before your message, as far as I can see."
    lines = [f"{one.name or 'Somebody'}: {_quote(one.text)}" for one in said[-_QUOTES:]]
    return "\n".join(["The last things I see here:", *lines])


def tell_people(scene: Scene, _: Match[str]) -> str:
    """Who speaks in this thread."""
    others = [name for tag, name in scene.people.items() if tag != scene.tag]
    you = f"you, {scene.asker}" if scene.asker else "you"
    return f"I see {_join([*others, you])} here." if others else f"I see nobody here but {you}."


def tell_asker(scene: Scene, found: Match[str]) -> str:
    """Who asks."""
    name = f"You are {scene.asker}." if scene.asker else "I do not know your name."
    known = find_known(scene)
    return f"{name} {_tell(known)}".strip() if known else name


def _is_named(said: Said, name: str) -> bool:
    wanted = name.casefold().removesuffix("'s")
    return said.name.casefold() == wanted or wanted in said.name.casefold().split()


def _quote(text: str) -> str:
    line = " ".join(text.split())
    return f"“{line[:_QUOTE_LIMIT]}{'…' if len(line) > _QUOTE_LIMIT else ''}”"
