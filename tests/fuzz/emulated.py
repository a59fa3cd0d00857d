"""Hostile kernels on the emulator: each runs to its end, or ends with an error of ours, and soon.

A case is a kind and a seed: `files` are code objects with changed bytes, `code` has bytes of the instructions
changed, `operands` registers, numbers and the order of instructions, `programs` are random instructions of
all forms, `words` are noise. `python -m tests.fuzz.emulated COUNT SEED [KIND …]` prints figures as JSON.
"""

from __future__ import annotations

import functools
import json
import random
import resource
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import process_time
from typing import NamedTuple

from baregrad.base.errors import BadFile, BaregradError, ConfigError, EncodingError, OutOfMemory
from baregrad.emu.amd import Code, GpuFault, Launch, Memory, Runner, Witness
from baregrad.emu.amd.group import Group
from baregrad.isa.amd import code_object
from baregrad.isa.amd.archs import arch as arch_of
from baregrad.isa.amd.decode import decode
from baregrad.isa.amd.forms import forms
from baregrad.isa.amd.inst import Inst, encode
from baregrad.isa.amd.layout import Form, put, width
from tests.fuzz.code_objects import mutated, tables
from tests.isa.amd.samples import sample
from tests.isa.amd.triton import objects

SECONDS = 2.0
ROOM = 1 << 22
ADDRESSES = 3 << 30
LDS = 4096
BUDGET = 300
BLOCKS = ((1, 1, 1), (3, 1, 1), (32, 1, 1), (40, 1, 1), (5, 4, 2), (70, 1, 1))
NUMBERS = (0, 1, 2, 4, 31, 32, 63, 64, 0xFF, 0xFFC, 0xFFF, 0x1000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
           0x3F800000, 0x7F800000, 0x7FC00000, 0xFF800000, 0x00800000)  # fmt: skip
STATES = 24  # scalar registers that a random program finds filled


class Base(NamedTuple):
    """A kernel that is launched again and again: its file, its launch, and what the memory began with."""

    name: str
    data: bytes
    places: list[int]
    launch: Launch
    content: bytes
    insts: tuple[tuple[int, int], ...]  # offsets and sizes


def arguments(one: code_object.CodeObject) -> list:
    """Some for a kernel: small buffers and a small number."""
    rows = one.metadata["amdhsa.kernels"][0][".args"]
    given = [row for row in rows if not row[".value_kind"].startswith("hidden")]
    return [bytearray(2048) if row[".value_kind"] == "global_buffer" else 64 for row in given]


@functools.cache
def bases() -> tuple[Base, ...]:
    """The kernels of tests/vectors/triton."""
    return tuple(base(name) for name in sorted(objects()))


@functools.cache
def base(name: str) -> Base:
    """One of them."""
    data = objects()[name]
    one = code_object.read(data, name)
    memory = Memory(ROOM)
    launch = Launch(one, one.kernels[0].name, (1, 1, 1), (32, 1, 1), arguments(one), memory=memory, lds=LDS)
    content = bytes(memory.bytes[: memory.next])
    return Base(name, data, tables(data), launch, content, tuple(places(launch.code)))


def places(code: Code) -> Iterator[tuple[int, int]]:
    """Where instructions begin and how long they are."""
    at = 0
    while at < len(code.data):
        try:
            size = decode(code.arch, code.data, at, wave=code.layout.lanes)[1]
        except EncodingError:
            size = 4
        yield at, size
        at += size


@functools.cache
def pool(arch: str, lanes: int) -> list[Inst]:
    """Instructions of every form."""
    rng = random.Random(arch)
    return [one for one in (drawn(form, rng) for form in forms(arch_of(arch).chip, lanes)) if one is not None]


def drawn(form: Form, rng: random.Random) -> Inst | None:
    """An instruction of a form; half of them without modifiers."""
    for _ in range(8):
        try:
            found = sample(form, rng)
        except EncodingError:
            continue
        if found is not None:
            return found
    return None


# -- what is run ---------------------------------------------------------------------------------------


