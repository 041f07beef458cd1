"""What people do in the fake workspaces. An act is done when it returns; the app hears of it in its own time."""

from typing import Any

from adapters.slack_fake import posts, streams
from adapters.slack_fake.blocks import find_action
from adapters.slack_fake.delivery import Courier, Outcome
from adapters.slack_fake.dispatch import tell_in_channel, tell_installation
from adapters.slack_fake.errors import UsageError
from adapters.slack_fake.interactions import (
    build_close,
    build_command,
    build_message_click,
    build_shortcut,
    build_submission,
    build_view_click,
    take_submission_answer,
)
from adapters.slack_fake.json_types import Json
from adapters.slack_fake.methods_files import add_file
from adapters.slack_fake.records import Channel, Ephemeral, File, Installation, Message, User, View
from adapters.slack_fake.rendering import render_message, render_user, render_view
from adapters.slack_fake.response_urls import answer
from adapters.slack_fake.world import World


class Acts:
    """People's hands. `<@BOT>` in a text stands for the app's bot."""

    world: World
    courier: Courier

    def app_in(self, channel: Channel, user: User | None = None) -> Installation:
        """The installation that serves a conversation, or its user's workspace."""
        team_ids = [*([user.team_id] if user else []), *channel.team_ids]
        for team_id in team_ids:
            found = self.world.installation_of(team_id)
            if found is not None:
                return found
        raise UsageError("the app is not installed there")

    def _text(self, channel: Channel, text: str) -> str:
        return text.replace("<@BOT>", f"<@{self.app_in(channel).bot.user_id}>") if "<@BOT>" in text else text

    async def say(
        self,
        user: User,
        channel: Channel,
        text: str,
        *,
        thread_ts: str | None = None,
        files: list[tuple[str, bytes]] | None = None,
        is_broadcast: bool = False,
        subtype: str | None = None,
    ) -> str:
        """Write a message; its time comes back. `files` are names and bytes; `subtype` is `me_message`, if anything."""
        if user.user_id not in channel.members:
            raise UsageError(f"{user.name} is not in {channel.name or channel.channel_id}")
        if thread_ts is not None and self.world.find_message(channel.channel_id, thread_ts) is None:
            raise UsageError(f"there is no thread {thread_ts}")
        added: list[File] = [add_file(self.world, user.team_id, user.user_id, *file) for file in files or []]
        draft = posts.Draft(
            channel=channel,
            user=user,
            text=self._text(channel, text),
            thread_ts=thread_ts,
            files=added,
            is_broadcast=is_broadcast,
            subtype=subtype,
        )
        return posts.post(self.world, draft).ts

    async def say_as_bot(self, bot: User, channel: Channel, text: str, *, thread_ts: str | None = None) -> str:
        """Another app's legacy post: `bot_message`, with a `bot_id` and no user."""
        text = self._text(channel, text)
        draft = posts.Draft(channel=channel, user=bot, text=text, thread_ts=thread_ts, subtype="bot_message")
        return posts.post(self.world, draft).ts

    async def edit(self, user: User, channel: Channel, ts: str, text: str) -> None:
        """Change one's own message."""
        posts.edit(self.world, self._own(user, channel, ts), self._text(channel, text), user)

    async def delete(self, user: User, channel: Channel, ts: str) -> None:
        """Take one's own message away."""
        posts.delete(self.world, self._own(user, channel, ts))

    def _own(self, user: User, channel: Channel, ts: str) -> Message:
        message = self.world.need_message(channel.channel_id, ts)
        if message.user.user_id != user.user_id:
            raise UsageError("that is somebody else's message")
        return message

    async def unfurl(self, channel: Channel, ts: str, url: str = "https://example.com/") -> None:
        """Slack adds a preview: `message_changed`, with the same words."""
        message = self.world.need_message(channel.channel_id, ts)
        before = render_message(self.world, message, has_metadata=True)
        message.attachments = [{"id": 1, "from_url": url, "title": "Example", "fallback": "Example"}]
        posts.change(self.world, message, before)

    async def react(self, user: User, channel: Channel, ts: str, name: str, *, is_added: bool = True) -> None:
        """Add or take a reaction."""
        posts.react(self.world, self.world.need_message(channel.channel_id, ts), user, name, is_added=is_added)

    async def press_stop(self, user: User, channel: Channel, thread_ts: str) -> list[str]:
        """Press the stop button of a thread that shows `processing`. The streams that Slack ended come back."""
        session = self.world.sessions.get((channel.channel_id, thread_ts))
        if session is None or session.status != "processing":
            raise UsageError("no stop button is shown there")
        if "agent_session_stopped" not in self.app_in(channel).events:
            raise UsageError("the app does not hear of stops, so there is no button")
        ended = streams.stop_by_user(self.world, channel.channel_id, thread_ts)
        event: Json = {"type": "agent_session_stopped", "channel": channel.channel_id, "thread_ts": thread_ts}
        event |= {"user": user.user_id, "streaming_message_ts": ended, "event_ts": self.world.new_ts()}
        tell_in_channel(self.world, channel, event)
        return ended

    async def open_home(self, user: User, *, tab: str = "home") -> None:
        """Open the app's home, at `home` or `messages`."""
        installation = self.world.installation_of(user.team_id)
        if installation is None:
            raise UsageError("the app is not installed there")
        channel = self.world.find_im(user, installation.bot)
        event: Json = {"type": "app_home_opened", "user": user.user_id, "channel": channel.channel_id, "tab": tab}
        event["event_ts"] = self.world.new_ts()
        view = self.world.homes.get((installation.installation_id, user.user_id))
        if tab == "home" and view is not None:
            event["view"] = render_view(self.world, view)
        tell_installation(self.world, installation, event)

    async def change_profile(self, user: User, **fields: Any) -> None:
        """Change fields of a user; everybody who can see them hears `user_change`."""
        for name, value in fields.items():
            setattr(user, name, value)
        user.updated_at = self.world.now_s()
        for installation in self.world.installations.values():
            has_email = "users:read.email" in installation.scopes
            shown = render_user(self.world, user, viewer=installation, has_email=has_email)
            event = {"type": "user_change", "user": shown, "cache_ts": user.updated_at}
            tell_installation(self.world, installation, {**event, "event_ts": self.world.new_ts()})

    async def click(self, user: User, channel: Channel, ts: str, action_id: str, value: str | None = None) -> Outcome:
        """Click something in a message or an ephemeral one. `value` picks a feedback button or an option."""
        target: Message | Ephemeral | None = self.world.find_message(channel.channel_id, ts)
        if target is None:
            seen = [e for e in self.world.ephemerals if e.user_id == user.user_id and not e.is_deleted]
            target = next((e for e in seen if e.ts == ts), None)
        found = find_action(target.blocks, action_id) if target else None
        if target is None or found is None:
            raise UsageError(f"there is nothing called {action_id} to click")
        installation = self.app_in(channel, user)
        return await self.courier.request(build_message_click(self.world, installation, user, target, found, value))

    async def click_view(self, user: User, view: View, action_id: str, value: str | None = None) -> Outcome:
        """Click something in App Home or a modal."""
        found = find_action(view.body["blocks"], action_id)
        installation = self.world.installation_of(view.team_id)
        if found is None or installation is None:
            raise UsageError(f"there is nothing called {action_id} to click")
        return await self.courier.request(build_view_click(self.world, installation, user, view, found, value))

    async def submit(self, user: User, view: View, values: Json | None = None) -> Json:
        """Send a modal off. The app's errors come back by block; with none, the modal closes or does what it says."""
        installation = self.world.installation_of(view.team_id)
        if installation is None or not view.is_open:
            raise UsageError("that modal is closed")
        outcome = await self.courier.request(build_submission(self.world, installation, user, view, values or {}))
        if not outcome.is_acked:
            raise UsageError("the app did not take the form")
        return take_submission_answer(self.world, view, outcome.body)

    async def close(self, user: User, view: View) -> None:
        """Close a modal."""
        view.is_open = False
        installation = self.world.installation_of(view.team_id)
        if view.body.get("notify_on_close") and installation is not None:
            await self.courier.request(build_close(self.world, installation, user, view))
        self.world.on_change()

    async def shortcut(self, user: User, channel: Channel, ts: str, callback_id: str) -> Outcome:
        """Use a message shortcut."""
        message = self.world.need_message(channel.channel_id, ts)
        installation = self.app_in(channel, user)
        return await self.courier.request(build_shortcut(self.world, installation, user, message, callback_id))

    async def command(self, user: User, channel: Channel, command: str, text: str = "") -> Outcome:
        """Use a slash command. What the app answers at once is shown as Slack would show it."""
        if command not in self.world.app.commands:
            raise UsageError(f"{command} is not a command here")
        installation = self.app_in(channel, user)
        outgoing, response_url = build_command(self.world, installation, user, channel, command, text)
        outcome = await self.courier.request(outgoing)
        target = self.world.response_urls[response_url.rpartition("/")[2]]
        if outcome.is_acked and outcome.body:
            answer(self.world, target, outcome.body if isinstance(outcome.body, dict) else {"text": outcome.body})
        elif not outcome.is_acked:
            why = "operation_timeout" if "timeout" in outcome.reason else "dispatch_failed"
            answer(self.world, target, {"text": f'{command} failed with the error "{why}"'})
        return outcome
