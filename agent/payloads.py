"""Long results of tools: their head and tail for the prompt, their pages and passages for `read_result`. Pure."""

import re
from dataclasses import dataclass, replace

from agent.records import PastRun, ToolCall, Turn
from agent.text import BYTES_PER_TOKEN, estimate_tokens

PAGE_CHARACTERS = 6_000
PASSAGES = 20
AROUND_CHARACTERS = 160
READ_RESULT = "read_result"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRules:
    """How much of what tools give back stands in prompts.

    `result_tokens`: a longer result is cut. `condense_after`: once so many calls of a run gave long results, a small
    model condenses the older ones, keeping what `condense_instructions` say (0: never). `history_calls`: of the past
    runs' calls only so many of the newest keep their results (0: all).
    """

    result_tokens: int = 8_000
    condense_after: int = 0
    condense_instructions: str = ""
    history_calls: int = 0


def add_excerpt(call: ToolCall, limit_tokens: int) -> ToolCall:
    """The call, with an excerpt where its result is over the limit. A page that `read_result` gave stays whole."""
    if not call.is_done or call.name == READ_RESULT or estimate_tokens(call.result) <= limit_tokens:
        return call
    return replace(call, excerpt=cut_payload(call.result, call.call_id, limit_tokens))


def cut_payload(text: str, result_id: str, limit_tokens: int) -> str:
    """Head and tail of a text within the limit, whole lines where lines are short, and how to read the rest."""
    data = text.encode(errors="replace")
    note = _explain_cut(len(data), count_pages(text), result_id)
    room = max(0, limit_tokens * BYTES_PER_TOKEN - len(note.encode()) - 2)
    head_bytes = room * 2 // 3
    head = data[:head_bytes].decode(errors="ignore")
    tail = data[len(data) - (room - head_bytes) :].decode(errors="ignore") if room else ""
    return "\n".join([_up_to_line(head), note, _from_line(tail)])


def _explain_cut(size_bytes: int, pages: int, result_id: str) -> str:
    return (
        f"(The middle is left out here: {size_bytes:,} bytes in all. {READ_RESULT} with id {result_id} gives "
        f"the whole: page 1 to {pages}, or the passages where a query's words stand.)"
    )


def _up_to_line(head: str) -> str:
    """Without a last line that is cut, unless it is long."""
    end = head.rfind("\n")
    return head[:end] if end >= len(head) * 3 // 4 else head


def _from_line(tail: str) -> str:
    begin = tail.find("\n") + 1
    return tail[begin:] if begin <= len(tail) // 4 else tail


def count_pages(text: str) -> int:
    """How many pages a result has; at least one."""
    return max(1, -(-len(text) // PAGE_CHARACTERS))


def read_page(text: str, page: int) -> str | None:
    """A page, counted from 1, under a line that says where it stands; none where there is no such page."""
    pages = count_pages(text)
    if not 1 <= page <= pages:
        return None
    begin = (page - 1) * PAGE_CHARACTERS
    return f"(page {page} of {pages})\n{text[begin : begin + PAGE_CHARACTERS]}"


def find_passages(text: str, query: str) -> list[str]:
    """The first passages in which the query stands, whatever its case, each with its page and some text around it."""
    passages: list[str] = []
    pattern, end = re.compile(re.escape(query.strip()), re.IGNORECASE), 0
    while query.strip() and len(passages) < PASSAGES and (found := pattern.search(text, end)):
        begin, end = max(end, found.start() - AROUND_CHARACTERS), found.end() + AROUND_CHARACTERS
        passages.append(f"(page {found.start() // PAGE_CHARACTERS + 1}) …{text[begin:end]}…")
    return passages


SHORT_TOKENS = 300
LEFT_OUT = "(The result is left out here.)"


def shorten_results(turn: Turn) -> Turn:
    """The turn with short excerpts, where a run's own results fill the window."""
    return replace(turn, tool_calls=tuple(add_excerpt(_whole(call), SHORT_TOKENS) for call in turn.tool_calls))


def _whole(call: ToolCall) -> ToolCall:
    return replace(call, excerpt=None)


def limit_calls(history: tuple[PastRun, ...], most: int) -> tuple[PastRun, ...]:
    """The runs with the results of the newest `most` calls (0: of all); older calls stand without what they gave."""
    left = most
    limited: list[PastRun] = []
    for run in reversed(history) if most else ():
        calls = sum(len(turn.tool_calls) for turn in run.turns)
        limited.append(run if calls <= left else _leave_out(run, calls - left))
        left = max(0, left - calls)
    return tuple(reversed(limited)) if most else history


def _leave_out(run: PastRun, count: int) -> PastRun:
    """The run without the results of its first calls."""
    turns: list[Turn] = []
    for turn in run.turns:
        calls = [replace(c, excerpt=LEFT_OUT) if n < count else c for n, c in enumerate(turn.tool_calls)]
        count = max(0, count - len(calls))
        turns.append(replace(turn, tool_calls=tuple(calls)))
    return replace(run, turns=tuple(turns))
