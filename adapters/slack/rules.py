"""The owner's rules about a message: who is answered where, and what a small model has to judge."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeAlias

from adapters.slack.deciding import Decision, Reason, ThreadState, Verdict, decide, has_to_judge, screen
from adapters.slack.options import Options
from adapters.slack.records import Said
from agent.ids import AgentId

TEXT_JUDGED = 4_000
Judge: TypeAlias = Callable[[AgentId, str, str], Awaitable[bool]]
"""Whether a message (the last) meets a rule in one line, by the agent's small model. False when it cannot be told."""


class Rules:
    """`Options`, applied."""

    def __init__(self, options: Options, judge: Judge) -> None:
        self.options = options
        self._judge = judge

    def screen(self, said: Said) -> Reason | None:
        """Why a message is nothing for the agent whatever the thread."""
        return screen(said, self.options.of(said.conversation).rule.bots)

    async def decide(self, said: Said, thread: ThreadState) -> Decision:
        """What to do with a message that passed the screen."""
        here = self.options.of(said.conversation)
        decision = decide(said, thread, here.rule)
        if here.rule.question is None or not has_to_judge(decision, here.rule):
            return decision
        agent_id = self.options.agent_of(said.origin.installation, said.conversation)
        is_wanted = await self._judge(agent_id, here.rule.question, said.text[:TEXT_JUDGED])
        return replace(decision, verdict=Verdict.ANSWERED, reason=Reason.JUDGED) if is_wanted else decision
