"""The run-list function: order, arguments, registers and stack at each call, time stamps, and its cost."""

from __future__ import annotations

import ctypes
import struct
import time
from collections.abc import Iterator

import pytest

from baregrad.base.errors import DeviceError
from baregrad.isa.form import Inst, Label
from baregrad.isa.x86 import assemble, inst, mem
from baregrad.runtime import Launch, open_device
from baregrad.runtime.cpu import CpuDevice
from baregrad.runtime.cpu.jobs import MXCSR, SAVED
from baregrad.runtime.cpu.runner import Scratch


@pytest.fixture(params=[1, 2, 3])
def device(request: pytest.FixtureRequest) -> Iterator[CpuDevice]:
    opened = open_device("cpu", threads=request.param)
    assert isinstance(opened, CpuDevice)
    yield opened
    opened.close()


SCRATCH_REGISTERS = ("rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11")
JUNK = 0x5A5A5A5A5A5A5A5A


def clobber() -> list[Inst]:
    """Overwrite every integer register that a kernel may overwrite, and the flags."""
    return [*(inst("mov", name, JUNK) for name in SCRATCH_REGISTERS), inst("add", "rax", "rax")]


def clobber_vectors(features: frozenset[str]) -> list[Inst]:
    """Set every bit of every vector and mask register, and the exception flags of MXCSR."""
    flags = [inst("mov", mem("rsp", disp=-8, bits=32), MXCSR | 0x3F), inst("ldmxcsr", mem("rsp", disp=-8))]
    if "avx512f" in features:
        ones = [inst("vpternlogd", f"zmm{n}", f"zmm{n}", f"zmm{n}", 255) for n in range(32)]
        return [
            *flags,
            *ones,
            *(inst("kxnorw", f"k{n}", f"k{n}", f"k{n}") for n in range(8)),
            inst("vzeroupper"),
        ]
    if "avx2" in features:
        ones = [inst("vpcmpeqd", f"ymm{n}", f"ymm{n}", f"ymm{n}") for n in range(16)]
        return [*flags, *ones, inst("vzeroupper")]
    return flags


def observer() -> bytes:
    """f(rdi = [words], rsi = item): words[4 * item ..] = rsp % 16, MXCSR, item, 1; then clobber."""
    return assemble(
        [
            inst("mov", "rax", mem("rdi")),
            inst("mov", "rcx", "rsi"),
            inst("shl", "rcx", 5),
            inst("add", "rax", "rcx"),
            inst("mov", "rdx", "rsp"),
            inst("and", "rdx", 15),
            inst("mov", mem("rax"), "rdx"),
            inst("stmxcsr", mem("rax", disp=8)),
            inst("mov", mem("rax", disp=16), "rsi"),
            inst("lock_inc", mem("rax", disp=24, bits=64)),
            *clobber(),
            inst("ret"),
        ]
    )


@pytest.mark.parametrize("grid", [0, 1, 2, 3, 64])
def test_each_call_has_an_aligned_stack_and_the_default_mxcsr(device: CpuDevice, grid: int) -> None:
    kernel = device.load(observer(), "observer")
    at = device.allocate(32 * 64)
    device.write(at, bytes(32 * 64))
    device.run(device.record([Launch(kernel, (at,), grid)] * 3))
    rows = [struct.unpack_from("<4Q", device.read(at, 2048), 32 * n) for n in range(64)]
    # 8: the call has pushed the return address onto a stack that was aligned to 16
    assert rows == [(8, MXCSR, n, 3) for n in range(grid)] + [(0, 0, 0, 0)] * (64 - grid)


def keeper() -> bytes:
    """f(rdi = frame, rsi = run, rdx = out): run(frame) with marks in the saved registers; out[n]: 1 if kept.

    out[6] is rsp after - before, out[7] MXCSR after (it is set to 0x9FC0, flush to zero, before).
    """
    marks = {name: 0x1234567890ABC000 + n for n, name in enumerate(SAVED)}
    slot = mem("rsp", disp=8)
    return assemble(
        [
            *(inst("push", name) for name in SAVED),
            inst("sub", "rsp", 24),
            inst("mov", mem("rsp", disp=16), "rdx"),
            inst("stmxcsr", mem("rsp")),
            inst("mov", mem("rsp", disp=4, bits=32), 0x9FC0),
            inst("ldmxcsr", mem("rsp", disp=4)),
            *(inst("mov", name, mark) for name, mark in marks.items()),
            inst("mov", slot, "rsp"),
            inst("call", "rsi"),
            inst("mov", "rdx", mem("rsp", disp=16)),
            inst("mov", "rax", "rsp"),
            inst("sub", "rax", slot),
            inst("mov", mem("rdx", disp=48), "rax"),
            inst("stmxcsr", mem("rdx", disp=56)),
            inst("ldmxcsr", mem("rsp")),
            *(
                line
                for n, (name, mark) in enumerate(marks.items())
                for line in (
                    inst("mov", "rax", mark),
                    inst("xor", "ecx", "ecx"),
                    inst("cmp", "rax", name),
                    inst("sete", "cl"),
                    inst("mov", mem("rdx", disp=8 * n), "rcx"),
                )
            ),
            inst("add", "rsp", 24),
            *(inst("pop", name) for name in reversed(SAVED)),
            inst("ret"),
        ]
    )


