"""A made-up instruction set with everything that is awkward for an allocator, and an interpreter for it.

Banks: "int" (16), "vec" (32; aligned pairs and quads too) and "flag" (8, of which 0 is not handed out). There
are fixed registers, tied operands, results written early, limits, masks, clobbers and calls. `run` executes a
list with virtual or with physical registers; `out` shows a value, and what is shown is all that is compared.
Values are integers below 2**32. What is not here: random functions (generate.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from baregrad.isa.form import Form, Imm, Inst, Label, Mem, Operand, Reg, Sub, VReg
from baregrad.render.machine import Bank, Encoder, MachineTarget

MASK = (1 << 32) - 1
CLOBBERED = tuple(Reg("int", n) for n in range(4)) + tuple(Reg("vec", n) for n in range(8))


def i(name: str, role: str, **facts: object) -> Operand:
    return Operand(name, ("r64", "m64") if facts.pop("mem", 0) else ("r64",), role, "int", 64, **facts)  # type: ignore[arg-type]


def v(name: str, role: str, **facts: object) -> Operand:
    return Operand(name, ("v",), role, "vec", 128, **facts)  # type: ignore[arg-type]


def f(name: str, role: str) -> Operand:
    return Operand(name, ("k",), role, "flag", 64)


def imm(name: str = "imm") -> Operand:
    return Operand(name, ("imm32",), "r")


def quad(name: str, role: str, count: int = 4, align: int = 4) -> Operand:
    return Operand(name, ("v",), role, "vec", 128, count=count, align=align)


MEM = Operand("m", ("m64",), "r")
TO = Operand("to", ("rel32",), "r")
TO8 = Operand("to", ("rel8",), "r")
Meaning = Callable[..., object]

# name, operands, meaning (from the values read to the values written), further facts of the form
ROWS: list[tuple[str, tuple[Operand, ...], Meaning | None, dict[str, object]]] = [
    ("const", (i("d", "w"), imm()), lambda n: n, {}),
    ("mov", (i("d", "w"), i("a", "r")), lambda a: a, {"is_move": True}),
    ("add", (i("d", "w"), i("a", "r"), i("b", "r")), lambda a, b: a + b, {}),
    ("mul", (i("d", "w"), i("a", "r"), i("b", "r")), lambda a, b: a * b + 1, {"latency": 3}),
    ("addt", (i("d", "rw"), i("a", "r")), lambda d, a: d + 3 * a, {"writes_flags": True}),
    ("dec", (i("d", "rw"),), lambda d: d - 1, {"writes_flags": True}),
    ("xorz", (i("d", "w"),), lambda: 0, {"writes_flags": True}),
    (
        "div",
        (i("lo", "rw", fixed=0, implicit=True), i("hi", "rw", fixed=2, implicit=True), i("by", "r")),
        lambda lo, hi, by: (lo * 5 + hi + by, lo ^ hi ^ by),
        {"latency": 20},
    ),
    ("shl", (i("d", "rw"), i("count", "r", fixed=1)), lambda d, c: d << (c & 7), {}),
    ("low", (i("d", "w", limit=3), i("a", "r", limit=3)), lambda a: a + 11, {}),
    ("early", (i("d", "w", early=True), i("a", "r"), i("b", "r")), lambda a, b: a + 7 * b, {}),
    ("call", (i("x", "rw", fixed=0, implicit=True),), lambda x: x * 9 + 4, {"clobbers": CLOBBERED[1:]}),
    ("wipe", (), lambda: (), {"clobbers": CLOBBERED}),
    ("ld", (i("d", "w"), MEM), None, {"memory": "r", "latency": 5}),
    ("st", (Operand("m", ("m64",), "w"), i("a", "r")), None, {"memory": "w"}),
    ("vconst", (v("d", "w"), imm()), lambda n: n, {}),
    ("vmov", (v("d", "w"), v("a", "r")), lambda a: a, {"is_move": True}),
    ("vadd", (v("d", "w"), v("a", "r"), v("b", "r")), lambda a, b: a + b + 5, {"latency": 4}),
    ("vfma", (v("d", "rw"), v("a", "r"), v("b", "r")), lambda d, a, b: d + a * b, {"latency": 4}),
    ("vlow", (v("d", "w", limit=15), v("a", "r", limit=15)), lambda a: a * 3, {}),
    ("vsplat", (v("d", "w"), i("a", "r")), lambda a: a ^ 0x5555, {}),
    ("vget", (i("d", "w"), v("a", "r")), lambda a: a + 1, {}),
    ("vld", (v("d", "w"), MEM), None, {"memory": "r", "latency": 7}),
    ("vcmp", (f("d", "w"), v("a", "r"), v("b", "r")), lambda a, b: int(a & 15 < b & 15), {"latency": 3}),
    ("fmov", (f("d", "w"), f("a", "r")), lambda a: a, {"is_move": True}),
    ("fand", (f("d", "w"), f("a", "r"), f("b", "r")), lambda a, b: a & b, {}),
    ("qzero", (quad("d", "w"), imm()), lambda n: [n, n + 1, n + 2, n + 3], {}),
    (
        "mma",
        (quad("d", "rw"), quad("a", "r", 2, 2), v("b", "r")),
        lambda d, a, b: [x + y * b for x, y in zip(d, a * 2, strict=True)],
        {"latency": 8},
    ),
    ("qmov", (quad("d", "w"), quad("a", "r")), lambda a: a, {"is_move": True}),
    ("pair", (quad("d", "w", 2, 2), v("a", "r"), v("b", "r")), lambda a, b: [a, b], {}),
    ("out", (i("a", "r"),), None, {"memory": "w"}),
    ("vout", (v("a", "r"),), None, {"memory": "w"}),
    ("jump", (TO,), None, {"control": "jump"}),
    ("brnz", (i("a", "r"), TO), None, {"control": "branch"}),
    ("brz", (i("a", "r"), TO), None, {"control": "branch"}),
    ("jump.short", (TO8,), None, {"control": "jump"}),
    ("brnz.short", (i("a", "r"), TO8), None, {"control": "branch"}),
    ("brz.short", (i("a", "r"), TO8), None, {"control": "branch"}),
    ("ret", (), None, {"control": "ret"}),
    ("spill.int", (imm("at"), imm("bits"), i("a", "r")), None, {"memory": "w"}),
    ("spill.vec", (imm("at"), imm("bits"), v("a", "r")), None, {"memory": "w"}),
    ("spill.flag", (imm("at"), imm("bits"), f("a", "r")), None, {"memory": "w"}),
    ("reload.int", (i("d", "w"), imm("at"), imm("bits")), None, {"memory": "r"}),
    ("reload.vec", (v("d", "w"), imm("at"), imm("bits")), None, {"memory": "r"}),
    ("reload.flag", (f("d", "w"), imm("at"), imm("bits")), None, {"memory": "r"}),
]
FORMS = {name: Form(name, operands, None, **facts) for name, operands, _, facts in ROWS}  # type: ignore[arg-type]
MEANING = {name: meaning for name, _, meaning, _ in ROWS if meaning}
MOVES = {"int": "mov", "vec": "vmov", "flag": "fmov"}


def make(name: str, *operands: object, mask: Reg | VReg | None = None, zeroing: bool = False) -> Inst:
    values = (Imm(x) if isinstance(x, int) else Label(x) if isinstance(x, str) else x for x in operands)
    return Inst(FORMS[name], tuple(values), mask, zeroing)  # type: ignore[arg-type]


def encode(inst: Inst) -> bytes:
    """Bytes that a test can read back: the row's number, a byte per operand, four or one for a label."""
    code = bytes([list(FORMS).index(inst.form.name)])
    for operand, value in zip(inst.form.operands, inst.operands, strict=True):
        if isinstance(value, Label):
            code += bytes(4 if operand is TO else 1)
        elif isinstance(value, Mem):
            code += bytes(4)
        else:
            code += bytes([getattr(value, "number", getattr(value, "value", 0)) & 255])
    return code


