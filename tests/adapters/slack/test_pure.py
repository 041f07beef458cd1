"""Parsing, names, decisions: no event loop needed."""

import re
from dataclasses import replace
from typing import Any

import pytest

from adapters.slack.client import is_slacks
from adapters.slack.deciding import Reason, Rule, ThreadState, Verdict, decide, screen
from adapters.slack.interactions import parse_interaction
from adapters.slack.inward import read_text
from adapters.slack.people import parse_profile
from adapters.slack.places import audience_of, identity_of, session_id_of, twin_key
from adapters.slack.records import Clicked, Command, Deleted, Edited, Other, Said, Shortcut, StopClicked
from tests.adapters.slack.payloads import BOT, body, parsed, said

ENGAGED = ThreadState(is_engaged=True)


def test_a_session_is_named_by_the_installation_and_never_by_the_authors_team() -> None:
    """In a thread shared between companies the author's team changes from message to message. Proves: SL-5."""
    ours = said(ts="100.2", thread_ts="100.1", team="T0ACME")
    theirs = said(ts="100.3", thread_ts="100.1", team="T0OTHER", user_team="T0OTHER")
    assert session_id_of(ours) == session_id_of(theirs) == "slack:T0ACME:C0GENERAL:100.1"
    assert identity_of(theirs.origin.installation, theirs.home, "U1").external_id == "T0OTHER:U1"
    assert identity_of(ours.origin.installation, ours.home, "U1").external_id == "T0ACME:U1"


def test_an_org_wide_install_is_one_installation() -> None:
    """Its workspaces share channels, so sessions go by the enterprise. Proves: SL-5."""
    granted = {"team_id": "T1", "enterprise_id": "E1", "user_id": BOT, "is_enterprise_install": True}
    found = parsed(
        {"type": "message", "channel": "C1", "user": "U1", "ts": "1.1", "text": "x"}, authorizations=[granted]
    )
    assert isinstance(found, Said)
    assert session_id_of(found) == "slack:E1:C1:1.1"


def test_direct_messages_are_a_session_per_root_or_one_for_all() -> None:
    """Some people never use threads in direct messages. Proves: SL-5."""
    first, second = (said(channel="D1", channel_type="im", ts=ts) for ts in ("1.1", "2.2"))
    assert session_id_of(first) != session_id_of(second)
    assert session_id_of(first, "rolling") == session_id_of(second, "rolling")
    reply = said(channel="D1", channel_type="im", ts="3.3", thread_ts="1.1")
    assert session_id_of(reply, "rolling") == session_id_of(first)
    assert audience_of(first) == "private"
    assert audience_of(said()) == audience_of(said(channel_type="mpim")) == "shared"


def test_a_message_and_its_mention_are_twins_and_an_edit_is_not() -> None:
    """Two event ids, one thing said. Proves: SL-4."""
    message, mention = (
        said(),
        parsed(
            {"type": "app_mention", "channel": "C0GENERAL", "user": "U0ANN", "ts": "100.1", "text": "hi"},
            event_id="Ev02",
        ),
    )
    assert isinstance(mention, Said)
    assert twin_key(message) == twin_key(mention) != twin_key(said(ts="100.2"))


def test_edits_deletes_and_tombstones_are_told_apart() -> None:
    """All three come as messages with a subtype. Proves: SL-8."""
    message = {"type": "message", "user": "U0ANN", "ts": "100.1", "text": "new", "edited": {"ts": "101.0"}}
    outer = {"type": "message", "channel": "C1", "ts": "101.0", "previous_message": {"text": "old", "ts": "100.1"}}
    edited = parsed({**outer, "subtype": "message_changed", "message": message})
    assert isinstance(edited, Edited)
    assert (edited.before, edited.said.text, edited.edited_ts) == ("old", "new", "101.0")
    deleted = parsed({**outer, "subtype": "message_deleted", "deleted_ts": "100.1"})
    assert isinstance(deleted, Deleted)
    stone = parsed({**outer, "subtype": "message_changed", "message": {**message, "subtype": "tombstone"}})
    assert isinstance(stone, Deleted)
    assert stone.ts == deleted.ts == "100.1"


SCREENED: dict[Reason, dict[str, Any]] = {
    Reason.OWN: {"user": BOT, "bot_id": "B1"},
    Reason.OTHER_BOT: {"bot_id": "B2", "user": "U2"},
    Reason.SUBTYPE: {"subtype": "channel_join"},
    Reason.EMPTY: {"text": "  "},
}


@pytest.mark.parametrize("reason", SCREENED)
def test_what_is_nothing_for_the_agent_is_known_by_its_payload(reason: Reason) -> None:
    """A bot that answers itself never ends. Proves: SL-4."""
    assert screen(said(**{"text": "hi", **SCREENED[reason]})) is reason


