"""A fake Slack that runs by itself: three people, a few channels, and a page to be one of them."""

import asyncio
import signal
from collections.abc import Callable

from adapters.slack_fake.fake import FakeSlack
from adapters.slack_fake.page_routes import build_page
from adapters.slack_fake.posts import Draft, post
from adapters.slack_fake.team import Workspace

DEFAULT_PORT = 8090
DEFAULT_EVENTS_URL = "http://127.0.0.1:8080/slack/events"


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


def render_welcome(slack: FakeSlack, team: Workspace, events_url: str | None) -> str:
    """What to start Parley with, for a shell."""
    key = f"SLACK_SIGNING_SECRET={slack.app.signing_secret}" if events_url else f"SLACK_APP_TOKEN={slack.app.app_token}"
    way = f"Events are posted to {events_url}" if events_url else "Events go over Socket Mode"
    return (
        f"A fake Slack is at {slack.url}\n"
        f"{way}. Start Parley in another terminal with:\n\n"
        f"  export SLACK_API_URL={slack.api_url}\n"
        f"  export SLACK_BOT_TOKEN={team.bot_token}\n"
        f"  export {key}\n"
        f"  parley serve\n\n"
        f"Then open {slack.url} and talk to @{slack.app.name}. Ctrl+C ends it, and nothing is kept."
    )


async def run_dev(port: int, events_url: str | None, tell: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM. Without `events_url` events go over Socket Mode."""
    slack = FakeSlack(port=port)
    team = furnish(slack)
    await slack.start(build_page(slack))
    if events_url is not None:
        await slack.set_request_url(events_url)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, ended.set)
    tell(render_welcome(slack, team, events_url))
    await ended.wait()
    await slack.stop()