def files_case(rng: random.Random, runner: Runner) -> None:
    """A code object with changed bytes: read, and each kernel launched."""
    one = rng.choice(bases())
    data = mutated(one.data, one.places, rng)
    read = code_object.read(data, one.name)
    given = arguments(code_object.read(one.data, one.name))
    for kernel in read.kernels[:2]:
        launch = Launch(
            read, kernel.name, (1, 1, 1), rng.choice(BLOCKS), given, memory=Memory(ROOM),
            lds=rng.choice((None, LDS)), lenient=rng.random() < 0.3,
        )  # fmt: skip
        run(launch, runner)


def spliced(one: Base, data: bytes, rng: random.Random, runner: Runner, fill: bool = False) -> None:
    """Other code in the place of a kernel's."""
    launch, code = one.launch, one.launch.code
    launch.memory.bytes[: len(one.content)] = one.content
    launch.block, launch.lenient = rng.choice(BLOCKS), rng.random() < 0.3
    registers = code.registers if rng.random() < 0.5 else {}
    launch.code = Code(code.arch, data, code.base, code.layout, code.meanings, registers)
    try:
        run(launch, runner, functools.partial(filled, launch, rng) if fill else None)
    finally:
        launch.code = code


def run(launch: Launch, runner: Runner, each: Callable[[Group], None] | None = None) -> None:
    """Run the first workgroup."""
    group = launch.group((0, 0, 0))
    try:
        if each is not None:
            each(group)
        done = runner.run(group, BUDGET)
        assert done <= BUDGET, f"{done} of {BUDGET} instructions"
    finally:
        launch.release(group)


def filled(launch: Launch, rng: random.Random, group: Group) -> None:
    """Registers that look like addresses, offsets, descriptors and numbers."""
    memory = launch.memory
    begins = list(memory.allocations)
    for wave in group.waves:
        for code in range(0, STATES, 2):
            address = rng.choice(begins) + rng.choice((0, 0, 4, 64, 1))
            wave.u[code], wave.u[code + 1] = address & 0xFFFFFFFF, address >> 32
            if code & 2 and rng.random() < 0.5:  # the second half of a buffer's descriptor
                wave.u[code], wave.u[code + 1] = rng.choice((64, 2048, 0xFFFFFFFF)), rng.getrandbits(32)
        at, lanes = launch.layout.at["VGPR"], launch.layout.lanes
        for register in range(0, 256, rng.choice((1, 3, 7))):
            value = rng.choice(NUMBERS) if rng.random() < 0.3 else 4 * rng.randrange(64)
            for lane in range(lanes):
                wave.u[at + register * lanes + lane] = value + lane & 0xFFFFFFFF
        if rng.random() < 0.1:
            wave.u[126] = wave.u[127] = 0
        if launch.layout.lanes == 32:
            wave.u[127] = 0


def code_case(rng: random.Random, runner: Runner) -> None:
    """A few bytes of the code changed."""
    one = rng.choice(bases())
    data = bytearray(one.launch.code.data)
    start = one.launch.start - one.launch.code.base
    end = min(len(data), start + 4 * rng.choice((8, 32, 64, 4096)))
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        at = rng.randrange(start, end)
        data[at] = data[at] ^ 1 << rng.randrange(8) if rng.random() < 0.7 else rng.randrange(256)
    spliced(one, bytes(data), rng, runner)


