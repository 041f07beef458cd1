"""The forms of values in `parley.toml`, and what every table of it has in common."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from gateway.config_forms import form

Name = Annotated[str, form(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", "1 to 64 letters, digits, dots, dashes, underscores")]
ModelName = Annotated[str, form(r"\S{1,200}", "the name of a model, such as claude-sonnet-5-5")]
ToolName = Annotated[str, form(r"[a-z_]+|[\w.]+:\w+", "the name of a built-in tool, or module:function")]
CalledName = Annotated[str, form(r"[A-Za-z0-9_-]{1,64}", "a tool's name as the model calls it, such as orders__refund")]
ModuleName = Annotated[str, form(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", "the name of a Python module, such as my_bot.hooks")]
Color = Annotated[str, form(r"#[0-9A-Fa-f]{6}", "a colour such as #0a66c2")]
Locale = Annotated[str, form(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", "a language such as en or pt-BR")]
ScopeName: TypeAlias = Literal["tasks", "memories", "operator"]
Wait = Annotated[float, Field(ge=0.1, le=86_400, allow_inf_nan=False)]
Line = Annotated[str, Field(min_length=1, max_length=200)]
EnvironmentName = Annotated[str, form(r"[A-Za-z_][A-Za-z0-9_]*", "the name of an environment variable")]
ConversationId = Annotated[str, form(r"[CDG][A-Z0-9]{2,30}", "the id of a conversation in Slack, such as C0123ABC456")]
WorkspaceId = Annotated[str, form(r"[TE][A-Z0-9]{2,30}", "the id of a workspace or organisation, such as T0123ABC456")]
BotId = Annotated[str, form(r"[ABUW][A-Z0-9]{2,30}", "the id of a bot, its user or its app, such as B0123ABC456")]
RuleText = Annotated[str, Field(min_length=1, max_length=500)]
WhenToAnswer: TypeAlias = Literal["mention", "thread", "always", "conditions"]
StrategyName: TypeAlias = Literal["disabled", "summarization", "context"]
PathText = Annotated[str, Field(min_length=1, max_length=1000)]


def _parse_usd(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return value
    try:
        return Decimal(str(value))
    except InvalidOperation:
        raise ValueError("expected a number of US dollars") from None


Usd = Annotated[Decimal, BeforeValidator(_parse_usd), Field(ge=0, le=100_000, allow_inf_nan=False)]


class Table(BaseModel):
    """A table of the file: what it does not know is refused, and a number in quotes is no number."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
