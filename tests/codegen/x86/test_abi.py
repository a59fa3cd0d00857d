"""Calling conventions: what the bytes of kernels do with the caller's registers and stack, read by another
decoder; and kernels for Windows run in the emulator, since this system is none.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

import iced_x86 as iced
import pytest

from baregrad import dtype as dt
from baregrad.base.errors import Fault
from baregrad.emu import Memory
from baregrad.emu.x86 import State
from baregrad.ir import UOp, const, index, ops
from baregrad.isa.form import Reg
from baregrad.lower import Linear
from baregrad.render import render
from baregrad.render.targets import AVX2, AVX2_WINDOWS, AVX512, AVX512_WINDOWS
from baregrad.render.x86.conventions import CONVENTIONS, Convention, convention_of
from baregrad.target import Target
from tests.emu.x86.kernels import STACK_BYTES, TOP, call

from .kernels import Lines
from .test_golden import matmul_tile, vector_add

TARGETS = (AVX512, AVX2, AVX512_WINDOWS, AVX2_WINDOWS)
F32 = dt.float32
NAMES = ("RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI", *(f"R{n}" for n in range(8, 16)))
NAME_OF = {value: name for name, value in vars(iced.Register).items() if isinstance(value, int)}
READS = {iced.OpAccess.READ, iced.OpAccess.READ_WRITE, iced.OpAccess.COND_READ, iced.OpAccess.READ_COND_WRITE}
WRITES = {
    iced.OpAccess.WRITE,
    iced.OpAccess.READ_WRITE,
    iced.OpAccess.COND_WRITE,
    iced.OpAccess.READ_COND_WRITE,
}
INFO = iced.InstructionInfoFactory()


def big_tile(target: Target) -> Linear:
    """More accumulators than there are registers that nobody wants kept, and more than there are at all."""
    return matmul_tile(target, 9, 4)


def scratch(target: Target, size: int = 16) -> Linear:
    """A value that goes through LOCAL memory, at an item of the grid."""
    lines = Lines()
    x, y = lines.param(F32, 64), lines.param(F32, 64)
    at = lines.add(UOp(ops.GRID, dt.int64))
    local = lines.add(UOp(ops.LOCAL, F32, (), (0, size)))
    lines.store(local, index(3), lines.load(x, at))
    lines.store(y, at, lines.add(lines.load(local, index(3)) * const(2.0, F32)))
    linear = lines.linear("scratch")
    return Linear(linear.name, linear.uops, linear.grid, linear.slots, 4 * size)


def great_scratch(target: Target) -> Linear:
    """LOCAL memory of several pages."""
    return scratch(target, 6000)


def counters(target: Target) -> Linear:
    """Many integers alive at once: every general register is wanted."""
    lines = Lines()
    x, y = lines.param(dt.int64, 20), lines.param(dt.int64, 20)
    loaded = [lines.load(x, index(i)) for i in range(20)]
    for i, value in enumerate(loaded):
        lines.store(y, index(i), lines.add(value * loaded[-1 - i]))
    return lines.linear("counters")


def vectors(target: Target) -> Linear:
    """Many vectors alive at once."""
    lanes, count = target.lanes(4), 30 if target.vector_registers > 16 else 14
    lines = Lines()
    x, y = lines.param(F32, count * lanes), lines.param(F32, count * lanes)
    loaded = [lines.load(x, index(i * lanes), lanes) for i in range(count)]
    for i, value in enumerate(loaded):
        lines.store(y, index(i * lanes), lines.add(value + loaded[-1 - i]))
    return lines.linear("vectors")


KERNELS: tuple[Callable[[Target], Linear], ...] = (
    vector_add,
    big_tile,
    scratch,
    great_scratch,
    counters,
    vectors,
)


# -- read by another decoder -----------------------------------------------------------------------


def register_of(at: iced.Instruction, place: int) -> str:
    """The name of an operand's whole register, "" for one that is none."""
    if at.op_kind(place) != iced.OpKind.REGISTER:
        return ""
    return NAME_OF[iced.RegisterExt.full_register(at.op_register(place))]


