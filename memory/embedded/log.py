"""The server's log file: opened here, so that its size is bounded and its last lines can be shown."""

import os
from pathlib import Path

from memory.embedded.accounts import Account

LIMIT_BYTES = 1_000_000
TAIL_BYTES = 4_000
TAIL_LINES = 20


def open_log(path: Path, account: Account) -> int:
    """Open the log for appending. One that has grown past its limit is put aside first, in place of the last such."""
    if path.exists() and path.stat().st_size > LIMIT_BYTES:
        path.replace(path.with_name(f"{path.name}.1"))
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    account.take_if_owner(path)
    return fd


def read_tail(fd: int, begin: int) -> list[str]:
    """The last lines written since the offset `begin`."""
    end = os.fstat(fd).st_size
    start = max(begin, end - TAIL_BYTES)
    lines = os.pread(fd, TAIL_BYTES, start).decode("utf-8", "replace").splitlines()
    return [line for line in lines if line.strip()][-TAIL_LINES:]
