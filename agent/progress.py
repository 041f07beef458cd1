"""What a run has done so far, and the run as it is kept whenever it ends."""

from dataclasses import dataclass, field

from agent.ports import ModelReply, ModelRequest
from agent.prompt import Context
from agent.records import Run, RunState, Turn, Usage
from agent.sizes import BilledSize, measure_content, measure_request
from agent.tasks import Task

EMPTY = "I have nothing to say to that."
BETWEEN_TURNS = "\n\n"


@dataclass(slots=True, kw_only=True)
class Progress:
    """What a run has done so far: always fit to be kept, whenever the run is ended.

    `billed` is the size of its last call, `context` what it sends now, `shortened` how many of its own turns stand with
    short results.
    """

    text: str = ""
    turns: list[Turn] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    stop_reason: str = ""
    calls: int = 0
    open_text: str = ""
    billed: BilledSize | None = None
    context: Context | None = None
    shortened: int = 0

    def add_text(self, text: str) -> str:
        """Take in a piece of the current turn's text; returns what is new of the whole."""
        piece = BETWEEN_TURNS + text if self.text and not self.open_text else text
        self.open_text += text
        self.text += piece
        return piece

    def drop_open_text(self) -> None:
        """The current turn starts over."""
        if self.open_text:
            self.text = self.text[: -len(self.open_text)].removesuffix(BETWEEN_TURNS)
        self.open_text = ""

    def close_turn(self, request: ModelRequest, reply: ModelReply) -> None:
        """A model call is over."""
        self.usage += reply.usage
        size_bytes = measure_request(request) + measure_content(reply.content)
        self.billed = BilledSize(model=reply.model, tokens=reply.usage.context_tokens, size_bytes=size_bytes)
        self.model, self.stop_reason, self.open_text = reply.model, reply.stop_reason, ""


def finish_run(task: Task, progress: Progress, state: RunState, note: str | None = None) -> Run:
    """The run as it is to be kept; `note` is a sentence that follows what was said."""
    text = BETWEEN_TURNS.join(part for part in (progress.text.strip(), note) if part)
    return Run(
        run_id=task.run_id,
        session_id=task.session_id,
        state=state,
        text=text or (EMPTY if state is RunState.DONE else ""),
        model=progress.model,
        turns=tuple(progress.turns),
        stop_reason=progress.stop_reason,
        usage=progress.usage,
        context_tokens=progress.billed.tokens if progress.billed else 0,
        context_bytes=progress.billed.size_bytes if progress.billed else 0,
    )
