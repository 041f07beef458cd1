"""The task engine's rows and JSON on one side, its records on the other."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import asyncpg

from agent.files import render_files
from agent.ids import AgentId, MessageId, SessionId, TaskId, run_id_of
from agent.private_arguments import hide_arguments
from agent.records import Author, Message, Run, RunNote, RunState, ToolCall, Turn, Usage
from agent.tasks import Accepted, Inbound
from memory.rows import AGENT_AUTHOR, render_attachments
from memory.task_records import Claim, Finish, Intake, Outcome

KEPT = "A person of the team answers in this conversation just now."


def read_claim(session_id: str, epoch: int, row: asyncpg.Record, prefix: str) -> Claim:
    """The claim that stands in a row, in columns that begin with `prefix`."""
    return Claim(
        session_id=SessionId(session_id),
        epoch=epoch,
        position=row[prefix + "position"],
        task_id=TaskId(row[prefix + "task_id"]),
        user_id=row[prefix + "user_id"],
        agent_id=AgentId(row[prefix + "agent_id"]),
    )


def note_of(claim: Claim, seq: int, at: datetime, state: RunState, label: str | None = None) -> RunNote:
    """The log's entry that says how the claim's run stands."""
    return RunNote(session_id=claim.session_id, seq=seq, run_id=claim.run_id, state=state, label=label, at=at)


def read_intake(inbound: Inbound, task_id: TaskId, message_id: MessageId, row: asyncpg.Record) -> Intake:
    """What came of `accept_messages` for this message."""
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
        entries=(message, note_of(claim, row["seq"] + 1, row["at"], state)),
        claim=claim if row["is_mine"] else None,
    )


def render_accept(inbound: Inbound, task_id: TaskId, message_id: MessageId, digest: bytes, *, may_take: bool) -> str:
    """A message as `accept_messages` is given it."""
    user = inbound.user
    return json.dumps(
        {
            "session_id": inbound.session_id,
            "user_id": user.id if user else None,
            "account_id": user.account_id if user else None,
            "channel": inbound.channel,
            "tenant": inbound.tenant,
            "agent_id": inbound.agent_id,
            "audience": inbound.audience,
            "may_take": may_take,
            "max_waiting": inbound.max_waiting,
            "task_id": task_id,
            "run_id": run_id_of(task_id),
            "message_id": message_id,
            "author_name": inbound.author_name,
            "text": inbound.text,
            "client_id": inbound.client_id,
            "dedupe_key": inbound.dedupe_key,
            "digest": digest.hex(),
            "reply_to": inbound.reply_to,
            "attachments": render_attachments(inbound.attachments),
            "files_text": render_files(inbound.attachments),
            "kept": KEPT,
            "approval_id": inbound.verdict.approval_id if inbound.verdict else None,
            "verdict": inbound.verdict.state if inbound.verdict else None,
        }
    )


def _author_of(outcome: Outcome) -> str:
    return AGENT_AUTHOR if outcome.answer_role == "assistant" else "Parley"


def render_finish(claim: Claim, outcome: Outcome, message_id: MessageId | None, *, may_keep: bool) -> str:
    """The end of a run as `finish_tasks` is given it."""
    return json.dumps(
        {
            "session_id": claim.session_id,
            "epoch": claim.epoch,
            "position": claim.position,
            "state": outcome.state,
            "run_state": outcome.run_state,
            "note": outcome.note,
            "may_keep": may_keep,
            "message_id": message_id,
            "role": outcome.answer_role,
            "author_name": _author_of(outcome),
            "text": outcome.answer,
            "run_ids": [claim.run_id, *outcome.merged],
            "run": _run(outcome.run),
            "turns": _turns(outcome.run),
            "calls": _calls(outcome.run),
            "asks": _asks(outcome),
            "extract_after_s": outcome.extract_after_s,
            "is_unread": outcome.is_unread,
            "title_after_s": outcome.title_after_s,
        }
    )


def read_finish(claim: Claim, outcome: Outcome, message_id: MessageId | None, row: asyncpg.Record) -> Finish:
    """What came of `finish_tasks` for this run."""
    entries: list[Message | RunNote] = []
    seq = row["seq"]
    if message_id is not None and outcome.answer is not None:
        entries.append(
            Message(
                session_id=claim.session_id,
                seq=seq,
                message_id=message_id,
                role="assistant" if outcome.answer_role == "assistant" else "system",
                author=Author(name=_author_of(outcome)),
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
        next=read_claim(claim.session_id, claim.epoch, row, "next_") if is_kept else None,
        waiting=0 if is_kept else row["queued"],
        is_posted=row["is_posted"],
    )


def _usage(usage: Usage) -> dict[str, int | str]:
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "cost_usd": str(usage.cost_usd),
    }


def _run(run: Run | None) -> dict[str, Any]:
    if run is None:
        return {"model": "", "stop_reason": "", "error": None, **_usage(Usage())}
    window = {"context_tokens": run.context_tokens, "context_bytes": run.context_bytes}
    return {"model": run.model, "stop_reason": run.stop_reason, "error": run.error, **window, **_usage(run.usage)}


def render_turn(n: int, turn: Turn) -> dict[str, Any]:
    """A turn as a row of `turns`, without its session and position."""
    return {"n": n, "content": turn.content, "stop_reason": turn.stop_reason, **_usage(turn.usage)}


def render_call(n: int, k: int, call: ToolCall) -> dict[str, Any]:
    """A tool call as a row of `tool_calls`, without its session and position."""
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


def _asks(outcome: Outcome) -> list[dict[str, Any]]:
    asks = outcome.run.asks if outcome.run else ()
    return [
        {"approval_id": a.approval_id, "call_id": a.call_id, "title": a.title, "expires_s": outcome.approval_s}
        for a in asks
    ]


def _turns(run: Run | None) -> list[dict[str, Any]]:
    return [render_turn(n, hide_arguments(turn)) for n, turn in enumerate(run.turns if run else ())]


def _calls(run: Run | None) -> list[dict[str, Any]]:
    turns = enumerate(run.turns if run else ())
    return [render_call(n, k, call) for n, turn in turns for k, call in enumerate(hide_arguments(turn).tool_calls)]
