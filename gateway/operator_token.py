"""The operator's token of a gateway with an embedded database: drawn at the first start, kept beside the data."""

import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path

from gateway.config_errors import ConfigurationError, Problem
from gateway.secret_rules import find_fault

FILE_NAME = "operator-token"


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorToken:
    """The token, and the file that holds it."""

    secret: str = field(repr=False)
    path: Path


def provide_operator_token(data_dir: Path) -> OperatorToken:
    """Read the token, or draw one and write it, readable for its owner alone; several processes get the same one.

    The directory has to be there. Raises `ConfigurationError`: a file that cannot be used is not replaced.
    """
    path = data_dir / FILE_NAME
    try:
        if not path.exists():
            _write(path, secrets.token_urlsafe(32))
        return OperatorToken(secret=_read(path), path=path)
    except OSError as error:
        raise _error(path, f"the file cannot be used: {error.strerror}") from error


def _write(path: Path, secret: str) -> None:
    """Whole or not at all: a link to a finished file, which does not replace what another process was faster with."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "w", encoding="ascii") as file:
            file.write(f"{secret}\n")
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()


def _read(path: Path) -> str:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(fd, encoding="utf-8", errors="replace") as file:
        if stat.S_IMODE(os.fstat(fd).st_mode) & 0o077:
            raise _error(path, "expected a file that only its owner can read (mode 0600)")
        secret = file.read(4096).strip()
    if fault := find_fault(secret):
        raise _error(path, f"{fault}; remove the file to have a new token drawn")
    return secret


def _error(path: Path, text: str) -> ConfigurationError:
    return ConfigurationError([Problem(source=str(path), text=text)])
