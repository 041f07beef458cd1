"""What a terminal shows of a conversation. Pure: every method gives the characters to write next.

One answer at a time is written piece by piece; lines that come meanwhile are held until it ends. What others wrote
cannot steer the terminal: control characters are shown as �.
"""

import re
from dataclasses import dataclass

AGENT = "Assistant"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """The text as a terminal may be given it."""
    return _CONTROL.sub("�", text.replace("\r\n", "\n"))


@dataclass(slots=True)
class _Answer:
    whole: str = ""
    written: str = ""


class Screen:
    """The state of the terminal's last lines."""

    def __init__(self) -> None:
        self._answers: dict[str, _Answer] = {}
        self._open: str | None = None
        self._held: list[str] = []
        self.agent_name = AGENT

    def add_piece(self, run_id: str, offset: int, text: str) -> str:
        """A piece of an answer; `offset` counts UTF-16 units. One at 0 may repeat what is written, or start anew."""
        answer = self._answers.setdefault(run_id, _Answer())
        before = answer.whole.encode("utf-16-le")[: 2 * offset].decode("utf-16-le", "ignore")
        answer.whole = before + plain(text)
        return self._write(run_id, answer)

    def finish(self, run_id: str, text: str) -> str:
        """The answer as it is kept: the rest of it, or the whole where other words were written before."""
        answer = self._answers.setdefault(run_id, _Answer())
        answer.whole = plain(text)
        return self._write(run_id, answer) + self.end(run_id)

    def end(self, run_id: str) -> str:
        """Nothing more comes of this run."""
        self._answers.pop(run_id, None)
        if self._open != run_id:
            return ""
        self._open = None
        held, self._held = self._held, []
        return "".join(["\n", *held])

    def say(self, line: str) -> str:
        """A line of its own: now, or after the answer that is being written."""
        text = f"{plain(line)}\n"
        if self._open is None:
            return text
        self._held.append(text)
        return ""

    def note(self, line: str) -> str:
        """A passing remark, which is not worth holding."""
        return "" if self._open else f"{plain(line)}\n"

    def _write(self, run_id: str, answer: _Answer) -> str:
        if self._open not in {None, run_id}:
            return ""  # another answer is being written; this one comes whole, at its end
        if answer.written.startswith(answer.whole) and answer.whole != answer.written:
            return ""  # told again from its start
        begins_anew = self._open is None or not answer.whole.startswith(answer.written)
        lead = f"{self.agent_name}: " if begins_anew else ""
        if begins_anew and self._open is not None:
            lead = f"\n{lead}"
        new = answer.whole if begins_anew else answer.whole[len(answer.written) :]
        answer.written = answer.whole
        self._open = run_id
        return lead + new
