"""Files in the store: whose they are, how many there may be, and what becomes of those that are never sent."""

from dataclasses import replace

import pytest

from agent.errors import BusyError
from agent.ids import AttachmentId, MessageId, SessionId, WorkerId
from agent.records import Attachment, Audience, Message
from memory.attachments import Attachments, Room
from memory.context import Sessions
from memory.database import Database
from memory.tasks import Tasks
from tests.memory.test_tasks import done, take
from tests.support.make import ANN, BOB, SESSION, inbound

OTHER = SessionId("web:demo:other")


async def save(files: Attachments, name: str = "a.txt", content: bytes = b"hello") -> Attachment:
    """A text of Ann's."""
    return await files.save(ANN.id, SESSION, name=name, media_type="text/plain", content=content)


async def send(database: Database, *attachments: Attachment, audience: Audience = Audience.SHARED) -> Message:
    """Ann's message with files."""
    tasks = Tasks(database, WorkerId("me"))
    intake = await tasks.accept(replace(inbound("look"), attachments=attachments, audience=audience), may_take=True)
    [message] = [entry for entry in intake.entries if isinstance(entry, Message)]
    return message


async def test_a_file_goes_with_its_message_to_all_who_take_part(database: Database) -> None:
    """It is part of the thread, and of nothing else. Proves: WI-39."""
    files, sessions = Attachments(database), Sessions(database)
    kept = await save(files)
    assert await files.find(ANN.id, SESSION, [kept.attachment_id, "file_none"]) == (kept,)
    assert await files.load(ANN.id, SESSION, kept.attachment_id) is None, "not before it is sent"
    message = await send(database, kept)
    shown = replace(kept, excerpt=None)
    assert message.attachments == (shown,)
    [stored, *_] = await sessions.load_log(SESSION, 0, 10)
    assert stored == message
    assert await sessions.load_messages_before(SESSION, 100, 10) == [message]
    assert await files.load(BOB.id, SESSION, kept.attachment_id) == (shown, b"hello")


async def test_a_file_is_nobody_elses_and_of_no_other_session(database: Database) -> None:
    """An id that is known is of no use to others. Proves: WI-39."""
    files = Attachments(database)
    kept = await save(files)
    assert await files.find(BOB.id, SESSION, [kept.attachment_id]) == ()
    assert await files.find(ANN.id, OTHER, [kept.attachment_id]) == ()
    await send(database, kept, audience=Audience.PRIVATE)
    assert await files.load(BOB.id, SESSION, kept.attachment_id) is None
    assert await files.load(ANN.id, SESSION, kept.attachment_id) is not None
    assert await files.load(ANN.id, OTHER, kept.attachment_id) is None
    assert await files.load(ANN.id, SESSION, AttachmentId("file_none")) is None


async def test_the_model_is_given_the_text_now_and_in_the_history(database: Database) -> None:
    """What it was once told stays as it was, so that the prompt only grows. Proves: WI-38."""
    files, sessions, tasks = Attachments(database), Sessions(database), Tasks(database, WorkerId("me"))
    kept = await save(files)
    intake = await tasks.accept(replace(inbound("look"), attachments=(kept,)), may_take=True)
    assert intake.claim is not None
    told = "look\n\n[attached file: a.txt, text/plain, 5 bytes]\nhello\n[end of a.txt]"
    context = await sessions.load_context(SESSION, ANN.id, intake.claim.position, history_runs=5, memories=None)
    assert [message.text for message in context.prompt] == [told]
    await tasks.finish(intake.claim, done(), may_keep=False)
    later = await take(tasks, "and now")
    context = await sessions.load_context(SESSION, ANN.id, later.position, history_runs=5, memories=None)
    assert [message.text for message in context.history[0].prompt] == [told]


async def test_what_is_never_sent_is_deleted_and_what_was_sent_stays(database: Database) -> None:
    """Nobody can fill the database with what nobody sees. Proves: WI-39."""
    files = Attachments(database)
    sent, unsent = await save(files), await save(files)
    await send(database, sent)
    assert await files.delete_unsent() == 0
    assert await files.delete_unsent(older_than_s=0) == 1
    assert await files.find(ANN.id, SESSION, [unsent.attachment_id]) == ()
    assert await files.load(ANN.id, SESSION, sent.attachment_id) is not None


@pytest.mark.parametrize("room", [Room(unsent_count=1), Room(unsent_bytes=9), Room(session_bytes=9)])
async def test_there_is_room_for_so_much(database: Database, room: Room) -> None:
    """What may wait to be sent is bounded for a person, for all, and for a session. Proves: WI-39."""
    files = Attachments(database, room)
    await save(files)
    with pytest.raises(BusyError):
        await save(files)


async def test_the_last_word_on_an_answer_counts_and_only_on_an_answer_of_this_session(database: Database) -> None:
    """A vote can be changed, and nobody votes on what they cannot see. Proves: WI-40."""
    files, sessions, tasks = Attachments(database), Sessions(database), Tasks(database, WorkerId("me"))
    await tasks.finish(await take(tasks, "hi"), done(), may_keep=False)
    question, answer = await sessions.load_messages_before(SESSION, 100, 2)
    for value in ("up", "down"):
        seq = await files.save_feedback(ANN.id, SESSION, answer.message_id, value, "because")
        assert seq == answer.seq
    async with database.scope(session_id=SESSION) as connection:
        rows = await connection.fetch("SELECT user_id, value, comment FROM feedback")
    assert [tuple(row) for row in rows] == [(ANN.id, "down", "because")]
    answers = [answer.message_id, question.message_id]
    assert await files.list_opinions(ANN.id, SESSION, answers) == {answer.message_id: "down"}
    assert await files.list_opinions(BOB.id, SESSION, answers) == {}
    assert await files.list_opinions(ANN.id, OTHER, answers) == {}
    assert await files.save_feedback(ANN.id, SESSION, question.message_id, "up", None) is None
    assert await files.save_feedback(ANN.id, OTHER, answer.message_id, "up", None) is None
    assert await files.save_feedback(ANN.id, SESSION, MessageId("msg_none"), "up", None) is None
