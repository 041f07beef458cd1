"""The task engine's store: accept, start, finish, retry, claim, recover. Every method is one statement.

Messages that come, and runs that end, while such a statement is on its way share the next one (`memory.groups`).

The process that holds a session's lease (its worker id and epoch) is the only one that may write the session's runs; a
write of one that lost it changes nothing and raises `LeaseLostError`.
"""

import hashlib
from collections.abc import Mapping
from functools import partial

import asyncpg

from agent.errors import ApprovalClosedError, BusyError, ConflictError, LeaseLostError, UserGoneError
from agent.ids import (
    MessageId,
    SessionId,
    TaskId,
    WorkerId,
    new_message_id,
    new_task_id,
    run_id_of,
)
from agent.private_arguments import hide_arguments
from agent.records import RunNote, RunState, Turn, Usage
from agent.tasks import Accepted, Inbound, TaskState, TaskStatus
from agent.text import storable
from memory.database import Database
from memory.groups import LOCK_TIMEOUT, Groups
from memory.queries import query
from memory.rows import read_usage
from memory.task_records import Claim, Finish, Intake, Outcome, Start
from memory.task_rows import (
    note_of,
    read_claim,
    read_finish,
    read_intake,
    render_accept,
    render_call,
    render_finish,
    render_turn,
)

BUSY_RETRY_S = 3.0


