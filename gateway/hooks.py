"""The places where an owner's own Python joins in.

A hook may be a plain or an async function. One that raises is logged and otherwise ignored: it must not cost an answer.
"""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import structlog

from agent.records import Run
from agent.tasks import Task

log = structlog.get_logger(__name__)

OnBoot: TypeAlias = Callable[[], Awaitable[None] | None]
OnTask: TypeAlias = Callable[[Task], Awaitable[None] | None]
OnRunFinished: TypeAlias = Callable[[Task, Run], Awaitable[None] | None]
Vectors: TypeAlias = Sequence[Sequence[float]]
EmbedTexts: TypeAlias = Callable[[list[str]], Awaitable[Vectors] | Vectors]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """`on_boot` before the first message is taken, `on_task` before a run, `on_run_finished` once it is stored.

    `embed_texts` gives a vector for each text, by which searches compare what they found with the question.
    """

    on_boot: OnBoot | None = None
    on_task: OnTask | None = None
    on_run_finished: OnRunFinished | None = None
    embed_texts: EmbedTexts | None = None


async def call_hook(name: str, pending: Callable[[], Awaitable[None] | None]) -> None:
    """Run a hook to its end."""
    try:
        result = pending()
        if inspect.isawaitable(result):
            await result
    except Exception as error:  # noqa: BLE001  a hook is anybody's code, and its fault must not cost an answer
        log.error("hook_failed", hook=name, error=type(error).__name__)
