"""How the owner wants the agent to behave in Slack."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.slack.deciding import Rule
from adapters.slack.ladder import Rung
from adapters.slack.places import DirectMessages
from adapters.slack.standing import UnknownPolicy
from agent.ids import AgentId
from agent.routing import Routes, Spot


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What Slack gave. HTTP is on with a signing secret, Socket Mode with an app token.

    Either one `bot_token`, or `client_id` and `client_secret`, with which workspaces install the app by themselves.
    """

    bot_token: str | None = field(default=None, repr=False)
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    signing_secret: str | None = field(default=None, repr=False)
    app_token: str | None = field(default=None, repr=False)
    api_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A conversation with a rule of its own."""

    rule: Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`conversations` by Slack's id; `routes` say who answers where. `bot_name`: what a mention of the bot reads as.
    `retention_days`: of decisions.

    `workspaces`: who may install the app, by Slack's ids of teams or organisations; everybody when empty. `trusted`:
    the installations whose members' e-mail addresses prove who they are elsewhere; none stands for all.
    """

    default: Conversation
    routes: Routes
    conversations: Mapping[str, Conversation] = field(default_factory=dict)
    direct_messages: DirectMessages = "thread"
    bot_name: str = "Parley"
    first_rung: Rung = Rung.STREAM
    unknown_policy: UnknownPolicy = "at_most_once"
    retention_days: float = 30.0
    workspaces: frozenset[str] = frozenset()
    trusted: frozenset[str] | None = None

    @property
    def bots(self) -> frozenset[str]:
        """The other bots that may be answered somewhere."""
        return self.default.rule.bots.union(*(one.rule.bots for one in self.conversations.values()))

    def trusts(self, installation: str) -> bool:
        """Whether the addresses of its full members prove who they are: elsewhere an admin is a stranger."""
        return self.trusted is None or installation in self.trusted

    def agent_of(self, workspace: str, conversation: str) -> AgentId:
        """Who answers in a conversation of a workspace or organisation that installed the app."""
        return self.routes.choose(Spot(channel="slack", workspace=workspace, conversation=conversation))

    def of(self, conversation: str) -> Conversation:
        """What holds in a conversation."""
        return self.conversations.get(conversation, self.default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """All that is needed to be in Slack. `sealing_keys` encrypt the tokens of installations at rest."""

    keys: Keys
    options: Options
    sealing_keys: tuple[str, ...] = field(default=(), repr=False)
