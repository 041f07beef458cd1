"""The gateway with one promise broken on purpose: the suite has to find each of them.

ack_before_commit   a message is acked, then committed
no_look             an answer whose post was not heard of is posted again without looking
no_fence            the end of a run is written whoever holds the lease
sdk_retry           the platform's client sends a post again by itself
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar

import httpx2

import memory.tasks
from agent.asks import Ask
from agent.ids import MessageId, TaskId, new_message_id, new_task_id, run_id_of
from agent.records import JsonObject
from agent.tasks import Accepted, Inbound
from gateway.outbox import Delivery
from gateway.ports import PostUnknownError
from gateway.service import GatewayService
from memory.outbox import Post
from memory.queries import load_queries
from tests.chaos.poster import PlatformPoster

BREAK = "PARLEY_CHAOS_BREAK"
LATE_S = 0.3
RETRIES = 2


def break_ack() -> None:
    """Ack, and commit a little later under the ids that the ack named."""
    task_ids: ContextVar[TaskId | None] = ContextVar("task_id", default=None)
    message_ids: ContextVar[MessageId | None] = ContextVar("message_id", default=None)
    commit, pending = GatewayService.accept, set[asyncio.Task[Accepted]]()

    async def commit_late(self: GatewayService, inbound: Inbound, task_id: TaskId, message_id: MessageId) -> Accepted:
        task_ids.set(task_id)
        message_ids.set(message_id)
        await asyncio.sleep(LATE_S)
        return await commit(self, inbound)

    async def accept(self: GatewayService, inbound: Inbound) -> Accepted:
        task_id, message_id = new_task_id(), new_message_id()
        late = asyncio.create_task(commit_late(self, inbound, task_id, message_id))
        pending.add(late)
        late.add_done_callback(pending.discard)
        return Accepted(message_id=message_id, seq=1, task_id=task_id, run_id=run_id_of(task_id), is_duplicate=False)

    GatewayService.accept = accept  # type: ignore[method-assign]
    vars(memory.tasks)["new_task_id"] = lambda: task_ids.get() or new_task_id()
    vars(memory.tasks)["new_message_id"] = lambda: message_ids.get() or new_message_id()


def break_look() -> None:
    """Never look."""

    async def find(self: Delivery, post: Post, poster: object) -> None:
        """Nothing, whatever stands there."""

    Delivery._find = find  # type: ignore[method-assign]


def break_fence() -> None:
    """Write the end of a run without asking whose it is, nor whether it has ended already."""
    queries = load_queries()
    text = queries["finish_tasks"]
    for old, new in (
        ("WHERE l.owner IS NOT DISTINCT FROM $1::text AND l.epoch = given.epoch", "WHERE $1::text <> ''"),
        ("AND t.position = gate.position AND t.state = 'running'", "AND t.position = gate.position"),
        ("FROM ended, jsonb_to_record(", "FROM ended JOIN LATERAL (SELECT 1 WHERE NOT EXISTS (SELECT FROM runs o"
         " WHERE o.session_id = ended.session_id AND o.position = ended.position)) first ON true, jsonb_to_record("),
    ):  # fmt: skip
        assert old in text, old
        text = text.replace(old, new, 1)
    queries["finish_tasks"] = text


def break_client() -> None:
    """Send a post again after a broken connection, as many clients do by themselves."""
    post_once = PlatformPoster.post

    async def post(
        self: PlatformPoster, reply_to: JsonObject, text: str, post_key: str, asks: Sequence[Ask] = ()
    ) -> str:
        for _ in range(RETRIES):
            try:
                return await post_once(self, reply_to, text, post_key)
            except PostUnknownError as error:
                if not isinstance(error.__cause__, httpx2.TransportError):
                    raise
        return await post_once(self, reply_to, text, post_key)

    PlatformPoster.post = post  # type: ignore[method-assign]


VARIANTS: Mapping[str, Callable[[], None]] = {
    "ack_before_commit": break_ack,
    "no_look": break_look,
    "no_fence": break_fence,
    "sdk_retry": break_client,
}
