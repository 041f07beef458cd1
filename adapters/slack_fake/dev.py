"""A fake Slack that runs by itself: three people, a few channels, and a page to be one of them."""

import asyncio
import signal
from collections.abc import Callable
from urllib.parse import urlsplit

from adapters.slack_fake.fake import FakeSlack
from adapters.slack_fake.page_routes import build_page
from adapters.slack_fake.posts import Draft, post
from adapters.slack_fake.team import Workspace

DEFAULT_PORT = 8090
DEFAULT_EVENTS_URL = "http://127.0.0.1:8080/slack/events"
SECRET_KEY = "9d1c6a0f4be7382511aa77c0de5f9b34"  # noqa: S105  seals nothing but tokens of the fake


def furnish(slack: FakeSlack) -> Workspace:
    """Three people and what they have. The same in every run, tokens too."""
    team = slack.add_team("Acme")
    ann = team.add_user("Ann", email="ann@acme.example", is_admin=True)
    ben = team.add_user("Ben", email="ben@acme.example", tz="America/New_York", tz_offset=-18_000)
    cleo = team.add_user("Cleo", email="cleo@partner.example", tz="Asia/Tokyo", tz_offset=32_400, is_guest=True)
    general = team.add_channel("general", members=[ann, ben, cleo])
    team.add_channel("support", members=[ann, ben])
    team.add_channel("planning", members=[ann, cleo], is_private=True)
    team.add_channel("watercooler", members=[ann, ben, cleo], has_bot=False)
    for person in (ann, ben, cleo):
        team.direct(person)
    team.group([ann, ben])
    tell, slack.world.on_event = slack.world.on_event, lambda outgoing: None
    post(slack.world, Draft(channel=general, user=ann, text=f"Morning! <@{team.bot.user_id}> is in this channel now."))
    post(slack.world, Draft(channel=general, user=ben, text="Nice. Mention it to ask something."))
    slack.world.on_event = tell
    return team


def take_out(slack: FakeSlack, team: Workspace, events_url: str | None) -> None:
    """The app is not there yet, and may lead back to a Parley at the address that events go to."""
    installation = team.installation
    installation.is_revoked = installation.is_uninstalled = True
    home = urlsplit(events_url or DEFAULT_EVENTS_URL)
    slack.app.redirect_uris = (f"{home.scheme}://{home.netloc}/slack/oauth_redirect",)


def render_welcome(slack: FakeSlack, team: Workspace, events_url: str | None, *, is_oauth: bool = False) -> str:
    """What to start Parley with, for a shell."""
    app = slack.app
    way = f"Events are posted to {events_url}" if events_url else "Events go over Socket Mode"
    settings = {"SLACK_API_URL": slack.api_url}
    if is_oauth:
        settings |= {
            "SLACK_CLIENT_ID": app.client_id,
            "SLACK_CLIENT_SECRET": app.client_secret,
            "PARLEY_SECRET_KEY": SECRET_KEY,
        }
    else:
        settings |= {"SLACK_BOT_TOKEN": team.bot_token}
    settings |= {"SLACK_SIGNING_SECRET": app.signing_secret} if events_url else {"SLACK_APP_TOKEN": app.app_token}
    exports = "".join(f"  export {name}={value}\n" for name, value in settings.items())
    install = app.redirect_uris[0].replace("oauth_redirect", "install") if is_oauth else ""
    first = f"Then open {install} to install the app, and\n" if is_oauth else "Then open "
    return (
        f"A fake Slack is at {slack.url}\n"
        f"{way}. Start Parley in another terminal with:\n\n"
        f"{exports}  parley serve\n\n"
        f"{first}{slack.url} to talk to @{app.name}. Ctrl+C ends it, and nothing is kept."
    )


async def run_dev(port: int, events_url: str | None, tell: Callable[[str], None], *, is_oauth: bool = False) -> None:
    """Serve until SIGINT or SIGTERM. Without `events_url` events go over Socket Mode.

    With `is_oauth` the app is still to be installed.
    """
    slack = FakeSlack(port=port)
    team = furnish(slack)
    if is_oauth:
        take_out(slack, team, events_url)
    await slack.start(build_page(slack))
    if events_url is not None:
        await slack.set_request_url(events_url)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, ended.set)
    tell(render_welcome(slack, team, events_url, is_oauth=is_oauth))
    await ended.wait()
    await slack.stop()