def fixups(inst: Inst, code: bytes) -> list[tuple[int, int, Label, int, int]]:
    end, last = len(code), inst.operands[-1] if inst.operands else None
    if isinstance(last, Label):
        size = 4 if inst.form.operands[-1] is TO else 1
        return [(end - size, size, last, 0, end)]
    return [(end - 4, 4, m.label, m.disp, end) for m in inst.operands if isinstance(m, Mem) and m.label]


def shorten(inst: Inst) -> Inst | None:
    return (
        make(inst.form.name + ".short", *inst.operands) if inst.form.name in ("jump", "brz", "brnz") else None
    )


def target(ints: int = 16, vecs: int = 32, flags: int = 8) -> MachineTarget:
    """The toy machine with only so many registers in each bank."""
    return MachineTarget(
        name="toy",
        banks={
            "int": Bank("int", tuple(range(ints)), 64, frozenset(range(12, ints))),
            "vec": Bank("vec", tuple(range(vecs)), 128),
            "flag": Bank("flag", tuple(range(1, flags)), 64),
        },
        move=lambda to, source, bits: make(MOVES[to.bank], to, source),
        store_slot=lambda reg, offset, bits: make(f"spill.{reg.bank}", offset, bits, reg),
        load_slot=lambda reg, offset, bits: make(f"reload.{reg.bank}", reg, offset, bits),
        jump=lambda label: make("jump", label.name),
        rematerialise=lambda inst: inst.form.name in ("const", "vconst"),
        invert=lambda inst: {"brnz": make("brz", *inst.operands), "brz": make("brnz", *inst.operands)}.get(
            inst.form.name
        ),
        encoder=Encoder(encode, fixups, lambda n: b"\x90" * n, shorten),
    )


