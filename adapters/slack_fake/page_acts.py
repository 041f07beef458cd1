"""What somebody does on the page, as acts in the workspace."""

from collections.abc import Awaitable, Callable
from typing import Any

from adapters.slack_fake.errors import UsageError
from adapters.slack_fake.fake import FakeSlack
from adapters.slack_fake.faults import FaultKind
from adapters.slack_fake.json_types import Json
from adapters.slack_fake.records import Channel, User, View
from adapters.slack_fake.web_api import METHODS


class PageActs:
    """One act per name. `UsageError` says in a sentence why something cannot be done."""

    def __init__(self, slack: FakeSlack) -> None:
        self._slack = slack
        self._acts: dict[str, Callable[[Json], Awaitable[Json | None]]] = {
            "say": self._say,
            "edit": self._edit,
            "delete": self._delete,
            "react": self._react,
            "stop": self._stop,
            "click": self._click,
            "shortcut": self._shortcut,
            "open_home": self._open_home,
            "submit": self._submit,
            "close": self._close,
            "fault": self._fault,
            "wire": self._wire,
        }

    async def run(self, body: Json) -> Json:
        """Do one; what is to be shown at once comes back."""
        act = self._acts.get(str(body.get("act")))
        if act is None:
            raise UsageError("there is no such act")
        return await act(body) or {}

    def find_user(self, user_id: Any) -> User:
        """The person that the page is."""
        user = self._slack.world.users.get(str(user_id))
        if user is None or user.is_bot:
            raise UsageError("there is no such person")
        return user

    def find_channel(self, channel_id: Any) -> Channel:
        """The conversation that the page shows."""
        channel = self._slack.world.channels.get(str(channel_id))
        if channel is None:
            raise UsageError("there is no such conversation")
        return channel

    def _where(self, body: Json) -> tuple[User, Channel]:
        return self.find_user(body.get("user")), self.find_channel(body.get("channel"))

    def _view(self, body: Json) -> View:
        view = self._slack.world.views.get(str(body.get("view")))
        if view is None or view.user_id != body.get("user"):
            raise UsageError("there is no such view")
        return view

    async def _say(self, body: Json) -> None:
        """A message, a `/command`, or `/me` and what one does."""
        user, channel = self._where(body)
        text, thread_ts = str(body.get("text", "")).strip(), body.get("thread_ts") or None
        if not text:
            raise UsageError("there is nothing to send")
        word, _, rest = text.partition(" ")
        if word == "/me" and rest:
            await self._slack.say(user, channel, rest, thread_ts=thread_ts, subtype="me_message")
        elif word.startswith("/"):
            if thread_ts is not None:
                raise UsageError("Slack takes no commands in threads")
            await self._slack.command(user, channel, word, rest)
        else:
            text = text.replace(f"@{self._slack.app.name}", "<@BOT>").replace(f"@{self._slack.app.handle}", "<@BOT>")
            for other in self._slack.world.users.values():
                text = text.replace(f"@{other.real_name}", f"<@{other.user_id}>")
            is_broadcast = bool(body.get("is_broadcast"))
            await self._slack.say(user, channel, text, thread_ts=thread_ts, is_broadcast=is_broadcast)

    async def _edit(self, body: Json) -> None:
        user, channel = self._where(body)
        await self._slack.edit(user, channel, str(body.get("ts")), str(body.get("text", "")))

    async def _delete(self, body: Json) -> None:
        user, channel = self._where(body)
        await self._slack.delete(user, channel, str(body.get("ts")))

    async def _react(self, body: Json) -> None:
        user, channel = self._where(body)
        await self._slack.react(user, channel, str(body.get("ts")), "+1")

    async def _stop(self, body: Json) -> None:
        user, channel = self._where(body)
        await self._slack.press_stop(user, channel, str(body.get("thread_ts")))

    async def _click(self, body: Json) -> None:
        action_id, value = str(body.get("action_id")), body.get("value")
        if body.get("view"):
            await self._slack.click_view(self.find_user(body.get("user")), self._view(body), action_id, value)
            return
        user, channel = self._where(body)
        await self._slack.click(user, channel, str(body.get("ts")), action_id, value)

    async def _shortcut(self, body: Json) -> None:
        user, channel = self._where(body)
        await self._slack.shortcut(user, channel, str(body.get("ts")), str(body.get("callback_id")))

    async def _open_home(self, body: Json) -> None:
        await self._slack.open_home(self.find_user(body.get("user")), tab=str(body.get("tab", "home")))

    async def _submit(self, body: Json) -> Json:
        values = body.get("values")
        errors = await self._slack.submit(
            self.find_user(body.get("user")), self._view(body), values if isinstance(values, dict) else {}
        )
        return {"errors": errors}

    async def _close(self, body: Json) -> None:
        await self._slack.close(self.find_user(body.get("user")), self._view(body))

    async def _fault(self, body: Json) -> None:
        """Break calls of the Web API."""
        method, kind = str(body.get("method")), str(body.get("kind"))
        if method not in {*METHODS, "*", "chat.*"} or kind not in set(FaultKind):
            raise UsageError("there is no such fault")
        times = int(body.get("times") or 0)
        self._slack.faults.add(FaultKind(kind), method, times=times or None, seconds=2.0)
        self._slack.world.on_change()

    async def _wire(self, body: Json) -> None:
        """Break the way to the app, or mend it."""
        slack, sockets, events = self._slack, self._slack.sockets, self._slack.faults.events
        match str(body.get("what")):
            case "duplicate":
                events.copies = (1, 1) if events.copies != (1, 1) else (1, 4)
            case "shuffle":
                events.shuffle = 1 if events.shuffle > 1 else 3
                slack.courier.release()
            case "hold":
                events.is_held = not events.is_held
                if not events.is_held:
                    slack.courier.release()
            case "cut":
                sockets.cut()
            case "freeze":
                sockets.freeze()
            case "refresh":
                await sockets.ask_to_leave("refresh_requested")
            case "expire":
                for channel in [*slack.world.channels.values()]:
                    slack.expire_streams(channel)
            case "mend":
                slack.faults.clear()
                sockets.thaw()
                slack.courier.release()
            case _:
                raise UsageError("there is no such thing to break")
        slack.world.on_change()