def test_posts_of_the_own_app_under_another_name_are_its_own() -> None:
    """An app may post with a user's token or a name of its own. Proves: SL-4."""
    assert screen(said(app_id="A0PARLEY", bot_id="B9")) is Reason.OWN


@pytest.mark.parametrize("subtype", [None, "file_share", "thread_broadcast", "me_message"])
def test_people_speak_in_four_subtypes(subtype: str | None) -> None:
    """Everything else is Slack's own. Proves: SL-4."""
    assert screen(said(subtype=subtype)) is None


WHEN: list[tuple[str, dict[str, Any], ThreadState, Rule, Verdict, Reason]] = [
    ("hi", {"channel": "D1", "channel_type": "im"}, ThreadState(), Rule(), Verdict.ANSWERED, Reason.DIRECT),
    ("hi", {"channel_type": "mpim"}, ThreadState(), Rule(), Verdict.ANSWERED, Reason.DIRECT),
    (f"hey <@{BOT}>", {}, ThreadState(), Rule(), Verdict.ANSWERED, Reason.MENTIONED),
    (f"<@U9> and <@{BOT}|bot>", {"thread_ts": "1.0"}, ENGAGED, Rule(), Verdict.ANSWERED, Reason.MENTIONED),
    ("hi", {}, ThreadState(), Rule(), Verdict.KEPT, Reason.NOT_ADDRESSED),
    ("hi", {"thread_ts": "1.0"}, ThreadState(), Rule(), Verdict.KEPT, Reason.NOT_ADDRESSED),
    ("and red?", {"thread_ts": "1.0"}, ENGAGED, Rule(), Verdict.ANSWERED, Reason.FOLLOW_UP),
    ("<@U9> look", {"thread_ts": "1.0"}, ENGAGED, Rule(), Verdict.KEPT, Reason.TO_OTHERS),
    ("<@U9> look", {"thread_ts": "1.0"}, ENGAGED, Rule(mode="thread"), Verdict.ANSWERED, Reason.EVERY_IN_THREAD),
    ("Bob, look", {"thread_ts": "1.0"}, replace(ENGAGED, names=("Bob",)), Rule(), Verdict.KEPT, Reason.TO_OTHERS),
    (
        "Bobsled, is it fast?",
        {"thread_ts": "1.0"},
        replace(ENGAGED, names=("Bob",)),
        Rule(),
        Verdict.ANSWERED,
        Reason.FOLLOW_UP,
    ),
    ("sure", {"thread_ts": "1.0"}, replace(ENGAGED, is_last_kept=True), Rule(), Verdict.KEPT, Reason.AMONG_PEOPLE),
    (
        "or else?",
        {"thread_ts": "1.0"},
        replace(ENGAGED, is_last_kept=True, is_last_own=True),
        Rule(),
        Verdict.ANSWERED,
        Reason.FOLLOW_UP,
    ),
    ("hi", {}, ThreadState(), Rule(mode="always"), Verdict.ANSWERED, Reason.EVERY_MESSAGE),
    ("my Invoice!", {}, ThreadState(), Rule(mode="conditions", words=("invoice",)), Verdict.ANSWERED, Reason.CONDITION),
    ("invoices", {}, ThreadState(), Rule(mode="conditions", words=("invoice",)), Verdict.KEPT, Reason.NOT_ADDRESSED),
    (
        "order 123456",
        {},
        ThreadState(),
        Rule(mode="conditions", patterns=(re.compile(r"order \d{6}"),)),
        Verdict.ANSWERED,
        Reason.CONDITION,
    ),
    ("invoice", {}, ThreadState(), Rule(words=("invoice",)), Verdict.KEPT, Reason.NOT_ADDRESSED),
]


@pytest.mark.parametrize(("text", "fields", "thread", "rule", "verdict", "reason"), WHEN)
def test_when_the_agent_speaks_up(
    text: str, fields: dict[str, Any], thread: ThreadState, rule: Rule, verdict: Verdict, reason: Reason
) -> None:
    """It must neither butt in nor leave people waiting, and say why. Proves: SL-6."""
    decision = decide(said(text, **fields), thread, rule)
    assert (decision.verdict, decision.reason) == (verdict, reason)


def test_text_is_read_as_people_see_it() -> None:
    """The agent knows people by name, and no escape characters. Proves: SL-24."""
    text = (
        f"<@{BOT}>: ask <@U1> or <@U2> in <#C1|general>, <!here> <!subteam^S1|@ops> about "
        "<https://a.test/?a=1&amp;b=2|the page> and <mailto:x@a.test|x@a.test> &lt;b&gt; <!date^1^{date}|May 5>"
    )
    assert read_text(text, {"U1": "Ann"}, BOT, "Parley") == (
        "ask @Ann or @somebody in #general, @here @ops about the page (https://a.test/?a=1&b=2) and x@a.test <b> May 5"
    )


