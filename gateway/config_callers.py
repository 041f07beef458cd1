"""Who may come in: the websites with their signing keys, and the callers of the API."""

from collections.abc import Sequence

from adapters.api.tokens import ApiToken, Scope
from adapters.widget.errors import SiteInvalidError
from adapters.widget.keys import SigningKey
from adapters.widget.sites import Look, Site, Starter
from agent.ids import AgentId
from gateway.agents import Agents
from gateway.config_errors import Report
from gateway.config_imports import NotUsableError, Surroundings
from gateway.config_models import ApiTokenTable, SigningKeyTable, SiteTable
from gateway.secret_rules import find_emptiness, find_fault

DEMO_LOOK = Look(
    title="Parley",
    subtitle="The demo",
    greeting="Hello! I am the agent of this gateway. Ask me something, or tell me something about you to remember.",
    starters=(
        Starter(label="What can you do?", value="What can you do?"),
        Starter(label="What time is it in Tokyo?", value="What time is it in Tokyo?"),
        Starter(label="Remember that I like green tea", value="Remember that I like green tea."),
    ),
)
"""How the site `demo` presents itself."""
OPERATOR = "operator"
"""The name of the token that comes from the environment or is drawn at the first start."""


def build_sites(tables: Sequence[SiteTable], agents: Agents, place: Surroundings, report: Report) -> tuple[Site, ...]:
    """All sites; one that cannot be served goes into the report instead."""
    sites: list[Site] = []
    for index, table in enumerate(tables):
        key = f"sites[{index}]"
        if table.key in {one.key for one in tables[:index]}:
            report.add(f"{key}.key", f"expected a key of its own; {table.key} stands there twice")
        signing_keys = _build_keys(table, key, place, report)
        agent_id = _find_agent(table, key, agents, report)
        try:
            sites.append(_build_site(table, agent_id, signing_keys))
        except SiteInvalidError as error:
            field, text = _split(error)
            report.add(f"{key}.{'keys' if field == 'signing_keys' else field}", text)
    return tuple(sites)


def check_starters(tables: Sequence[SiteTable], text_characters: int, report: Report) -> None:
    """A button whose text is longer than a message may be would always be refused."""
    for index, table in enumerate(tables):
        for number, one in enumerate(table.starters):
            if len(one.value or one.label) > text_characters:
                key = f"sites[{index}].starters[{number}]"
                report.add(key, f"expected at most {text_characters} characters, as in widget.text_characters")


def _build_site(table: SiteTable, agent_id: AgentId, signing_keys: Sequence[SigningKey]) -> Site:
    look = Look(
        title=table.title,
        subtitle=table.subtitle,
        greeting=table.greeting,
        color=table.color,
        locale=table.locale,
        starters=tuple(Starter(label=one.label, value=one.value or one.label) for one in table.starters),
    )
    return Site(
        key=table.key,
        origins=frozenset(table.origins),
        signing_keys=tuple(signing_keys),
        agent_id=agent_id,
        allows_no_origin=table.allows_no_origin,
        look=look,
    )


def _find_agent(table: SiteTable, key: str, agents: Agents, report: Report) -> AgentId:
    if table.agent is None:
        return agents.default_id
    if AgentId(table.agent) not in agents.by_id:
        report.add(f"{key}.agent", f"there is no agent {table.agent}; expected one of {', '.join(agents.by_id)}")
    return AgentId(table.agent)


def _build_keys(table: SiteTable, key: str, place: Surroundings, report: Report) -> list[SigningKey]:
    keys: list[SigningKey] = []
    for index, one in enumerate(table.keys):
        field, material = f"{key}.keys[{index}]", None
        try:
            field, material = _read_material(one, field, place)
            if one.algorithm == "HS256" and (found := find_emptiness(material)):
                report.add(field, f"expected a random secret of at least 32 bytes; found {found}")
                continue
            keys.append(SigningKey(kid=one.kid, algorithm=one.algorithm, material=material))
        except NotUsableError as error:
            report.add(_named(one, field), str(error))
        except SiteInvalidError as error:
            report.add(field, _split(error)[1])
    return keys


def _read_material(table: SigningKeyTable, key: str, place: Surroundings) -> tuple[str, str]:
    """Where the key stands, and what stands there. Raises `NotUsableError`."""
    field = _named(table, key)
    if table.secret_env is not None:
        return field, place.read_variable(table.secret_env)
    path = table.secret_file or table.public_key_file
    if path is not None:
        return field, place.read_text(path)
    return field, (table.secret or table.public_key or "").strip()


def _named(table: SigningKeyTable | ApiTokenTable, key: str) -> str:
    names = ("secret", "secret_env", "secret_file", "public_key", "public_key_file")
    return next((f"{key}.{name}" for name in names if getattr(table, name, None) is not None), key)


def _split(error: SiteInvalidError) -> tuple[str, str]:
    """`shop.origins: expected …`, without the name in front."""
    where, _, text = str(error).partition(": ")
    return where.rpartition(".")[2], text


def build_tokens(tables: Sequence[ApiTokenTable], place: Surroundings, report: Report) -> tuple[ApiToken, ...]:
    """The API's callers; one whose secret does not do goes into the report instead."""
    tokens: list[ApiToken] = []
    for index, table in enumerate(tables):
        key = f"api.tokens[{index}]"
        if table.name in {OPERATOR, *(one.name for one in tables[:index])}:
            report.add(f"{key}.name", f"expected a name of its own; {table.name} is taken")
        secret = _read_secret(table, key, place, report)
        if secret is None:
            continue
        if secret in {token.secret for token in tokens}:
            report.add(_named(table, key), "expected a secret of its own; another token has the same")
        scopes = frozenset(Scope(scope) for scope in table.scopes)
        tokens.append(ApiToken(name=table.name, secret=secret, scopes=scopes))
    return tuple(tokens)


def _read_secret(table: ApiTokenTable, key: str, place: Surroundings, report: Report) -> str | None:
    try:
        by_variable = table.secret_env is not None
        secret = (
            place.read_variable(table.secret_env or "") if by_variable else place.read_text(table.secret_file or "")
        )
    except NotUsableError as error:
        report.add(_named(table, key), str(error))
        return None
    if fault := find_fault(secret):
        report.add(_named(table, key), fault)
        return None
    return secret