class Walk:
    """One pass over decoded instructions: which register and stack slot still holds what the caller had
    there.
    """

    def __init__(self, convention: Convention) -> None:
        self.convention = convention
        self.kept = {NAMES[n] for n in convention.saved} | {f"ZMM{n}" for n in convention.saved_vectors}
        self.given = {NAMES[n] for n in convention.arguments} | {"RSP"}
        self.faults: list[str] = []
        self.returns = 0
        self.enter()

    def enter(self) -> None:
        """As a function begins: all registers are the caller's."""
        self.changed: dict[str, object] = {}  # register -> what it holds now; absent: what it held at first
        self.slots: dict[tuple[int, int], object] = {}
        self.frame, self.top = 0, 0  # how often rsp was aligned, and where it is since then

    def holds(self, name: str) -> object:
        return self.changed.get(name, name)

    def wrong(self, at: iced.Instruction, what: str) -> None:
        self.faults.append(f"{at}: {what}")

    def step(self, at: iced.Instruction) -> None:
        """One instruction."""
        name = NAME_OF_MNEMONIC[at.mnemonic]
        if name == "VZEROUPPER":
            return
        if name == "RET":
            self.leave(at)
            return
        if self.stack(at, name):
            return
        self.memory(at)
        for used in INFO.info(at).used_registers():
            register = NAME_OF[iced.RegisterExt.full_register(used.register)]
            empty = self.holds(register) == register and register not in self.given
            if used.access in READS and empty:
                self.wrong(at, f"reads {register}, which holds nothing of ours")
            if used.access in WRITES:
                self.changed[register] = None

    def stack(self, at: iced.Instruction, name: str) -> bool:
        """Whether an instruction moves rsp, or moves a register to or from a slot of the frame."""
        registers = [register_of(at, i) for i in range(at.op_count)]
        if name == "PUSH":
            self.top -= 8
            self.slots[self.frame, self.top] = self.holds(registers[0])
        elif name == "POP":
            self.changed[registers[0]] = self.slots.get((self.frame, self.top))
            self.top += 8
        elif registers[:1] == ["RSP"] and name in ("SUB", "ADD"):
            self.top += (1 if name == "ADD" else -1) * at.immediate(1)
        elif registers[:1] == ["RSP"] and name == "AND":
            self.frame, self.top = self.frame + 1, 0
        elif name == "MOV" and registers == ["RAX", "RSP"]:
            self.changed["RAX"] = (self.frame, self.top)
        elif self.slot(at) is not None and name in ("MOV", "VMOVUPS", "VMOVAPS") and any(registers):
            return self.slot_move(at, registers)
        else:
            return False
        return True

    def slot(self, at: iced.Instruction) -> tuple[int, int] | None:
        """The slot of the frame that a plain operand is."""
        if at.memory_base != iced.Register.RSP or at.memory_index != iced.Register.NONE:
            return None
        disp = at.memory_displacement
        return self.frame, self.top + (disp - (1 << 64) if disp >> 63 else disp)

    def slot_move(self, at: iced.Instruction, registers: list[str]) -> bool:
        """A register to a slot, or back."""
        slot = self.slot(at)
        if registers[0] == "":
            self.memory(at)
            self.slots[slot] = self.holds(registers[1])
            return (self.holds(registers[1]) == registers[1] and registers[1] in self.kept) or registers[
                1
            ] == "RAX"
        found = self.slots.get(slot)
        if registers[0] == "RSP":
            if not isinstance(found, tuple):
                self.wrong(at, "rsp comes from a slot that does not hold it")
                return True
            self.frame, self.top = found
            return True
        self.changed[registers[0]] = found
        return True

    def memory(self, at: iced.Instruction) -> None:
        """Stores through rsp stay inside the frame."""
        slot = self.slot(at)
        stores = any(used.access in WRITES for used in INFO.info(at).used_memory())
        if slot is None or not stores:
            return
        if slot[1] < self.top:
            self.wrong(at, "a store below rsp")
        elif slot[0] == 0 and slot[1] >= 0 and not 8 <= slot[1] < 8 + self.convention.shadow:
            self.wrong(at, "a store into the caller's frame")

    def leave(self, at: iced.Instruction) -> None:
        """What must be as it was."""
        self.returns += 1
        for register in sorted(self.kept):
            if self.holds(register) != register:
                self.wrong(at, f"{register} is not what it was")
        if (self.frame, self.top) != (0, 0):
            self.wrong(at, f"rsp is off by {self.top}")
        self.enter()


NAME_OF_MNEMONIC = {value: name for name, value in vars(iced.Mnemonic).items() if isinstance(value, int)}


def walked(data: bytes, convention: Convention) -> Walk:
    """A program's code, up to the constants behind it."""
    walk = Walk(convention)
    for at in iced.Decoder(64, data):
        if at.mnemonic in (iced.Mnemonic.INVALID, iced.Mnemonic.INT3):
            break
        walk.step(at)
        if at.mnemonic == iced.Mnemonic.RET:
            break
    return walk


@pytest.mark.parametrize("kernel", KERNELS, ids=[k.__name__ for k in KERNELS])
@pytest.mark.parametrize("target", TARGETS, ids=[t.name for t in TARGETS])
def test_callers_keep_what_is_theirs(kernel: Callable[[Target], Linear], target: Target) -> None:
    walk = walked(render(kernel(target), target).code, convention_of(target))
    assert walk.returns == 1
    assert walk.faults == []


