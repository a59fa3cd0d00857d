"""The operating system: checked calls of the C library, files written aside, the private cache directory.

Every system call goes through `check`. What a call does and what its structs look like is the caller's
business.
"""

from __future__ import annotations

import ctypes
import errno as errno_names
import os
import stat
import threading
from pathlib import Path

from baregrad.base.cache import memo
from baregrad.base.config import config
from baregrad.base.errors import ConfigError, SystemCallError


@memo
def libc() -> ctypes.CDLL:
    """The C library of this process, with errno kept per thread."""
    return ctypes.CDLL(None, use_errno=True)


def check(result: int | None, wanted: str, *, failed: int | None = -1) -> int:
    """The result of a system call, unless it is the one that tells of failure.

    Errors: SystemCallError with the name of errno.

    >>> check(libc().getpid(), "our process id") == os.getpid()
    True
    >>> import ctypes
    >>> check(libc().close(-1), "to close a file")
    Traceback (most recent call last):
    baregrad.base.errors.SystemCallError: the system refused: to close a file
      why : EBADF, Bad file descriptor
      mend: see errno 9 in the manual of the call
    """
    if result != failed:
        return 0 if result is None else result
    number = ctypes.get_errno()
    name = errno_names.errorcode.get(number, "unknown errno")
    error = SystemCallError(
        f"the system refused: {wanted}",
        why=f"{name}, {os.strerror(number)}",
        mend=f"see errno {number} in the manual of the call",
    )
    error.errno = number
    raise error


def write_aside(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees all of it or nothing: aside, then renamed over the old one."""
    aside = path.parent / f".{path.name}.{os.getpid()}.{threading.get_ident()}"
    aside.unlink(missing_ok=True)  # left by a process that died with our number
    try:
        with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
        os.replace(aside, path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def cache_directory(*parts: str) -> Path:
    """A directory below config.cache_dir that only we can read and write: made if it is missing.

    Errors: ConfigError if it cannot be made, or somebody else owns it or may write it, because it holds
    machine code that we run.
    """
    root = Path(config().cache_dir).expanduser()
    inner = root.joinpath(*parts)
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        inner.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"the cache directory {inner} cannot be made",
            why=str(error),
            mend="set BG_CACHE_DIR to a directory of your own, or BG_CACHE=0",
        ) from None
    facts = root.stat()
    if facts.st_uid != os.geteuid():
        raise ConfigError(
            f"the cache directory {root} belongs to user {facts.st_uid}",
            why="it holds machine code that is run; only its user's own is",
            mend="set BG_CACHE_DIR to a directory of your own, or BG_CACHE=0",
        )
    if stat.S_IMODE(facts.st_mode) & 0o077:
        raise ConfigError(
            f"the cache directory {root} has mode {stat.S_IMODE(facts.st_mode):o}",
            why="it holds machine code that is run; nobody else may write or read it",
            mend=f"chmod 700 {root}",
        )
    return inner
