"""What comes from outside and cannot be kept is refused by name, whatever it is and however it gets here."""

from typing import Any

import pytest

from agent.errors import InputError, MemoryInvalidError, MemorySecretError, TextInvalidError, UserNotFoundError
from agent.ids import MemoryId, SessionId, TaskId, UserId
from agent.memories import MemoryDraft
from agent.records import Identity, User
from memory.database import Database
from memory.users import Users
from tests.gateway.test_memories import WHO, add, build
from tests.support.agent_runs import EchoModel
from tests.support.gateway import open_core
from tests.support.make import BOB

CARD = "4111111111111111"
NUL = "a\x00b"


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"model": NUL}, "model"),
        ({"model": "my password is hunter2-Xy77!"}, "model"),
        ({"memory_id": CARD}, "memory_id"),
        ({"supersedes": CARD}, "supersedes"),
        ({"replaced_by": CARD}, "replaced_by"),
        ({"source_session_id": NUL}, "source_session_id"),
        ({"valid_from": "0001-01-01T00:00:00+14:00"}, "valid_from"),
        ({"valid_from": "0001-01-01T00:00:00Z"}, "valid_from"),
        ({"created_at": "9999-12-31T23:59:59-14:00"}, "created_at"),
        ({"created_at": "2026-01-01T00:00:00"}, "created_at"),
    ],
)
async def test_every_field_of_a_file_is_checked_before_the_store_sees_it(
    database: Database, fields: dict[str, Any], name: str
) -> None:
    """Files are made by hand, too. Proves: UM-12."""
    await Users(database).save(User(id=WHO))
    memories = build(database)
    await add(memories, "likes tea")
    file: Any = await memories.export_memories(WHO)
    with pytest.raises(MemoryInvalidError) as caught:
        await memories.import_memories(WHO, {**file, "memories": [{**file["memories"][0], **fields}]})
    assert caught.value.field == f"memories.0.{name}"
    assert str(caught.value).startswith(f"memories.0.{name}: ")


async def test_the_outermost_times_of_a_file_are_kept(database: Database) -> None:
    """Nobody lived before or after. Proves: UM-6."""
    await Users(database).save(User(id=WHO))
    memories = build(database)
    await add(memories, "likes tea")
    file: Any = await memories.export_memories(WHO)
    times = {"valid_from": "0002-01-01T00:00:00Z", "created_at": "9998-12-31T23:59:59Z"}
    await memories.import_memories(WHO, {**file, "memories": [{**file["memories"][0], **times}]})
    again: Any = await memories.export_memories(WHO)
    assert again["memories"][0] | times == again["memories"][0]


async def test_a_source_that_reads_like_a_secret_is_left_out_and_the_memory_kept(database: Database) -> None:
    """Random digits of a session's id may look like a card's; nobody shall lose a memory by that. Proves: UM-12."""
    await Users(database).save(User(id=WHO))
    memories = build(database)
    made = await add(memories, "likes tea", source_session_id=f"ticket {CARD}")
    kept = await add(memories, "likes milk", source_session_id="slack:T1:C1:1712345678.123456")
    assert (made.source_session_id, kept.source_session_id) == (None, "slack:T1:C1:1712345678.123456")
    file: Any = await memories.export_memories(WHO)
    rows: Any = [{**row, "source_session_id": CARD, "source_seq": 7} for row in file["memories"]]
    await memories.import_memories(WHO, {**file, "memories": rows})
    again: Any = await memories.export_memories(WHO)
    assert {(row["source_session_id"], row["source_seq"]) for row in again["memories"]} == {(None, None)}


async def test_a_card_number_is_no_id_for_a_memory(database: Database) -> None:
    """Ids are stored, logged and exported like everything else. Proves: UM-12."""
    await Users(database).save(User(id=WHO))
    with pytest.raises(MemorySecretError) as caught:
        await build(database).upsert_memory(WHO, MemoryId(CARD), MemoryDraft(memory="likes tea"))
    assert caught.value.field == "memory_id"


async def test_choices_are_taken_as_plain_words_and_others_are_refused(database: Database) -> None:
    """Programs write `"memory"`, not `MemorySort.TEXT`. Proves: UM-6."""
    await Users(database).save(User(id=WHO))
    memories: Any = build(database)
    await add(memories, "likes tea")
    assert (await memories.list_memories(WHO, sort="memory")).total == 1
    assert len(await memories.search_memories(WHO, method="last_n")) == 1
    with pytest.raises(InputError, match=r"^sort: expected one of updated_at, created_at, memory$"):
        await memories.list_memories(WHO, sort="size")
    with pytest.raises(InputError, match=r"^method: expected one of last_n,"):
        await memories.search_memories(WHO, method="best")


async def test_a_character_that_no_store_can_hold_is_the_callers_fault_in_python_too(database_url: str) -> None:
    """Never an error of the database driver. Proves: ID-6."""
    async with open_core(database_url, EchoModel()) as core:
        service = core.gateway.service
        account = Identity(tenant="default", channel="id", external_id=NUL)
        assert await service.find_user(account) is None
        assert await service.load_task(TaskId(NUL)) is None
        with pytest.raises(UserNotFoundError):
            await service.people.erase(UserId(NUL))
        with pytest.raises(InputError, match=r"^session_id: expected"):
            await service.create_task(prompt="hi", session_id=NUL)
        with pytest.raises(TextInvalidError):
            await service.ensure_user(account, User(id=BOB.id))
        with pytest.raises(TextInvalidError):
            await service.load_session(SessionId(NUL), BOB.id)
        assert (await service.create_task(prompt="hi", idempotency_key=NUL)).task_id
