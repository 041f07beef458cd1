"""The bench of the search: it reads hand-made files as they are, and each feature of the search earns its place."""

import json
from pathlib import Path

import pytest

from bench.locomo import load_conversations, parse_turn_ids
from bench.locomo_made import make_samples
from bench.recall import measure
from tests.support.database import new_database

QUIRKS = {
    "conversation": {
        "speaker_a": "Ann",
        "speaker_b": "Bob",
        "session_2": [{"speaker": "Bob", "dia_id": "D2:1", "text": "Look!", "blip_caption": "a red kite"}],
        "session_10": [{"speaker": "Ann", "dia_id": "D10:01", "text": ""}, "torn", {"text": "Hm."}],
        "session_11": [
            {"dia_id": "D:11:26", "img_url": ["x"], "query": "blue bowl"},
            {"dia_id": "D30:05", "blip_caption": "b"},
        ],
        "session_2_date_time": "1:00 pm on 1 May, 2023",
        "session_3": None,
    },
    "qa": [
        {"question": "one", "answer": "x", "evidence": ["D2:1; D:10:1"], "category": 1},
        {"question": "two", "adversarial_answer": "x", "evidence": ["D2:1 D99:7"], "category": "5"},
        {"question": "six", "answer": "x", "evidence": ["D11:26 D30:5"], "category": 2},
        {"question": "nowhere", "answer": "x", "evidence": ["D8:6; D"], "category": 2},
        {"question": "three", "answer": "x", "evidence": [], "category": 4},
        {"question": "four", "answer": "x", "evidence": None},
        {"question": "five", "answer": "x"},
        "torn",
    ],
    "observation": {
        "session_2_observation": {
            "Bob": [["Bob flies a kite.", "D2:1"], ["Bob is glad.", ["D2:1", "D10:1"]], ["torn"], ["lost", "D7:7"]]
        }
    },
    "event_summary": {"events_session_2": {"Bob": ["Flies a kite."], "date": "1 May, 2023"}},
}


def test_a_file_with_quirks_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    """Data sets are made by hand: ids in one string, missing evidence, pictures, questions without an answer."""
    path = tmp_path / "made.json"
    path.write_text(json.dumps([QUIRKS, {"other": 1}]), encoding="utf-8")
    [conversation] = load_conversations(path)
    assert [[turn.turn_id for turn in session] for session in conversation.sessions] == [
        ["D2:1"],
        [],
        ["D10:1", "D10:3"],
        ["D11:26", "D30:5"],
    ]
    assert [turn.text for turn in conversation.sessions[3]] == ["(blue bowl)", "(b)"]
    assert conversation.sessions[0][0].text == "Look! (a red kite)"
    assert conversation.speakers == ("Bob", "Ann", "Somebody")
    asked = [(question.text, set(question.evidence), question.category) for question in conversation.questions]
    assert asked == [("one", {"D2:1", "D10:1"}, 1), ("two", {"D2:1"}, 5), ("six", {"D11:26", "D30:5"}, 2)]
    assert list(conversation.skipped.values()) == [3, 1, 2, 1, 2, 1]
    assert [fact.turn_id for fact in conversation.facts] == ["D2:1", "D2:1", "D10:1"]
    assert parse_turn_ids(["D1:3, D02:004", 7, None]) == ["D1:3", "D2:4"]


@pytest.mark.parametrize("text", ["[]", "3", '{"a": 1}', "[", '[{"conversation": 1}]'])
def test_a_file_that_is_no_such_file_is_refused_in_words(tmp_path: Path, text: str) -> None:
    """Whoever mistypes a path should be told so."""
    path = tmp_path / "made.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"expected|Expecting"):
        load_conversations(path)


async def test_each_part_of_the_search_finds_more_than_without_it(postgres_url: str, tmp_path: Path) -> None:
    """One word of several, how much a word tells, what stands round a turn, and what was learned. Proves: UM-13."""
    path = tmp_path / "made.json"
    path.write_text(json.dumps(make_samples(1, seed=3)), encoding="utf-8")
    async with new_database(postgres_url) as url:
        tally = await measure(url, load_conversations(path), questions=60)
    recall = {name: tally.recall(name, 10) for name in tally.found}
    every, some, words, search, facts = recall.values()
    assert every < 10 < some <= words, recall
    assert words + 5 < search < facts, recall
    assert facts > 60, recall
