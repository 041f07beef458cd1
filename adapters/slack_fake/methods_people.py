"""Who is who: `auth.*`, `users.*`, `team.info`, `bots.info`, `apps.*`, `oauth.v2.access`."""

from adapters.slack_fake.calls import Call, Method
from adapters.slack_fake.errors import RefusalError
from adapters.slack_fake.installing import exchange_code, refresh, revoke, uninstall
from adapters.slack_fake.json_types import Json
from adapters.slack_fake.rendering import is_stranger, render_user


def auth_test(call: Call) -> Json:
    """`auth.test`"""
    team = call.world.teams.get(call.here.team_id or call.bot.team_id)
    answer: Json = {
        "url": f"https://{team.domain if team else 'org'}.slack.com/",
        "team": team.name if team else "",
        "user": call.bot.name,
        "team_id": call.here.team_id or call.bot.team_id,
        "user_id": call.bot.user_id,
        "bot_id": call.bot.bot_id,
        "is_enterprise_install": call.here.is_org_wide,
    }
    if call.here.enterprise_id is not None:
        answer["enterprise_id"] = call.here.enterprise_id
    return answer


def auth_revoke(call: Call) -> Json:
    """`auth.revoke`"""
    if not call.args.flag("test"):
        revoke(call.world, call.here)
    return {"revoked": not call.args.flag("test")}


def users_info(call: Call) -> Json:
    """`users.info`: people of the installation's workspaces, and whom it shares a conversation with."""
    user = call.world.find_user(call.args.need("user", "user_not_found"))
    shares = any({user.user_id, call.bot.user_id} <= set(c.members) for c in call.world.channels.values())
    if is_stranger(call.world, user, call.here) and not shares:
        raise RefusalError("user_not_visible")
    return {"user": _render(call, user.user_id)}


def _render(call: Call, user_id: str) -> Json:
    has_email = "users:read.email" in call.here.scopes
    return render_user(call.world, call.world.users[user_id], viewer=call.here, has_email=has_email)


def users_list(call: Call) -> Json:
    """`users.list`: the people of the installation's workspaces."""
    users = [u for u in call.world.users.values() if not is_stranger(call.world, u, call.here)]
    shown = [_render(call, user.user_id) for user in users]
    return {"members": shown, "cache_ts": call.world.now_s(), "response_metadata": {"next_cursor": ""}}


def lookup_by_email(call: Call) -> Json:
    """`users.lookupByEmail`"""
    email = call.args.need("email", "users_not_found").lower()
    for user in call.world.users.values():
        if (user.email or "").lower() == email and not is_stranger(call.world, user, call.here) and not user.is_deleted:
            return {"user": _render(call, user.user_id)}
    raise RefusalError("users_not_found")


def team_info(call: Call) -> Json:
    """`team.info`"""
    team = call.world.teams.get(call.args.text("team") or call.here.team_id or call.bot.team_id)
    if team is None:
        raise RefusalError("team_not_found")
    shown: Json = {"id": team.team_id, "name": team.name, "domain": team.domain, "email_domain": ""}
    if team.enterprise_id is not None:
        shown |= {"enterprise_id": team.enterprise_id}
        shown |= {"enterprise_name": call.world.enterprises[team.enterprise_id].name}
    return {"team": shown}


def bots_info(call: Call) -> Json:
    """`bots.info`"""
    bot_id = call.args.need("bot", "bot_not_found")
    user = next((u for u in call.world.users.values() if u.bot_id == bot_id), None)
    if user is None:
        raise RefusalError("bot_not_found")
    shown = {"id": bot_id, "deleted": user.is_deleted, "name": user.real_name, "app_id": user.app_id}
    return {"bot": {**shown, "user_id": user.user_id, "updated": user.updated_at, "icons": {}}}


def api_test(call: Call) -> Json:
    """`api.test`"""
    error = call.args.text("error")
    if error is not None:
        raise RefusalError(error)
    return {"args": {}}


def apps_uninstall(call: Call) -> Json:
    """`apps.uninstall`"""
    app = call.world.app
    if call.args.text("client_id") != app.client_id or call.args.text("client_secret") != app.client_secret:
        raise RefusalError("bad_client_secret")
    uninstall(call.world, call.here)
    return {}


def oauth_access(call: Call) -> Json:
    """`oauth.v2.access`: a code or a refresh token for a bot token."""
    app = call.world.app
    if call.args.text("client_id") != app.client_id:
        raise RefusalError("invalid_client_id")
    if call.args.text("client_secret") != app.client_secret:
        raise RefusalError("bad_client_secret")
    if call.args.text("grant_type") == "refresh_token":
        return refresh(call.world, call.args.need("refresh_token", "invalid_refresh_token"))
    return exchange_code(call.world, call.args.need("code", "invalid_code"), call.args.text("redirect_uri"))


METHODS = {
    "auth.test": Method(run=auth_test, per_minute=None),
    "auth.revoke": Method(run=auth_revoke),
    "users.info": Method(run=users_info, scopes=("users:read",), per_minute=100),
    "users.list": Method(run=users_list, scopes=("users:read",), per_minute=20),
    "users.lookupByEmail": Method(run=lookup_by_email, scopes=("users:read.email",)),
    "team.info": Method(run=team_info, scopes=("team:read",)),
    "bots.info": Method(run=bots_info, scopes=("users:read",)),
    "api.test": Method(run=api_test, per_minute=None, takes="none"),
    "apps.uninstall": Method(run=apps_uninstall),
    "oauth.v2.access": Method(run=oauth_access, per_minute=None, takes="none"),
}
