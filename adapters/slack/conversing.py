"""Takes messages in: said, edited, deleted. Each call ends with a decision, and may be repeated."""

from dataclasses import replace

import structlog

from adapters.ports import Gateway
from adapters.slack.addresses import Address, address_of
from adapters.slack.answers import Answers
from adapters.slack.deciding import (
    Decision,
    Reason,
    ThreadState,
    Verdict,
    find_mentions,
    is_allowed_bot,
    may_speak_to_somebody,
)
from adapters.slack.errors import SlackError
from adapters.slack.payloads import parse_said
from adapters.slack.places import message_key, session_id_of
from adapters.slack.ports import Threads, WebApi
from adapters.slack.previews import Previews
from adapters.slack.profiles import Person, Profiles
from adapters.slack.reading import Reader
from adapters.slack.records import Deleted, Edited, Said, objects_of
from adapters.slack.rules import Rules
from agent.errors import ConflictError
from agent.ids import SessionId, TaskId, run_id_of
from agent.records import JsonObject
from agent.tasks import Accepted, Inbound, TaskState

log = structlog.get_logger(__name__)
DELETED_TEXT = "(this message was deleted)"
REPLACED_TEXT = "(this message was replaced by the next one)"
SEED_LIMIT = 15
Outcome = tuple[Decision, SessionId | None]


