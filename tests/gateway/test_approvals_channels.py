"""Approval where people give it: on the widget and over the API, through the whole gateway."""

from dataclasses import replace
from typing import Any

import httpx2

from adapters.api.intake import identity_of
from adapters.api.tokens import ApiToken, Scope
from adapters.widget.sites import build_demo_site
from agent.ids import UserId
from agent.records import JsonObject, User
from tests.adapters.widget.make import send
from tests.adapters.widget.peer import Peer, rows_of
from tests.gateway.test_approvals import Shop
from tests.gateway.test_memories_http import bearing
from tests.support.gateway import ASSISTANT, open_core
from tests.support.model_steps import calls, says
from tests.support.scripted_model import ScriptedModel

SHOP = ApiToken(name="shop", secret="shop-secret-0123456789", scopes=frozenset({Scope.TASKS}))
DEMO = build_demo_site(ASSISTANT)


def configure(shop: Shop) -> Any:
    """A demo site and a caller of the API."""
    return replace(shop.configure(), sites={DEMO.key: DEMO}, api_tokens=(SHOP,))


def asking() -> ScriptedModel:
    """A model that asks for the tool that needs approval, and then is done."""
    model = ScriptedModel()
    model.add(calls(("refund", {"order": 17})))
    model.add(says("Paid."))
    return model


async def answer_of(peer: Peer) -> JsonObject:
    """The agent's next message, as this person gets it."""
    while (frame := await peer.until("message"))["role"] != "assistant":
        pass
    return frame


def press(frame: JsonObject, name: str, frame_id: str = "a1") -> JsonObject:
    """One of the buttons under a message."""
    [button] = [one for one in rows_of(frame, "actions") if one["name"] == name]
    return {"type": "action", "id": frame_id, "name": name, "value": button["value"]}


async def test_in_a_shared_thread_only_the_visitor_who_asked_has_buttons_that_work(database_url: str) -> None:
    """A visitor is known by the visitor's own token, whatever the others send. Proves: AG-8, WI-56."""
    shop = Shop()
    async with (
        open_core(database_url, asking(), configure(shop)) as core,
        Peer(core.gateway.app) as ann,
        Peer(core.gateway.app) as bob,
    ):
        await ann.greet(site="demo", thread="x", name="Ann")
        await bob.greet(site="demo", thread="x", name="Bob")
        ann.send(send("pay 17 back"))
        question, shown = await answer_of(ann), await answer_of(bob)
        assert [one["label"] for one in rows_of(question, "actions")] == ["Approve", "Refuse"]
        assert "actions" not in shown
        assert "waits for the approval of Ann" in str(shown["text"])
        bob.send(press(question, "approve"))
        refused = await bob.until("nack")
        assert (refused["id"], refused["code"], refused["message"]) == (
            "a1",
            "forbidden",
            "Only Ann, who asked, can decide this.",
        )
        assert shop.done == []
        ann.send(press(question, "approve", "a2"))
        acked = await ann.until("ack")
        assert acked["id"] == "a2"
        said = await ann.until("message")
        assert (said["text"], said["seq"]) == ("Approved: Refund", acked["seq"])
        [button, _] = rows_of(question, "actions")
        assert said["client_id"] == button["value"], "by this the widget knows that the buttons have done their work"
        assert (await answer_of(ann))["text"] == "Paid."
        ann.send(press(question, "refuse", "a3"))
        assert ((await ann.until("nack"))["code"]) == "conflict"
        assert shop.done == ["refund 17"]
    async with open_core(database_url, ScriptedModel(), configure(shop)) as core, Peer(core.gateway.app) as carl:
        await carl.greet(site="demo", thread="x", name="Carl")
        carl.send({"type": "history", "before": 100, "limit": 50})
        history = await carl.until("history")
        assert all("actions" not in message for message in rows_of(history, "messages"))


async def test_a_program_decides_in_the_name_of_the_person_who_asked(database_url: str) -> None:
    """A shop's own pages have buttons too. Proves: AG-8, API-17."""
    shop = Shop()
    async with open_core(database_url, asking(), configure(shop)) as core:
        transport = httpx2.ASGITransport(app=core.gateway.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://parley.test") as client:
            client.headers.update(bearing(SHOP.secret))
            ann, bob = {"id": "ann", "first_name": "Ann"}, {"id": "bob"}
            task = {"prompt": "pay 17 back", "user_details": ann, "session_id": "order/17", "wait": True}
            await core.gateway.service.ensure_user(identity_of(User(id=UserId("bob"))), User(id=UserId("bob")))
            given = (await client.post("/api/v1/tasks", json=task)).json()
            assert given["state"] == "done"
            place = "/api/v1/sessions/order%2F17"
            listed = (await client.get(f"{place}/approvals")).json()["approvals"]
            assert [(one["tool"], one["state"], one["arguments"]) for one in listed] == [
                ("refund", "waiting", {"order": 17})
            ]
            messages = (await client.get(f"{place}/messages")).json()["messages"]
            assert [ask["approval_id"] for ask in messages[-1]["asks"]] == [listed[0]["approval_id"]]
            path = f"{place}/approvals/{listed[0]['approval_id']}"
            foreign = await client.post(path, json={"decision": "approved", "user_details": bob})
            unknown = await client.post(path, json={"decision": "approved", "user_details": {"id": "nobody"}})
            assert (foreign.status_code, unknown.status_code, shop.done) == (403, 403, [])
            wrong = await client.post(path, json={"decision": "maybe", "user_details": ann})
            assert (wrong.status_code, wrong.json()["error"]["field"]) == (422, "decision")
            nowhere = await client.post(f"{place}/approvals/appr_x", json={"decision": "approved", "user_details": ann})
            assert nowhere.status_code == 404
            answers = [await client.post(path, json={"decision": "approved", "user_details": ann}) for _ in range(2)]
            assert [one.status_code for one in answers] == [202, 202]
            assert [one.json()["is_duplicate"] for one in answers] == [False, True]
            assert answers[0].json()["task_id"] == answers[1].json()["task_id"]
            await core.gateway.service.wait_for_task(answers[0].json()["task_id"], 10)
            assert shop.done == ["refund 17"]
            late = await client.post(path, json={"decision": "refused", "user_details": ann})
            assert (late.status_code, late.json()["error"]["message"]) == (409, "This was approved before.")


async def test_an_unknown_session_has_no_approvals(database_url: str) -> None:
    """It is told as any other thing that is not there. Proves: API-17."""
    async with open_core(database_url, ScriptedModel(), configure(Shop())) as core:
        transport = httpx2.ASGITransport(app=core.gateway.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://parley.test") as client:
            assert (
                await client.get("/api/v1/sessions/nowhere/approvals", headers=bearing(SHOP.secret))
            ).status_code == 404