class Machine:
    """The state of a run: registers (virtual ones by id and place in the tuple), memory, spill area."""

    def __init__(self) -> None:
        self.registers: dict[object, int] = {}
        self.memory: dict[int, int] = {}
        self.slots: dict[int, int] = {}
        self.shown: list[int] = []

    def key(self, value: Reg | VReg | Sub, k: int) -> object:
        if isinstance(value, Sub):
            return value.of.id, value.index + k
        if isinstance(value, VReg):
            return value.id, k
        return value.bank, value.number + k

    def get(self, operand: Operand | None, value: object) -> object:
        if isinstance(value, Imm):
            return value.value
        assert isinstance(value, Reg | VReg | Sub), value
        count = operand.count if operand else 1
        read = [self.registers.get(self.key(value, k), 0xDEAD + 17 * k) for k in range(count)]
        return read if count > 1 else read[0]

    def put(self, operand: Operand, value: object, result: object) -> None:
        assert isinstance(value, Reg | VReg | Sub), value
        for k, x in enumerate(result if isinstance(result, list) else [result]):
            self.registers[self.key(value, k)] = x & MASK

    def address(self, mem: Mem) -> int:
        base = self.get(None, mem.base) if mem.base else 0
        index = self.get(None, mem.index) if mem.index else 0
        return (base + index * mem.scale + mem.disp) & 255  # type: ignore[operator]

    def store_slot(self, at: int, size: int, value: int) -> None:
        assert at % min(size, 64) == 0, f"slot at {at} for {size} bytes"
        for other in range(at, at + size):
            self.slots[other] = 0xBAD
        self.slots[at] = value

    def step(self, inst: Inst) -> None:
        name, values = inst.form.name, inst.operands
        if name in ("ld", "vld"):
            self.put(inst.form.operands[0], values[0], self.memory.get(self.address(values[1]), 77))  # type: ignore[arg-type]
        elif name == "st":
            self.memory[self.address(values[0])] = self.get(inst.form.operands[1], values[1])  # type: ignore
        elif name in ("out", "vout"):
            self.shown.append(self.get(inst.form.operands[0], values[0]))  # type: ignore[arg-type]
        elif name.startswith("spill."):
            self.store_slot(values[0].value, values[1].value // 8, self.get(inst.form.operands[2], values[2]))  # type: ignore
        elif name.startswith("reload."):
            self.put(inst.form.operands[0], values[0], self.slots.get(values[1].value, 0xBAD))  # type: ignore
        else:
            self.compute(inst)

    def compute(self, inst: Inst) -> None:
        pairs = list(zip(inst.form.operands, inst.operands, strict=True))
        read = [self.get(o, x) for o, x in pairs if o.reads]
        result = MEANING[inst.form.name](*read)
        results = list(result) if isinstance(result, tuple) else [result]
        for register in inst.form.clobbers:
            self.registers[register.bank, register.number] = 0xC10BBE2
        for (operand, value), new in zip([p for p in pairs if p[0].writes], results, strict=True):
            if inst.mask is not None and not self.get(None, inst.mask):
                if inst.zeroing:
                    self.put(operand, value, 0)
                continue
            self.put(operand, value, new)


def run(insts: Sequence[Inst], limit: int = 20000) -> list[int]:
    """What a list shows when it is executed."""
    machine = Machine()
    places = {inst.operands[0].name: k for k, inst in enumerate(insts) if inst.form.name == "label"}  # type: ignore
    at = 0
    while at < len(insts):
        limit -= 1
        assert limit, "the list runs for ever"
        inst = insts[at]
        at += 1
        control = inst.form.control
        if inst.form.name == "label":
            continue
        if control == "ret":
            break
        if control == "jump":
            at = places[inst.operands[0].name]  # type: ignore[union-attr]
        elif control == "branch":
            if bool(machine.get(inst.form.operands[0], inst.operands[0])) == (inst.form.name == "brnz"):
                at = places[inst.operands[1].name]  # type: ignore[union-attr]
        else:
            machine.step(inst)
    return machine.shown
