"""Clicks, modals, commands, App Home: with slack_bolt behind a real request URL, over HTTP."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.slack_fake.server import FakeServer
from tests.adapters.slack_fake.conftest import Office, build_client
from tests.adapters.slack_fake.test_web_api import code_of

BUTTON = {
    "type": "actions",
    "elements": [{"type": "button", "action_id": "go", "value": "v1", "text": {"type": "plain_text", "text": "Go"}}],
}
FEEDBACK = {
    "type": "context_actions",
    "elements": [
        {
            "type": "feedback_buttons",
            "action_id": "fb",
            "positive_button": {"text": {"type": "plain_text", "text": "Good"}, "value": "up"},
            "negative_button": {"text": {"type": "plain_text", "text": "Bad"}, "value": "down"},
        }
    ],
}
MODAL = {
    "type": "modal",
    "callback_id": "ask",
    "title": {"type": "plain_text", "text": "Ask"},
    "submit": {"type": "plain_text", "text": "Send"},
    "blocks": [
        {
            "type": "input",
            "block_id": "q",
            "label": {"type": "plain_text", "text": "Question"},
            "element": {"type": "plain_text_input", "action_id": "text"},
        }
    ],
}


@pytest.fixture
async def bolt(office: Office) -> AsyncIterator[AsyncApp]:
    """Bolt with signature checks, listening at the office's request URL."""
    client = build_client(office.slack, office.team.bot_token)
    app = AsyncApp(token=office.team.bot_token, signing_secret=office.slack.app.signing_secret, client=client)
    handler = AsyncSlackRequestHandler(app)

    async def take(request: Request) -> Response:
        return await handler.handle(request)

    server = FakeServer()
    await server.start(Starlette(routes=[Route("/slack/events", take, methods=["POST"])]))
    await office.slack.set_request_url(f"{server.url}/slack/events", is_verified=True)
    yield app
    await server.stop()


async def test_bolt_answers_a_mention_in_its_thread(office: Office, bolt: AsyncApp) -> None:
    """The whole way: signed event in, post out."""

    @bolt.event("app_mention")
    async def answer(event: dict[str, Any], say: Any) -> None:
        await say(text="hello", thread_ts=event["ts"])

    @bolt.event("message")
    async def ignore() -> None:
        return None

    ts = await office.slack.say(office.ann, office.general, "hi <@BOT>")
    await office.slack.wait_for(lambda: office.slack.answer_texts(office.general, ts) == ["hello"])


async def test_a_click_names_its_message_and_its_person(office: Office, bolt: AsyncApp) -> None:
    """Feedback tells which answer it is about by the message's ts."""
    clicks: list[dict[str, Any]] = []

    @bolt.action("fb")
    async def take(ack: Any, body: dict[str, Any], respond: Any) -> None:
        await ack()
        clicks.append(body)
        await respond("thanks")

    posted = await office.client.chat_postMessage(channel=office.channel_id, text="x", blocks=[FEEDBACK])
    await office.slack.click(office.ben, office.general, posted["ts"], "fb", "down")
    await office.slack.wait_for(lambda: office.slack.ephemerals(office.ben))
    assert office.slack.ephemerals(office.ben)[0].text == "thanks"
    assert clicks[0]["container"]["message_ts"] == posted["ts"]
    assert (clicks[0]["user"]["id"], clicks[0]["actions"][0]["value"]) == (office.ben.user_id, "down")


async def test_a_command_opens_a_modal_that_can_say_no(office: Office, bolt: AsyncApp) -> None:
    """A trigger id works once; the form's errors keep it open."""
    triggers: list[str] = []

    @bolt.command("/parley")
    async def open_modal(ack: Any, body: dict[str, Any], client: Any) -> None:
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL)
        triggers.append(body["trigger_id"])
        await ack("opened")

    @bolt.view("ask")
    async def take(ack: Any, view: dict[str, Any]) -> None:
        given = view["state"]["values"]["q"]["text"]["value"]
        await (ack() if given else ack(response_action="errors", errors={"q": "Say something"}))

    await office.slack.command(office.ann, office.general, "/parley", "ask")
    assert [shown.text for shown in office.slack.ephemerals(office.ann)] == ["opened"]
    view = office.slack.views(office.ann)[0]
    assert await office.slack.submit(office.ann, view, {"q": {"text": ""}}) == {"q": "Say something"}
    assert office.slack.views(office.ann) == [view]
    assert await office.slack.submit(office.ann, view, {"q": {"text": "why"}}) == {}
    assert office.slack.views(office.ann) == []
    with pytest.raises(SlackApiError) as error:
        await office.client.views_open(trigger_id=triggers[0], view=MODAL)
    assert code_of(error) == "exchanged_trigger_id"


