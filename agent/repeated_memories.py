"""Whether a text that others will read repeats what is remembered about a person. Pure."""

from collections.abc import Iterable

from agent.records import UserMemory

SHORTEST = 8
"""Characters; a shorter fact stands in many a text by chance."""


def repeats_memory(text: str, said: str, memories: Iterable[UserMemory]) -> bool:
    """Whether one of the facts stands in the text word for word, and was not said by people themselves."""
    written, spoken = _flat(text), _flat(said)
    facts = (_flat(memory.memory) for memory in memories)
    return any(len(fact) >= SHORTEST and fact in written and fact not in spoken for fact in facts)


def _flat(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".")
