"""Names of what Slack has, in the gateway's words: sessions, people, messages, lanes."""

from typing import Literal

from adapters.slack.records import Deleted, Edited, Said
from agent.ids import SessionId
from agent.records import Audience, Identity

CHANNEL = "slack"
DirectMessages = Literal["thread", "rolling"]


def session_id_of(said: Said | Deleted, direct_messages: DirectMessages = "thread") -> SessionId:
    """One session per thread: `slack:{installation}:{conversation}:{root}`.

    Never by the author's team, which in a thread shared between companies changes from message to message. With
    `rolling`, what is said at the top level of a direct message is one session.
    """
    is_rolling = direct_messages == "rolling" and said.kind == "im" and said.thread_ts is None
    return build_session_id(said.origin.installation, said.conversation, "rolling" if is_rolling else said.root)


def build_session_id(installation: str, conversation: str, root: str) -> SessionId:
    """The session of a thread."""
    return SessionId(f"{CHANNEL}:{installation}:{conversation}:{root}")


def session_prefix(installation: str, conversation: str) -> str:
    """How the ids of a conversation's sessions begin."""
    return f"{CHANNEL}:{installation}:{conversation}:"


def build_link(team: str, conversation: str, ts: str) -> str:
    """Where a message is, as a link that Slack opens itself."""
    return f"https://slack.com/app_redirect?channel={conversation}&message_ts={ts}&team={team}"


def identity_of(installation: str, home: str, user: str) -> Identity:
    """A person's account: by their home, and never by an e-mail address."""
    return Identity(tenant=installation, channel=CHANNEL, external_id=f"{home}:{user}")


def audience_of(said: Said) -> Audience:
    """Who reads a conversation: only a plain direct message is private."""
    return Audience.PRIVATE if said.kind == "im" else Audience.SHARED


def message_key(said: Said | Deleted) -> str:
    """The message within its session: the same for all events that tell of it."""
    return f"{said.conversation}:{said.ts}"


def lane_of(said: Said | Deleted) -> str:
    """What has to be taken in one after another."""
    return f"{said.origin.installation}:{said.conversation}:{said.root}"


def twin_key(event: Said | Edited | Deleted) -> str:
    """The same for all deliveries that tell of the same thing, whatever event ids they have.

    A mention in a channel comes as `message` and as `app_mention`, in any order.
    """
    match event:
        case Said():
            return f"{event.origin.installation}:{message_key(event)}:said"
        case Edited():
            return f"{event.said.origin.installation}:{message_key(event.said)}:edited:{event.edited_ts}"
        case Deleted():
            return f"{event.origin.installation}:{message_key(event)}:deleted"