async def test_app_home_is_published_for_one_person(office: Office, bolt: AsyncApp) -> None:
    """What one sees, another does not."""
    hashes: list[str] = []

    @bolt.event("app_home_opened")
    async def publish(event: dict[str, Any], client: Any) -> None:
        answer = await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [BUTTON]})
        hashes.append(answer["view"]["hash"])
        office.slack.world.on_change()

    await office.slack.open_home(office.ann)
    await office.slack.wait_for(lambda: hashes)
    assert office.slack.home(office.ann) is not None
    assert office.slack.home(office.ben) is None
    view = {"type": "home", "blocks": [BUTTON]}
    await office.client.views_publish(user_id=office.ann.user_id, view=view, hash=hashes[0])
    with pytest.raises(SlackApiError) as error:
        await office.client.views_publish(user_id=office.ann.user_id, view=view, hash=hashes[0])
    assert code_of(error) == "hash_conflict"


async def test_a_shortcut_carries_the_message_and_answers_in_its_thread(office: Office, bolt: AsyncApp) -> None:
    """A message shortcut has the message; a response URL works five times."""
    codes: list[int] = []

    @bolt.shortcut("ask_agent")
    async def take(ack: Any, body: dict[str, Any], respond: Any) -> None:
        await ack()
        text = body["message"]["text"]
        codes.extend([(await respond(text, response_type="in_channel")).status_code for _ in range(6)])
        office.slack.world.on_change()

    ts = await office.slack.say(office.ann, office.general, "look")
    await office.slack.shortcut(office.ben, office.general, ts, "ask_agent")
    await office.slack.wait_for(lambda: len(codes) == 6)
    assert codes == [200] * 5 + [404]
    assert office.slack.answer_texts(office.general, ts) == ["look"] * 5


async def test_prompts_with_a_thread_are_silently_not_shown(office: Office) -> None:
    """For an agent app Slack says ok and shows nothing."""
    direct = office.team.direct(office.ann)
    prompts = [{"title": "A", "message": "B"}]
    await office.client.assistant_threads_setSuggestedPrompts(
        channel_id=direct.channel_id, thread_ts="1.0", prompts=prompts
    )
    assert office.slack.prompts(direct) == []
    await office.client.api_call(
        "assistant.threads.setSuggestedPrompts", json={"channel_id": direct.channel_id, "prompts": prompts}
    )
    assert office.slack.prompts(direct) == prompts


@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")
async def test_an_organisation_installs_once_for_all_its_workspaces(office: Office) -> None:
    """The code from the consent page becomes one token; events name the organisation."""
    enterprise = office.slack.add_enterprise("Group")
    north = office.slack.add_team("North", enterprise=enterprise, is_installed=False)
    south = office.slack.add_team("South", enterprise=enterprise, is_installed=False)
    app, session = office.slack.app, office.client.session
    assert session is not None
    query = {
        "client_id": app.client_id,
        "redirect_uri": "http://x.example/cb",
        "state": "s",
        "team": north.team_id,
        "org": "1",
    }
    async with session.get(f"{office.slack.url}/oauth/v2/authorize", params=query, allow_redirects=False) as answer:
        code = answer.headers["Location"].partition("code=")[2].partition("&")[0]
    grant = await office.client.oauth_v2_access(
        client_id=app.client_id, client_secret=app.client_secret, code=code, redirect_uri="http://x.example/cb"
    )
    assert (grant["is_enterprise_install"], grant["enterprise"]["id"]) == (True, enterprise.enterprise_id)
    assert south.bot_token == grant["access_token"] == north.bot_token
    with pytest.raises(SlackApiError) as error:
        await office.client.oauth_v2_access(client_id=app.client_id, client_secret=app.client_secret, code=code)
    assert code_of(error) == "invalid_code"
    office.slack.faults.events.is_held = True
    sent: list[dict[str, Any]] = []
    office.slack.world.on_event = lambda outgoing: sent.append(outgoing.payload)
    cleo = south.add_user("Cleo")
    await office.slack.say(cleo, south.add_channel("south", members=[cleo]), "hi")
    assert sent[0]["authorizations"][0]["team_id"] is None
    assert sent[0]["authorizations"][0]["is_enterprise_install"] is True
    assert (sent[0]["team_id"], sent[0]["enterprise_id"]) == (south.team_id, enterprise.enterprise_id)


@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")
async def test_rotated_tokens_expire_and_renew(office: Office) -> None:
    """Twelve hours; the refresh token works once."""
    office.slack.app.rotates_tokens = True
    grant = office.team.install()
    client = build_client(office.slack, grant.bot_token)
    await client.auth_test()
    office.clock.advance(43_200)
    with pytest.raises(SlackApiError) as error:
        await client.auth_test()
    assert code_of(error) == "token_expired"
    app, used = office.slack.app, grant.refresh_token
    keys = {"client_id": app.client_id, "client_secret": app.client_secret, "grant_type": "refresh_token"}
    fresh = await office.client.oauth_v2_access(**keys, refresh_token=used)
    await build_client(office.slack, fresh["access_token"]).auth_test()
    with pytest.raises(SlackApiError) as error:
        await office.client.oauth_v2_access(**keys, refresh_token=used)
    assert code_of(error) == "invalid_refresh_token"
