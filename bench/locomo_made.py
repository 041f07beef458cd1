"""Makes conversations of the form that `bench.locomo` reads: two people over many sessions, and questions about them.

    python -m bench.locomo_made FILE [--samples 3] [--seed 1]

Nothing in it was said by anybody. What makes such talk hard to search is in it: names stand where somebody is called,
and not where they speak; the answer lacks the words of the question; both tell of the same kinds of things;
and every sixth question takes the one for the other, as forgetful people do.
"""

import argparse
import json
import random
import sys
from pathlib import Path

from agent.records import JsonObject, JsonValue
from bench.locomo_kinds import CHATTER, FAREWELLS, GREETINGS, KINDS, Kind

NAMES = ("Clara", "Melvin", "Joanna", "Nate", "Audrey", "Deborah", "Evan", "Gina", "Tim", "Maria", "Calvin", "Jolene")
SESSIONS = 24
TOPICS_PER_SESSION = 3
SINGLE, SEVERAL, SWAPPED = 4, 1, 5
"""Categories, by the numbers that they have in the data set."""
DETAIL_SHARE, SWAPPED_SHARE, JOINED_SHARE = 0.6, 1 / 6, 0.2


class Maker:
    """One conversation in the making."""

    def __init__(self, rnd: random.Random, names: tuple[str, str]) -> None:
        self._rnd = rnd
        self._names = names
        self._told: list[tuple[str, Kind, dict[str, str]]] = []
        self._turns: list[JsonValue] = []
        self._facts: dict[str, list[JsonValue]] = {}

    def make(self) -> JsonObject:
        """A sample."""
        talk: JsonObject = {"speaker_a": self._names[0], "speaker_b": self._names[1]}
        observation: JsonObject = {}
        for number in range(1, SESSIONS + 1):
            self._turns, self._facts = [], {name: [] for name in self._names}
            self._make_session(number)
            talk[f"session_{number}"] = self._turns
            talk[f"session_{number}_date_time"] = f"{1 + number} pm on {number} May, 2023"
            observation[f"session_{number}_observation"] = {**self._facts}
        return {"conversation": talk, "qa": self._make_questions(), "observation": observation}

    def _make_session(self, number: int) -> None:
        rnd, names = self._rnd, list(self._names)
        rnd.shuffle(names)
        self._say(number, names[0], rnd.choice(GREETINGS))
        self._say(number, names[1], rnd.choice(CHATTER))
        for kind in rnd.sample(KINDS, TOPICS_PER_SESSION):
            teller = rnd.choice(names)
            other = names[1 - names.index(teller)]
            values = {"s": teller, "o": other, "a": rnd.choice(kind.a), "b": rnd.choice(kind.b)}
            if rnd.random() < 0.8:
                self._say(number, other, kind.ask)
            self._tell(number, kind, values)
            self._say(number, other, kind.react)
            for _ in range(rnd.randint(1, 4)):
                self._say(number, rnd.choice(names), rnd.choice(CHATTER))
        self._say(number, names[0], rnd.choice(FAREWELLS))

    def _say(self, number: int, speaker: str, text: str, **values: str) -> str:
        other = self._names[1 - self._names.index(speaker)]
        turn_id = f"D{number}:{len(self._turns) + 1}"
        text = text.format(**(values or {"s": other, "o": speaker}))
        turn: JsonObject = {"speaker": speaker, "dia_id": turn_id, "text": text}
        if self._rnd.random() < 0.05:
            turn |= {"img_url": ["-"], "blip_caption": "a photo of people around a table", "query": "people table"}
        self._turns.append(turn)
        return turn_id

    def _tell(self, number: int, kind: Kind, values: dict[str, str]) -> None:
        turn_id = self._say(number, values["s"], kind.tell, **values)
        self._facts[values["s"]].append([kind.fact.format(**values), turn_id])
        self._told.append((turn_id, kind, values))

    def _make_questions(self) -> list[JsonValue]:
        asked: dict[str, list[str]] = {}
        values_of: dict[str, tuple[str, dict[str, str]]] = {}
        for turn_id, kind, values in self._told:
            text = kind.detail if self._rnd.random() < DETAIL_SHARE else kind.question
            asked.setdefault(text.format(**values), []).append(turn_id)
            values_of[text.format(**values)] = (text, values)
        return [self._make_question(*values_of[text], turn_ids) for text, turn_ids in asked.items()]

    def _make_question(self, text: str, values: dict[str, str], turn_ids: list[str]) -> JsonObject:
        joined, several = ["; ".join(turn_ids)], [*turn_ids]
        question: JsonObject = {"evidence": [*(joined if self._rnd.random() < JOINED_SHARE else several)]}
        if self._rnd.random() < SWAPPED_SHARE:
            swapped = {**values, "s": values["o"]}
            return {
                **question,
                "question": text.format(**swapped),
                "adversarial_answer": values["a"],
                "category": SWAPPED,
            }
        category = SEVERAL if len(turn_ids) > 1 else SINGLE
        return {**question, "question": text.format(**values), "answer": values["a"], "category": category}


def make_samples(count: int, seed: int) -> list[JsonValue]:
    """So many conversations; the same for the same seed."""
    rnd = random.Random(seed)
    return [Maker(rnd, (first, second)).make() for first, second in (rnd.sample(NAMES, 2) for _ in range(count))]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="bench.locomo_made", description="Make conversations to search in.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--samples", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(sys.argv[1:])
    given.file.write_text(json.dumps(make_samples(given.samples, given.seed), indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
