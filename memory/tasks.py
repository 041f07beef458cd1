"""The task engine's store: accept, start, finish, retry, claim, recover. Every method is one statement.

The process that holds a session's lease (its worker id and epoch) is the only one that may write the session's runs; a
write of one that lost it changes nothing and raises `LeaseLostError`.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import asyncpg

from agent.errors import ApprovalClosedError, BusyError, ConflictError, LeaseLostError, UserGoneError
from agent.files import render_files
from agent.ids import (
    AgentId,
    MessageId,
    RunId,
    SessionId,
    TaskId,
    UserId,
    WorkerId,
    new_message_id,
    new_task_id,
    run_id_of,
)
from agent.records import Author, Message, Run, RunNote, RunState, ToolCall, Turn, Usage
from agent.tasks import Accepted, Inbound, TaskState, TaskStatus
from memory.database import Database
from memory.queries import query
from memory.rows import AGENT_AUTHOR, read_usage, render_attachments

BUSY_RETRY_S = 3.0
KEPT = "A person of the team answers in this conversation just now."


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to run a task: the session, the fence, and the task at its head. `attempt` is 0 until it is started."""

    session_id: SessionId
    epoch: int
    position: int
    task_id: TaskId
    user_id: UserId | None
    agent_id: AgentId
    attempt: int = 0

    @property
    def run_id(self) -> RunId:
        """The id of the task's run."""
        return run_id_of(self.task_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What a commit of a message brought: its proof, its log entries, and the claim when its run may start at once."""

    accepted: Accepted
    entries: tuple[Message | RunNote, ...] = ()
    claim: Claim | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A run that begins: which attempt it is, the runs it answers along with its own, and the note for the log."""

    attempt: int
    merged: tuple[RunId, ...]
    note: RunNote


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a task ended. `answer` is the text to keep (none: nothing is said); `run` what is to be stored of the run.

    `extract_after_s`: when what was said should be read for facts (none: it should not),
    `title_after_s`: when the session should be given a title, `approval_s`: how long the run's asks may wait.
    """

    state: TaskState
    run_state: RunState
    run: Run | None
    answer: str | None
    answer_role: str = "assistant"
    note: str | None = None
    merged: tuple[RunId, ...] = ()
    extract_after_s: float | None = None
    title_after_s: float | None = None
    approval_s: float = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """A committed end: its log entries, the session's next claim if it was kept, and how much else waits there."""

    entries: tuple[Message | RunNote, ...]
    next: Claim | None
    waiting: int
    is_posted: bool


class Tasks:
    """The engine's statements for one worker."""

    def __init__(self, database: Database, worker_id: WorkerId) -> None:
        self._database = database
        self.worker_id = worker_id

    async def accept(self, inbound: Inbound, *, may_take: bool) -> Intake:
        """Commit a message with its task; take the session's lease when it is free and `may_take`.

        Raises `ConflictError`, `ApprovalClosedError`, `BusyError`, `UserGoneError`, `StoreUnavailableError`.
        """
        task_id, message_id = new_task_id(), new_message_id()
        digest = hashlib.sha256(inbound.text.encode()).digest()
        user_id = inbound.user.id if inbound.user else None
        try:
            row = await self._database.fetchrow(
                query("accept_message"),
                inbound.session_id,
                user_id,
                inbound.channel,
                inbound.tenant,
                inbound.agent_id,
                inbound.audience,
                self.worker_id,
                may_take,
                inbound.max_waiting,
                task_id,
                message_id,
                inbound.author_name,
                inbound.text,
                inbound.client_id,
                inbound.dedupe_key,
                digest,
                inbound.reply_to,
                run_id_of(task_id),
                render_attachments(inbound.attachments),
                render_files(inbound.attachments),
                inbound.user.account_id if inbound.user else None,
                KEPT,
                inbound.verdict.approval_id if inbound.verdict else None,
                inbound.verdict.state if inbound.verdict else None,
            )
        except asyncpg.UniqueViolationError:
            return await self._find_accepted(inbound, digest)
        except asyncpg.NotNullViolationError:
            try:
                return await self._find_accepted(inbound, digest)
            except ConflictError as error:
                raise ApprovalClosedError("nothing waits for this decision any more") from error
        except asyncpg.NoDataFoundError as error:
            raise UserGoneError("this person was erased") from error
        if row is None:
            raise BusyError("too many turns wait in this session", retry_after_s=BUSY_RETRY_S)
        return _read_intake(inbound, task_id, message_id, row)

    async def _find_accepted(self, inbound: Inbound, digest: bytes) -> Intake:
        row = await self._database.fetchrow(query("find_accepted"), inbound.session_id, inbound.dedupe_key)
        if row is None or row["digest"] != digest:
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
            note=_note(claim, row["seq"], row["at"], RunState.THINKING),
        )

    async def finish(self, claim: Claim, outcome: Outcome, *, may_keep: bool) -> Finish:
        """Commit the end of a run. Raises `LeaseLostError`, `StoreUnavailableError`."""
        message_id = new_message_id() if outcome.answer is not None else None
        author = AGENT_AUTHOR if outcome.answer_role == "assistant" else "Parley"
        row = await self._database.fetchrow(
            query("finish_task"),
            claim.session_id,
            self.worker_id,
            claim.epoch,
            claim.position,
            outcome.state,
            message_id,
            outcome.answer_role,
            author,
            outcome.answer,
            [claim.run_id, *outcome.merged],
            outcome.run_state,
            outcome.note,
            _run_json(outcome.run),
            _turns_json(outcome.run),
            _calls_json(outcome.run),
            outcome.extract_after_s,
            may_keep,
            outcome.title_after_s,
            _asks_json(outcome),
        )
        if row is None:
            raise LeaseLostError(claim.session_id)
        return _read_finish(claim, outcome, message_id, author, row)

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
        return _note(claim, row["seq"], row["at"], RunState.QUEUED, note)

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
            [_turn_json(n, turn)],
            [_call_json(n, k, call) for k, call in enumerate(turn.tool_calls)],
        )
        if row is None:
            raise LeaseLostError(claim.session_id)
        return _note(claim, row["seq"], row["at"], RunState.TOOL, label)

    async def record_results(self, claim: Claim, n: int, turn: Turn) -> None:
        """Write down what came of a turn's calls. Raises `LeaseLostError`, `StoreUnavailableError`."""
        calls = [_call_json(n, k, call) for k, call in enumerate(turn.tool_calls)]
        row = await self._database.fetchrow(
            query("record_results"), claim.session_id, self.worker_id, claim.epoch, claim.position, calls
        )
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
        claims = [_read_claim(row["session_id"], row["epoch"], row, "") for row in rows if row["position"] is not None]
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
        task = await self._database.fetchrow(query("load_task"), task_id)
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


