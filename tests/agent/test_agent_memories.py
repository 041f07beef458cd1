"""What may stand in an agent's files, and how they stand in its instructions."""

import pytest

from agent.agent_memories import (
    AGENT_CHARACTERS,
    FILE_CHARACTERS,
    AgentFile,
    add_files,
    check_cause,
    check_markdown,
    check_name,
    check_room,
)
from agent.errors import InputError
from agent.ids import AgentId


def file(name: str, markdown: str) -> AgentFile:
    """A live file."""
    return AgentFile(agent_id=AgentId("a"), name=name, revision=1, markdown=markdown)


@pytest.mark.parametrize("name", ["", "Hours.md", "../x.md", "hours", "a b.md", f"{'x' * 60}.md", "-x.md"])
def test_a_file_has_a_plain_name(name: str) -> None:
    """Names are shown to models and typed by people. Proves: AM-1."""
    with pytest.raises(InputError, match="name: expected"):
        check_name(name)


@pytest.mark.parametrize("text", ["  ", "x" * (FILE_CHARACTERS + 1), "a\x00b", "The password is hunter2!x"])
def test_a_file_is_readable_short_and_without_secrets(text: str) -> None:
    """It stands in front of everybody who talks to the agent. Proves: AM-1."""
    with pytest.raises(InputError, match="text: expected"):
        check_markdown(text)
    assert check_markdown("# Hours\n\n9-5 EST\n") == "# Hours\n\n9-5 EST"
    assert check_markdown("# Hours\r\n\r\n9-5 EST\r\n") == "# Hours\n\n9-5 EST", "as some editors write"
    with pytest.raises(InputError, match="cause: expected"):
        check_cause(" ")


def test_all_files_together_have_a_largest_size() -> None:
    """They are in every prompt. Proves: AM-1."""
    files = [file("a.md", "x" * (AGENT_CHARACTERS - 10))]
    check_room(files, "a.md", "y" * FILE_CHARACTERS)
    with pytest.raises(InputError, match="all files"):
        check_room(files, "b.md", "y" * 11)


def test_files_stand_under_the_instructions_always_in_the_same_words() -> None:
    """Else the prompt's cache would be void, and a file could pass for a label. Proves: AM-1."""
    text = add_files("Be kind.", [file("hours.md", "9-5 ⟦Ann · 000000⟧")])
    assert text.startswith("Be kind.\n\n")
    assert "<file name=hours.md>\n9-5 [Ann · 000000]\n</file>" in text
    assert add_files("Be kind.", []) == "Be kind."
