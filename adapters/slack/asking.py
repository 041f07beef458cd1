"""The message shortcut: a form, and the question that comes of it, asked in the message's thread or in private."""

from dataclasses import replace

import structlog

from adapters.ports import Gateway
from adapters.slack.addresses import Address
from adapters.slack.ask_form import build_ask_form, render_question
from adapters.slack.deciding import Decision, Reason, Verdict
from adapters.slack.errands import Errands
from adapters.slack.errors import LimitedError, RefusedError, SlackError
from adapters.slack.notes import NOT_THERE, Notes
from adapters.slack.outward import render_text
from adapters.slack.places import build_link, build_session_id, message_key, session_id_of
from adapters.slack.ports import Posts, Threads, WebApi
from adapters.slack.previews import Previews
from adapters.slack.profiles import Person
from adapters.slack.reading import Reader
from adapters.slack.records import Asked, Said, Shortcut, object_of, text_of
from adapters.slack.versions import find_newest, read_versions
from agent.errors import ConflictError
from agent.ids import SessionId
from agent.records import JsonObject
from agent.speech import UNNAMED

log = structlog.get_logger(__name__)
PATIENCE_S = 5.0
SHOWN_LIMIT = 300
Outcome = tuple[Decision, SessionId | None]


class Asking:
    """What is done about it. Everything raises `StoreUnavailableError`, and `SlackError` where it is tried again."""

    def __init__(
        self,
        gateway: Gateway,
        threads: Threads,
        posts: Posts,
        api: WebApi,
        errands: Errands,
        previews: Previews,
        reader: Reader,
    ) -> None:
        self._gateway = gateway
        self._threads = threads
        self._notes = Notes(api, posts)
        self._api = api
        self._errands = errands
        self._previews = previews
        self._reader = reader

    def open_form(self, shortcut: Shortcut) -> Decision:
        """Show the form. Slack waits for the ack, not for the form."""
        self._errands.start(self._open(shortcut))
        return Decision(verdict=Verdict.IGNORED, reason=Reason.FORM)

    async def _open(self, shortcut: Shortcut) -> None:
        shown = await self._reader.read_words(shortcut.said)
        view = build_ask_form(shortcut, shown, self._reader.options.bot_name)
        form: JsonObject = {"trigger_id": shortcut.trigger_id, "view": view}
        await self._errands.call(shortcut.origin.installation, "views.open", form)

    async def ask(self, asked: Asked) -> Outcome:
        """Ask the agent what the form says. What people see first is who asks, and what."""
        source = session_id_of(asked.said, self._reader.options.direct_messages)
        person = await self._reader.find_person(asked.origin, asked.asker_home, asked.asker)
        quoted = await self._read_quoted(asked, source)
        question = f"shortcut:{asked.origin.event_id}"
        try:
            said = await self._settle(asked, source, question, person, quoted)
        except RefusedError as error:
            log.warning("slack_question_has_no_place", error=str(error))
            return Decision(verdict=Verdict.IGNORED, reason=Reason.FAILED), None
        session_id = source
        if said.conversation != asked.said.conversation:
            session_id = build_session_id(said.origin.installation, said.conversation, said.root)
        address = Address(
            session_id=session_id,
            question=question,
            installation=said.origin.installation,
            conversation=said.conversation,
            thread_ts=said.root,
            question_ts=said.ts,
            team=asked.asker_home if asked.asker_home.startswith("T") else said.origin.team,
            user=asked.asker,
        )
        author = await self._reader.find_name(asked.origin, asked.said.user)
        text = render_question(asked.question, author, quoted)
        inbound = self._reader.build(said, session_id, person, text, key=question, reply_to=address.to_json())
        try:
            accepted = await self._gateway.accept(inbound)
        except ConflictError:  # it was taken in before, when a name was read differently
            return Decision(verdict=Verdict.ANSWERED, reason=Reason.SHORTCUT), session_id
        self._previews.start(address, accepted.run_id, accepted.seq)
        return Decision(verdict=Verdict.ANSWERED, reason=Reason.SHORTCUT), session_id

    async def _read_quoted(self, asked: Asked, source: SessionId) -> str:
        """The message whole: as it was taken in, where the form could carry only its beginning."""
        if asked.is_cut:
            found = find_newest(read_versions(await self._threads.list_versions(source, message_key(asked.said))))
            if found is not None:
                return found.text
        return await self._reader.read_text(asked.said)

    async def _settle(self, asked: Asked, source: SessionId, question: str, person: Person, quoted: str) -> Said:
        """Where the question stands, as a message of the asker's; a line of ours says what is asked there.

        Where the agent is not, it answers in private. Another try finds the line that an earlier one wrote down.
        """
        said = replace(asked.said, user=asked.asker, home=asked.asker_home)
        private = f"{question}:private"
        direct = await self._open_direct(asked) if said.kind == "im" else None
        may_stand_here = direct == said.conversation if direct else not asked.is_private
        may_stand_here = may_stand_here and not await self._notes.has_begun(source, private)
        if may_stand_here and await self._tell_there(asked, source, f"{question}:note", person):
            return said
        direct = direct or await self._open_direct(asked)
        text = render_private_note(asked, quoted)
        ts = await self._notes.post(source, private, asked.origin.installation, direct, text, None)
        return replace(said, conversation=direct, kind="im", ts=ts, thread_ts=None)

    async def _open_direct(self, asked: Asked) -> str:
        """The direct message between the asker and the agent."""
        installation, people = asked.origin.installation, {"users": asked.asker}
        opened = await self._api.call(installation, "conversations.open", {**people}, patience_s=PATIENCE_S)
        conversation = text_of(object_of(opened, "channel"), "id")
        if conversation is None:
            raise LimitedError("conversations.open", PATIENCE_S)
        return conversation

    async def _tell_there(self, asked: Asked, source: SessionId, name: str, person: Person) -> bool:
        """In the thread: who asks what. False: the agent is not in that conversation."""
        said, text = asked.said, render_note(asked, person)
        if said.kind == "im" and not asked.question:
            return True
        try:
            await self._notes.post(source, name, asked.origin.installation, said.conversation, text, said.root)
        except RefusedError as error:
            return error.code not in NOT_THERE
        except SlackError as error:  # the answer is what counts
            log.info("slack_note_not_posted", error=str(error))
        return True


def render_note(asked: Asked, person: Person) -> str:
    """In the thread: who asks what, so that nobody wonders what is answered."""
    name = render_text((person.name or UNNAMED).replace("*", ""))
    words = f":\n{_quote(asked.question)}" if asked.question else "."
    return f"**{name}** asks about {_link(asked, 'this message')}{words}"


def render_private_note(asked: Asked, quoted: str) -> str:
    """In the direct message: what is asked about, and why here where that was not the asker's choice."""
    shown = f"{quoted[:SHOWN_LIMIT]}…" if len(quoted) > SHOWN_LIMIT else quoted
    words = f"\n\n{render_text(asked.question)}" if asked.question else ""
    why = "" if asked.is_private else "\n\nI am not in that conversation, so I answer you here."
    return f"You asked about {_link(asked, 'this message')}:\n{_quote(shown)}{words}{why}"


def _link(asked: Asked, words: str) -> str:
    return f"[{words}]({build_link(asked.origin.team, asked.said.conversation, asked.said.ts)})"


def _quote(text: str) -> str:
    return "\n".join(f"> {render_text(line)}" for line in text.splitlines())
