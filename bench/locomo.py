"""Reads long conversations with questions about them, in the form of the LoCoMo data set's JSON file.

A file is a list of samples: `conversation` with two speakers and sessions `session_1`, `session_2`, … of turns with a
`dia_id`; `qa` with the turns that are the evidence of each answer; `observation`, facts with the turns they came from.
Hand-made files have their quirks: whatever cannot be used is left out and counted.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SESSION = re.compile(r"session_(\d+)")
_TURN = re.compile(r"D:?(\d+):0*(\d+)")
ADVERSARIAL = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What a speaker said; a shared picture is told by its caption, or by what it was searched by."""

    turn_id: str
    speaker: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question and the ids of the turns that answer it; never without evidence."""

    text: str
    evidence: frozenset[str]
    category: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A fact about a speaker and the turn it came from."""

    text: str
    turn_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """One sample. `skipped` says what of the file could not be used as it stands, and how often."""

    speakers: tuple[str, ...]
    sessions: tuple[tuple[Turn, ...], ...]
    questions: tuple[Question, ...]
    facts: tuple[Fact, ...]
    skipped: Mapping[str, int]


def load_conversations(path: Path) -> list[Conversation]:
    """All samples of a file. Raises `OSError`, and `ValueError` for what is no such file."""
    data = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(data, dict):
        data = data.get("samples", data.get("data", [data]))
    samples = data if isinstance(data, list) else []
    conversations = [parse_sample(sample) for sample in samples if _is_sample(sample)]
    if not conversations:
        raise ValueError("expected a list of samples with a conversation each")
    return conversations


def parse_sample(sample: dict[str, Any]) -> Conversation:
    """One sample, as far as it can be used."""
    talk = sample["conversation"]
    numbers = sorted(int(match[1]) for key in talk if (match := _SESSION.fullmatch(key)))
    sessions = tuple(tuple(_parse_turns(number, talk[f"session_{number}"])) for number in numbers)
    known = {turn.turn_id for session in sessions for turn in session}
    asked = [entry for entry in sample.get("qa") or () if isinstance(entry, dict) and entry.get("question")]
    questions = [_parse_question(entry, known) for entry in asked]
    facts = list(_find_facts(sample.get("observation")))
    return Conversation(
        speakers=tuple(dict.fromkeys(turn.speaker for session in sessions for turn in session)),
        sessions=sessions,
        questions=tuple(question for question in questions if question.evidence),
        facts=tuple(fact for fact in facts if fact.turn_id in known),
        skipped=_count_skipped(talk, asked, known, facts),
    )


def _count_skipped(
    talk: dict[str, Any], asked: Sequence[dict[str, Any]], known: set[str], facts: Sequence[Fact]
) -> Mapping[str, int]:
    turns = [turn for key in talk if _SESSION.fullmatch(key) for turn in talk[key] or () if isinstance(turn, dict)]
    named = [parse_turn_ids(entry.get("evidence") or ()) for entry in asked]
    return {
        "questions without evidence": sum(not ids for ids in named),
        "questions whose evidence is nowhere": sum(bool(ids) and not known.intersection(ids) for ids in named),
        "pieces of evidence that are nowhere": sum(turn_id not in known for ids in named for turn_id in set(ids)),
        "facts from turns that are nowhere": sum(fact.turn_id not in known for fact in facts),
        "turns told by a caption or a query alone": sum(not _said(turn) and bool(_shown(turn)) for turn in turns),
        "turns without a word": sum(not _said(turn) and not _shown(turn) for turn in turns),
    }


def parse_turn_ids(value: object) -> list[str]:
    """The turn ids in a text such as "D1:3; D2:4", or in a list of such."""
    if isinstance(value, list | tuple):
        return [turn_id for part in value for turn_id in parse_turn_ids(part)]
    return [f"D{int(session)}:{turn}" for session, turn in _TURN.findall(str(value))]


def _is_sample(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("conversation"), dict)


def _parse_turns(number: int, turns: object) -> Iterator[Turn]:
    for position, turn in enumerate(turns if isinstance(turns, list) else (), 1):
        if not isinstance(turn, dict):
            continue
        ids = parse_turn_ids(turn.get("dia_id"))
        shown = _shown(turn)
        text = " ".join(part for part in (_said(turn), f"({shown})" if shown else "") if part)
        yield Turn(
            turn_id=ids[0] if ids else f"D{number}:{position}",
            speaker=str(turn.get("speaker") or "").strip() or "Somebody",
            text=text or " ",
        )


def _said(turn: dict[str, Any]) -> str:
    return str(turn.get("text") or "").strip()


def _shown(turn: dict[str, Any]) -> str:
    """What is known of a picture: its caption, else what it was searched by."""
    return str(turn.get("blip_caption") or turn.get("query") or "").strip()


def _parse_question(entry: dict[str, Any], known: set[str]) -> Question:
    category = str(entry.get("category"))
    return Question(
        text=str(entry["question"]),
        evidence=frozenset(parse_turn_ids(entry.get("evidence") or ())) & known,
        category=int(category) if category.isdigit() else 0,
    )


def _find_facts(value: object) -> Iterator[Fact]:
    """Every pair of a text and turn ids, however deep."""
    if isinstance(value, dict):
        for part in value.values():
            yield from _find_facts(part)
    elif isinstance(value, list):
        if len(value) == 2 and isinstance(value[0], str) and (ids := parse_turn_ids(value[1])):
            for turn_id in ids:
                yield Fact(text=value[0], turn_id=turn_id)
        else:
            for part in value:
                yield from _find_facts(part)
