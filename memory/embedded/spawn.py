"""Starting a program of the server so that it never outlives the gateway."""

import ctypes
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence

from memory.embedded.accounts import Account
from memory.embedded.errors import BinariesMissingError

PR_SET_PDEATHSIG = 1
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}
"""All that the server gets: the gateway's own holds keys, and PG* variables would change what it does."""


def spawn(
    command: Sequence[str],
    *,
    account: Account,
    output_fd: int,
    lock_fd: int,
    death_signal: signal.Signals,
    stdin_fd: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start `command` as `account`; when this thread ends in whatever way the system sends it `death_signal`.

    It inherits `lock_fd` and nothing else, and is in a session of its own: a Ctrl-C in the terminal is the gateway's.
    Raises BinariesMissingError.
    """
    try:
        # Python warns of a fork beside other threads; the child makes two system calls that were loaded before it
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            return subprocess.Popen(  # noqa: S603 - the command is our own
                command,
                cwd="/",
                env=ENVIRONMENT,
                stdin=stdin_fd,
                stdout=output_fd,
                stderr=output_fd,
                pass_fds=(lock_fd,),
                start_new_session=True,
                umask=0o077,
                user=None if account.is_self else account.uid,
                group=None if account.is_self else account.gid,
                extra_groups=None if account.is_self else [],
                preexec_fn=tie_to_parent(death_signal),  # noqa: PLW1509 - see above
            )
    except (OSError, subprocess.SubprocessError) as error:
        raise BinariesMissingError(f"{command[0]} cannot be started as {account.name}: {error}.") from error


def tie_to_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    """What the child does between fork and exec. It runs after the change of user, which would undo it.

    Only Linux has this; elsewhere a killed gateway leaves its server to the next start, which says so.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent_pid = os.getpid()

    def ask_for_signal() -> None:
        failed = prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if failed or os.getppid() != parent_pid:  # the parent may have gone before it was asked
            os._exit(127)

    return ask_for_signal
