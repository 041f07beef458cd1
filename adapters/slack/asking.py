"""The message shortcut: a form, and the question that comes of it, asked in the message's thread or in private."""

from contextlib import suppress
from dataclasses import replace

import structlog

from adapters.ports import Gateway
from adapters.slack.addresses import Address
from adapters.slack.ask_form import build_ask_form, render_question
from adapters.slack.deciding import Decision, Reason, Verdict
from adapters.slack.drafts import QUIET
from adapters.slack.errands import Errands
from adapters.slack.errors import LimitedError, RefusedError, SlackError
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
NOTE_TYPE = "parley_question"
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
        self._posts = posts
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
        if asked.is_private:
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

        Another try finds the line that an earlier one wrote down.
        """
        said = replace(asked.said, user=asked.asker, home=asked.asker_home)
        if not asked.is_private:
            if asked.question and not await self._posts.load_parts(source, f"{question}:note"):
                with suppress(SlackError):  # the answer is what counts
                    await self._note(asked, source, question, said.conversation, render_note(asked, person), said.root)
            return said
        opened = await self._api.call(
            asked.origin.installation, "conversations.open", {"users": asked.asker}, patience_s=PATIENCE_S
        )
        conversation = text_of(object_of(opened, "channel"), "id")
        if conversation is None:
            raise LimitedError("conversations.open", PATIENCE_S)
        stood = await self._posts.load_parts(source, f"{question}:note")
        ts = next((part[1] for part in stood if part[1] is not None), None)
        if ts is None:
            ts = await self._note(asked, source, question, conversation, render_private_note(asked, quoted), None)
        return replace(said, conversation=conversation, kind="im", ts=ts, thread_ts=None)

    async def _note(
        self, asked: Asked, source: SessionId, question: str, conversation: str, text: str, thread_ts: str | None
    ) -> str:
        """Post the line and write down that it stands there."""
        place: JsonObject = {"channel": conversation, "markdown_text": text, **QUIET}
        place["metadata"] = {"event_type": NOTE_TYPE, "event_payload": {"key": question}}
        if thread_ts is not None:
            place["thread_ts"] = thread_ts
        installation = asked.origin.installation
        answer = await self._api.call(installation, "chat.postMessage", place, patience_s=PATIENCE_S)
        ts, key = text_of(answer, "ts") or "", f"{question}:note"
        await self._posts.begin_part(
            source, key, 0, installation=installation, conversation=conversation, state="posting"
        )
        await self._posts.set_part(source, key, 0, ts=ts, state="last", post_key=None)
        return ts


def render_note(asked: Asked, person: Person) -> str:
    """In the thread: who asks what, so that nobody wonders what is answered."""
    name = render_text((person.name or UNNAMED).replace("*", ""))
    return f"**{name}** asks about {_link(asked, 'this message')}:\n{_quote(asked.question)}"


def render_private_note(asked: Asked, quoted: str) -> str:
    """In the direct message: what is asked about."""
    shown = f"{quoted[:SHOWN_LIMIT]}…" if len(quoted) > SHOWN_LIMIT else quoted
    words = f"\n\n{render_text(asked.question)}" if asked.question else ""
    return f"You asked about {_link(asked, 'this message')}:\n{_quote(shown)}{words}"


def _link(asked: Asked, words: str) -> str:
    return f"[{words}]({build_link(asked.origin.team, asked.said.conversation, asked.said.ts)})"


def _quote(text: str) -> str:
    return "\n".join(f"> {render_text(line)}" for line in text.splitlines())
