"""The tables of `parley.toml` for what costs money, what is asked of others, and who answers where."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from gateway.config_forms import check_places, form
from gateway.config_types import ConversationId, EnvironmentName, Line, Name, PathText, Table, Usd, WorkspaceId

McpUrl = Annotated[
    str,
    form(r"https?://\S{1,1000}", "an address such as https://tools.example.com/mcp"),
    AfterValidator(check_places),
]


class McpTable(Table):
    """`[[mcp]]`: a server of tools."""

    name: Annotated[str, form(r"[a-z][a-z0-9-]{0,19}", "1 to 20 small letters, digits and dashes")]
    command: PathText | None = None
    args: list[Annotated[str, Field(max_length=1_000)]] = Field(default_factory=list, max_length=100)
    env: list[EnvironmentName] = Field(default_factory=list, max_length=100)
    url: McpUrl | None = None
    token_env: EnvironmentName | None = None
    tools: list[Line] | None = Field(default=None, max_length=100)
    agents: list[Name] | None = Field(default=None, max_length=1_000)
    channels: list[Literal["slack", "widget", "api"]] | None = None
    repeatable: list[Line] = Field(default_factory=list, max_length=100)
    needs_approval: list[Line] = Field(default_factory=list, max_length=100)
    timeout_s: float = Field(default=30.0, ge=0.1, le=600, allow_inf_nan=False)
    result_bytes: int = Field(default=1_000_000, ge=1_000, le=16_000_000)

    @model_validator(mode="after")
    def _check_way(self) -> Self:
        if (self.command is None) == (self.url is None):
            raise ValueError("expected either command or url")
        if self.url is None and self.token_env is not None:
            raise ValueError("expected token_env with url only")
        if self.command is None and (self.args or self.env):
            raise ValueError("expected args and env with command only")
        return self


class CapTable(Table):
    """A cap of `[budgets]`: US dollars and tokens in a day."""

    usd: Usd | None = None
    tokens: int | None = Field(default=None, ge=0, le=10**15)


class BudgetsTable(Table):
    """`[budgets]`"""

    total: CapTable = CapTable()
    user: CapTable = CapTable()
    visitor: CapTable = CapTable()
    conversation: CapTable = CapTable()
    channels: dict[Literal["slack", "widget", "api"], CapTable] = Field(default_factory=dict)
    sites: dict[Name, CapTable] = Field(default_factory=dict)


class HandoffTable(Table):
    """`[handoff]`"""

    wait_s: float = Field(default=3_600.0, ge=1, le=2_592_000, allow_inf_nan=False)
    silence_s: float = Field(default=3_600.0, ge=1, le=2_592_000, allow_inf_nan=False)


class RouteTable(Table):
    """`[[routes]]`"""

    agent: Name
    channel: Literal["slack", "widget", "api"] | None = None
    site: Name | None = None
    workspace: WorkspaceId | None = None
    conversation: ConversationId | None = None
    caller: Name | None = None
