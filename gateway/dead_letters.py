"""`parley dead-letters`: what it does, and what it shows."""

import asyncio
import json
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict
from datetime import datetime

from agent.ids import TaskId
from gateway.backup import BackupError, find_running
from gateway.chat_screen import plain
from gateway.compose import StoreAddress
from gateway.doctor_places import find_holder
from gateway.settings import Settings
from gateway.store import open_store
from memory.database import Database, store_errors
from memory.dead_letters import DeadLetter, DeadLetters, OpenedLetter, Replay
from memory.migrate import pending_migrations

POOL_SIZE = 2
_TIME = "%Y-%m-%d %H:%M:%S"


class DeadLetterError(Exception):
    """The dead letters cannot be reached, or there is no such one."""


def list_dead_letters(settings: Settings, *, limit: int, as_json: bool) -> str:
    """The newest of them, one a line."""
    with _reach_store(settings) as address:
        letters = asyncio.run(_list(address, limit))
    if as_json:
        return render_json([asdict(letter) for letter in letters])
    return "\n".join(render_line(letter) for letter in letters) or "There are no dead letters."


def show_dead_letter(settings: Settings, task_id: str, *, as_json: bool) -> str:
    """One of them, with the words of the people in it. Raises `DeadLetterError`."""
    with _reach_store(settings) as address:
        opened = asyncio.run(_load(address, TaskId(task_id)))
    if opened is None:
        raise DeadLetterError(f"there is no dead letter {plain(task_id)}")
    return render_json(asdict(opened)) if as_json else render_letter(opened)


def replay_dead_letters(settings: Settings, task_ids: Sequence[str] | None, *, as_json: bool) -> tuple[str, list[str]]:
    """Let these be tried again, or all of them: what to print, and the ids that are unknown."""
    with _reach_store(settings) as address:
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
        _time(letter.died_at),
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
        "accepted": _time(letter.created_at),
        "given up": f"{_time(letter.died_at)}, after {letter.attempts} attempts",
        "told": letter.note or "-",
        "error": opened.error or "not known",
    }
    head = [f"{name:<10}{plain(value)}" for name, value in fields.items()]
    said = [f"\n{plain(one.author)}, {_time(one.at)}:\n{plain(one.text)}" for one in opened.messages]
    return "\n".join([*head, *said])


def render_json(value: object) -> str:
    """The same for programs; times are ISO 8601 in UTC."""
    return json.dumps(value, default=_jsonable, ensure_ascii=False, indent=2)


def _jsonable(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def _time(at: datetime) -> str:
    return at.strftime(_TIME)


@contextmanager
def _reach_store(settings: Settings) -> Generator[StoreAddress, None, None]:
    """The database, an embedded one beside the gateway that has started it. None is made. Raises `DeadLetterError`."""
    if settings.database_url is not None:
        with open_store(settings) as store:
            yield store.address
        return
    if not (settings.data_dir / "postgres").exists():
        raise DeadLetterError(f"there is no database in {settings.data_dir}")
    if find_holder(settings.data_dir) is None:
        with open_store(settings) as store:
            yield store.address
        return
    try:
        dsn = find_running(settings.data_dir)
    except BackupError as error:
        raise DeadLetterError(str(error)) from error
    yield StoreAddress(dsn=dsn, direct_dsn=dsn)


@asynccontextmanager
async def _open(address: StoreAddress) -> AsyncGenerator[DeadLetters, None]:
    with store_errors():
        if pending := await pending_migrations(address.direct_dsn):
            raise DeadLetterError(f"the database lacks {', '.join(pending)}: run `parley migrate`")
    database = await Database.open(address.dsn, size=POOL_SIZE, pgbouncer=address.is_pooled_elsewhere)
    try:
        yield DeadLetters(database)
    finally:
        await database.close()


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
