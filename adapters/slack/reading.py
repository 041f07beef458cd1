"""Messages as the agent is given them: names for mentions, files with their text, who said it."""

from adapters.slack.deciding import find_mentions
from adapters.slack.inward import read_text, render_file
from adapters.slack.options import Options
from adapters.slack.places import CHANNEL, audience_of, message_key
from adapters.slack.ports import WebApi
from adapters.slack.profiles import Person, Profiles
from adapters.slack.records import Origin, Said, SharedFile
from agent.ids import SessionId
from agent.records import JsonObject
from agent.speech import UNNAMED
from agent.tasks import Inbound
from agent.text import storable

FILE_LIMIT_BYTES = 128 * 1024
FILES_READ = 3
TEXT_LIMIT = 60_000
_TEXTUAL = ("text/", "application/json", "application/xml", "application/x-yaml", "application/toml")


class Reader:
    """Turns messages into what intake takes."""

    def __init__(self, profiles: Profiles, api: WebApi, options: Options) -> None:
        self._profiles = profiles
        self._api = api
        self.options = options

    async def read(
        self,
        said: Said,
        session_id: SessionId,
        person: Person,
        *,
        key: str | None = None,
        reply_to: JsonObject | None = None,
    ) -> Inbound:
        """A message, to be accepted or kept. `key` stands for the message's own where it is asked again."""
        return self.build(said, session_id, person, await self.read_text(said), key=key, reply_to=reply_to)

    def build(
        self,
        said: Said,
        session_id: SessionId,
        person: Person,
        text: str,
        *,
        key: str | None = None,
        reply_to: JsonObject | None = None,
    ) -> Inbound:
        """The same for a text that was read before."""
        return Inbound(
            channel=CHANNEL,
            tenant=said.origin.installation,
            session_id=session_id,
            audience=audience_of(said),
            agent_id=self.options.agent_of(said.origin.installation, said.conversation),
            user=person.user,
            author_name=person.name or UNNAMED,
            text=text,
            dedupe_key=key or message_key(said),
            reply_to=reply_to,
        )

    async def read_text(self, said: Said) -> str:
        """What a person sees of a message, and the texts of its files."""
        text = await self.read_words(said)
        files = [
            await self._read_file(said.origin.installation, file, is_read=n < FILES_READ)
            for n, file in enumerate(said.files)
        ]
        whole = "\n\n".join(part for part in (text, *files) if part)
        return storable(whole)[:TEXT_LIMIT] or f"@{self.options.bot_name}"

    async def read_words(self, said: Said) -> str:
        """What a person sees of a message, without its files."""
        bot = said.origin.bot_user
        others = [user for user in find_mentions(said.text) if user != bot]
        names = await self._profiles.find_names(said.origin, others)
        return read_text(said.text, names, bot, self.options.bot_name)

    async def find_person(self, origin: Origin, home: str, user: str) -> Person:
        """Who somebody is."""
        return await self._profiles.find_person(origin, home, user)

    async def find_name(self, origin: Origin, user: str | None) -> str | None:
        """What somebody is called, where Slack tells."""
        return (await self._profiles.find_names(origin, [user])).get(user) if user else None

    async def _read_file(self, installation: str, file: SharedFile, *, is_read: bool) -> str:
        if (
            not is_read
            or file.url is None
            or not file.mimetype.startswith(_TEXTUAL)
            or file.size_bytes > FILE_LIMIT_BYTES
        ):
            return render_file(file, None)
        data = await self._api.download(installation, file.url, FILE_LIMIT_BYTES)
        try:
            return render_file(file, data.decode() if data is not None else None)
        except UnicodeDecodeError:
            return render_file(file, None)