def _read_claim(session_id: str, epoch: int, row: asyncpg.Record, prefix: str) -> Claim:
    return Claim(
        session_id=SessionId(session_id),
        epoch=epoch,
        position=row[prefix + "position"],
        task_id=TaskId(row[prefix + "task_id"]),
        user_id=row[prefix + "user_id"],
        agent_id=AgentId(row[prefix + "agent_id"]),
    )


def _note(claim: Claim, seq: int, at: datetime, state: RunState, label: str | None = None) -> RunNote:
    return RunNote(session_id=claim.session_id, seq=seq, run_id=claim.run_id, state=state, label=label, at=at)


def _read_intake(inbound: Inbound, task_id: TaskId, message_id: MessageId, row: asyncpg.Record) -> Intake:
    user_id = row["user_id"]
    claim = Claim(
        session_id=inbound.session_id,
        epoch=row["epoch"],
        position=row["position"],
        task_id=task_id,
        user_id=user_id,
        agent_id=inbound.agent_id,
        attempt=1,
    )
    message = Message(
        session_id=inbound.session_id,
        seq=row["seq"],
        message_id=message_id,
        role="user",
        author=Author(id=user_id, name=inbound.author_name),
        text=inbound.text,
        at=row["at"],
        run_id=claim.run_id,
        client_id=inbound.client_id,
        attachments=tuple(replace(one, excerpt=None) for one in inbound.attachments),
    )
    state = RunState.DONE if row["is_kept"] else RunState.THINKING if row["is_mine"] else RunState.QUEUED
    return Intake(
        accepted=Accepted(
            message_id=message_id, seq=row["seq"], task_id=task_id, run_id=claim.run_id, is_duplicate=False
        ),
        entries=(message, _note(claim, row["seq"] + 1, row["at"], state)),
        claim=claim if row["is_mine"] else None,
    )


