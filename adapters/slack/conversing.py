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
from adapters.slack.versions import (
    DELETED_TEXT,
    REPLACED_TEXT,
    Version,
    edited_key,
    find_newest,
    is_asked_again,
    is_older_edit,
    is_told_late,
    read_versions,
    told_key,
)
from agent.errors import ConflictError
from agent.ids import SessionId, run_id_of
from agent.records import JsonObject
from agent.tasks import Accepted, Inbound

log = structlog.get_logger(__name__)
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
        await self._ask(said, person, address_of(said, session_id), await self._reader.read_text(said))
        return decision, session_id

    async def _find_author(self, said: Said) -> Person:
        """Who wrote it. A bot's legacy post names no user, and has no account."""
        if said.user is None:
            return Person(user=None, name=said.username or "A bot")
        return await self._profiles.find_person(said.origin, said.home, said.user)

    async def _ask(self, said: Said, person: Person, address: Address, text: str) -> None:
        inbound = self._reader.build(
            said, address.session_id, person, text, key=address.question, reply_to=address.to_json()
        )
        accepted = await self._accept(inbound)
        if accepted is None or accepted.is_duplicate:
            versions = await self._list_versions(address.session_id, address.question)
            if is_told_late(versions):
                await self._rewrite(address.session_id, versions[0], REPLACED_TEXT)
                address = replace(address, question=told_key(address.question))
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
        session_id, message = session_id_of(said, self._options.direct_messages), message_key(said)
        text = await self._reader.read_text(said)  # Slack may be slow: only then is it looked how the question stands
        newest = find_newest(await self._list_versions(session_id, message))
        if newest is None:
            return _ignore(Reason.UNKNOWN_MESSAGE), session_id
        if is_older_edit(message, edited.edited_ts, newest):
            return _ignore(Reason.SUPERSEDED), session_id
        key = edited_key(message, edited.edited_ts)
        if newest.key != key and not await self._supersede(session_id, newest, said, text):
            return Decision(verdict=Verdict.KEPT, reason=Reason.EDITED), session_id
        await self._ask(said, await self._find_author(said), address_of(said, session_id, key), text)
        return Decision(verdict=Verdict.ANSWERED, reason=Reason.ASKED_AGAIN), session_id

    async def _supersede(self, session_id: SessionId, newest: Version, said: Said, text: str) -> bool:
        """Put the new words in the place of the old ones; or clear that place, where the question is to be asked again.

        Every step may be the last one that this process does: the next try then comes to the same end.
        """
        is_for_agent = said.kind != "channel" or said.origin.bot_user in find_mentions(said.text)
        if not is_asked_again(newest, is_for_agent=is_for_agent):
            await self._rewrite(session_id, newest, text)
            if not newest.is_open:
                return False
            begun = find_newest(await self._list_versions(session_id, newest.key))
            if begun is None or not is_asked_again(begun, is_for_agent=is_for_agent):
                return False  # it still waits: its run will read the new words
            newest = begun
        if newest.is_open:
            await self._stop(session_id, newest, said)
        await self._rewrite(session_id, newest, REPLACED_TEXT)
        return True

    async def delete(self, deleted: Deleted) -> Outcome:
        """A message is gone: its words, the facts drawn from them, and the run that answers it."""
        session_id = session_id_of(deleted, self._options.direct_messages)
        versions = await self._list_versions(session_id, message_key(deleted))
        if not versions:
            return _ignore(Reason.UNKNOWN_MESSAGE), session_id
        for version in versions:
            if version.is_open:
                await self._stop(session_id, version, deleted)
            await self._rewrite(session_id, version, DELETED_TEXT)
        return Decision(verdict=Verdict.KEPT, reason=Reason.DELETED), session_id

    async def _list_versions(self, session_id: SessionId, message: str) -> list[Version]:
        return read_versions(await self._threads.list_versions(session_id, message))

    async def _rewrite(self, session_id: SessionId, version: Version, text: str) -> None:
        await self._threads.rewrite_message(session_id, version.author_id, version.seq, text)

    async def _stop(self, session_id: SessionId, version: Version, said: Said | Deleted) -> None:
        """No answer to it is wanted: first that is written down, since the run may be over before it can be stopped."""
        address = Address(
            session_id=session_id,
            question=version.key,
            installation=said.origin.installation,
            conversation=said.conversation,
            thread_ts=said.root,
            question_ts=said.ts,
            team=said.origin.team,
            user="",
        )
        await self._answers.withdraw(address)
        if version.task_id is not None:
            await self._gateway.stop_run(session_id, run_id_of(version.task_id))


def _bot_of(person: Person, said: Said) -> str | None:
    """What stands for a bot whose post looks like a person's."""
    return said.user if person.user is None else None


def _ignore(reason: Reason) -> Decision:
    return Decision(verdict=Verdict.IGNORED, reason=reason)
