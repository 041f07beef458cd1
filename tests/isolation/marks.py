"""Words that tell whose they are: each thing that a person says or is remembered by has one of its own.

`mk7x2xpx15`: the fifteenth thing of the third person of world 7, told in private (`p`) or in front of others (`t`).
"""

import re
from dataclasses import dataclass

MARK = re.compile(r"mk(\d+)x(\d+)x([pt])x(\d+)")
JOINT = 1_000
"""Numbers from here on are of marks made while two persons were one: such a thing may stay with either."""
NUMBER = re.compile(r"#(\d+)x(\d+)\b")
"""The world and the number of a message, in its text."""
REPEAT = "repeat_block"
"""An order to write down all that the memory block shows."""
NAME = re.compile(r"N(\d+)x(\d+)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A mark that was found. `person` counts from 0."""

    world: int
    person: int
    is_private: bool
    number: int

    @property
    def is_joint(self) -> bool:
        """Whether it was made while the person was one with another."""
        return self.number >= JOINT


def make_mark(world: int, person: int, number: int, *, is_private: bool) -> str:
    """A mark as a word that can be searched."""
    return f"mk{world}x{person}x{'p' if is_private else 't'}x{number}"


def find_marks(text: str) -> set[Mark]:
    """All marks in a text."""
    return {
        Mark(world=int(world), person=int(person), is_private=kind == "p", number=int(number))
        for world, person, kind, number in MARK.findall(text)
    }
