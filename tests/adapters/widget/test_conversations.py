"""Which conversation a client gets is decided by who they are, not by what they say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.widget.conversations import (
    conversation_of,
    epoch_of,
    is_issued_to,
    is_private,
    is_thread_name,
    issue_conversation,
    plan_resume,
    session_id_of,
)
from agent.ids import SessionId, UserId

SECRET = b"k" * 32
ANN, BOB = UserId("usr_ann"), UserId("usr_bob")


def test_a_conversation_is_known_again_to_whom_it_was_issued() -> None:
    """It may have been welcomed and never written in: there is no row to look up. Proves: WI-31."""
    conversation = issue_conversation(SECRET, "shop", ANN)
    assert is_issued_to(SECRET, "shop", ANN, conversation)


def test_a_conversation_is_nobody_else_s() -> None:
    """Else one could wait in a stranger's conversation for its first message. Proves: WI-23."""
    conversation = issue_conversation(SECRET, "shop", ANN)
    assert not is_issued_to(SECRET, "shop", BOB, conversation)
    assert not is_issued_to(SECRET, "blog", ANN, conversation)
    assert not is_issued_to(b"j" * 32, "shop", ANN, conversation)


@given(st.text(max_size=60))
def test_invented_conversations_were_issued_to_nobody(text: str) -> None:
    """Whatever a client writes, it is no proof. Proves: WI-23."""
    assert not is_issued_to(SECRET, "shop", ANN, text)
    assert not is_issued_to(SECRET, "shop", ANN, "~" + text)


def test_two_conversations_are_never_the_same() -> None:
    """They are random. Proves: WI-4."""
    assert issue_conversation(SECRET, "shop", ANN) != issue_conversation(SECRET, "shop", ANN)


@pytest.mark.parametrize("name", ["T-1", "x", "Order 77: late", "訂單", "a" * 100, "a:b"])
def test_thread_names_are_the_site_s_own(name: str) -> None:
    """A ticket's or a project's name, as people read it. Proves: WI-24."""
    assert is_thread_name(name)
    assert conversation_of("shop", session_id_of("shop", name)) == name


@pytest.mark.parametrize("name", ["", " ", " a", "a ", "a\nb", "a\x00", "\u202e", "a" * 101, "~abc", "~", "\ud800"])
def test_a_thread_cannot_take_the_form_of_a_private_conversation(name: str) -> None:
    """Else naming a thread would be a way into it. Proves: WI-23, WI-24."""
    assert not is_thread_name(name)


@given(st.text(max_size=120))
def test_no_name_is_both_a_thread_and_private(name: str) -> None:
    """The two kinds never meet. Proves: WI-24."""
    assert not (is_thread_name(name) and is_private(name))


@pytest.mark.parametrize(
    "session_id", ["", "web:shop", "web:shop:", "web:blog:T-1", "slack:a:b:c", "web:shop: a", "T-1"]
)
def test_session_ids_of_elsewhere_name_no_conversation_here(session_id: str) -> None:
    """A site reaches its own sessions only. Proves: WI-23."""
    assert conversation_of("shop", session_id) is None


def test_epochs_tell_logs_apart() -> None:
    """A cursor into another log would skip or repeat messages. Proves: WI-9."""
    one, other = SessionId("web:shop:a"), SessionId("web:shop:b")
    assert epoch_of("db1", one) == epoch_of("db1", one)
    assert len({epoch_of("db1", one), epoch_of("db2", one), epoch_of("db1", other)}) == 3


@pytest.mark.parametrize(
    ("given_epoch", "cursor", "head", "expected"),
    [
        ("e", 3, 9, (3, True, False)),
        ("e", 0, 9, (0, True, False)),
        ("e", 9, 9, (9, True, False)),
        ("e", 0, 9_000, (0, True, False)),
        ("f", 3, 9, (9, False, True)),
        ("e", 10, 9, (9, False, True)),
        (None, 10, 9, (9, False, True)),
        (None, 3, 9, (3, True, False)),
        (None, 0, 0, (0, False, False)),
        (None, 0, 500, (0, False, False)),
        (None, 0, 501, (501, False, False)),
    ],
)
def test_a_client_goes_on_where_it_was_or_is_told_to_start_over(
    given_epoch: str | None, cursor: int, head: int, expected: tuple[int, bool, bool]
) -> None:
    """Every durable event once, without gaps; a newcomer is spared a long log. Proves: WI-8, WI-9."""
    plan = plan_resume(given_epoch=given_epoch, given_cursor=cursor, epoch="e", head=head)
    assert (plan.cursor, plan.is_resumed, plan.is_reset) == expected
