"""What comes in, whichever way: a payload ─► written down ─► what Slack is answered."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from adapters.slack.approving import Approving
from adapters.slack.ask_blocks import read_pressed
from adapters.slack.asking import Asking
from adapters.slack.deciding import Decision, Reason, Verdict
from adapters.slack.errands import Errands
from adapters.slack.home import Home
from adapters.slack.inbox import Intake
from adapters.slack.interactions import parse_interaction
from adapters.slack.modals import read_memory_id
from adapters.slack.payloads import parse_event
from adapters.slack.records import Asked, Challenge, Clicked, Command, Shortcut, Submitted, text_of
from adapters.slack.sharing import Pins
from adapters.slack.sizes import ID_LIMIT, check_ids
from adapters.slack.surfaces import Surfaces
from agent.errors import StoreUnavailableError
from agent.ids import SessionId
from agent.records import JsonObject

log = structlog.get_logger(__name__)
COMMAND_S = 2.5
GOES_ON = "This takes a while. I go on, and tell you here once it is done."
NOT_DONE = "That did not work just now. Please try again."
Click = Callable[[Clicked], Awaitable[tuple[Decision, SessionId | None]]]
_EVENTS = frozenset({"event_callback", "url_verification"})


class Door:
    """Both transports' way in. `last_at_s` is when something last came, by the monotonic clock."""

    def __init__(
        self,
        intake: Intake,
        surfaces: Surfaces,
        home: Home,
        asking: Asking,
        approving: Approving,
        pins: Pins,
        errands: Errands,
    ) -> None:
        self._intake = intake
        self._errands = errands
        self._approving = approving
        self._asking = asking
        self._home = home
        self._surfaces = surfaces
        self._pins = pins
        self.last_at_s = time.monotonic()

    async def take(self, payload: JsonObject) -> JsonObject:
        """Take a genuine payload; what is returned is Slack's answer, and acks it.

        Raises `PayloadError`, and `StoreUnavailableError`: then nothing may be acked.
        """
        self.last_at_s = time.monotonic()
        if "ssl_check" in payload:
            return {}
        if text_of(payload, "type") == "app_rate_limited":
            log.warning("slack_holds_events_back", team=(text_of(payload, "team_id") or "")[:ID_LIMIT])
            return {}
        if text_of(payload, "type") in _EVENTS:
            event = parse_event(payload)
            if isinstance(event, Challenge):
                return {"challenge": event.challenge}
            check_ids(event)
            await self._intake.receive(payload, await self._pins.settle(event))
            return {}
        return await self._interact(payload)

    async def _interact(self, payload: JsonObject) -> JsonObject:
        interaction = parse_interaction(payload)
        check_ids(interaction)
        interaction = await self._pins.settle(interaction)
        match interaction:
            case Shortcut():
                await self._intake.note(interaction, self._asking.open_form(interaction), "shortcut")
            case Asked():
                await self._intake.receive(payload, interaction)
            case Clicked():
                decision, _ = await self._find_click(interaction)(interaction)
                await self._intake.note(interaction, decision, "click")
            case Submitted():
                decision, answer = await self._home.submit(interaction)
                await self._intake.note(interaction, decision, "form")
                return answer
            case Command():
                await self._intake.note(interaction, _done(Reason.COMMAND), "command")
                return {"response_type": "ephemeral", "text": await self._carry_out(interaction)}
            case _:
                await self._intake.note(interaction, _done(Reason.NO_RULE), interaction.kind)
        return {}

    def _find_click(self, clicked: Clicked) -> Click:
        if read_memory_id(clicked.action_id):
            return self._home.click
        return self._approving.click if read_pressed(clicked.action_id, clicked.value) else self._surfaces.judge

    async def _carry_out(self, command: Command) -> str:
        """Slack waits three seconds; what takes longer goes on, and the person hears of it afterwards."""
        work = self._errands.start(self._surfaces.command(command))
        done, _ = await asyncio.wait({work}, timeout=COMMAND_S)
        if done:
            return await work
        self._errands.start(self._tell_later(command, work))
        return GOES_ON

    async def _tell_later(self, command: Command, work: asyncio.Task[str]) -> None:
        try:
            text = await work
        except StoreUnavailableError:
            text = NOT_DONE
        await self._errands.tell(command.response_url, text)


def _done(reason: Reason) -> Decision:
    return Decision(verdict=Verdict.IGNORED, reason=reason)
