"""What a `postmaster.pid` says. A number read from it is compared and looked up, never signalled."""

import os
import sys
from pathlib import Path

NAME = "postmaster.pid"


def is_ready(data: Path, pid: int) -> bool:
    """Whether the server with our child's process number has written that it takes connections."""
    lines = read_lines(data)
    return len(lines) >= 8 and lines[0] == str(pid) and lines[-1] == "ready"


def read_lines(data: Path) -> list[str]:
    """The file's lines, stripped; none where there is no file."""
    try:
        text = (data / NAME).read_text("utf-8", "replace")
    except FileNotFoundError:
        return []
    return [line.strip() for line in text.splitlines()]


def read_pid(data: Path) -> int | None:
    """The process number in the file; none where there is no file or no number in it."""
    lines = read_lines(data)
    digits = lines[0].lstrip("-") if lines else ""  # a server in single-user mode writes it negative
    return int(digits) if digits.isdecimal() and int(digits) > 0 else None


def remove_foreign(data: Path) -> None:
    """Remove a file that would keep the server from starting though no server is behind it.

    A file that names nobody stays: PostgreSQL takes it for what it is, after a look at the shared memory it names.
    """
    path = data / NAME
    if not path.exists():
        return
    pid = read_pid(data)
    if pid is None or is_alive(pid):
        path.unlink(missing_ok=True)


def find_server(data: Path) -> int | None:
    """The living process that the file names, if it may be a server of this directory."""
    pid = read_pid(data)
    return pid if pid is not None and is_alive(pid) and may_serve(pid, data) else None


def is_alive(pid: int) -> bool:
    """Whether there is such a process. Signal 0 asks and does nothing."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def may_serve(pid: int, data: Path) -> bool:
    """Whether the living process may be a server of `data`: one works in there, by that it is known.

    Where the system does not let us see, the name of the program decides; where it has none, the answer is yes.
    """
    if sys.platform != "linux":
        return True
    process = Path("/proc", str(pid))
    try:
        return (process / "cwd").samefile(data)
    except FileNotFoundError:
        return False
    except PermissionError:
        return read_program(process) == "postgres"


def read_program(process: Path) -> str:
    """The name of the process's program; empty when it has just ended."""
    try:
        return (process / "comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""
