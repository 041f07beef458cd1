"""The form of `parley.toml`: every table and key it may have, and nothing else. What the keys mean is written in
`parley.example.toml`; tables that point at each other are checked in `gateway.config`.
"""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from gateway.agents import AgentMemoryMode, AgentMemoryReview, MemoryMode
from gateway.config_outside import BudgetsTable, HandoffTable, McpTable, RouteTable
from gateway.config_types import (
    BotId,
    CalledName,
    Color,
    ConversationId,
    EnvironmentName,
    Line,
    Locale,
    ModelName,
    ModuleName,
    Name,
    PathText,
    RuleText,
    ScopeName,
    StrategyName,
    Table,
    ToolName,
    Usd,
    Wait,
    WhenToAnswer,
    WorkspaceId,
)

DEFAULT_MODEL = "claude-sonnet-5-5"
DEFAULT_SMALL_MODEL = "claude-haiku-5-5"


class AgentMemory(Table):
    """`[agents.memory]`"""

    mode: MemoryMode = "off"
    capture_instructions: Annotated[str, Field(max_length=4_000)] = ""


class AgentFiles(Table):
    """`[agents.agent_memory]`"""

    mode: AgentMemoryMode = "off"
    review: AgentMemoryReview = "approve"


class AgentContext(Table):
    """`[agents.context]`"""

    strategy: StrategyName = "context"
    cap_tokens: int = Field(default=160_000, ge=1_000, le=10_000_000)
    window_tokens: int | None = Field(default=None, ge=2_000, le=10_000_000)
    model: ModelName | None = None
    result_tokens: int = Field(default=8_000, ge=200, le=1_000_000)
    condense_after: int = Field(default=0, ge=0, le=1_000)
    condense_instructions: Annotated[str, Field(max_length=4_000)] = ""
    max_tool_calls_from_history: int = Field(default=0, ge=0, le=10_000)


class AgentTable(Table):
    """`[[agents]]`"""

    id: Name
    model: ModelName = DEFAULT_MODEL
    small_model: ModelName = DEFAULT_SMALL_MODEL
    instructions: Annotated[str, Field(min_length=1, max_length=200_000)] | None = None
    instructions_file: PathText | None = None
    tools: list[ToolName] = Field(default_factory=list, max_length=100)
    storage: bool = True
    history_runs: int = Field(default=5, ge=0, le=100)
    max_tokens: int = Field(default=8_000, ge=1, le=1_000_000)
    max_tool_calls: int = Field(default=20, ge=0, le=1_000)
    run_s: float = Field(default=600.0, ge=1, le=86_400, allow_inf_nan=False)
    titles: bool = True
    handoff: bool = False
    needs_approval: list[CalledName] = Field(default_factory=list, max_length=200)
    approval_s: float = Field(default=86_400.0, ge=1, le=2_592_000, allow_inf_nan=False)
    memory: AgentMemory = AgentMemory()
    agent_memory: AgentFiles = AgentFiles()
    context: AgentContext = AgentContext()

    @model_validator(mode="after")
    def _check_instructions(self) -> Self:
        if (self.instructions is None) == (self.instructions_file is None):
            raise ValueError("expected either instructions or instructions_file")
        return self

    @model_validator(mode="after")
    def _check_storage(self) -> Self:
        for name in ("history_runs", "titles"):
            if not self.storage and name in self.model_fields_set and getattr(self, name):
                raise ValueError(f"expected no {name} beside storage = false, which keeps nothing for it")
        return self


class SigningKeyTable(Table):
    """`[[sites.keys]]`"""

    kid: Name
    algorithm: Literal["HS256", "EdDSA"]
    secret: str | None = None
    secret_env: EnvironmentName | None = None
    secret_file: PathText | None = None
    public_key: str | None = None
    public_key_file: PathText | None = None

    @model_validator(mode="after")
    def _check_material(self) -> Self:
        secrets = [self.secret, self.secret_env, self.secret_file]
        publics = [self.public_key, self.public_key_file]
        of_kind, other = (secrets, publics) if self.algorithm == "HS256" else (publics, secrets)
        if sum(value is not None for value in of_kind) != 1 or any(value is not None for value in other):
            names = "secret_env, secret_file or secret" if of_kind is secrets else "public_key or public_key_file"
            raise ValueError(f"expected one of {names}, and no other, for {self.algorithm}")
        return self


def _starter(value: object) -> object:
    return {"label": value} if isinstance(value, str) else value


class StarterTable(Table):
    """An item of `sites.starters`: a text, or a table where the button says something else than what is sent."""

    label: Line
    value: Annotated[str, Field(min_length=1, max_length=4_000)] | None = None


class SiteTable(Table):
    """`[[sites]]`"""

    key: Name
    agent: Name | None = None
    origins: list[str] = Field(default_factory=list, max_length=100)
    allows_no_origin: bool = False
    title: Line | None = None
    subtitle: Line | None = None
    greeting: Annotated[str, Field(min_length=1, max_length=1_000)] | None = None
    color: Color | None = None
    locale: Locale | None = None
    starters: list[Annotated[StarterTable, BeforeValidator(_starter)]] = Field(default_factory=list, max_length=6)
    keys: list[SigningKeyTable] = Field(default_factory=list, max_length=2)