class Conversing:
    """What is done about messages. Everything raises `StoreUnavailableError`."""

    def __init__(
        self,
        gateway: Gateway,
        threads: Threads,
        api: WebApi,
        profiles: Profiles,
        previews: Previews,
        answers: Answers,
        rules: Rules,
        reader: Reader,
    ) -> None:
        self._gateway = gateway
        self._threads = threads
        self._api = api
        self._profiles = profiles
        self._previews = previews
        self._answers = answers
        self._rules = rules
        self._options = rules.options
        self._reader = reader

    async def hear(self, said: Said) -> Outcome:
        """Somebody said something."""
        reason = self._rules.screen(said)
        if reason is not None:
            return _ignore(reason), None
        person = await self._find_author(said)
        if person.user is None and not is_allowed_bot(said, self._options.of(said.conversation).rule.bots):
            return _ignore(Reason.OTHER_BOT), None
        session_id = session_id_of(said, self._options.direct_messages)
        has_words, *_ = found = await self._threads.load_state(session_id, person.user.id if person.user else None)
        names = found[5]
        if found[1] and may_speak_to_somebody(said.text):
            names = (*names, *self._profiles.list_names(said))
        state = ThreadState(
            is_engaged=found[1], is_last_kept=found[2], is_last_own=found[3], bot_hops=found[4], names=names
        )
        decision = await self._rules.decide(replace(said, bot_id=said.bot_id or _bot_of(person, said)), state)
        if decision.verdict is Verdict.KEPT:
            await self._threads.keep_message(await self._reader.read(said, session_id, person))
            return decision, session_id
        if said.thread_ts is not None and not has_words:
            await self._seed(said, session_id)
        await self._ask(said, person, address_of(said, session_id))
        return decision, session_id

    async def _find_author(self, said: Said) -> Person:
        """Who wrote it. A bot's legacy post names no user, and has no account."""
        if said.user is None:
            return Person(user=None, name=said.username or "A bot")
        return await self._profiles.find_person(said.origin, said.home, said.user)

    async def _ask(self, said: Said, person: Person, address: Address) -> None:
        inbound = await self._reader.read(
            said, address.session_id, person, key=address.question, reply_to=address.to_json()
        )
        accepted = await self._accept(inbound)
        if accepted is None or accepted.is_duplicate:
            found = await self._threads.find_message(address.session_id, address.question)
            if found is not None and found[3] is None:  # it was read with the thread, before it was told of
                await self._threads.rewrite_message(address.session_id, found[1], found[0], REPLACED_TEXT)
                address = replace(address, question=f"{address.question}:told")
                told = replace(inbound, dedupe_key=address.question, reply_to=address.to_json())
                accepted = await self._accept(told)
        if accepted is not None:
            self._previews.start(address, accepted.run_id, accepted.seq)

    async def _accept(self, inbound: Inbound) -> Accepted | None:
        """None: it was taken in before, when a name or a file was read differently."""
        try:
            return await self._gateway.accept(inbound)
        except ConflictError:
            return None

    async def _seed(self, said: Said, session_id: SessionId) -> None:
        """A thread that is joined late: what was said before, by one call, as far as Slack gives it."""
        arguments: JsonObject = {
            "channel": said.conversation,
            "ts": said.root,
            "limit": SEED_LIMIT,
            "latest": said.ts,
        }
        try:
            answer = await self._api.call(said.origin.installation, "conversations.replies", arguments, patience_s=2.0)
        except SlackError as error:
            log.info("slack_thread_not_read", error=str(error))
            return
        for message in objects_of(answer, "messages"):
            if "ts" not in message or message["ts"] == said.ts:
                continue
            earlier = replace(parse_said(said.origin, message, said.conversation, said.kind), thread_ts=said.root)
            if self._rules.screen(earlier) is None and earlier.ts < said.ts:
                person = await self._find_author(earlier)
                await self._threads.keep_message(await self._reader.read(earlier, session_id, person))

    async def edit(self, edited: Edited) -> Outcome:
        """A message says something else: it supersedes what was said, and the turn that answers it starts over."""
        said = edited.said
        reason = self._rules.screen(said)
        if reason is not None:
            return _ignore(reason), None
        if said.text == edited.before:
            return _ignore(Reason.SAME_TEXT), None
        session_id = session_id_of(said, self._options.direct_messages)
        found = await self._threads.find_message(session_id, message_key(said))
        if found is None:
            return _ignore(Reason.UNKNOWN_MESSAGE), session_id
        seq, author_id, _, task_id, state = found
        is_called = said.origin.bot_user is not None and said.origin.bot_user in find_mentions(said.text)
        if state == TaskState.RUNNING and task_id is not None:
            await self._stop(session_id, said, task_id)
        if state == TaskState.RUNNING or (task_id is None and (is_called or said.kind != "channel")):
            await self._threads.rewrite_message(session_id, author_id, seq, REPLACED_TEXT)
            person = await self._find_author(said)
            await self._ask(said, person, address_of(said, session_id, f"{message_key(said)}:{edited.edited_ts}"))
            return Decision(verdict=Verdict.ANSWERED, reason=Reason.ASKED_AGAIN), session_id
        await self._threads.rewrite_message(session_id, author_id, seq, await self._reader.read_text(said))
        return Decision(verdict=Verdict.KEPT, reason=Reason.EDITED), session_id

    async def delete(self, deleted: Deleted) -> Outcome:
        """A message is gone: its words, the facts drawn from them, and the run that answers it."""
        session_id = session_id_of(deleted, self._options.direct_messages)
        found = await self._threads.find_message(session_id, message_key(deleted))
        if found is None:
            return _ignore(Reason.UNKNOWN_MESSAGE), session_id
        seq, author_id, _, task_id, state = found
        if state in {TaskState.QUEUED, TaskState.RUNNING} and task_id is not None:
            await self._stop(session_id, deleted, task_id)
        await self._threads.rewrite_message(session_id, author_id, seq, DELETED_TEXT)
        return Decision(verdict=Verdict.KEPT, reason=Reason.DELETED), session_id

    async def _stop(self, session_id: SessionId, said: Said | Deleted, task_id: TaskId) -> None:
        address = Address(
            session_id=session_id,
            question=message_key(said),
            installation=said.origin.installation,
            conversation=said.conversation,
            thread_ts=said.root,
            question_ts=said.ts,
            team=said.origin.team,
            user="",
        )
        await self._answers.withdraw(address)
        await self._gateway.stop_run(session_id, run_id_of(task_id))


def _bot_of(person: Person, said: Said) -> str | None:
    """What stands for a bot whose post looks like a person's."""
    return said.user if person.user is None else None


def _ignore(reason: Reason) -> Decision:
    return Decision(verdict=Verdict.IGNORED, reason=reason)
