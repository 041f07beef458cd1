"""What the environment says. The table of variables is in docs/configuration.md.

Values are stripped of the white space round them. A blank one counts as unset where the default is the safer choice,
and is refused where it would quietly change where data or messages go. No file is read, `.env` neither.
"""

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from gateway.config_errors import ENVIRONMENT, Problem, SettingsError
from gateway.config_explain import explain
from gateway.config_forms import check_places, form
from gateway.secret_rules import find_fault, find_fault_of_foreign_key

LogFormat: TypeAlias = Literal["auto", "json", "console"]
Network: TypeAlias = IPv4Network | IPv6Network

BLANK_IS_UNSET = frozenset(
    {
        "PARLEY_BUS_URL",
        "PARLEY_HOST",
        "PARLEY_LEASE_S",
        "PARLEY_LOG_FORMAT",
        "PARLEY_PORT",
        "PARLEY_TRUSTED_PROXIES",
        "PARLEY_WORKERS",
    }
)


def _check_secret(value: SecretStr) -> SecretStr:
    if fault := find_fault(value.get_secret_value()):
        raise ValueError(fault)
    return value


def _check_secrets(value: SecretStr) -> SecretStr:
    for secret in value.get_secret_value().split(","):
        if fault := find_fault(secret):
            raise ValueError(fault)
    return value


def _check_foreign_key(value: SecretStr) -> SecretStr:
    if fault := find_fault_of_foreign_key(value.get_secret_value()):
        raise ValueError(fault)
    return value


