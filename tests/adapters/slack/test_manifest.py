"""The manifest asks for what the code uses, and for nothing else."""

import re
from pathlib import Path

from adapters.slack.blocks import FEEDBACK_ACTION
from adapters.slack.grants import SCOPES
from tests.adapters.slack.arena import open_arena
from tests.support.model_steps import says
from tests.support.scripted_model import ScriptedModel

ROOM = Path(__file__).parents[3] / "adapters" / "slack"
MANIFEST = (ROOM / "manifest.yaml").read_text(encoding="utf-8")
SCOPES_OF_METHODS = {
    "agents.sessions.setStatus": {"assistant:write"},
    "assistant.threads.setSuggestedPrompts": {"assistant:write"},
    "chat.appendStream": {"chat:write"},
    "chat.delete": {"chat:write"},
    "chat.postEphemeral": {"chat:write"},
    "chat.postMessage": {"chat:write"},
    "chat.startStream": {"chat:write"},
    "chat.stopStream": {"chat:write"},
    "chat.update": {"chat:write"},
    "conversations.history": {"im:history", "metadata.message:read"},
    "conversations.open": {"im:write"},
    "conversations.replies": {
        "channels:history",
        "groups:history",
        "im:history",
        "mpim:history",
        "metadata.message:read",
    },
    "users.info": {"users:read", "users:read.email"},
    "views.open": set(),
    "views.publish": set(),
}
SCOPES_OF_EVENTS = {
    "agent_session_stopped": set(),
    "app_home_opened": set(),
    "app_mention": {"app_mentions:read"},
    "app_uninstalled": set(),
    "message.channels": {"channels:history"},
    "message.groups": {"groups:history"},
    "message.im": {"im:history"},
    "message.mpim": {"mpim:history"},
    "tokens_revoked": set(),
    "user_change": {"users:read"},
}
BESIDE = {"commands", "files:read"}


def listed(name: str) -> list[str]:
    """The items of a list in the manifest."""
    block = re.search(rf"^( *){name}:\n((?:\1  - .*\n)+)", MANIFEST, re.MULTILINE)
    assert block is not None
    return re.findall(r"- (\S+)", block[2])


def methods_in_code() -> set[str]:
    """Every Web API method that the adapter names."""
    code = "".join(path.read_text(encoding="utf-8") for path in ROOM.glob("*.py"))
    return set(re.findall(r'"((?:agents|assistant|chat|conversations|users|views|files|team)\.[a-zA-Z.]+)"', code))


def test_an_installation_asks_for_the_scopes_of_the_manifest() -> None:
    """Whoever installs by the link gets the same app. Proves: SL-25."""
    assert sorted(SCOPES) == sorted(listed("bot"))


def test_the_manifest_asks_for_the_scopes_that_the_code_needs() -> None:
    """Too few, and calls fail in production; too many, and nobody installs the app. Proves: SL-25."""
    assert methods_in_code() == set(SCOPES_OF_METHODS)
    scopes = set.union(BESIDE, *SCOPES_OF_METHODS.values(), *SCOPES_OF_EVENTS.values())
    assert set(listed("bot")) == scopes
    assert len(listed("bot")) == len(scopes)


def test_the_manifest_subscribes_to_the_events_that_the_code_handles() -> None:
    """An event without a subscription never comes. Proves: SL-25."""
    assert set(listed("bot_events")) == set(SCOPES_OF_EVENTS)
    code = (ROOM / "payloads.py").read_text(encoding="utf-8")
    for event in SCOPES_OF_EVENTS:
        assert f'"{event.partition(".")[0]}"' in code


def test_commands_and_shortcuts_in_the_manifest_are_those_in_the_docs() -> None:
    """What people can type is written down. Proves: SL-25."""
    docs = (ROOM.parents[1] / "docs" / "slack.md").read_text(encoding="utf-8")
    assert "command: /parley" in MANIFEST
    assert "Ask the agent about this" in MANIFEST
    assert "Ask the agent about this" in docs
    for word in ("memories", "stop", "help"):
        assert f"`/parley {word}`" in docs
    for scope in listed("bot"):
        assert f"`{scope}`" in docs
    assert FEEDBACK_ACTION


async def test_with_the_manifests_scopes_and_events_everything_works(database_url: str) -> None:
    """A mention, a private message, the home tab, a file: nothing is missing. Proves: SL-25."""
    model = ScriptedModel(checks_prefix=False)
    model.add(says("One."), says("Two."))
    async with open_arena(database_url, model) as arena:
        scopes, events = frozenset(listed("bot")), frozenset(listed("bot_events"))
        arena.team.install(scopes=scopes, events=events)
        ts = await arena.slack.say(arena.ann, arena.general, "<@BOT> hi", files=[("a.txt", b"words")])
        assert await arena.answers(ts) == ["One."]
        direct = arena.team.direct(arena.ben)
        assert await arena.answers(await arena.ask(arena.ben, "hi", channel=direct), channel=direct) == ["Two."]
        await arena.slack.open_home(arena.ann)
        await arena.slack.wait_for(lambda: bool(arena.slack.home(arena.ann)))
        refused = [call for call in arena.slack.api.calls if call.answer.get("error") == "missing_scope"]
        assert refused == []
