"""`parley dead-letters`: what it does, and what it shows."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal

from agent.ids import TaskId
from gateway.address import StoreAddress
from gateway.chat_screen import plain
from gateway.command_errors import CommandError
from gateway.reach import open_database, reach_store
from gateway.settings import Settings
from memory.dead_letters import DeadLetter, DeadLetters, OpenedLetter, Replay

_TIME = "%Y-%m-%d %H:%M:%S"


class DeadLetterError(CommandError):
    """There is no such dead letter."""


def list_dead_letters(settings: Settings, *, limit: int, as_json: bool) -> str:
    """The newest of them, one a line."""
    with reach_store(settings) as address:
        letters = asyncio.run(_list(address, limit))
    if as_json:
        return render_json([asdict(letter) for letter in letters])
    return "\n".join(render_line(letter) for letter in letters) or "There are no dead letters."


def show_dead_letter(settings: Settings, task_id: str, *, as_json: bool) -> str:
    """One of them, with the words of the people in it. Raises `DeadLetterError`."""
    with reach_store(settings) as address:
        opened = asyncio.run(_load(address, TaskId(task_id)))
    if opened is None:
        raise DeadLetterError(f"there is no dead letter {plain(task_id)}")
    return render_json(asdict(opened)) if as_json else render_letter(opened)


def replay_dead_letters(settings: Settings, task_ids: Sequence[str] | None, *, as_json: bool) -> tuple[str, list[str]]:
    """Let these be tried again, or all of them: what to print, and the ids that are unknown."""
    with reach_store(settings) as address:
        results = asyncio.run(_replay(address, [TaskId(task_id) for task_id in task_ids] if task_ids else None))
    unknown = [plain(task_id) for task_id, result in results.items() if result is Replay.UNKNOWN]
    if as_json:
        return render_json(results), unknown
    said = {Replay.QUEUED: "waits for another try", Replay.NOT_DEAD: "is not dead: nothing was done"}
    lines = [f"{task_id}  {said[result]}" for task_id, result in results.items() if result in said]
    return "\n".join(lines) or ("" if unknown else "There are no dead letters."), unknown


def render_line(letter: DeadLetter) -> str:
    """A dead letter in a list."""
    parts = [
        letter.task_id,
        render_time(letter.died_at),
        f"{letter.attempts} attempts",
        letter.session_id,
        letter.user_id or "-",
        letter.note or "-",
    ]
    return "  ".join(plain(part).replace("\n", " ") for part in parts)


def render_letter(opened: OpenedLetter) -> str:
    """All there is to know of a dead letter."""
    letter = opened.letter
    fields = {
        "task": letter.task_id,
        "session": letter.session_id,
        "user": letter.user_id or "-",
        "agent": letter.agent_id,
        "model": opened.model or "-",
        "accepted": render_time(letter.created_at),
        "given up": f"{render_time(letter.died_at)}, after {letter.attempts} attempts",
        "told": letter.note or "-",
        "error": opened.error or "not known",
    }
    head = [f"{name:<10}{plain(value)}" for name, value in fields.items()]
    said = [f"\n{plain(one.author)}, {render_time(one.at)}:\n{plain(one.text)}" for one in opened.messages]
    return "\n".join([*head, *said])


def render_json(value: object) -> str:
    """The same for programs; times are ISO 8601 in UTC."""
    return json.dumps(value, default=_jsonable, ensure_ascii=False, indent=2)


def _jsonable(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(type(value).__name__)


def render_time(at: datetime) -> str:
    """A time for people, in UTC."""
    return at.strftime(_TIME)


@asynccontextmanager
async def _open(address: StoreAddress) -> AsyncGenerator[DeadLetters, None]:
    async with open_database(address) as database:
        yield DeadLetters(database)


async def _list(address: StoreAddress, limit: int) -> list[DeadLetter]:
    async with _open(address) as letters:
        return await letters.list_newest(limit)


async def _load(address: StoreAddress, task_id: TaskId) -> OpenedLetter | None:
    async with _open(address) as letters:
        return await letters.load(task_id)


async def _replay(address: StoreAddress, task_ids: Sequence[TaskId] | None) -> dict[TaskId, Replay]:
    async with _open(address) as letters:
        if task_ids is None:
            task_ids = [letter.task_id for letter in reversed(await letters.list_newest())]
        return {task_id: await letters.replay(task_id) for task_id in task_ids}
