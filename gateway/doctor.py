"""`parley doctor`: what is wrong with the configuration, before anything is started; nothing is changed by looking."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import httpx2

from gateway.config import Configuration, load_configuration
from gateway.config_agents import find_needed_windows
from gateway.config_errors import ConfigurationError
from gateway.doctor_places import find_database_faults, find_embedded_faults, find_port_fault
from gateway.mcp_servers import Address, Program, ToolServer
from gateway.settings import Settings, load_settings

MODEL_TIMEOUT_S = 10.0
SLACK_URL = "https://slack.com/api/"
VENDOR_URL = "https://api.anthropic.com"
API_VERSION = "2023-06-01"
_REFUSED, _ABSENT = {401, 403}, {404, 405}


class Level(StrEnum):
    """How bad it is. An `error` keeps the gateway, or a part of it, from working."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at. `about` names the thing, `text` says how it is, in one line."""

    level: Level
    about: str
    text: str

    @property
    def line(self) -> str:
        """As it is printed."""
        return f"{self.level:<8} {self.about}: {self.text}"


async def examine(*, may_call_model: bool = False, transport: httpx2.AsyncBaseTransport | None = None) -> list[Finding]:
    """Look at everything that can be looked at. `transport` stands for the network to the model."""
    try:
        settings = load_settings()
    except ConfigurationError as error:
        return [*tell_problems(error), *check_variables(os.environ)]
    findings = list(check_variables(os.environ))
    configuration: Configuration | None = None
    try:
        configuration = load_configuration(settings)
        findings += tell_configuration(configuration)
        findings += check_servers(configuration.servers)
    except ConfigurationError as error:
        findings += tell_problems(error)
    findings += [finding async for finding in check_store(settings)]
    findings += [finding async for finding in check_bus(settings)]
    findings += [finding async for finding in check_port(settings)]
    findings += check_slack(settings)
    findings += check_key(settings)
    if may_call_model and settings.anthropic_api_key is not None:
        findings += [finding async for finding in call_model(settings, configuration, transport)]
    if may_call_model and settings.slack_bot_token is not None:
        findings.append(await call_slack(settings, transport))
    return findings


async def call_slack(settings: Settings, transport: httpx2.AsyncBaseTransport | None = None) -> Finding:
    """Whether Slack takes the bot token."""
    base_url = settings.slack_api_url or SLACK_URL
    token = settings.slack_bot_token.get_secret_value() if settings.slack_bot_token else ""
    async with httpx2.AsyncClient(timeout=MODEL_TIMEOUT_S, transport=transport) as client:
        try:
            headers = {"Authorization": f"Bearer {token}"}
            answer = (await client.post(f"{base_url.rstrip('/')}/auth.test", headers=headers)).json()
        except (httpx2.HTTPError, ValueError) as error:
            return Finding(level=Level.ERROR, about=base_url, text=f"not reachable ({type(error).__name__})")
    if isinstance(answer, dict) and answer.get("ok") is True:
        return Finding(level=Level.OK, about=base_url, text="it takes SLACK_BOT_TOKEN")
    code = str(answer.get("error")) if isinstance(answer, dict) else "no answer"
    return Finding(level=Level.ERROR, about=base_url, text=f"it does not take SLACK_BOT_TOKEN ({code[:60]})")


def tell_problems(error: ConfigurationError) -> Iterator[Finding]:
    """The problems of a configuration, one each."""
    for problem in error.problems:
        about, _, text = problem.line.partition(": ")
        yield Finding(level=Level.ERROR, about=about, text=text)


def tell_configuration(configuration: Configuration) -> Iterator[Finding]:
    """What a sound configuration says, and what may surprise its owner."""
    agents, sites = ", ".join(configuration.agents.by_id), ", ".join(configuration.sites) or "none"
    source = str(configuration.source or "no configuration file")
    yield Finding(level=Level.OK, about=source, text=f"agents: {agents}; sites: {sites}")
    for notice in configuration.notices:
        yield Finding(level=Level.WARNING, about=source, text=notice.strip().removeprefix("note").strip())


def check_servers(servers: Sequence[ToolServer]) -> Iterator[Finding]:
    """Whether the programs that serve tools are there; nothing is started."""
    for server in servers:
        about = f"mcp {server.name}"
        match server.place:
            case Program(command=command) if shutil.which(command) is None:
                yield Finding(level=Level.ERROR, about=about, text=f"there is no program {command}")
            case Program(command=command):
                yield Finding(level=Level.OK, about=about, text=f"the program {command}")
            case Address(url=url):
                yield Finding(level=Level.OK, about=about, text=f"at {url}")


