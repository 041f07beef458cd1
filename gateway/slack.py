"""Slack in this gateway: the adapter over the gateway's store, and its answers as a poster of the outbox.

Importing this is slow, since the vendor's SDK is: it is done only where Slack is on.
"""

import random
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

from adapters.ports import Gateway
from adapters.slack.adapter import Slack, Store, open_slack
from adapters.slack.answers import Answers
from adapters.slack.errors import CannotReadError, LimitedError, RefusedError, UnknownError
from adapters.slack.options import Setup
from agent.ids import WorkerId
from agent.records import JsonObject
from gateway.ports import CannotLookError, PostError, PostUnknownError, UnknownPolicy
from memory.database import Database
from memory.memories import Memories
from memory.slack import SlackInbox, SlackPosts, SlackThreads

REVOKED_RETRY_S = 300.0
SPREAD_S = 3.0
_REVOKED = frozenset({"account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked"})


class SlackPoster:
    """`gateway.ports.Poster` for Slack."""

    def __init__(self, answers: Answers, unknown_policy: UnknownPolicy) -> None:
        self._answers = answers
        self.unknown_policy = unknown_policy

    async def post(self, reply_to: JsonObject, text: str, post_key: str) -> str:
        """Make the thread show the answer; what of it stands there already is not posted again."""
        with _as_post_errors():
            return await self._answers.post(reply_to, text, post_key)

    async def find(self, reply_to: JsonObject, post_key: str) -> str | None:
        """Where the whole answer stands."""
        with _as_post_errors():
            return await self._answers.find(reply_to, post_key)


@contextmanager
def _as_post_errors() -> Generator[None, None, None]:
    """Slack's faults as the outbox knows them. A revoked token is waited for: operators can renew it."""
    try:
        yield
    except LimitedError as error:
        spread_s = random.uniform(0, error.retry_after_s + SPREAD_S)  # noqa: S311  many may wait for the same turn
        raise PostError(str(error), retry_after_s=error.retry_after_s + spread_s) from error
    except RefusedError as error:
        retry_after_s = REVOKED_RETRY_S if error.code in _REVOKED else None
        raise PostError(str(error), retry_after_s=retry_after_s) from error
    except CannotReadError as error:
        raise CannotLookError(str(error)) from error
    except UnknownError as error:
        raise PostUnknownError(str(error)) from error


@asynccontextmanager
async def open_slack_channel(
    setup: Setup, gateway: Gateway, database: Database, worker_id: WorkerId
) -> AsyncGenerator[tuple[Slack, SlackPoster], None]:
    """The adapter and its poster, as long as the context lasts."""
    store = Store(
        inbox=SlackInbox(database, worker_id),
        threads=SlackThreads(database),
        posts=SlackPosts(database),
        list_memories=Memories(database).list_all,
    )
    async with open_slack(gateway, store, setup.keys, setup.options) as slack:
        yield slack, SlackPoster(slack.answers, setup.options.unknown_policy)
