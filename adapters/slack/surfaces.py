"""What is beside the threads: `/parley`, the stop button, feedback."""

from collections.abc import Sequence

from adapters.ports import Gateway
from adapters.slack.blocks import BAD, FEEDBACK_ACTION, GOOD, build_list
from adapters.slack.deciding import Decision, Reason, Verdict
from adapters.slack.places import identity_of, session_prefix
from adapters.slack.ports import Own, Posts, Threads
from adapters.slack.profiles import Profiles
from adapters.slack.records import Clicked, Command, StopClicked
from agent.ids import SessionId, TaskId, run_id_of

MEMORIES_LISTED = 100
HELP = """\
*What I understand here*
• `/parley memories`: what I remember about you; only you see it
• `/parley forget`: forget you
• `/parley link`: be the same person here and on the website
• `/parley stop`: stop what I am doing for you in this conversation
• `/parley help`: this
Mention me in a conversation, write to me directly, or choose “Ask the agent about this” on a message. In my Home tab \
you can correct what I remember, or have me forget one thing."""
FORGET_ASKS = """\
I forget what I remember about you and what you wrote to me, on every channel where I know you. This cannot be undone. \
If you want it, send `/parley forget me`."""
NOT_KNOWN = "I know nothing about you."
Outcome = tuple[Decision, SessionId | None]


class Surfaces:
    """What is done about them. Everything raises `StoreUnavailableError`."""

    def __init__(self, gateway: Gateway, threads: Threads, posts: Posts, profiles: Profiles, own: Own) -> None:
        self._gateway = gateway
        self._threads = threads
        self._posts = posts
        self._profiles = profiles
        self._own = own

    async def stop(self, clicked: StopClicked) -> Outcome:
        """The stop button: cancel what runs in that thread; the partial text is kept."""
        running = await self._list_running(clicked)
        await self._stop_all(running)
        return _ignore(Reason.STOPPED if running else Reason.NOTHING_RUNS), running[0][0] if running else None

    async def _list_running(self, clicked: StopClicked) -> Sequence[tuple[SessionId, TaskId]]:
        """By the thread where the button was, which may be one of many of a session; else by what Slack ended."""
        installation, conversation = clicked.origin.installation, clicked.conversation
        if clicked.thread_ts is not None:
            prefix = session_prefix(installation, conversation)
            if running := await self._threads.list_running(prefix, None, clicked.thread_ts):
                return running
        for ts in clicked.streams:
            session_id = await self._posts.find_session(installation, conversation, ts)
            if session_id is not None and (running := await self._threads.list_running(session_id, None)):
                return running
        return ()

    async def _stop_all(self, running: Sequence[tuple[SessionId, TaskId]]) -> None:
        for session_id, task_id in running:
            await self._gateway.stop_run(session_id, run_id_of(task_id))

    async def command(self, command: Command) -> str:
        """`/parley …`: what the person alone is shown."""
        name, _, rest = command.text.partition(" ")
        match name.casefold():
            case "memories":
                return await self._tell_memories(command)
            case "stop":
                return await self._stop_of(command)
            case "forget":
                return await self._forget(command, rest.strip().casefold())
            case "link":
                return await self._link(command, rest.strip())
            case _:
                return HELP

    async def _tell_memories(self, command: Command) -> str:
        user = await self._gateway.find_user(identity_of(command.origin.installation, command.home, command.user))
        found = await self._own.list_newest(user.id, MEMORIES_LISTED) if user else ()
        return build_list("What I remember about you", [memory.memory for memory in found], "Nothing yet.")

    async def _forget(self, command: Command, what: str) -> str:
        if what != "me":
            return FORGET_ASKS
        user = await self._gateway.find_user(identity_of(command.origin.installation, command.home, command.user))
        return await self._own.forget(user.id) if user else NOT_KNOWN

    async def _link(self, command: Command, code: str) -> str:
        """Without a code: make one, to be said elsewhere. With one: this account is the person who made it."""
        person = await self._profiles.find_person(command.origin, command.home, command.user)
        if person.user is None:
            return NOT_KNOWN
        identity = identity_of(command.origin.installation, command.home, command.user)
        return await self._own.link(identity, person.user, code or None)

    async def _stop_of(self, command: Command) -> str:
        user = await self._gateway.find_user(identity_of(command.origin.installation, command.home, command.user))
        if user is None:
            return "Nothing of yours is running here."
        prefix = session_prefix(command.origin.installation, command.conversation)
        running = await self._threads.list_running(prefix, user.id)
        await self._stop_all(running)
        return "Stopped." if running else "Nothing of yours is running here."

    async def judge(self, clicked: Clicked) -> Outcome:
        """The buttons under an answer."""
        judgement, _, post_key = clicked.value.partition(":")
        if clicked.action_id != FEEDBACK_ACTION or judgement not in {GOOD, BAD} or not clicked.ts:
            return _ignore(Reason.NO_RULE), None
        place = (clicked.origin.installation, clicked.conversation or "", clicked.ts)
        session_id = await self._posts.find_session(*place)
        if session_id is None:
            return _ignore(Reason.UNKNOWN_MESSAGE), None
        rater = f"{clicked.origin.installation}:{clicked.user}"
        await self._threads.add_feedback(session_id, post_key, rater, is_good=judgement == GOOD)
        return _ignore(Reason.FEEDBACK), session_id


def _ignore(reason: Reason) -> Decision:
    return Decision(verdict=Verdict.IGNORED, reason=reason)