def test_registers_that_are_kept_are_used() -> None:
    """Else the test above would say nothing of saving them."""
    for kernel, target, wanted in ((big_tile, AVX512_WINDOWS, "ZMM6"), (big_tile, AVX2_WINDOWS, "ZMM15"),
                                   (counters, AVX2_WINDOWS, "RSI"), (counters, AVX2, "RBX")):  # fmt: skip
        walk = Walk(convention_of(target))
        seen = {NAME_OF[iced.RegisterExt.full_register(used.register)]
                for at in iced.Decoder(64, render(kernel(target), target).code)
                for used in INFO.info(at).used_registers() if used.access in WRITES}  # fmt: skip
        assert wanted in walk.kept & seen


WRONG = [
    ("a register that is kept", "48 31 f6 c3", "RSI is not what it was"),  # xor rsi, rsi; ret
    ("the upper registers", "c5 c8 57 f6 c3", "ZMM6 is not what it was"),  # vxorps xmm6, xmm6, xmm6
    ("the wrong argument", "48 8b 07 c3", "reads RDI"),  # mov rax, [rdi]
    ("the stack", "50 c3", "rsp is off"),  # push rax
    ("the caller's frame", "48 89 4c 24 30 c3", "caller's frame"),  # mov [rsp + 48], rcx
    ("below the stack", "48 89 4c 24 f8 c3", "below rsp"),  # mov [rsp - 8], rcx
    ("the wrong order", "53 56 5b 5e c3", "RBX is not what it was"),  # push rbx; push rsi; pop rbx; pop rsi
]


@pytest.mark.parametrize("why, code, message", WRONG, ids=[row[0] for row in WRONG])
def test_what_breaks_a_convention_is_found(why: str, code: str, message: str) -> None:
    faults = walked(bytes.fromhex(code), CONVENTIONS["windows"]).faults
    assert any(message in fault for fault in faults), faults


# -- run in the emulator ---------------------------------------------------------------------------


class Stack(Memory):
    """Memory whose stack grows only when the page below the last one is touched."""

    PAGE = 4096

    def __init__(self) -> None:
        super().__init__()
        self.map(TOP - STACK_BYTES, bytes(STACK_BYTES + 64))
        self.guard = TOP - self.PAGE

    def find(self, address: int, count: int, what: str) -> tuple[bytearray, int]:
        """As Memory, with the guard page."""
        if TOP - STACK_BYTES <= address < self.guard:
            if address < self.guard - self.PAGE:
                raise Fault(f"{what} at {address:#x} jumps over the guard page")
            self.guard -= self.PAGE
        return super().find(address, count, what)


def emulated(
    linear: Linear, target: Target, buffers: list[bytes], item: int
) -> tuple[State, list[bytearray]]:
    """A kernel called in the emulator."""
    return call(linear, target, buffers, item, Stack())


def floats(numbers: list[float]) -> bytes:
    return b"".join(struct.pack("<f", number) for number in numbers)


@pytest.mark.parametrize("target", TARGETS, ids=[t.name for t in TARGETS])
def test_a_grid_item_through_scratch_memory(target: Target) -> None:
    x = floats([float(n) for n in range(64)])
    kernels = (scratch, great_scratch) if convention_of(target).probe else (scratch,)
    for kernel in kernels:
        _, (_, y) = emulated(kernel(target), target, [x, bytes(256)], 5)
        assert struct.unpack_from("<f", y, 20) == (10.0,)


def test_a_frame_of_pages_is_touched_in_order() -> None:
    """Without the touches, which System V does not ask for, the guard page is jumped over."""
    plain = Target(
        **{name: getattr(AVX2_WINDOWS, name) for name in Target.__slots__} | {"convention": "system-v"}
    )
    with pytest.raises(Fault, match="guard page"):
        emulated(great_scratch(plain), plain, [bytes(256), bytes(256)], 0)


@pytest.mark.parametrize("target", [AVX512_WINDOWS, AVX2_WINDOWS], ids=["avx512", "avx2"])
def test_vector_registers_come_back(target: Target) -> None:
    kernel = vectors(target)
    count = kernel.uops[0].arg[1]
    x = floats([float(n) for n in range(count)])
    state, (_, y) = emulated(kernel, target, [x, bytes(4 * count)], 0)
    lanes = target.lanes(4)
    wanted = [float(n + (count // lanes - 1 - n // lanes) * lanes + n % lanes) for n in range(count)]
    assert list(struct.unpack(f"<{count}f", y)) == wanted
    assert state[Reg("vec", 6)] >> 128 == 0, "it was not used, or is not restored by VEX"


def test_golden(golden: Callable[[str, str], None]) -> None:
    """One kernel by both conventions, with what saves and brings back registers."""
    shown = ""
    for target in (AVX2, AVX2_WINDOWS):
        shown += f"== {target.name}\n{render(great_scratch(target), target).listing}\n"
        shown += f"{render(small_tile(target), target).listing}\n"
    golden("x86/conventions.txt", shown)


def small_tile(target: Target) -> Linear:
    """A product whose accumulators just reach the registers that Windows keeps."""
    return matmul_tile(target, 2, 2)