def test_an_e_mail_counts_only_at_home() -> None:
    """Guests and strangers may have been given any address. Proves: SL-21."""
    origin = said().origin
    member: dict[str, Any] = {
        "id": "U1",
        "team_id": "T0ACME",
        "profile": {"email": "a@acme.test", "display_name": "Ann"},
    }
    assert parse_profile(origin, {**member}).email == "a@acme.test"
    for change in (
        {"team_id": "T0OTHER"},
        {"is_restricted": True},
        {"is_ultra_restricted": True},
        {"is_stranger": True},
        {"deleted": True},
        {"is_bot": True},
    ):
        assert parse_profile(origin, {**member, **change}).email is None


def test_commands_clicks_and_shortcuts_are_told_apart() -> None:
    """All three come as forms. Proves: SL-17, SL-18, SL-19."""
    command = parse_interaction(
        {
            "command": "/parley",
            "text": " memories ",
            "team_id": "T1",
            "user_id": "U1",
            "channel_id": "C1",
            "trigger_id": "1",
        }
    )
    assert isinstance(command, Command)
    assert (command.text, command.origin.installation) == ("memories", "T1")
    base: dict[str, Any] = {
        "trigger_id": "2",
        "team": {"id": "T1"},
        "user": {"id": "U1", "team_id": "T1"},
        "channel": {"id": "C1"},
        "message": {"ts": "1.1", "text": "hm", "user": "U2", "thread_ts": "1.0"},
    }
    shortcut = parse_interaction({**base, "type": "message_action", "callback_id": "parley_ask"})
    assert isinstance(shortcut, Shortcut)
    assert (shortcut.trigger_id, shortcut.said.root, shortcut.said.user) == ("2", "1.0", "U2")
    clicked = parse_interaction({**base, "type": "block_actions", "actions": [{"action_id": "a", "value": "good:m"}]})
    assert isinstance(clicked, Clicked)
    assert (clicked.ts, clicked.value) == ("1.1", "good:m")


def test_the_stop_button_and_unknown_events_are_parsed() -> None:
    """New event types come every year. Proves: SL-2, SL-9."""
    stop = parsed(
        {"type": "agent_session_stopped", "channel": "C1", "thread_ts": "1.1", "streaming_message_ts": ["1.2"]}
    )
    assert isinstance(stop, StopClicked)
    assert stop.streams == ("1.2",)
    assert isinstance(parsed({"type": "planet_discovered"}), Other)


TOKEN_MAY_GO = {
    "https://files.slack.com/files-pri/T1-F1/download/a.txt": True,
    "https://acme.enterprise.slack.com/a": True,
    "http://files.slack.com/a": False,
    "https://slack.com.evil.test/a": False,
    "https://evilslack.com/a": False,
    "https://files.slack.com@evil.test/a": False,
    "https://files.slack.com:8443/a": False,
    "https://user:x@files.slack.com/a": False,
    "ftp://files.slack.com/a": False,
    "//files.slack.com/a": False,
    "https://[::1/a": False,
    "http://127.0.0.1/a": False,
    "http://169.254.169.254/latest": False,
}


@pytest.mark.parametrize("url", TOKEN_MAY_GO)
def test_the_bot_token_goes_to_slacks_hosts_only(url: str) -> None:
    """An address in a message is anybody's. Proves: SL-20."""
    assert is_slacks(url, "https://slack.com/api/") is TOKEN_MAY_GO[url]


def test_a_server_that_was_named_instead_of_slack_gets_the_token_too() -> None:
    """For tests and proxies. Proves: SL-20."""
    assert is_slacks("http://127.0.0.1:9000/files/a", "http://127.0.0.1:9000/api/")
    assert not is_slacks("http://127.0.0.1:9001/files/a", "http://127.0.0.1:9000/api/")


def test_texts_are_made_storable_on_the_way_in() -> None:
    """A NUL or a lone surrogate must not stop a thread. Proves: SL-1."""
    from adapters.slack.payloads import parse_json

    assert parse_json(b'{"text": "a\\u0000b\\ud800"}') == {"text": "a\ufffdb\ufffd"}
    assert body({})["type"] == "event_callback"


@pytest.mark.parametrize(
    "whom", ["<!subteam^S1|@oncall>", "<!subteam^S1>", "<!here>", "<!channel|channel>", "<!everyone>"]
)
def test_a_word_to_a_group_of_people_is_no_follow_up(whom: str) -> None:
    """They are somebody else, too. Proves: SL-6."""
    told = said(f"{whom} can you look?", thread_ts="99.1")
    assert decide(told, ThreadState(is_engaged=True), Rule()).reason is Reason.TO_OTHERS
    assert decide(said("can you look?", thread_ts="99.1"), ThreadState(is_engaged=True), Rule()).verdict == "answered"