def operands_case(rng: random.Random, runner: Runner) -> None:
    """Instructions with other operands, in another order, or left out."""
    one = rng.choice(bases())
    data = bytearray(one.launch.code.data)
    start = one.launch.start - one.launch.code.base
    near = [place for place in one.insts if place[0] >= start][: rng.choice((8, 32, 100))]
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        at, size = rng.choice(near)
        other, length = rng.choice(near)
        match rng.randrange(4):
            case 0 if size == length:
                data[at : at + size], data[other : other + size] = (
                    data[other : other + size],
                    data[at : at + size],
                )
            case 1:
                data[at : at + size] = b"\0\0\x80\xbf" * (size // 4)  # s_nop
            case _:
                inst = turned(one.launch.arch, bytes(data), at, one.launch.layout.lanes, rng)
                if inst is not None:
                    data[at : at + inst.size] = encode(inst)
    spliced(one, bytes(data), rng, runner)


def turned(arch: str, data: bytes, at: int, lanes: int, rng: random.Random) -> Inst | None:
    """The instruction there with one operand or modifier changed, if that still is one."""
    try:
        inst = decode(arch, data, at, wave=lanes)[0]
        parts = [slot.where for slot in inst.form.slots if slot.where] + [
            one.where for one in inst.form.modifiers
        ]
        if not parts:
            return None
        where = rng.choice(parts)
        bits = width(where)
        mask = put(where, (1 << bits) - 1)
        word = inst.word & ~mask | put(where, rng.getrandbits(bits))
        return decode(arch, word.to_bytes(inst.size, "little"), 0, wave=lanes)[0]
    except EncodingError:
        return None


def programs_case(rng: random.Random, runner: Runner) -> None:
    """Random instructions of all forms."""
    one = rng.choice(bases())
    lanes = one.launch.layout.lanes
    known = pool(one.launch.arch, lanes)
    code = b""
    for _ in range(rng.choice((3, 8, 20))):
        data = encode_or_nothing(rng.choice(known))
        if rng.random() < 0.3 and data:
            inst = turned(one.launch.arch, data, 0, lanes, rng)
            data = encode_or_nothing(inst) if inst is not None else data
        code += data
    start = one.launch.start - one.launch.code.base
    spliced(one, bytes(start) + code + END, rng, runner, fill=True)


END = b"\0\0\xb0\xbf"


def encode_or_nothing(inst: Inst) -> bytes:
    """Its bytes, if it has some."""
    try:
        return encode(inst)
    except EncodingError:
        return b""


def words_case(rng: random.Random, runner: Runner) -> None:
    """Noise."""
    one = rng.choice(bases())
    start = one.launch.start - one.launch.code.base
    spliced(one, bytes(start) + rng.randbytes(rng.choice((4, 64, 256))), rng, runner, fill=rng.random() < 0.5)


KINDS: dict[str, Callable[[random.Random, Runner], None]] = {
    "files": files_case, "code": code_case, "operands": operands_case, "programs": programs_case,
    "words": words_case,
}  # fmt: skip


# -- how it ends ---------------------------------------------------------------------------------------


class Late(BaseException):
    """A case took too long; no `except Exception` swallows it."""


@contextmanager
def watched(seconds: float) -> Iterator[None]:
    """A limit of CPU time for what runs inside: others may keep the machine busy."""

    def late(*_: object) -> None:
        raise Late

    old = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, old)


def witness(rng: random.Random) -> Runner:
    """A witness, with its checks on or off."""
    return Witness(strict=rng.random() < 0.2, waits=rng.random() < 0.2)


def outcome(kind: str, seed: int, make: Callable[[random.Random], Runner] = witness) -> str:
    """How a case ends, by name. Errors: whatever is no error of ours, and Late."""
    rng = random.Random(f"{kind} {seed}")
    try:
        with watched(SECONDS):
            KINDS[kind](rng, make(rng))
    except BaregradError as error:
        return ended(error, kind)
    return "ended"


def ended(error: BaregradError, kind: str) -> str:
    """The name of an error that says all; only a file may be refused before it runs."""
    if not (error.why and error.mend) or isinstance(error.__cause__, Exception):
        raise AssertionError(f"{error!r} does not say all: {error.__cause__!r}") from error
    if isinstance(error, GpuFault):
        return error.kind
    if kind != "files" or not isinstance(error, BadFile | ConfigError | OutOfMemory):
        raise AssertionError(f"{error!r} of {kind}") from error
    return type(error).__name__


def many(count: int, seed: int, kinds: list[str]) -> dict:
    """Run cases; the figures, with what went wrong."""
    figures: Counter[str] = Counter()
    failures: dict[str, str] = {}
    slowest, began = 0.0, process_time()
    bases()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(seed, seed + count):
        kind = kinds[number % len(kinds)]
        started = process_time()
        try:
            figures[outcome(kind, number)] += 1
        except (Exception, Late) as problem:  # whatever is not an error of ours is what is looked for
            last = traceback.extract_tb(problem.__traceback__)[-1]
            failures.setdefault(f"{last.filename}:{last.lineno} {problem!r}"[:300], f"{kind} {number}")
            figures["failures"] += 1
        slowest = max(slowest, process_time() - started)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10
    took = process_time() - began
    facts = {"cases": count, "seed": seed, "seconds": round(took, 1), "slowest ms": round(slowest * 1e3, 1)}
    return facts | {"grown MiB": grown, "outcomes": dict(figures.most_common()), "failures": failures}


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    print(json.dumps(many(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:] or list(KINDS)), indent=1))
