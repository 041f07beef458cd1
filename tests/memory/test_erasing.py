"""What an erasure finds: all that is the person's, and nothing that is somebody else's."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from agent.errors import UserNotFoundError
from agent.ids import MessageId, WorkerId
from agent.payloads import READ_RESULT
from agent.records import Identity, User
from gateway.session_tools import SEARCH_CONVERSATION
from memory.attachments import Attachments
from memory.context import Sessions
from memory.database import Database
from memory.erasure import Erasures
from memory.links import Links
from memory.queries import query
from memory.tasks import Tasks
from memory.users import Users
from tests.memory.test_tasks import done, take
from tests.support.gateway import find_text, run_sql
from tests.support.make import ANN, BOB, SESSION, inbound

ACCOUNT = Identity(tenant="T1", channel="slack", external_id="T1:U7")


async def answered(database: Database) -> MessageId:
    """Ann asked in a shared thread, and this is her answer."""
    for user in (ANN, BOB):
        await Users(database).save(user)
    tasks = Tasks(database, WorkerId("me"))
    await tasks.finish(await take(tasks, "look"), done(), may_keep=False)
    [*_, answer] = await Sessions(database).load_messages_before(SESSION, 100, 2)
    return answer.message_id


async def test_people_who_come_for_the_first_time_many_times_at_once_leave_one_row(
    database: Database, database_url: str
) -> None:
    """A row under an id that nobody has would outlast them. Proves: ID-2, UM-16."""
    users, told = Users(database), User(email="zebrafish@example.org", first_name="Zebrafish")
    found = await asyncio.gather(*(users.ensure(ACCOUNT, told) for _ in range(20)))
    assert len(await run_sql(database_url, "SELECT * FROM users")) == 1
    await Erasures(database).erase(found[0].id)
    assert await find_text(database_url, "zebrafish", "Zebrafish") == set()


async def test_an_opinion_goes_with_a_person_who_only_read(database: Database, database_url: str) -> None:
    """Who opened a shared thread never took part in it. Proves: UM-16."""
    message_id, opinions = await answered(database), Attachments(database)
    assert await opinions.save_feedback(BOB.id, SESSION, message_id, "down", "zebrafish")
    assert await opinions.save_feedback(ANN.id, SESSION, message_id, "up", None)
    report = await Erasures(database).erase(BOB.id)
    assert (report.erased["feedback"], report.left["feedback"]) == (1, 0)
    assert await find_text(database_url, "zebrafish", BOB.id) == set()
    assert await opinions.list_opinions(ANN.id, SESSION, [message_id]) == {message_id: "up"}
    assert await opinions.save_feedback(BOB.id, SESSION, message_id, "down", "zebrafish") is None, "it came too late"
    assert await find_text(database_url, "zebrafish", BOB.id) == set()


async def test_a_file_that_waits_in_a_thread_of_others_goes_too_and_is_counted(database: Database) -> None:
    """It was put there and never sent. Proves: UM-16."""
    await answered(database)
    files = Attachments(database)
    for user in (ANN, BOB):
        await files.save(user.id, SESSION, name="a.txt", media_type="text/plain", content=b"zebrafish")
    report = await Erasures(database).erase(BOB.id)
    assert (report.erased["attachments"], report.left["attachments"]) == (1, 0)


def delivery(name: str, event: dict[str, Any], *, kind: str = "said", team: str = "T1") -> tuple[Any, ...]:
    """A payload that was written down: its name, lane, kind and itself."""
    lane = f"{team}:C1:17.1" if kind != "userchanged" else name
    return name, lane, kind, {"team_id": team, "authorizations": [{"team_id": team}], "event": event}


THEIRS = [
    delivery("said", {"type": "message", "user": "U7", "text": "mine"}),
    delivery("edited", {"type": "message", "subtype": "message_changed", "message": {"user": "U7"}}, kind="edited"),
    delivery(
        "deleted", {"type": "message", "subtype": "message_deleted", "previous_message": {"user": "U7"}}, kind="deleted"
    ),
    delivery("profile", {"type": "user_change", "user": {"id": "U7", "real_name": "Ann"}}, kind="userchanged"),
    ("form", "T1:C1:17.1", "asked", {"type": "view_submission", "team": {"id": "T1"}, "user": {"id": "U7"}}),
]
OTHERS = [
    delivery("reply", {"type": "message", "user": "U8", "parent_user_id": "U7", "text": "his"}),
    delivery("named", {"type": "message", "user": "U8", "blocks": [{"type": "user", "user_id": "U7"}]}),
    delivery("elsewhere", {"type": "message", "user": "U7", "text": "another company's"}, team="T2"),
    delivery("their profile", {"type": "user_change", "user": {"id": "U7"}}, kind="userchanged", team="T2"),
    delivery("longer", {"type": "message", "user": "U7", "text": "another company's"}, team="T11"),
]


async def test_of_what_slack_delivered_only_what_the_person_sent_is_erased(
    database: Database, database_url: str
) -> None:
    """Somebody who answers them, or has their id in another company, must not lose a message. Proves: UM-16."""
    user = await Users(database).ensure(ACCOUNT, User(email="ann@example.org"))
    async with database.connection() as connection:
        for name, lane, kind, payload in (*THEIRS, *OTHERS):
            row = {"event_id": name, "twin_key": None, "lane": lane, "kind": kind, "payload": payload}
            await connection.fetch(query("slack_receive"), [row], "twin", "worker", 0)
    report = await Erasures(database).erase(user.id)
    assert report.erased["slack_inbox"] == len(THEIRS)
    rows = await run_sql(database_url, "SELECT event_id FROM slack_inbox WHERE payload IS NULL AND reason = 'erased'")
    assert {row[0] for row in rows} == {name for name, *_ in THEIRS}
    rows = await run_sql(database_url, "SELECT event_id FROM slack_inbox WHERE verdict IS NULL")
    assert {row[0] for row in rows} == {name for name, *_ in OTHERS}
    with pytest.raises(UserNotFoundError):
        await Erasures(database).erase(user.id)


async def test_what_an_account_attached_and_thought_is_its_own_again_once_it_is_parted(database: Database) -> None:
    """Else erasing the other one would take it along. Proves: ID-3, UM-16."""
    message_id, files, links = await answered(database), Attachments(database), Links(database)
    account = Identity(tenant="default", channel="web", external_id="ann")
    await links.add_account(ANN.id, account)
    sent = await files.save(ANN.id, SESSION, name="sent.txt", media_type="text/plain", content=b"hers")
    waiting = await files.save(ANN.id, SESSION, name="waits.txt", media_type="text/plain", content=b"hers")
    his = await files.save(BOB.id, SESSION, name="his.txt", media_type="text/plain", content=b"his")
    tasks = Tasks(database, WorkerId("me"))
    await tasks.accept(replace(inbound("look", user=ANN, key="sent"), attachments=(sent,)), may_take=False)
    await tasks.accept(replace(inbound("look here", user=BOB, key="his"), attachments=(his,)), may_take=False)
    await files.save_feedback(ANN.id, SESSION, message_id, "up", None)
    await links.merge(ANN.id, BOB.id, "code")
    assert await files.list_opinions(BOB.id, SESSION, [message_id]) == {message_id: "up"}
    both = (sent.attachment_id, waiting.attachment_id)
    assert len(await files.find(BOB.id, SESSION, both)) == 2
    [moved] = await links.list_accounts(BOB.id)
    await links.unlink(BOB.id, moved.identity_id)
    assert [file.attachment_id for file in await files.find(ANN.id, SESSION, (*both, his.attachment_id))] == [*both]
    await Erasures(database).erase(BOB.id)
    assert len(await files.find(ANN.id, SESSION, both)) == 2
    assert await files.list_opinions(ANN.id, SESSION, [message_id]) == {message_id: "up"}


async def test_what_others_looked_up_in_the_thread_goes_too(database: Database, database_url: str) -> None:
    """It shows what was said cut, so that no search for the whole of it finds it. Proves: UM-16."""
    await answered(database)
    tasks, words = Tasks(database, WorkerId("me")), "zebrafish " * 200
    await tasks.accept(inbound(words, user=BOB, key="long"), may_take=False)
    async with database.scope(session_id=SESSION) as connection:
        [hers] = await connection.fetch("SELECT position FROM messages WHERE author_id = $1", ANN.id)
        for n, name in enumerate((SEARCH_CONVERSATION, READ_RESULT, "look_up")):
            await connection.execute(
                "INSERT INTO tool_calls (session_id, position, n, k, call_id, name, arguments, result, is_error)"
                " VALUES ($1, $2, $3, 0, $4, $4, '{}', $5, false)",
                SESSION,
                hers["position"] + n,
                n,
                name,
                words[:1_200] if name != "look_up" else "the weather",
            )
    await Erasures(database).erase(BOB.id)
    assert await find_text(database_url, "zebrafish") == set()
    rows = await run_sql(database_url, "SELECT name FROM tool_calls")
    assert [row["name"] for row in rows] == ["look_up"]
