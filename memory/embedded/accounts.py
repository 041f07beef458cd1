"""As whom the server runs. PostgreSQL refuses root, so a gateway that is root gives it an unprivileged user."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from memory.embedded.errors import NoServerAccountError

PREFERRED_NAMES = ("parley", "nobody")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The user that the server runs as. `is_self`: nothing has to be dropped. `owns_place`: the directory is theirs."""

    uid: int
    gid: int
    name: str
    is_self: bool
    owns_place: bool

    def take(self, path: Path) -> None:
        """Give `path`, which was just made, to this user."""
        if not self.is_self:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def take_if_owner(self, path: Path) -> None:
        """Give `path` to this user where the place around it is already theirs; otherwise it stays root's."""
        if self.owns_place:
            self.take(path)

    def may_enter(self, directory: Path) -> bool:
        """Whether this user reaches `directory` through all its parents (asked of the system, so that ACLs count)."""
        return os.access(directory, os.X_OK) if self.is_self else self.try_out('test -x "$1"', str(directory))

    def try_out(self, script: str, *arguments: str) -> bool:
        """Whether the shell `script`, run as this user, succeeds. Raises NoServerAccountError."""
        try:
            probe = subprocess.run(  # noqa: S603 - our own scripts
                ["/bin/sh", "-c", script, "sh", *arguments],
                cwd="/",
                env={},
                check=False,
                user=self.uid,
                group=self.gid,
                extra_groups=[],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:  # in a container where root is the only user there is
            reason = f"This system does not let root become {self.name} ({error.strerror}); start as an ordinary user"
            raise NoServerAccountError(reason) from error
        return probe.returncode == 0


def choose_account(data_dir: Path, data: Path) -> Account:
    """The user for the server of `data_dir`: this one; for root whoever owns `data`, else the place, else a spare one.

    Raises NoServerAccountError.
    """
    if os.geteuid() != 0:
        return Account(uid=os.geteuid(), gid=os.getegid(), name=name_of(os.geteuid()), is_self=True, owns_place=True)
    place = data if data.exists() else nearest_existing(data_dir)
    owner_uid = place.stat().st_uid
    if owner_uid != 0 and (entry := find_entry(owner_uid)):
        is_spare = entry.pw_name in PREFERRED_NAMES
        return Account(uid=entry.pw_uid, gid=entry.pw_gid, name=entry.pw_name, is_self=False, owns_place=not is_spare)
    for name in PREFERRED_NAMES:
        if spare := find_entry(name):
            return Account(uid=spare.pw_uid, gid=spare.pw_gid, name=name, is_self=False, owns_place=False)
    raise NoServerAccountError("Make one (useradd --system parley)")


def name_of(uid: int) -> str:
    """The user's name; empty where the system has none, which initdb does not accept."""
    entry = find_entry(uid)
    return entry.pw_name if entry else ""


def find_entry(user: int | str) -> pwd.struct_passwd | None:
    """The user's entry in the system's list, if there is one."""
    try:
        return pwd.getpwuid(user) if isinstance(user, int) else pwd.getpwnam(user)
    except KeyError:
        return None


def nearest_existing(path: Path) -> Path:
    """`path`, or the nearest directory above it that exists."""
    return next(place for place in (path, *path.parents) if place.exists())
