"""How the owner wants the agent to behave in Slack."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.slack.answers import UnknownPolicy
from adapters.slack.deciding import Rule
from adapters.slack.ladder import Rung
from adapters.slack.places import DirectMessages
from agent.ids import AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What Slack gave. HTTP is on with a signing secret, Socket Mode with an app token."""

    bot_token: str = field(repr=False)
    signing_secret: str | None = field(default=None, repr=False)
    app_token: str | None = field(default=None, repr=False)
    api_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A conversation with an agent or a rule of its own."""

    agent_id: AgentId
    rule: Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`conversations` by Slack's id. `bot_name`: what a mention of the bot reads as. `retention_days`: of decisions."""

    default: Conversation
    conversations: Mapping[str, Conversation] = field(default_factory=dict)
    direct_messages: DirectMessages = "thread"
    bot_name: str = "Parley"
    first_rung: Rung = Rung.STREAM
    unknown_policy: UnknownPolicy = "at_most_once"
    retention_days: float = 30.0

    def of(self, conversation: str) -> Conversation:
        """What holds in a conversation."""
        return self.conversations.get(conversation, self.default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """All that is needed to be in Slack."""

    keys: Keys
    options: Options
