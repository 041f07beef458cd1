"""What an agent knows, the same for all who talk to it: markdown files, checked before they are kept. Pure."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from agent.errors import InputError
from agent.ids import AgentId
from agent.secret_gate import has_secret
from agent.speech import plain_text

FILE_CHARACTERS = 8_000
AGENT_CHARACTERS = 32_000
"""Of all files of an agent together: they stand in every prompt."""
CAUSE_CHARACTERS = 300
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,58}\.md")
HEAD = "What you know, besides these instructions. Your operators keep these files:"


class RevisionState(StrEnum):
    """Where a revision stands. At most one of a file is live."""

    PROPOSED = "proposed"
    LIVE = "live"
    REPLACED = "replaced"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFile:
    """A live file."""

    agent_id: AgentId
    name: str
    revision: int
    markdown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One version of a file: by whom, why, and what became of it. `markdown` is none where it takes the file away."""

    agent_id: AgentId
    name: str
    revision: int
    markdown: str | None
    state: RevisionState
    author: str
    cause: str
    based_on: int
    made_at: datetime
    decided_by: str | None
    decided_at: datetime | None


def check_name(name: str) -> str:
    """The name. Raises `InputError`."""
    if not _NAME.fullmatch(name):
        raise InputError("name: expected one such as support-hours.md, of small letters, digits and dashes")
    return name


def check_markdown(markdown: str) -> str:
    """A file's text as it is kept, with line breaks of one kind. Raises `InputError`."""
    text = markdown.replace("\r\n", "\n").strip()
    if not text:
        raise InputError("text: expected at least one visible character")
    if len(text) > FILE_CHARACTERS:
        raise InputError(f"text: expected at most {FILE_CHARACTERS} characters")
    if any(unicodedata.category(c) in {"Cc", "Cs", "Co", "Cn"} and c not in "\n\t" for c in text):
        raise InputError("text: expected no control characters")
    if has_secret(text):
        raise InputError("text: expected no passwords, keys, or numbers of cards or accounts")
    return text


def check_cause(cause: str) -> str:
    """Why it is changed, in one line. Raises `InputError`."""
    line = " ".join(cause.split())
    if not 1 <= len(line) <= CAUSE_CHARACTERS or not line.isprintable() or has_secret(line):
        raise InputError(f"cause: expected one line of 1 to {CAUSE_CHARACTERS} characters, without secrets")
    return line


def check_room(files: Sequence[AgentFile], name: str, markdown: str) -> None:
    """Raises `InputError` where the agent's files would be too long together."""
    others = sum(len(file.markdown) for file in files if file.name != name)
    if others + len(markdown) > AGENT_CHARACTERS:
        raise InputError(f"text: expected at most {AGENT_CHARACTERS} characters in all files of the agent together")


def add_files(instructions: str, files: Sequence[AgentFile]) -> str:
    """The instructions with the files under them: the same for every session, so that the prompt's cache holds."""
    if not files:
        return instructions
    rendered = [f"<file name={file.name}>\n{plain_text(file.markdown)}\n</file>" for file in files]
    return "\n\n".join([instructions.strip(), HEAD, *rendered])
