"""Who may use a data directory, told by `flock`, which the system takes back whenever a process ends.

Two locks. The gateway's says that one gateway uses the directory. The server's is inherited by the postmaster and all
its backends, so that it is free only when the last of them has gone; a process number from a file is never needed.
"""

import fcntl
import os
from pathlib import Path

from memory.embedded.accounts import Account
from memory.embedded.errors import DataDirectoryInUseError, DataDirectoryUnusableError

FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


def open_lock(path: Path, account: Account) -> int:
    """Open the lock file; the descriptor is not inherited unless handed on by name."""
    try:
        fd = os.open(path, FLAGS, 0o600)
    except PermissionError as error:
        reason = f"{path.name} in it belongs to another user; start the gateway as that one"
        raise DataDirectoryUnusableError(path.parent, reason) from error
    account.take_if_owner(path)
    return fd


def try_lock(fd: int) -> bool:
    """Whether the lock is now held through `fd`."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def lock_for_gateway(path: Path, account: Account) -> int:
    """Take the gateway's lock, or raise DataDirectoryInUseError."""
    fd = open_lock(path, account)
    try:
        claim(fd, path.parent)
    except BaseException:
        os.close(fd)
        raise
    return fd


def claim(fd: int, data_dir: Path) -> None:
    """Take the lock and write our process number into it, for whoever finds it taken."""
    if not try_lock(fd):
        text = os.pread(fd, 32, 0).decode("ascii", "replace").strip()
        raise DataDirectoryInUseError(data_dir, int(text) if text.isdigit() else None)
    os.ftruncate(fd, 0)
    os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
