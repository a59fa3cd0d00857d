"""Compiled kernels on disk: machine code, so a private directory, a digest in each entry, and a key that
names all causes.

An entry is a header line of JSON (name, grid, slots, digest of the rest) and the code. It is written aside
and renamed, so that processes may share the directory. An entry that is damaged is compiled again and
replaced.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import baregrad
from baregrad.base.cache import memo
from baregrad.base.config import cache_key_fields, config
from baregrad.base.events import emit
from baregrad.base.system import cache_directory, write_aside
from baregrad.render import Program
from baregrad.target import Target

MAGIC = "baregrad kernel 1"


def key(kernel_text: str, target: Target) -> str:
    """The digest of everything that the code depends on: the graph, the target, the switches, the compiler's
    own source.
    """
    parts = (kernel_text, repr(target.cache_key()), repr(cache_key_fields()), source_digest())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@memo
def source_digest() -> str:
    """The digest of the package's own source."""
    digest = hashlib.sha256()
    root = Path(baregrad.__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def load(entry_key: str) -> Program | None:
    """The program under a key; None if there is none, or it is damaged."""
    path = _directory() / entry_key
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    program = _parse(data)
    if program is None:
        emit("damaged", path=str(path))
    return program


def store(entry_key: str, program: Program) -> None:
    """Keep a program."""
    header = {
        "magic": MAGIC,
        "digest": hashlib.sha256(program.code).hexdigest(),
        "name": program.name,
        "grid": program.grid,
        "slots": program.slots,
    }
    write_aside(_directory() / entry_key, json.dumps(header).encode() + b"\n" + program.code)


def entries() -> Iterator[tuple[str, Program]]:
    """The key and the program of every whole entry."""
    for path in sorted(_directory().iterdir()):
        program = None if path.name.startswith(".") else _parse(path.read_bytes())
        if program is not None:
            yield path.name, program


def _parse(data: bytes) -> Program | None:
    line, found, code = data.partition(b"\n")
    try:
        header: Any = json.loads(line)  # whatever stands in the file
    except ValueError:
        return None
    if not found or not isinstance(header, dict) or header.get("magic") != MAGIC:
        return None
    if header.get("digest") != hashlib.sha256(code).hexdigest():
        return None
    return Program(header["name"], code, header["grid"], header["slots"])


@memo
def _directory_of(name: str) -> Path:
    return cache_directory("kernels")


def _directory() -> Path:
    return _directory_of(config().cache_dir)
