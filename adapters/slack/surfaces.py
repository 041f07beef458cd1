"""What is beside the threads: the home tab, suggested prompts, `/parley`, the stop button, feedback."""

from collections.abc import Sequence

import structlog

from adapters.ports import Gateway
from adapters.slack.blocks import BAD, FEEDBACK_ACTION, GOOD, PROMPTS, Recent, build_home, build_list
from adapters.slack.deciding import Decision, Reason, Verdict
from adapters.slack.errors import SlackError
from adapters.slack.places import CHANNEL, build_session_id, identity_of, session_prefix
from adapters.slack.ports import ListMemories, Posts, Threads, WebApi
from adapters.slack.profiles import Profiles
from adapters.slack.records import Clicked, Command, HomeOpened, StopClicked
from agent.ids import SessionId, TaskId, run_id_of
from agent.records import JsonObject, Session, UserMemory

log = structlog.get_logger(__name__)
MEMORIES_LISTED = 100
SESSIONS_LISTED = 10
TITLE_LIMIT = 80
HELP = """\
*What I understand here*
• `/parley memories`: what I remember about you; only you see it
• `/parley stop`: stop what I am doing for you in this conversation
• `/parley help`: this
Mention me in a conversation, write to me directly, or choose “Ask the agent about this” on a message."""
NOT_HERE = "`/parley {name}` is not there yet in this version."
Outcome = tuple[Decision, SessionId | None]


class Surfaces:
    """What is done about them. Everything raises `StoreUnavailableError`."""

    def __init__(
        self,
        gateway: Gateway,
        threads: Threads,
        posts: Posts,
        api: WebApi,
        profiles: Profiles,
        list_memories: ListMemories,
    ) -> None:
        self._gateway = gateway
        self._threads = threads
        self._posts = posts
        self._api = api
        self._profiles = profiles
        self._list_memories = list_memories

    async def open_home(self, opened: HomeOpened) -> Outcome:
        """Show a person's home, or suggest prompts where they look at the messages."""
        if opened.tab == "messages":
            arguments: JsonObject = {"channel_id": opened.conversation, "prompts": [{**prompt} for prompt in PROMPTS]}
            await self._try(opened.origin.installation, "assistant.threads.setSuggestedPrompts", {**arguments})
            return _ignore(Reason.PROMPTS), None
        person = await self._profiles.find_person(opened.origin, opened.origin.installation, opened.user)
        if person.user is None:
            return _ignore(Reason.OTHER_BOT), None
        memories = await self._list_memories(person.user.id, MEMORIES_LISTED)
        sessions = await self._gateway.list_sessions_of_user(
            person.user.id, CHANNEL, opened.origin.installation, SESSIONS_LISTED
        )
        recent = [Recent(title=await self._title(session), link=_link(opened, session)) for session in sessions]
        view = build_home([memory.memory for memory in memories], recent)
        await self._try(opened.origin.installation, "views.publish", {"user_id": opened.user, "view": view})
        return _ignore(Reason.HOME), None

    async def _try(self, installation: str, method: str, arguments: JsonObject) -> None:
        try:
            await self._api.call(installation, method, arguments, patience_s=5.0)
        except SlackError as error:
            log.info("slack_surface_not_shown", error=str(error))

    async def _title(self, session: Session) -> str:
        if session.title:
            return session.title
        messages = await self._gateway.load_messages_before(session.session_id, session.head + 1, 20)
        first = next((message.text for message in messages if message.role == "user"), "")
        line = " ".join(first.split())
        return f"{line[:TITLE_LIMIT]}…" if len(line) > TITLE_LIMIT else line or "A thread"

    async def stop(self, clicked: StopClicked) -> Outcome:
        """The stop button: cancel what runs in that thread; the partial text is kept."""
        installation, conversation = clicked.origin.installation, clicked.conversation
        session_id = None
        if clicked.thread_ts is not None:
            session_id = build_session_id(installation, conversation, clicked.thread_ts)
        for ts in clicked.streams:
            session_id = await self._posts.find_session(installation, conversation, ts) or session_id
        if session_id is None:
            return _ignore(Reason.NOTHING_RUNS), None
        running = await self._threads.list_running(session_id, None)
        await self._stop_all(running)
        return _ignore(Reason.STOPPED if running else Reason.NOTHING_RUNS), session_id

    async def _stop_all(self, running: Sequence[tuple[SessionId, TaskId]]) -> None:
        for session_id, task_id in running:
            await self._gateway.stop_run(session_id, run_id_of(task_id))

    async def command(self, command: Command) -> str:
        """`/parley …`: what the person alone is shown."""
        name, _, _ = command.text.partition(" ")
        match name.casefold():
            case "memories":
                return build_list(
                    "What I remember about you", [m.memory for m in await self._memories(command)], "Nothing yet."
                )
            case "stop":
                return await self._stop_of(command)
            case "forget" | "link" as known:
                return NOT_HERE.format(name=known)
            case _:
                return HELP

    async def _memories(self, command: Command) -> Sequence[UserMemory]:
        user = await self._gateway.find_user(identity_of(command.origin.installation, command.home, command.user))
        return await self._list_memories(user.id, MEMORIES_LISTED) if user else ()

    async def _stop_of(self, command: Command) -> str:
        user = await self._gateway.find_user(identity_of(command.origin.installation, command.home, command.user))
        if user is None:
            return "Nothing of yours is running here."
        prefix = session_prefix(command.origin.installation, command.conversation)
        running = await self._threads.list_running(prefix, user.id)
        await self._stop_all(running)
        return "Stopped." if running else "Nothing of yours is running here."

    async def click(self, clicked: Clicked) -> Outcome:
        """A button: so far only feedback."""
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


def _link(opened: HomeOpened, session: Session) -> str | None:
    """Where the thread is, as a link that Slack opens itself."""
    *_, conversation, root = session.session_id.split(":")
    if not root[:1].isdigit() or not opened.origin.team:
        return None
    return f"https://slack.com/app_redirect?channel={conversation}&message_ts={root}&team={opened.origin.team}"


def _ignore(reason: Reason) -> Decision:
    return Decision(verdict=Verdict.IGNORED, reason=reason)
