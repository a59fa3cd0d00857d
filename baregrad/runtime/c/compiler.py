"""Finding a C compiler, and shared objects made with it: kept in the cache directory under their digests.

The digest is of the source, the flags and all that the compiler predefines, which names its version and the
processor that it makes code for. What is not here: what the source says (device.py).
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from baregrad.base import config, memo
from baregrad.base.errors import DeviceError
from baregrad.base.system import cache_directory

T = TypeVar("T")

COMPILERS = ("cc", "gcc", "clang")
# Floats: each operation rounded as written, no errno beside the value. Aliasing: memory is planned for bytes.
# Lanes are loops, which must become vectors; with gcc 12 -O2 compiles 1.7 times as long, to slower code.
FLAGS = (
    "-std=c11", "-O1", "-ftree-vectorize", "-fPIC",
    "-ffp-contract=off", "-fno-math-errno", "-fno-strict-aliasing",
)  # fmt: skip
TUNING = (("-march=native",), ())  # the first that the compiler takes: not every one knows it


@dataclass(frozen=True, slots=True)
class Compiler:
    """A compiler that works: its path, its flags, its version, and the digest of all that it predefines."""

    path: str
    flags: tuple[str, ...]
    version: str
    digest: str


@memo
def find_compiler() -> Compiler:
    """The first compiler that is there and works.

    Errors: DeviceError when there is none. Cost: 10 ms, once.
    """
    for name in COMPILERS:
        path = shutil.which(name)
        for tuning in TUNING if path else ():
            found = _asked(path or "", (*FLAGS, *tuning))
            if found is not None:
                return found
    raise DeviceError(
        "there is no C compiler here",
        why=f"the c device compiles its kernels, and none of {', '.join(COMPILERS)} is found and works",
        mend="install one (Debian: apt install gcc), put it on the PATH, or use another device",
    )


def _asked(path: str, flags: tuple[str, ...]) -> Compiler | None:
    """What a compiler says of itself; None if it refuses the flags."""
    done = subprocess.run(
        (path, *flags, "-dM", "-E", "-x", "c", "-"), input=b"", capture_output=True, check=False
    )
    if done.returncode:
        return None
    version = re.search(rb'#define __VERSION__ "(.*)"', done.stdout)
    macros = b"\n".join(sorted(done.stdout.splitlines()))
    return Compiler(path, flags, version[1].decode() if version else "", hashlib.sha256(macros).hexdigest())


def with_shared_object(source: str, names: str, use: Callable[[Path], T]) -> T:
    """What `use` makes of the shared object of a source: found in the cache, or compiled.

    `names` says in an error what is in it. A file that `use` refuses with OSError is compiled once more.
    Errors: DeviceError when the compiler refuses the source, or the system the result.
    """
    compiler = find_compiler()
    parts = (source, compiler.path, " ".join(compiler.flags), compiler.digest)
    name = hashlib.sha256("\0".join(parts).encode()).hexdigest() + ".so"
    if not config().cache:
        with tempfile.TemporaryDirectory(prefix="baregrad-") as directory:
            return _use_fresh(compiler, source, names, Path(directory) / name, use)
    path = cache_directory("c") / name
    if path.exists():
        try:
            return use(path)
        except OSError:
            path.unlink(missing_ok=True)  # damaged; one that is mapped elsewhere stays what it is there
    return _use_fresh(compiler, source, names, path, use)


def _use_fresh(compiler: Compiler, source: str, names: str, path: Path, use: Callable[[Path], T]) -> T:
    """Compile to a path, aside first, and use it."""
    aside = path.parent / f".{path.name}.{os.getpid()}.{threading.get_ident()}"
    try:
        _compile(compiler, source, names, aside)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    try:
        return use(path)
    except OSError as error:
        raise DeviceError(
            f"the compiled code of {names} cannot be loaded",
            why=str(error),
            mend="see that the file system of BG_CACHE_DIR may hold programs (it may be mounted noexec)",
        ) from error


def _compile(compiler: Compiler, source: str, names: str, to: Path) -> None:
    """One call of the compiler."""
    command = (compiler.path, *compiler.flags, "-shared", "-x", "c", "-", "-o", str(to), "-lm")
    done = subprocess.run(command, input=source.encode(), capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        first = next((line for line in said.splitlines() if "error" in line), said)
        raise DeviceError(
            f"{compiler.path} refused the C text of {names}",
            why=first,
            mend="BG_DEBUG=3 shows the text of each kernel; compile it alone to see all that is said",
        )
    os.chmod(to, 0o700)