class Tasks:
    """The engine's statements for one worker."""

    def __init__(self, database: Database, worker_id: WorkerId) -> None:
        self._database = database
        self.worker_id = worker_id
        self._accepts: Groups[asyncpg.Record] = Groups(partial(self._run_together, query("accept_messages")))
        self._finishes: Groups[asyncpg.Record] = Groups(partial(self._run_together, query("finish_tasks")))

    async def _run_together(self, sql: str, given: Mapping[str, str]) -> Mapping[str, asyncpg.Record]:
        rows = await self._database.fetch(sql, self.worker_id, f"[{','.join(given.values())}]", LOCK_TIMEOUT)
        return {row["session_id"]: row for row in rows}

    async def accept(self, inbound: Inbound, *, may_take: bool) -> Intake:
        """Commit a message with its task; take the session's lease when it is free and `may_take`.

        Raises `ConflictError`, `ApprovalClosedError`, `BusyError`, `UserGoneError`, `StoreUnavailableError`.
        """
        task_id, message_id = new_task_id(), new_message_id()
        digest = hashlib.sha256(inbound.text.encode()).digest()
        given = render_accept(inbound, task_id, message_id, digest, may_take=may_take)
        try:
            row = await self._accepts.call(inbound.session_id, given)
        except asyncpg.UniqueViolationError:
            row = None
        except asyncpg.NotNullViolationError:
            try:
                return await self._find_accepted(inbound, digest)
            except (BusyError, ConflictError) as error:
                raise ApprovalClosedError("nothing waits for this decision any more") from error
        except asyncpg.NoDataFoundError as error:
            raise UserGoneError("this person was erased") from error
        if row is None:
            return await self._find_accepted(inbound, digest)
        return read_intake(inbound, task_id, message_id, row)

    async def _find_accepted(self, inbound: Inbound, digest: bytes) -> Intake:
        row = await self._database.fetchrow(query("find_accepted"), inbound.session_id, inbound.dedupe_key)
        if row is None:
            raise BusyError("too many turns wait in this session", retry_after_s=BUSY_RETRY_S)
        if row["digest"] != digest:
            raise ConflictError("this id was used before for another text")
        task_id = TaskId(row["task_id"])
        return Intake(
            accepted=Accepted(
                message_id=MessageId(row["message_id"]),
                seq=row["seq"],
                task_id=task_id,
                run_id=run_id_of(task_id),
                is_duplicate=True,
            )
        )

    async def start(self, claim: Claim) -> Start | None:
        """Begin a claimed task and take in what the same person said meanwhile. None: stopped, or the lease is lost."""
        row = await self._database.fetchrow(
            query("start_task"), claim.session_id, self.worker_id, claim.epoch, claim.position, claim.run_id
        )
        if row is None:
            return None
        return Start(
            attempt=row["attempts"],
            merged=tuple(run_id_of(TaskId(task_id)) for task_id in sorted(row["merged"])),
            note=note_of(claim, row["seq"], row["at"], RunState.THINKING),
        )

    async def finish(self, claim: Claim, outcome: Outcome, *, may_keep: bool) -> Finish:
        """Commit the end of a run. Raises `LeaseLostError`, `StoreUnavailableError`."""
        message_id = new_message_id() if outcome.answer is not None else None
        row = await self._finishes.call(claim.session_id, render_finish(claim, outcome, message_id, may_keep=may_keep))
        if row is None:
            raise LeaseLostError(claim.session_id)
        return read_finish(claim, outcome, message_id, row)

    async def put_back(self, claim: Claim, *, after_s: float, note: str | None, counts: bool) -> RunNote:
        """Let the task wait for another attempt; `counts` says whether this one was an attempt.

        Raises `LeaseLostError`, `StoreUnavailableError`.
        """
        row = await self._database.fetchrow(
            query("put_back_task"),
            claim.session_id,
            self.worker_id,
            claim.epoch,
            claim.position,
            after_s,
            note,
            not counts,
            claim.run_id,
        )
        if row is None:
            raise LeaseLostError(claim.session_id)
        return note_of(claim, row["seq"], row["at"], RunState.QUEUED, note)

    async def release(self, claim: Claim) -> None:
        """Give a claimed session back whose task could not be started."""
        await self._database.fetch(query("release_lease"), claim.session_id, self.worker_id, claim.epoch)

    async def record_calls(self, claim: Claim, n: int, turn: Turn, label: str) -> RunNote:
        """Write a turn and its calls down before they run. Raises `LeaseLostError`, `StoreUnavailableError`."""
        row = await self._database.fetchrow(
            query("record_calls"),
            claim.session_id,
            self.worker_id,
            claim.epoch,
            claim.position,
            claim.run_id,
            label,
            [render_turn(n, turn)],
            [render_call(n, k, call) for k, call in enumerate(turn.tool_calls)],
        )
        if row is None:
            raise LeaseLostError(claim.session_id)
        return note_of(claim, row["seq"], row["at"], RunState.TOOL, label)

    async def record_results(self, claim: Claim, n: int, turn: Turn) -> None:
        """Write down what came of a turn's calls; their private arguments go.

        Raises `LeaseLostError`, `StoreUnavailableError`.
        """
        hidden = hide_arguments(turn)
        calls = [render_call(n, k, call) for k, call in enumerate(hidden.tool_calls)]
        content = None if hidden is turn else hidden.content
        fence = (claim.session_id, self.worker_id, claim.epoch)
        row = await self._database.fetchrow(query("record_results"), *fence, claim.position, calls, n, content)
        if row is None:
            raise LeaseLostError(claim.session_id)

    async def stop_waiting(self, session_id: SessionId, task_id: TaskId) -> list[RunNote]:
        """Stop a task that waits, and with it those it answers along. The notes of the runs that end, if any do."""
        return [
            RunNote(
                session_id=session_id,
                seq=row["seq"],
                run_id=run_id_of(TaskId(row["task_id"])),
                state=RunState.STOPPED,
                at=row["at"],
            )
            for row in await self._database.fetch(query("stop_waiting_task"), session_id, task_id)
        ]

    async def claim(self, limit: int) -> list[Claim]:
        """Take up to `limit` free sessions whose next task is due, those that have waited longest first."""
        rows = await self._database.fetch(query("claim_tasks"), self.worker_id, limit)
        claims = [read_claim(row["session_id"], row["epoch"], row, "") for row in rows if row["position"] is not None]
        for row in rows:
            if row["position"] is None:
                await self._database.fetch(query("release_lease"), row["session_id"], self.worker_id, row["epoch"])
        return claims

    async def next_ready_in(self) -> float | None:
        """Seconds until a free session is due; none when nothing waits."""
        row = await self._database.fetchrow(query("next_ready_in"))
        return None if row is None else row[0]

    async def load_status(self, task_id: TaskId) -> TaskStatus | None:
        """A task as its giver sees it."""
        task = await self._database.fetchrow(query("load_task"), storable(task_id))
        if task is None:
            return None
        answer = await self._database.fetchrow(query("load_answer"), task["session_id"], task["run_position"])
        state = TaskState(task["run_state"] if task["state"] == TaskState.MERGED else task["state"])
        return TaskStatus(
            task_id=TaskId(task["task_id"]),
            session_id=SessionId(task["session_id"]),
            run_id=run_id_of(TaskId(task["run_task_id"])),
            user_id=task["user_id"],
            state=state,
            attempts=task["attempts"],
            created_at=task["created_at"],
            finished_at=task["finished_at"],
            text=answer["text"] if answer else None,
            note=task["note"],
            usage=read_usage(answer) if answer and answer["input_tokens"] is not None else Usage(),
        )