def _parse_networks(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(_parse_network(item.strip()) for item in value.split(",") if item.strip())


def _parse_network(text: str) -> Network:
    try:
        network = ip_network(text)
    except ValueError:
        raise ValueError("expected addresses or networks such as 10.0.0.0/8, parted by commas") from None
    if network.prefixlen == 0:
        raise ValueError("expected the addresses of your own proxies; found a network that holds every address")
    return network


def _check_path(value: Path) -> Path:
    if not value.parts:
        raise ValueError("expected a path; found a blank value")
    return value


PostgresUrl = Annotated[
    SecretStr,
    form(r"postgres(?:ql)?://\S+", "an address such as postgresql://user:password@host/database"),
    AfterValidator(check_places),
]
HttpUrl = Annotated[
    str,
    form(r"https?://[^\s/?#@]+(?:/[^\s?#]*)?", "an address such as https://host/path, without user and query"),
    AfterValidator(check_places),
]
BusUrl = Annotated[
    SecretStr,
    form(r"(?:rediss?|unix)://\S+", "an address such as redis://host:6379/0"),
    AfterValidator(check_places),
]
Host = Annotated[str, form(r"[A-Za-z0-9.:_-]{1,253}", "a host name or an address")]
Secret = Annotated[SecretStr, AfterValidator(_check_secret)]
ForeignKey = Annotated[SecretStr, AfterValidator(_check_foreign_key)]
Secrets = Annotated[SecretStr, AfterValidator(_check_secrets)]
SlackClientId = Annotated[str, form(r"[0-9A-Za-z.]{1,100}", "the client id of the app, such as 1234567890.1234567890")]
FilePath = Annotated[Path, AfterValidator(_check_path)]


def find_slack_fault(settings: "Settings") -> str | None:
    """What is missing of Slack's part, or one too many; none when all or nothing is set."""
    client = (settings.slack_client_id, settings.slack_client_secret)
    is_reached = settings.slack_signing_secret is not None or settings.slack_app_token is not None
    if any(client) and not all(client):
        return "SLACK_CLIENT_ID: expected both SLACK_CLIENT_ID and SLACK_CLIENT_SECRET"
    if all(client) and settings.slack_bot_token is not None:
        return "SLACK_BOT_TOKEN: expected none beside SLACK_CLIENT_ID; each installation brings its own"
    if all(client) and settings.secret_key is None:
        return "PARLEY_SECRET_KEY: expected a secret, by which the tokens of installations are encrypted"
    if settings.slack_bot_token is None and not any(client):
        return (
            "SLACK_BOT_TOKEN: expected a bot token beside the signing secret or the app token" if is_reached else None
        )
    if not is_reached:
        name = "SLACK_CLIENT_ID" if any(client) else "SLACK_BOT_TOKEN"
        return f"{name}: expected SLACK_SIGNING_SECRET (HTTP) or SLACK_APP_TOKEN (Socket Mode) too"
    return None


class Settings(BaseSettings):
    """The environment, checked. Durations are in seconds. Made by `load_settings`."""

    model_config = SettingsConfigDict(case_sensitive=True, extra="ignore", frozen=True, populate_by_name=True)

    DEFAULT_CONFIG: ClassVar[Path] = Path("parley.toml")

    database_url: PostgresUrl | None = Field(default=None, validation_alias="DATABASE_URL")
    database_direct_url: PostgresUrl | None = Field(default=None, validation_alias="DATABASE_DIRECT_URL")
    data_dir: FilePath = Field(default=Path(".parley"), validation_alias="PARLEY_DATA_DIR")
    config: FilePath = Field(default=DEFAULT_CONFIG, validation_alias="PARLEY_CONFIG")
    anthropic_api_key: ForeignKey | None = Field(default=None, validation_alias="ANTHROPIC_API_KEY")
    anthropic_base_url: HttpUrl | None = Field(default=None, validation_alias="ANTHROPIC_BASE_URL")
    slack_bot_token: ForeignKey | None = Field(default=None, validation_alias="SLACK_BOT_TOKEN")
    slack_signing_secret: Secret | None = Field(default=None, validation_alias="SLACK_SIGNING_SECRET")
    slack_app_token: ForeignKey | None = Field(default=None, validation_alias="SLACK_APP_TOKEN")
    slack_client_id: SlackClientId | None = Field(default=None, validation_alias="SLACK_CLIENT_ID")
    slack_client_secret: ForeignKey | None = Field(default=None, validation_alias="SLACK_CLIENT_SECRET")
    slack_api_url: HttpUrl | None = Field(default=None, validation_alias="SLACK_API_URL")
    bus_url: BusUrl | None = Field(default=None, validation_alias="PARLEY_BUS_URL")
    lease_s: float = Field(default=15.0, ge=1, le=600, allow_inf_nan=False, validation_alias="PARLEY_LEASE_S")
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_parse_networks)] = Field(
        default=(), validation_alias="PARLEY_TRUSTED_PROXIES"
    )
    log_format: LogFormat = Field(default="auto", validation_alias="PARLEY_LOG_FORMAT")
    operator_token: Secret | None = Field(default=None, validation_alias="PARLEY_OPERATOR_TOKEN")
    secret_key: Secrets | None = Field(default=None, validation_alias="PARLEY_SECRET_KEY")
    host: Host = Field(default="127.0.0.1", validation_alias="PARLEY_HOST")
    port: int = Field(default=8080, ge=0, le=65535, validation_alias="PARLEY_PORT")
    workers: int = Field(default=1, ge=1, le=64, validation_alias="PARLEY_WORKERS")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What the command line says goes before the environment; nothing else is looked at."""
        return init_settings, env_settings

    @model_validator(mode="before")
    @classmethod
    def _strip(cls, values: dict[str, object]) -> dict[str, object]:
        stripped = {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}
        return {name: value for name, value in stripped.items() if value != "" or name not in BLANK_IS_UNSET}

    @model_validator(mode="after")
    def _check_vendors_keys(self) -> Self:
        """The keys that the vendors themselves issue are long; another server's may be anything."""
        issued = {} if self.anthropic_base_url else {"ANTHROPIC_API_KEY": self.anthropic_api_key}
        if self.slack_api_url is None:
            issued |= {"SLACK_BOT_TOKEN": self.slack_bot_token, "SLACK_APP_TOKEN": self.slack_app_token}
        for name, key in issued.items():
            if key is not None and (fault := find_fault(key.get_secret_value())):
                raise ValueError(f"{name}: {fault}")
        return self

    @model_validator(mode="after")
    def _check_database(self) -> Self:
        """With the one address alone the gateway would start a database of its own, and nobody would see why."""
        if self.database_direct_url is not None and self.database_url is None:
            raise ValueError("DATABASE_DIRECT_URL: expected DATABASE_URL beside it, which names the database")
        return self

    @model_validator(mode="after")
    def _check_slack(self) -> Self:
        """Half of what Slack needs is a mistake, not a wish to have it off."""
        if fault := find_slack_fault(self):
            raise ValueError(fault)
        return self

    @property
    def is_config_given(self) -> bool:
        """Whether the configuration file was named, so that it has to exist."""
        return "config" in self.model_fields_set

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the gateway."""
        try:
            return self.host == "localhost" or ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False


def load_settings(*, host: str | None = None, port: int | None = None, workers: int | None = None) -> Settings:
    """The settings; what is given here goes before the environment. Raises `SettingsError` with all that is wrong."""
    given = {"PARLEY_HOST": host, "PARLEY_PORT": port, "PARLEY_WORKERS": workers}
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        raise SettingsError([_problem(explain(detail)) for detail in error.errors(include_url=False)]) from None


def _problem(explained: tuple[str, str]) -> Problem:
    key, text = explained
    return Problem(source=ENVIRONMENT, key=key, text=text)