@pytest.mark.parametrize("grid", [1, 5])
def test_run_gives_the_caller_its_registers_back(device: CpuDevice, grid: int) -> None:
    code = [*clobber(), *clobber_vectors(device.target_facts().features), inst("ret")]
    recording = device.record([Launch(device.load(assemble(code)), (), grid)] * 3)
    device.run(recording)
    run = ctypes.cast(device._run, ctypes.c_void_p).value
    assert run is not None
    caller = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
    out = ctypes.create_string_buffer(64)
    for frame in (recording.frame, recording.timed_frame):
        caller(device.load(keeper()).entry)(frame, run, ctypes.addressof(out))
        *kept, moved, mxcsr = struct.unpack("<8Q", out.raw)
        assert dict(zip(SAVED, kept, strict=True)) == dict.fromkeys(SAVED, 1)
        assert (moved, mxcsr) == (0, 0x9FC0)


def test_arguments_are_words(device: CpuDevice) -> None:
    """A kernel that copies its block of 5 words."""
    moves = [
        line
        for n in range(5)
        for line in (inst("mov", "rcx", mem("rdi", disp=8 * n)), inst("mov", mem("rax", disp=8 * n), "rcx"))
    ]
    kernel = device.load(assemble([inst("mov", "rax", mem("rdi")), *moves, inst("ret")]))
    at = device.allocate(40)
    args = (at, -1, 2**64 - 2, -(2**63), True)
    device.launch(kernel, args)
    expected = [at.value, 2**64 - 1, 2**64 - 2, 2**63, 1]
    assert list(device.view(at).cast("Q")) == expected
    device.view(at)[:] = bytes(40)
    device.run(device.record([Launch(kernel, args)]))
    assert list(device.view(at).cast("Q")) == expected
    for bad in (1.5, "x", None):
        with pytest.raises(TypeError):
            device.launch(kernel, (at, bad))


def test_more_arguments_than_the_scratch_block_has() -> None:
    device = open_device("cpu", threads=1)
    count = Scratch.SLOTS + 5
    code = [inst("mov", "rax", mem("rdi")), inst("mov", "rcx", mem("rdi", disp=8 * count - 8))]
    kernel = device.load(assemble([*code, inst("mov", mem("rax"), "rcx"), inst("ret")]))
    at = device.allocate(8)
    device.launch(kernel, (at, *range(1, count)))
    assert int.from_bytes(device.read(at, 8), "little") == count - 1
    device.close()


@pytest.mark.parametrize("grid", [-1, 1 << 62, 1 << 63])
def test_bad_grids_are_refused(device: CpuDevice, grid: int) -> None:
    kernel = device.load(assemble([inst("ret")]))
    with pytest.raises(DeviceError, match=f"cannot run {grid} items"):
        device.launch(kernel, (), grid)
    with pytest.raises(DeviceError, match=f"cannot run {grid} items"):
        device.record([Launch(kernel, (), grid)])


def sleeper(rounds: int) -> bytes:
    """A kernel that takes some `pause`s."""
    again = Label("again")
    loop = [again, inst("pause"), inst("dec", "ecx"), inst("jne", again)]
    return assemble([inst("mov", "ecx", rounds), *loop, inst("ret")])


def test_time_stamps_tell_the_share_of_each_kernel(device: CpuDevice) -> None:
    short, long = device.load(sleeper(1000)), device.load(sleeper(10_000))
    recording = device.record([Launch(short, ()), Launch(long, ()), Launch(short, (), 2)])
    best = [min(times) for times in zip(*(device.run_timed(recording) for _ in range(20)), strict=True)]
    assert 5 < best[1] / best[0] < 20
    began = time.perf_counter()
    total = sum(device.run_timed(recording))
    assert 0 < total < time.perf_counter() - began


def test_the_clock_of_the_time_stamps_is_right() -> None:
    device = open_device("cpu", threads=1)
    assert isinstance(device, CpuDevice)
    rate = device.ticks_per_second()
    (ticks, began) = device._read_clocks()
    time.sleep(0.02)
    (later, now) = device._read_clocks()
    assert (later - ticks) / (now - began) * 1e9 == pytest.approx(rate, rel=2e-3)
    device.close()


def test_an_entry_costs_nanoseconds() -> None:
    """Loose bounds, for machines that do other things: 100 times what was measured."""
    device = open_device("cpu", threads=1)
    kernel = device.load(assemble([inst("ret")]))
    many = device.record([Launch(kernel, ())] * 1000)
    began = time.perf_counter()
    for _ in range(20):
        device.run(many)
    assert (time.perf_counter() - began) / 20_000 < 300e-9
    device.close()


def test_a_closed_device_says_so(device: CpuDevice) -> None:
    kernel = device.load(assemble([inst("ret")]))
    recording = device.record([Launch(kernel, ())])
    device.close()
    for use in (lambda: device.run(recording), lambda: device.allocate(1), lambda: device.load(b"\xc3")):
        with pytest.raises(DeviceError, match="closed"):
            use()
    with pytest.raises(DeviceError, match="no kernel"):
        device.launch(kernel, ())


def test_zero_threads_are_refused() -> None:
    with pytest.raises(DeviceError, match="cannot run on 0 threads"):
        open_device("cpu", threads=0)
