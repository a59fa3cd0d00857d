"""A straight list of x86 instructions as UOps: registers in, registers out.

Registers may be virtual, so that what instruction selection made of one node can be lifted as it stands. The
constant pool is memory that is known; other memory is not lifted here. Bits that nobody wrote are leaves of
their own ("garbage"), so that nothing can be proven that rests on them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from baregrad.base.errors import CompileError
from baregrad.ir import UOp
from baregrad.isa.form import Imm, Inst, Mem, Operand, Reg, VReg
from baregrad.isa.form import Value as OperandValue
from baregrad.isa.meaning import Type, run
from baregrad.isa.x86.encoding import memory_bits
from baregrad.isa.x86.meanings import FILES, FLAGS, keeps_above, masked, meaning, width_of
from baregrad.lift import pieces
from baregrad.lift.pieces import Part, Value, dtype_of, variable
from baregrad.lift.world import Expressions, single


class Registers:
    """What registers and flags hold; `pool` are the bytes of each label, `traps` as in Expressions."""

    __slots__ = ("flags", "pool", "registers", "traps")

    def __init__(self, pool: Mapping[str, bytes] | None = None) -> None:
        self.registers: dict[Reg | VReg, Value] = {}
        self.flags: dict[str, Value] = {flag: variable(flag, dtype_of(Type("u", 1))) for flag in FLAGS}
        self.pool = pool or {}
        self.traps: list[tuple[str, UOp]] = []

    def __getitem__(self, register: Reg | VReg) -> Value:
        found = self.registers.get(register)
        if found is None:
            name = f"{register.bank}{register.id if isinstance(register, VReg) else register.number}"
            found = self.registers[register] = garbage(name, FILES[register.bank])
        return found

    def __setitem__(self, register: Reg | VReg, value: Value) -> None:
        self.registers[register] = value


def garbage(name: str, bits: int) -> tuple[Part, ...]:
    """Bits about which nothing is known, in words."""
    word = min(bits, 64)
    type = Type("u", word)
    return tuple(Part(type, variable(f"{name}.{at}", dtype_of(type))) for at in range(0, bits, word))


class _Step(Expressions):
    """One instruction."""

    __slots__ = ("inst", "registers", "repeated")

    def __init__(self, registers: Registers, inst: Inst) -> None:
        super().__init__()
        self.registers, self.inst = registers, inst
        self.repeated: dict[str, int] = {}  # embedded broadcasts: bits of the element
        self.values.update(registers.flags)
        self.widths.update(dict.fromkeys(FLAGS, 1))
        if inst.mask is not None:
            self.values["k"], self.widths["k"] = registers[inst.mask], 64
        for operand, value in zip(inst.form.operands, inst.operands, strict=True):
            self.enter(operand, value)

    def enter(self, operand: Operand, value: OperandValue) -> None:
        """Make an operand a variable."""
        name, bits = operand.name, operand.bits
        if isinstance(value, Reg | VReg):
            held = self.registers[value]
            self.values[name] = pieces.extract(held, FILES[value.bank], 0, Type("u", bits))
        elif isinstance(value, Imm):
            self.values[name] = value.value & ((1 << bits) - 1)
        elif isinstance(value, Mem):
            bits = width_of(operand, True)
            if not bits:
                return
            self.values[name] = self.known_memory(operand, value, bits)
        else:
            raise CompileError(
                f"{value!r} in {self.inst.form.name}", why="lift takes straight lists", mend="cut it"
            )
        self.widths[name] = bits

    def known_memory(self, operand: Operand, value: Mem, bits: int) -> int:
        """Bits of the constant pool."""
        content = self.registers.pool.get(value.label.name) if value.label is not None else None
        if content is None:
            raise CompileError(
                f"memory in {self.inst.form.name}",
                why="lift knows the constant pool alone",
                mend="load it first",
            )
        element = next((memory_bits(k) or 0 for k in operand.kinds if k.endswith("bcst")), 0)
        if value.broadcast:
            content = content[: element // 8] * (bits // element)
        return int.from_bytes(content[: bits // 8], "little")

    def address(self, name: str, lane: Value) -> Value:
        """The address of lea."""
        place = next(i for i, operand in enumerate(self.inst.form.operands) if operand.name == name)
        value = self.inst.operands[place]
        assert isinstance(value, Mem), f"{name} is no memory"
        type = Type("u", 64)
        found: Value = value.disp & ((1 << 64) - 1)
        for register, scale in ((value.base, 1), (value.index, value.scale)):
            if register is not None:
                held = single(pieces.extract(self.registers[register], 64, 0, type), type)
                term = self.apply("mul", type, (type, type), (held, scale)) if scale > 1 else held
                found = self.apply("add", type, (type, type), (term, found)) if found != 0 else term
        return found

    def leave(self) -> None:
        """Bring what was written into the registers."""
        registers, inst = self.registers, self.inst
        for flag in FLAGS:
            registers.flags[flag] = self.values[flag]
        for operand, register in zip(inst.form.operands, inst.operands, strict=True):
            if operand.writes and isinstance(register, Reg | VReg):
                type, file = Type("u", operand.bits), FILES[register.bank]
                before = registers[register] if keeps_above(operand) else 0
                registers[register] = pieces.insert(before, file, 0, type, self.values[operand.name])
        registers.traps += self.traps


def lift(instructions: Sequence[Inst], registers: Registers) -> None:
    """Do a straight list on registers that hold expressions.

    Errors: CompileError for control flow, for memory but the constant pool, for a form without a meaning.
    """
    for inst in instructions:
        memory = any(isinstance(value, Mem) for value in inst.operands)
        tree = meaning(inst.form, memory) if inst.mask is None else masked(inst.form, memory, inst.zeroing)
        if tree is None or inst.form.control or inst.form.mask_role == "rw":
            raise CompileError(f"{inst.form.name} is not lifted", why="lift.x86", mend="write its meaning")
        step = _Step(registers, inst)
        run(tree, step)
        step.leave()