def _read_finish(
    claim: Claim, outcome: Outcome, message_id: MessageId | None, author: str, row: asyncpg.Record
) -> Finish:
    entries: list[Message | RunNote] = []
    seq = row["seq"]
    if message_id is not None and outcome.answer is not None:
        entries.append(
            Message(
                session_id=claim.session_id,
                seq=seq,
                message_id=message_id,
                role="assistant" if outcome.answer_role == "assistant" else "system",
                author=Author(name=author),
                text=outcome.answer,
                at=row["at"],
                run_id=claim.run_id,
                asks=outcome.run.asks if outcome.run else (),
            )
        )
    for run_id in (claim.run_id, *outcome.merged):
        note = RunNote(
            session_id=claim.session_id,
            seq=seq + len(entries),
            run_id=run_id,
            state=outcome.run_state,
            label=outcome.note,
            at=row["at"],
        )
        entries.append(note)
    is_kept = row["is_kept"] and row["next_position"] is not None
    return Finish(
        entries=tuple(entries),
        next=_read_claim(claim.session_id, claim.epoch, row, "next_") if is_kept else None,
        waiting=0 if is_kept else row["queued"],
        is_posted=bool(row["posted"]),
    )


def _usage_json(usage: Usage) -> dict[str, int | str]:
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "cost_usd": str(usage.cost_usd),
    }


def _run_json(run: Run | None) -> dict[str, Any]:
    if run is None:
        return {"model": "", "stop_reason": "", "error": None, **_usage_json(Usage())}
    window = {"context_tokens": run.context_tokens, "context_bytes": run.context_bytes}
    return {"model": run.model, "stop_reason": run.stop_reason, "error": run.error, **window, **_usage_json(run.usage)}


def _turn_json(n: int, turn: Turn) -> dict[str, Any]:
    return {"n": n, "content": turn.content, "stop_reason": turn.stop_reason, **_usage_json(turn.usage)}


def _call_json(n: int, k: int, call: ToolCall) -> dict[str, Any]:
    return {
        "n": n,
        "k": k,
        "call_id": call.call_id,
        "name": call.name,
        "arguments": call.arguments,
        "result": call.result if call.is_done else None,
        "is_error": call.is_error,
        "excerpt": call.excerpt,
    }


def _asks_json(outcome: Outcome) -> list[dict[str, Any]]:
    asks = outcome.run.asks if outcome.run else ()
    return [
        {"approval_id": a.approval_id, "call_id": a.call_id, "title": a.title, "expires_s": outcome.approval_s}
        for a in asks
    ]


def _turns_json(run: Run | None) -> list[dict[str, Any]]:
    return [_turn_json(n, turn) for n, turn in enumerate(run.turns if run else ())]


def _calls_json(run: Run | None) -> list[dict[str, Any]]:
    turns = enumerate(run.turns if run else ())
    return [_call_json(n, k, call) for n, turn in turns for k, call in enumerate(turn.tool_calls)]