def check_variables(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Variables that look like ours and are none: a slip of the pen that would else go unnoticed."""
    known = {str(field.validation_alias) for field in Settings.model_fields.values()}
    for name in sorted(environ):
        if name.startswith("PARLEY_") and name not in known:
            yield Finding(level=Level.WARNING, about="environment", text=f"{name} is set, and means nothing here")


async def check_store(settings: Settings) -> AsyncIterator[Finding]:
    """The database server, or the place where the embedded one lives."""
    if settings.database_url is None:
        about, where = "embedded database", f"in {settings.data_dir}"
        faults = find_embedded_faults(settings.data_dir)
    else:
        about, where = "DATABASE_URL", "reachable, and at this version"
        faults = await find_database_faults((settings.database_direct_url or settings.database_url).get_secret_value())
    for is_fatal, text in faults:
        yield Finding(level=Level.ERROR if is_fatal else Level.WARNING, about=about, text=text)
    if not faults:
        yield Finding(level=Level.OK, about=about, text=where)


async def check_bus(settings: Settings) -> AsyncIterator[Finding]:
    """Whether the server between the processes is there, where one is set. Its library is imported only then."""
    if settings.bus_url is None:
        return
    from memory.redis_bus import find_bus_fault

    fault = await find_bus_fault(settings.bus_url.get_secret_value())
    level = Level.ERROR if fault else Level.OK
    yield Finding(level=level, about="PARLEY_BUS_URL", text=fault or "reachable")


async def check_port(settings: Settings) -> AsyncIterator[Finding]:
    """Whether the gateway could listen."""
    about = f"{settings.host}:{settings.port}"
    fault = find_port_fault(settings.host, settings.port)
    if fault is None:
        yield Finding(level=Level.OK, about=about, text="free")
    elif await _is_gateway(settings):
        yield Finding(level=Level.WARNING, about=about, text="a gateway is up there already")
    else:
        yield Finding(level=Level.ERROR, about=about, text=f"{fault}; choose another with PARLEY_HOST and PARLEY_PORT")


async def _is_gateway(settings: Settings) -> bool:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    try:
        async with httpx2.AsyncClient(timeout=2, trust_env=False) as client:
            response = await client.get(f"http://{host}:{settings.port}/healthz")
    except httpx2.HTTPError:
        return False
    return response.status_code == 200


def check_slack(settings: Settings) -> Iterator[Finding]:
    """Whether each of Slack's secrets looks like what its name says; they are easily mixed up."""
    if settings.slack_api_url is not None:
        return
    for name, secret, beginning in (
        ("SLACK_BOT_TOKEN", settings.slack_bot_token, "xoxb-"),
        ("SLACK_APP_TOKEN", settings.slack_app_token, "xapp-"),
    ):
        if secret is not None and not secret.get_secret_value().startswith(beginning):
            yield Finding(level=Level.ERROR, about=name, text=f"expected a token that begins with {beginning}")
    signing = settings.slack_signing_secret
    if signing is not None and signing.get_secret_value().startswith(("xoxb-", "xapp-", "xoxp-")):
        yield Finding(
            level=Level.ERROR, about="SLACK_SIGNING_SECRET", text="expected the signing secret; found a token"
        )


def check_key(settings: Settings) -> Iterator[Finding]:
    """Which model will answer."""
    key, base_url = settings.anthropic_api_key, settings.anthropic_base_url
    if key is None:
        if base_url is not None:
            text = "it is set and ANTHROPIC_API_KEY is not, so the demo model answers"
            yield Finding(level=Level.WARNING, about="ANTHROPIC_BASE_URL", text=text)
        else:
            yield Finding(level=Level.OK, about="ANTHROPIC_API_KEY", text="not set: the built-in demo model answers")
    elif base_url is None and not key.get_secret_value().startswith("sk-ant-"):
        text = "expected a key that begins with sk-ant-, or ANTHROPIC_BASE_URL for another server"
        yield Finding(level=Level.WARNING, about="ANTHROPIC_API_KEY", text=text)
    else:
        yield Finding(level=Level.OK, about="ANTHROPIC_API_KEY", text=f"set, for {base_url or VENDOR_URL}")


async def call_model(
    settings: Settings, configuration: Configuration | None, transport: httpx2.AsyncBaseTransport | None = None
) -> AsyncIterator[Finding]:
    """Whether the server takes the key and has the models; costs nothing."""
    base_url = settings.anthropic_base_url or VENDOR_URL
    key = settings.anthropic_api_key.get_secret_value() if settings.anthropic_api_key else ""
    headers = {"x-api-key": key, "anthropic-version": API_VERSION}
    async with httpx2.AsyncClient(
        base_url=f"{base_url.rstrip('/')}/v1/", headers=headers, timeout=MODEL_TIMEOUT_S, transport=transport
    ) as client:
        try:
            finding = judge_answer(base_url, (await client.get("models", params={"limit": 1})).status_code)
            yield finding
            if finding.level is Level.OK and configuration is not None:
                needed = find_needed_windows(configuration.agents)
                for model in sorted(_models(configuration)):
                    answer = await client.get(f"models/{model}")
                    if fault := judge_model(model, answer, needed.get(model, 0)):
                        yield Finding(level=Level.ERROR, about=base_url, text=fault)
        except httpx2.HTTPError as error:
            yield Finding(level=Level.ERROR, about=base_url, text=f"not reachable ({type(error).__name__})")


def judge_model(model: str, answer: httpx2.Response, needed_tokens: int) -> str | None:
    """What is wrong with a model: it is not there, or nothing fits it. None where nothing is, or it is not told."""
    if answer.status_code in _ABSENT:
        return f"it has no model {model}"
    try:
        told = answer.json()
    except ValueError:
        return None
    window = told.get("max_input_tokens") if isinstance(told, dict) else None
    if isinstance(window, int) and window <= needed_tokens:
        return f"the window of {model} has {window} tokens; instructions, tools and max_tokens take {needed_tokens}"
    return None


def judge_answer(base_url: str, status: int) -> Finding:
    """What the status of the list of models says of the key."""
    if status == 200:
        return Finding(level=Level.OK, about=base_url, text="it takes the key")
    if status in _REFUSED:
        return Finding(level=Level.ERROR, about=base_url, text=f"it does not take the key ({status})")
    if status in _ABSENT:
        return Finding(level=Level.WARNING, about=base_url, text="it has no list of models, so the key was not tried")
    return Finding(level=Level.WARNING, about=base_url, text=f"it answered {status}; try again later")


def _models(configuration: Configuration) -> set[str]:
    agents = configuration.agents.by_id.values()
    used = {config.agent.model for config in agents}
    return used | {config.small_model for config in agents if config.memory_mode == "agentic"}
