"""The app comes into a workspace or an organisation, renews its token, and goes."""

from adapters.slack_fake.dispatch import tell_installation
from adapters.slack_fake.errors import RefusalError
from adapters.slack_fake.json_types import Json
from adapters.slack_fake.records import ChannelKind, Installation, Team, User
from adapters.slack_fake.scopes import ALL_EVENTS, ALL_SCOPES
from adapters.slack_fake.world import World

TOKEN_LIFE_S = 43_200
CODE_LIFE_S = 600


def install(
    world: World,
    team: Team,
    *,
    is_org_wide: bool = False,
    scopes: frozenset[str] = ALL_SCOPES,
    events: frozenset[str] = ALL_EVENTS,
    installed_by: str | None = None,
) -> Installation:
    """Put the app in. Who is there already keeps the bot account, and gets a new token and the new scopes."""
    known = _find(world, team, is_org_wide=is_org_wide)
    installation = known or Installation(
        installation_id=world.new_id("I"),
        bot=_add_bot(world, team),
        bot_token="",
        scopes=set(),
        events=set(),
        team_id=None if is_org_wide else team.team_id,
        enterprise_id=team.enterprise_id,
    )
    keeps_token = bool(installation.bot_token) and not installation.is_revoked and not world.app.rotates_tokens
    if installation.bot_token and not keeps_token:
        installation.old_tokens.append(installation.bot_token)
    installation.scopes, installation.events = set(scopes), set(events)
    installation.installed_by = installed_by
    installation.is_revoked = installation.is_uninstalled = False
    if not keeps_token:
        _renew(world, installation)
    world.installations[installation.installation_id] = installation
    world.on_change()
    return installation


def _find(world: World, team: Team, *, is_org_wide: bool) -> Installation | None:
    for installation in world.installations.values():
        is_same_org = is_org_wide and installation.is_org_wide and installation.enterprise_id == team.enterprise_id
        if is_same_org or (not is_org_wide and installation.team_id == team.team_id):
            return installation
    return None


def _add_bot(world: World, team: Team) -> User:
    app = world.app
    bot = User(
        user_id=world.new_id("U"),
        team_id=team.team_id,
        name=app.handle,
        real_name=app.name,
        bot_id=world.new_id("B"),
        app_id=app.app_id,
        updated_at=world.now_s(),
    )
    world.users[bot.user_id] = bot
    return bot


def _renew(world: World, installation: Installation) -> None:
    """A new token: for good, or with an end and a refresh token where the app rotates them."""
    if world.app.rotates_tokens:
        installation.bot_token = world.new_secret("xoxe.xoxb-1-")
        installation.refresh_token = world.new_secret("xoxe-1-")
        installation.expires_at = world.clock.now() + TOKEN_LIFE_S
        return
    installation.bot_token = world.new_secret("xoxb-7319004521-")
    installation.refresh_token = installation.expires_at = None


def offer_code(world: World, team: Team, *, redirect_uri: str | None = None, is_org_wide: bool = False) -> str:
    """What somebody who agrees on the consent page carries back to the app."""
    code = world.new_secret("")
    world.oauth_codes[code] = (team.team_id, redirect_uri, "org" if is_org_wide else "team")
    return code


def exchange_code(world: World, code: str, redirect_uri: str | None) -> Json:
    """The installation for a code, which works once."""
    offer = world.oauth_codes.pop(code, None)
    if offer is None:
        raise RefusalError("invalid_code")
    team_id, wanted_uri, reach = offer
    if wanted_uri is not None and redirect_uri != wanted_uri:
        raise RefusalError("bad_redirect_uri")
    team = world.teams[team_id or ""]
    person = next((u for u in world.users.values() if u.team_id == team_id and not u.is_bot), None)
    installer = person.user_id if person else "USLACKBOT"
    return render_grant(world, install(world, team, is_org_wide=reach == "org", installed_by=installer))


def refresh(world: World, refresh_token: str) -> Json:
    """A new token and a new refresh token for an old one."""
    for installation in world.installations.values():
        if installation.refresh_token == refresh_token and not installation.is_revoked:
            installation.old_tokens.append(installation.bot_token)
            _renew(world, installation)
            return render_grant(world, installation)
    raise RefusalError("invalid_refresh_token")


def render_grant(world: World, installation: Installation) -> Json:
    """What `oauth.v2.access` answers."""
    team = world.teams.get(installation.team_id or "")
    org = world.enterprises.get(installation.enterprise_id or "")
    grant: Json = {
        "app_id": world.app.app_id,
        "authed_user": {"id": installation.installed_by},
        "scope": ",".join(sorted(installation.scopes)),
        "token_type": "bot",
        "access_token": installation.bot_token,
        "bot_user_id": installation.bot.user_id,
        "team": {"id": team.team_id, "name": team.name} if team else None,
        "enterprise": {"id": org.enterprise_id, "name": org.name} if org else None,
        "is_enterprise_install": installation.is_org_wide,
    }
    if installation.refresh_token is not None:
        grant |= {"refresh_token": installation.refresh_token, "expires_in": TOKEN_LIFE_S}
    return grant


def revoke(world: World, installation: Installation) -> None:
    """The token works no more; the app hears `tokens_revoked`."""
    installation.is_revoked = True
    event = {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [installation.bot.user_id]}}
    tell_installation(world, installation, {**event, "event_ts": world.new_ts()})
    world.on_change()


def uninstall(world: World, installation: Installation) -> None:
    """The app is gone: `tokens_revoked` and `app_uninstalled`, in either order."""
    installation.is_revoked = True
    events: list[Json] = [
        {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [installation.bot.user_id]}},
        {"type": "app_uninstalled"},
    ]
    world.random.shuffle(events)
    for event in events:
        tell_installation(world, installation, {**event, "event_ts": world.new_ts()})
    installation.is_uninstalled = True
    for channel in world.channels.values():
        if installation.bot.user_id in channel.members and channel.kind is not ChannelKind.IM:
            channel.members.remove(installation.bot.user_id)
    world.on_change()
