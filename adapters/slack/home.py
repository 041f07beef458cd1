"""The app's home: what is remembered about a person, theirs to correct and delete, and their recent threads."""

from adapters.ports import Gateway
from adapters.slack.blocks import PROMPTS, Recent, build_home
from adapters.slack.deciding import Decision, Reason, Verdict
from adapters.slack.errands import Errands
from adapters.slack.modals import (
    DELETE,
    DELETED,
    EDITED,
    FIELD,
    build_delete_form,
    build_edit_form,
    build_errors,
    read_memory_id,
)
from adapters.slack.places import CHANNEL, build_link, identity_of
from adapters.slack.ports import Own
from adapters.slack.profiles import Profiles
from adapters.slack.records import Clicked, HomeOpened, Origin, Submitted
from agent.errors import MemoryConflictError, MemoryInvalidError, MemorySecretError, NotFoundError
from agent.ids import MemoryId, SessionId, UserId
from agent.records import JsonObject, Session, User

MEMORIES_LISTED = 100
SESSIONS_LISTED = 10
TITLE_LIMIT = 80
NOT_KEPT = "This cannot be remembered."
NEVER_KEPT = "Passwords, keys and numbers of cards or accounts are never remembered."
IS_KNOWN = "This is remembered already."
IS_GONE = "This was forgotten meanwhile."
Outcome = tuple[Decision, SessionId | None]


class Home:
    """What is done about it. Everything raises `StoreUnavailableError`."""

    def __init__(self, gateway: Gateway, errands: Errands, profiles: Profiles, own: Own) -> None:
        self._gateway = gateway
        self._errands = errands
        self._profiles = profiles
        self._own = own

    async def open(self, opened: HomeOpened) -> Outcome:
        """Show a person's home, or suggest prompts where they look at the messages."""
        origin = opened.origin
        if opened.tab == "messages":
            arguments: JsonObject = {
                "channel_id": opened.conversation,
                "prompts": [{**prompt} for prompt in PROMPTS],
            }
            await self._errands.call(origin.installation, "assistant.threads.setSuggestedPrompts", arguments)
            return _ignore(Reason.PROMPTS), None
        person = await self._profiles.find_person(origin, origin.installation, opened.user)
        if person.user is not None:
            await self._show(origin, opened.user, person.user.id)
        return _ignore(Reason.HOME), None

    async def _show(self, origin: Origin, user: str, user_id: UserId) -> None:
        memories = await self._own.list_newest(user_id, MEMORIES_LISTED)
        sessions = await self._gateway.list_sessions_of_user(user_id, CHANNEL, origin.installation, SESSIONS_LISTED)
        recent = [Recent(title=await self._title(session), link=_link(origin, session)) for session in sessions]
        await self._errands.call(
            origin.installation, "views.publish", {"user_id": user, "view": build_home(memories, recent)}
        )

    async def _title(self, session: Session) -> str:
        if session.title:
            return session.title
        messages = await self._gateway.load_messages_before(session.session_id, session.head + 1, 20)
        first = next((message.text for message in messages if message.role == "user"), "")
        line = " ".join(first.split())
        return f"{line[:TITLE_LIMIT]}…" if len(line) > TITLE_LIMIT else line or "A thread"

    async def click(self, clicked: Clicked) -> Outcome:
        """The menu beside a memory: show the form for it. Slack waits for the ack, not for the form."""
        memory_id = read_memory_id(clicked.action_id)
        user = await self._find_user(clicked.origin, clicked.home, clicked.user)
        memory = await self._own.find(user.id, memory_id) if user and memory_id else None
        if memory is None:
            return _ignore(Reason.NO_MEMORY), None
        view = build_delete_form(memory) if clicked.value == DELETE else build_edit_form(memory)
        form: JsonObject = {"trigger_id": clicked.trigger_id, "view": view}
        self._errands.start(self._errands.call(clicked.origin.installation, "views.open", form))
        return _ignore(Reason.FORM), None

    async def submit(self, submitted: Submitted) -> tuple[Decision, JsonObject]:
        """A form sent off. What is returned is Slack's answer: empty closes it, errors keep it open."""
        user = await self._find_user(submitted.origin, submitted.home, submitted.user)
        if user is None or submitted.callback_id not in {EDITED, DELETED}:
            return _ignore(Reason.NO_RULE), {}
        memory_id = MemoryId(submitted.metadata)
        if submitted.callback_id == DELETED:
            await self._own.delete(user.id, memory_id)
            decision = _ignore(Reason.FORGOTTEN)
        else:
            fault = await self._correct(user.origin_id, memory_id, submitted.values.get(FIELD, ""))
            if fault is not None:
                return _ignore(Reason.NOT_KEPT), build_errors(fault)
            decision = _ignore(Reason.CORRECTED)
        self._errands.start(self._show(submitted.origin, submitted.user, user.id))
        return decision, {}

    async def _correct(self, user_id: UserId, memory_id: MemoryId, text: str) -> str | None:
        """Why a memory cannot say this; none when it says it now."""
        try:
            await self._own.correct(user_id, memory_id, text)
        except MemorySecretError:
            return NEVER_KEPT
        except MemoryInvalidError:
            return NOT_KEPT
        except MemoryConflictError:
            return IS_KNOWN
        except NotFoundError:
            return IS_GONE
        return None

    async def _find_user(self, origin: Origin, home: str, user: str) -> User | None:
        return await self._gateway.find_user(identity_of(origin.installation, home, user))


def _link(origin: Origin, session: Session) -> str | None:
    """Where the thread is, as a link that Slack opens itself."""
    *_, conversation, root = session.session_id.split(":")
    return build_link(origin.team, conversation, root) if root[:1].isdigit() and origin.team else None


def _ignore(reason: Reason) -> Decision:
    return Decision(verdict=Verdict.IGNORED, reason=reason)