def _tasks_only() -> list[ScopeName]:
    return ["tasks"]


class ApiTokenTable(Table):
    """`[[api.tokens]]`"""

    name: Name
    secret_env: EnvironmentName | None = None
    secret_file: PathText | None = None
    scopes: list[ScopeName] = Field(default_factory=_tasks_only, min_length=1)

    @model_validator(mode="after")
    def _check_secret(self) -> Self:
        if (self.secret_env is None) == (self.secret_file is None):
            raise ValueError("expected one of secret_env or secret_file")
        return self


class ApiTable(Table):
    """`[api]`"""

    tokens: list[ApiTokenTable] = Field(default_factory=list, max_length=1_000)


class WidgetTable(Table):
    """`[widget]`"""

    text_characters: int = Field(default=4_000, ge=1, le=8_000)
    message_count: int = Field(default=20, ge=1, le=10_000)
    message_span_s: float = Field(default=10.0, ge=1, le=3_600, allow_inf_nan=False)
    sockets_per_ip: int = Field(default=10, ge=1, le=100_000)
    max_waiting: int = Field(default=3, ge=0, le=1_000)
    idle_s: float = Field(default=1_800.0, ge=60, le=86_400, allow_inf_nan=False)
    file_bytes: int = Field(default=5 * 1024 * 1024, ge=1, le=32 * 1024 * 1024)


class RunsTable(Table):
    """`[runs]`"""

    capacity: int = Field(default=1_000, ge=1, le=10_000)
    yield_after: int = Field(default=8, ge=1, le=1_000)
    retry_s: list[Wait] = Field(default_factory=lambda: [2.0, 5.0, 15.0, 30.0, 60.0], max_length=20)


class SlackConversationTable(Table):
    """`[[slack.conversations]]`"""

    id: ConversationId
    agent: Name | None = None
    when: WhenToAnswer = "mention"
    words: list[Line] = Field(default_factory=list, max_length=100)
    patterns: list[Line] = Field(default_factory=list, max_length=100)
    rule: RuleText | None = None
    bots: list[BotId] = Field(default_factory=list, max_length=100)
    bot_hops: int = Field(default=3, ge=1, le=20)


class SlackTable(Table):
    """`[slack]`"""

    agent: Name | None = None
    when: WhenToAnswer = "mention"
    words: list[Line] = Field(default_factory=list, max_length=100)
    patterns: list[Line] = Field(default_factory=list, max_length=100)
    rule: RuleText | None = None
    bots: list[BotId] = Field(default_factory=list, max_length=100)
    bot_hops: int = Field(default=3, ge=1, le=20)
    direct_messages: Literal["thread", "rolling"] = "thread"
    bot_name: Line = "Parley"
    preview: Literal["stream", "rewrite", "end"] = "stream"
    unknown_posts: Literal["at_most_once", "at_least_once"] = "at_most_once"
    retention_days: float = Field(default=30.0, ge=1, le=3_650, allow_inf_nan=False)
    workspaces: list[WorkspaceId] = Field(default_factory=list, max_length=10_000)
    conversations: list[SlackConversationTable] = Field(default_factory=list, max_length=10_000)


Days = Annotated[float, Field(ge=1, le=36_500, allow_inf_nan=False)]


class RetentionTable(Table):
    """`[retention]`: what is left out is kept for ever."""

    sessions_days: Days | None = None
    attachments_days: Days | None = None
    memories_days: Days | None = None
    memory_history_days: Days | None = None


class DemoTable(Table):
    """`[demo]`"""

    page: bool = True


class PriceTable(Table):
    """`[prices."beginning of a model's name"]`: US dollars per million tokens."""

    input: Usd
    output: Usd
    cache_read: Usd | None = None
    cache_write_5m: Usd | None = None
    cache_write_1h: Usd | None = None


class SearchTable(Table):
    """`[search]`"""

    embeddings: PathText | None = None


class HooksTable(Table):
    """`[hooks]`"""

    module: ModuleName


class ConfigFile(Table):
    """The whole file."""

    agents: list[AgentTable] = Field(default_factory=list, max_length=1_000)
    sites: list[SiteTable] = Field(default_factory=list, max_length=10_000)
    api: ApiTable = ApiTable()
    widget: WidgetTable = WidgetTable()
    runs: RunsTable = RunsTable()
    slack: SlackTable = SlackTable()
    demo: DemoTable = DemoTable()
    budgets: BudgetsTable = BudgetsTable()
    retention: RetentionTable = RetentionTable()
    handoff: HandoffTable = HandoffTable()
    routes: list[RouteTable] = Field(default_factory=list, max_length=10_000)
    mcp: list[McpTable] = Field(default_factory=list, max_length=50)
    prices: dict[Annotated[str, Field(min_length=1)], PriceTable] = Field(default_factory=dict)
    search: SearchTable = SearchTable()
    hooks: HooksTable | None = None
