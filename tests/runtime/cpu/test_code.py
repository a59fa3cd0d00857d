"""Code memory: kernels side by side, never writable, reused when freed, left alone after a fork."""

from __future__ import annotations

import ctypes
import errno
import os
import random
import signal
from pathlib import Path

import pytest

from baregrad.base.errors import DeviceError, SystemCallError
from baregrad.isa.x86 import assemble, inst
from baregrad.runtime.cpu.code import ARENA, CodeMemory
from baregrad.runtime.memory import class_size
from baregrad.runtime.system import System, call_libc


def constant(value: int, pad: int = 0) -> bytes:
    """f() -> value, in 6 + pad bytes."""
    return assemble([inst("mov", "eax", value), inst("ret")]) + b"\x90" * pad


def call(entry: int) -> int:
    result: int = ctypes.CFUNCTYPE(ctypes.c_int)(entry)()
    return result


def code_mappings() -> list[str]:
    """The lines of /proc/self/maps of our memory files."""
    return [line for line in Path("/proc/self/maps").read_text().splitlines() if "baregrad-code" in line]


def test_kernels_run_and_share_pages() -> None:
    before = len(code_mappings())
    code = CodeMemory(System())
    kernels = [code.load(constant(n, pad=294), f"k{n}") for n in range(1000)]
    assert [call(k.entry) for k in kernels] == list(range(1000))
    assert all(k.entry % 64 == 0 for k in kernels)
    assert code.usage() == (1000 * class_size(300), ARENA)
    assert len(code_mappings()) == before + 1
    code.close()
    assert len(code_mappings()) == before


def test_nothing_is_writable_and_executable() -> None:
    def writable_code() -> set[str]:
        lines = Path("/proc/self/maps").read_text().splitlines()
        return {line for line in lines if "w" in line.split()[1] and "x" in line.split()[1]}

    before = writable_code()  # of other tests, which run instructions without a device
    code = CodeMemory(System())
    code.load(constant(1), "k")
    assert writable_code() <= before
    assert {line.split()[1] for line in code_mappings()} == {"r-xs"}
    code.close()


def test_writing_to_code_kills(fork_status) -> None:
    code = CodeMemory(System())
    entry = code.load(constant(1), "k").entry
    assert fork_status(lambda: ctypes.memset(entry, 0xC3, 1)) == -signal.SIGSEGV
    code.close()


def test_freed_code_traps(fork_status) -> None:
    code = CodeMemory(System())
    old, other = code.load(constant(1), "old"), code.load(constant(2), "other")
    code.free(old)
    assert fork_status(lambda: call(old.entry)) == -signal.SIGTRAP
    assert call(other.entry) == 2
    with pytest.raises(DeviceError, match="no kernel 'old'"):
        code.free(old)
    code.close()


def test_places_are_reused() -> None:
    code = CodeMemory(System())
    old = code.load(constant(1, pad=100), "old")
    code.load(constant(2, pad=100), "other")
    code.free(old)
    assert code.load(constant(3), "smaller class").entry != old.entry
    assert code.load(constant(4, pad=90), "same class").entry == old.entry
    assert call(old.entry) == 4
    code.close()


def test_large_kernels_have_room() -> None:
    code = CodeMemory(System())
    kernel = code.load(constant(5, pad=3 * ARENA), "large")
    assert call(kernel.entry) == 5
    assert code.usage()[1] % ARENA == 0
    code.close()


def test_random_loads_and_frees() -> None:
    seed = 7
    rng, code = random.Random(seed), CodeMemory(System())
    live = {}
    for step in range(600):
        if live and rng.random() < 0.4:
            code.free(live.pop(rng.choice(list(live))))
        live[step] = code.load(constant(step, pad=rng.choice([0, 10, 60, 300, 5000])), str(step))
    assert {step: call(k.entry) for step, k in live.items()} == {step: step for step in live}, f"seed {seed}"
    code.close()


def test_no_code_is_refused() -> None:
    with pytest.raises(DeviceError, match="kernel 'empty' has no code"):
        CodeMemory(System()).load(b"", "empty")


REFUSED = [  # call          errno          what
    ("memfd_create", errno.EPERM, "a memory file for code"),
    ("ftruncate", errno.ENOSPC, "bytes of code memory"),
    ("mmap", errno.EACCES, "executable memory"),
    ("pwrite", errno.ENOSPC, "to write code"),
]


@pytest.mark.parametrize("name, number, what", REFUSED, ids=[r[0] for r in REFUSED])
def test_refused_calls_are_told(name: str, number: int, what: str) -> None:
    files: list[int] = []

    def refusing(called: str, *args: int | bytes) -> int:
        if called == name:
            return -number
        result = call_libc(called, *args)
        if called == "memfd_create":
            files.append(result)
        if called == "close":
            files.remove(int(args[0]))
        return result

    code = CodeMemory(System(refusing))
    with pytest.raises(SystemCallError, match=what) as caught:
        code.load(constant(1), "k")
    assert errno.errorcode[number] in caught.value.why
    code.close()
    assert not files, "a file stayed open"


def test_half_a_write_is_told() -> None:
    code = CodeMemory(System(lambda name, *args: 10 if name == "pwrite" else call_libc(name, *args)))
    with pytest.raises(DeviceError, match="only 10 of 64 bytes of code were written"):
        code.load(constant(1), "k")
    code.close()


def test_after_a_fork_neither_side_touches_the_others_code() -> None:
    code = CodeMemory(System())
    kept, freed = code.load(constant(1), "kept"), code.load(constant(2), "freed")
    with code.lock:
        pid = os.fork()
        code.seal()
    if pid == 0:
        status = 1
        try:
            code.free(freed)
            new = [code.load(constant(100 + n), "child's") for n in range(20)]
            good = call(kept.entry) == 1 and [call(k.entry) for k in new] == list(range(100, 120))
            status = 0 if good else 2
        finally:
            os._exit(status)
    code.free(freed)
    mine = [code.load(constant(200 + n), "mine") for n in range(20)]
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert call(kept.entry) == 1
    assert call(freed.entry) == 2, "freed code of a sealed arena stays as it was"
    assert [call(k.entry) for k in mine] == list(range(200, 220))
    code.close()
