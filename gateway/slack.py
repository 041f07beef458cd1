"""Slack in this gateway: the adapter over the gateway's store, and its answers as a poster of the outbox.

Importing this is slow, since the vendor's SDK is: it is done only where Slack is on.
"""

import random
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from adapters.ports import Gateway
from adapters.slack.adapter import Slack, Store, open_slack
from adapters.slack.addresses import follow_up
from adapters.slack.answers import Answers
from adapters.slack.errors import MAY_COME_BACK, CannotReadError, LimitedError, RefusedError, UnknownError
from adapters.slack.options import Setup
from adapters.slack.ports import Own
from adapters.slack.rules import Judge
from agent.asks import Ask
from agent.records import JsonObject
from gateway import metrics
from gateway.ground import Ground
from gateway.ports import CannotLookError, PostError, PostUnknownError, UnknownPolicy
from memory.sealing import Sealer
from memory.slack import SlackInbox, SlackPosts, SlackThreads
from memory.slack_installations import SlackInstallations, SlackShared
from memory.slack_limits import SlackLimits

REMOVED_RETRY_S = 300.0
SPREAD_S = 3.0


class TokenWatch:
    """Which installations' tokens Slack refuses, for operators."""

    def __init__(self) -> None:
        self._refused: set[str] = set()

    def tell(self, installation: str, code: str | None) -> None:
        """Slack refused a token, with this word; with none it takes it again."""
        (self._refused.discard if code is None else self._refused.add)(installation)
        metrics.slack_tokens_refused.set(len(self._refused))

    @property
    def note(self) -> str | None:
        """What is wrong, in a few words; none when nothing is."""
        return f"tokens refused: {len(self._refused)}" if self._refused else None


class SlackPoster:
    """`gateway.ports.Poster` for Slack."""

    def __init__(self, answers: Answers, unknown_policy: UnknownPolicy) -> None:
        self._answers = answers
        self.unknown_policy = unknown_policy

    def follow_up(self, reply_to: JsonObject, name: str) -> JsonObject:
        """The same thread."""
        return follow_up(reply_to, name)

    async def post(self, reply_to: JsonObject, text: str, post_key: str, asks: Sequence[Ask] = ()) -> str:
        """Make the thread show the answer; what of it stands there already is not posted again."""
        with _as_post_errors():
            return await self._answers.post(reply_to, text, post_key, asks)

    async def find(self, reply_to: JsonObject, post_key: str) -> str | None:
        """Where the whole answer stands."""
        with _as_post_errors():
            return await self._answers.find(reply_to, post_key)


@contextmanager
def _as_post_errors() -> Generator[None, None, None]:
    """Slack's faults as the outbox knows them. A turn is waited for, and what people can undo: a removal, a kick."""
    try:
        yield
    except LimitedError as error:
        spread_s = random.uniform(0, error.retry_after_s + SPREAD_S)  # noqa: S311  many may wait for the same turn
        raise PostError(str(error), retry_after_s=error.retry_after_s + spread_s, is_counted=False) from error
    except RefusedError as error:
        is_waited_for = error.code in MAY_COME_BACK
        retry_after_s = REMOVED_RETRY_S if is_waited_for else None
        raise PostError(str(error), retry_after_s=retry_after_s, is_counted=not is_waited_for) from error
    except CannotReadError as error:
        raise CannotLookError(str(error)) from error
    except UnknownError as error:
        raise PostUnknownError(str(error)) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What the gateway does for Slack alone. `secret` signs the states of installations."""

    own: Own
    judge: Judge
    secret: bytes = field(repr=False)


@asynccontextmanager
async def open_slack_channel(
    setup: Setup, gateway: Gateway, ground: Ground, host: Host
) -> AsyncGenerator[tuple[Slack, SlackPoster, TokenWatch], None]:
    """The adapter, its poster and what is known of its tokens, as long as the context lasts."""
    watch, database, worker_id = TokenWatch(), ground.back, ground.worker_id
    store = Store(
        inbox=SlackInbox(database, worker_id, ground.front),
        threads=SlackThreads(database),
        posts=SlackPosts(database, worker_id),
        shared=SlackShared(database),
        limits=SlackLimits(database),
        installations=SlackInstallations(database, Sealer(setup.sealing_keys)),
        own=host.own,
        judge=host.judge,
        state_secret=host.secret,
    )
    async with open_slack(gateway, store, setup.keys, setup.options, watch.tell) as slack:
        yield slack, SlackPoster(slack.answers, setup.options.unknown_policy), watch
