"""One x86-64 hardware thread: registers, flags, memory; a step is an instruction's meaning and what the
machine adds to all of them.

That is: a write of 32 bits clears the upper half of a general register, one of 8 or 16 leaves the rest; a
write of a vector register by VEX or EVEX clears what is above. Registers are kept by their `Reg`, virtual
ones (`VReg`) too, so that a compiler's list can be run before registers are allocated. MXCSR is as programs
find it: round to nearest, denormals kept, no traps. What is not here: decoding (isa/x86), system
instructions. Source: Intel SDM volume 1, 3.4.1.1, 14.1.2 and 15.5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from baregrad.base.errors import Fault
from baregrad.emu.memory import Memory
from baregrad.emu.plain import Place, Plain
from baregrad.isa.form import Imm, Inst, Label, Mem, Operand, Reg, Sub, Value, VReg
from baregrad.isa.meaning import Type, run
from baregrad.isa.x86 import text
from baregrad.isa.x86.encoding import memory_bits
from baregrad.isa.x86.meanings import FILES, FLAGS, keeps_above, masked, meaning, width_of

WORD = (1 << 64) - 1


class State:
    """What a program can see. Registers that nobody wrote are 0; `labels` are addresses of places in
    memory.
    """

    __slots__ = ("flags", "labels", "memory", "registers", "rip")

    def __init__(self, memory: Memory | None = None, labels: Mapping[str, int] | None = None) -> None:
        self.registers: dict[Reg | VReg, int] = {}
        self.flags: dict[str, int | None] = dict.fromkeys(FLAGS, 0)
        self.memory = memory or Memory()
        self.labels = labels or {}
        self.rip = 0  # in a list that runs: the place of the next instruction

    def __getitem__(self, register: Reg | VReg) -> int:
        return self.registers.get(register, 0)

    def __setitem__(self, register: Reg | VReg, value: int) -> None:
        self.registers[register] = value


class _Step(Plain):
    """The world of one instruction on a state."""

    __slots__ = ("inst", "state", "targets")

    def __init__(self, state: State, inst: Inst, targets: Mapping[str, int]) -> None:
        super().__init__(state.memory)
        self.state, self.inst, self.targets = state, inst, targets
        self.values.update(state.flags)
        self.values["rip"] = state.rip
        if inst.mask is not None:
            self.values["k"] = state[inst.mask]
        for operand, value in zip(inst.form.operands, inst.operands, strict=True):
            self.enter(operand, value)

    def enter(self, operand: Operand, value: Value) -> None:
        """Make an operand a variable."""
        name = operand.name
        if isinstance(value, Reg | VReg):
            self.widths[name] = operand.bits
            self.values[name] = self.state[value] & ((1 << operand.bits) - 1)
        elif isinstance(value, Imm):
            self.values[name] = value.value & ((1 << operand.bits) - 1)
        elif isinstance(value, Label):
            self.values[name] = self.targets[value.name]
        elif isinstance(value, Mem):
            self.enter_memory(operand, value)
        else:
            assert isinstance(value, Sub), f"no operand of x86 is {value!r}"
            raise Fault(f"{value!r} of {self.inst.form.name}", why="x86 has no tuples", mend="mend the list")

    def enter_memory(self, operand: Operand, value: Mem) -> None:
        """Make memory a variable: an address alone (of lea, of gathers) is none."""
        bits = width_of(operand, True)
        if not bits:
            return
        element = next((memory_bits(k) or 0 for k in operand.kinds if k.endswith("bcst")), 0)
        address = self.address(operand.name, 0)
        self.places[operand.name] = Place(address, bits, element if value.broadcast else 0)

    def address(self, name: str, lane: int | None) -> int:
        """The effective address of an operand, or of a lane of it."""
        place = next(i for i, operand in enumerate(self.inst.form.operands) if operand.name == name)
        value, state = self.inst.operands[place], self.state
        assert isinstance(value, Mem), f"{name} is no memory"
        if value.label is not None:
            return state.labels[value.label.name] + value.disp
        found = value.disp + (0 if value.base is None else state[value.base])
        if value.index is not None:
            index = state[value.index]
            if value.index.bank == "vec":
                bits = int(self.inst.form.operands[place].kinds[0][2:4])
                index = index >> (lane or 0) * bits & ((1 << bits) - 1)
                index -= index >> (bits - 1) << bits
            found += index * value.scale
        return found & WORD

    def write(self, name: str, type: Type, scale: int, place: int | None, value: int | None) -> None:
        """Change bits of a variable, or of a register in a file."""
        file = FILES.get(name)
        if file is None or name in self.widths:
            super().write(name, type, scale, place, value)
            return
        number, low = divmod((place or 0) * scale, file)
        register = Reg(name, number)
        kept = self.state[register] & ~(((1 << type.bits) - 1) << low)
        self.state[register] = kept | (value or 0) << low

    def leave(self) -> None:
        """Bring what was written into the state."""
        state, inst = self.state, self.inst
        for flag in FLAGS:
            state.flags[flag] = self.values[flag]
        state.rip = self.values["rip"] or 0
        if inst.mask is not None and inst.form.mask_role == "rw":
            state[inst.mask] = self.values["k"] or 0
        for operand, register in zip(inst.form.operands, inst.operands, strict=True):
            value = self.values.get(operand.name)
            if operand.writes and isinstance(register, Reg | VReg) and value is not None:
                kept = state[register] >> operand.bits << operand.bits if keeps_above(operand) else 0
                state[register] = kept | value


def step(state: State, inst: Inst, targets: Mapping[str, int] | None = None) -> None:
    """Execute one instruction; `targets` are the places that branches go to.

    Errors: Fault for one without a meaning, for memory that is not there, for its own traps; the state is
    then as before, but for memory.
    """
    memory = any(isinstance(value, Mem) for value in inst.operands)
    if inst.mask is None:
        tree = meaning(inst.form, memory)
    else:
        tree = masked(inst.form, memory, inst.zeroing)
    if tree is None:
        raise Fault(
            f"{inst.form.name} has no meaning",
            why="isa/x86/table_meaning.py has no row",
            mend="write the row",
        )
    try:
        world = _Step(state, inst, targets or {})
        run(tree, world)
    except Fault as fault:
        fault.add_note(f"in {shown(inst)}")
        raise
    world.leave()


def shown(inst: Inst) -> str:
    """An instruction for messages; virtual registers have no text."""
    virtual = any(isinstance(value, VReg) for value in (*inst.operands, inst.mask))
    return f"{inst.form.name} {inst.operands}" if virtual else text(inst)


def execute(items: Sequence[Inst | Label], state: State, budget: int = 100_000) -> None:
    """Run a list with labels from its beginning to its end, or to a `ret`.

    Errors: Fault as `step`, and when more than `budget` instructions were executed.
    """
    targets = {item.name: place for place, item in enumerate(items) if isinstance(item, Label)}
    state.rip = 0
    while state.rip < len(items):
        item = items[state.rip]
        state.rip += 1
        if isinstance(item, Label):
            continue
        if item.form.control == "ret":
            return
        step(state, item, targets)
        budget -= 1
        if budget < 0:
            raise Fault("an endless program", why="its budget of instructions is used up", mend="give more")
