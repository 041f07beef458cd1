"""Decides about calls of tools that wait for approval: by a message of the person who asked, or when the time is over.

A decision is accepted as any message is: committed once, in the order of its session, and answered by a run of its own.
"""

from collections.abc import Awaitable, Callable, Mapping

import structlog

from agent.approvals import Approval, render_decision
from agent.asks import ApprovalState, Decision, Verdict
from agent.errors import (
    ApprovalClosedError,
    ApprovalNotYoursError,
    BusyError,
    ConflictError,
    NotFoundError,
)
from agent.ids import ApprovalId, RunId, SessionId, TaskId
from agent.records import User
from agent.speech import UNNAMED
from agent.tasks import Accepted, Inbound
from gateway import metrics
from gateway.faults import outlive_bugs
from gateway.ports import Poster
from memory.approvals import Approvals, Place
from memory.task_records import Intake

log = structlog.get_logger(__name__)
EXPIRED_AT_ONCE = 50
GATEWAY_NAME = "Parley"
Accept = Callable[[Inbound], Awaitable[Intake]]
WITH_A_PERSON = "A person of the team answers here just now. Approve this once the conversation is back."
GONE = "This is not asked any more."
_CLOSED = {
    ApprovalState.APPROVED: "This was approved before.",
    ApprovalState.REFUSED: "This was refused before.",
    ApprovalState.EXPIRED: "This was not approved in time.",
    ApprovalState.STOPPED: "This was stopped.",
}


class ApprovalDesk:
    """Where people decide."""

    def __init__(self, store: Approvals, accept: Accept, posters: Mapping[str, Poster]) -> None:
        self._store = store
        self._accept = accept
        self._posters = posters
        self.list_newest = store.list_newest

    async def decide(self, user: User, session_id: SessionId, approval_id: ApprovalId, decision: Decision) -> Accepted:
        """What the person who asked decides. Deciding the same again is the same decision.

        Raises `NotFoundError`, `ApprovalNotYoursError`, `ApprovalClosedError`, `StoreUnavailableError`.
        """
        found = await self._store.load(session_id, approval_id)
        if found is None:
            raise NotFoundError("there is nothing here to decide about by that id")
        approval, place = found
        if approval.user_id != user.id:
            metrics.approvals.labels("foreign").inc()
            raise ApprovalNotYoursError(f"Only {approval.user_name or UNNAMED}, who asked, can decide this.")
        state = ApprovalState(decision)
        if approval.state not in {ApprovalState.WAITING, state}:
            raise ApprovalClosedError(_CLOSED[approval.state])
        try:
            return await self._send(approval, place, state, user)
        except (ApprovalClosedError, ConflictError):  # decided another way meanwhile
            found = await self._store.load(session_id, approval_id)
            raise ApprovalClosedError(_CLOSED.get(found[0].state, WITH_A_PERSON) if found else GONE) from None

    async def _send(self, approval: Approval, place: Place, state: ApprovalState, user: User | None) -> Accepted:
        accepted = (await self._accept(self._inbound(approval, place, state, user))).accepted
        if not accepted.is_duplicate:
            metrics.approvals.labels(state).inc()
            log.info(
                "approval_decided",
                approval_id=approval.approval_id,
                session_id=approval.session_id,
                run_id=accepted.run_id,
                state=state,
            )
        return accepted

    def _inbound(self, approval: Approval, place: Place, state: ApprovalState, user: User | None) -> Inbound:
        poster, reply_to = self._posters.get(place.channel), place.reply_to
        if poster is not None and reply_to is not None:
            reply_to = poster.follow_up(reply_to, approval.approval_id)
        return Inbound(
            channel=place.channel,
            tenant=place.tenant,
            session_id=approval.session_id,
            audience=place.audience,
            agent_id=place.agent_id,
            user=user,
            author_name=(approval.user_name or UNNAMED) if user else GATEWAY_NAME,
            text=render_decision(state, approval.title),
            dedupe_key=f"approval:{approval.approval_id}",
            client_id=approval.approval_id,
            reply_to=reply_to,
            verdict=Verdict(approval_id=approval.approval_id, state=state),
        )

    async def stop(self, session_id: SessionId, run_id: RunId) -> bool:
        """End what a run waits for; nobody is asked any more. False where it waits for nothing."""
        stopped = await self._store.stop(session_id, TaskId("task_" + run_id.removeprefix("run_")))
        metrics.approvals.labels(ApprovalState.STOPPED).inc(stopped)
        return stopped > 0

    async def expire(self) -> None:
        """Tell the agents of what was not approved in time. Raises `StoreUnavailableError`."""
        for session_id, approval_id in await self._store.list_due(EXPIRED_AT_ONCE):
            found = await self._store.load(session_id, approval_id)
            if found is None:
                continue
            with outlive_bugs("approvals"):
                await self._expire(*found)

    async def _expire(self, approval: Approval, place: Place) -> None:
        try:
            await self._send(approval, place, ApprovalState.EXPIRED, None)
        except (ApprovalClosedError, ConflictError):
            log.debug("approval_closed", approval_id=approval.approval_id)
        except BusyError:
            log.debug("approval_waits", approval_id=approval.approval_id)
