"""The allocator on x86-64 forms: a small machine record of its own, and random functions over three banks.

Fixed rax, rcx and rdx, flags, EVEX masks that merge or zero, gathers that destroy their mask, VEX forms that
reach 16 registers only. The functions are not run: the checker proves them and the encoder takes them.
"""

from __future__ import annotations

import random

from baregrad.isa.form import Imm, Inst, Label, Mem, Reg, VReg
from baregrad.isa.x86 import encode, fixups, form, forms
from baregrad.render.machine import Bank, Encoder, MachineTarget, label

RSP = Reg("gpr", 4)
GPRS = (0, 1, 2, 6, 7, 8, 9, 10, 11, 3, 5, 12, 13, 14, 15)
KINDS = {128: "xmm", 256: "ymm", 512: "zmm"}


def move(to: Reg | VReg, source: Reg | VReg, bits: int) -> Inst:
    if to.bank == "vec":
        return Inst(form("vmovaps", KINDS[bits], KINDS[bits], evex=True), (to, source))
    return Inst(form("mov", "r64", "r64") if to.bank == "gpr" else form("kmovq", "k", "k"), (to, source))


def slot(register: Reg, offset: int, bits: int, *, load: bool) -> Inst:
    memory = Mem(RSP, disp=offset)
    name = {"gpr": "mov", "vec": "vmovups", "mask": "kmovq"}[register.bank]
    kind = {"gpr": "r64", "vec": KINDS.get(bits, ""), "mask": "k"}[register.bank]
    size = f"m{bits}"
    evex = register.bank == "vec"
    if load:
        return Inst(form(name, kind, size, evex=evex), (register, memory))
    return Inst(form(name, size, kind, evex=evex), (memory, register))


def shorten(inst: Inst) -> Inst | None:
    if inst.form.control not in ("jump", "branch"):
        return None
    short = next((f for f in forms(inst.form.name) if f.operands[0].kinds == ("rel8",)), None)
    return None if short is None else Inst(short, inst.operands)


def target(gprs: int = 15, vecs: int = 32, masks: int = 7) -> MachineTarget:
    return MachineTarget(
        name="x86",
        banks={
            "gpr": Bank("gpr", GPRS[:gprs], 64),
            "vec": Bank("vec", tuple(range(vecs)), 512),
            "mask": Bank("mask", tuple(range(1, masks + 1)), 64),
        },
        move=move,
        store_slot=lambda register, offset, bits: slot(register, offset, bits, load=False),
        load_slot=lambda register, offset, bits: slot(register, offset, bits, load=True),
        jump=lambda to: Inst(form("jmp", "rel32"), (to,)),
        rematerialise=lambda inst: inst.form.name == "mov" and isinstance(inst.operands[1], Imm),
        encoder=Encoder(encode, fixups, lambda n: b"\x90" * n, shorten),
    )


class Generator:
    def __init__(self, seed: int, size: int) -> None:
        self.rng = random.Random(seed)
        self.out: list[Inst] = []
        self.ids = self.labels = 0
        self.budget = size
        self.pool: dict[str, list[VReg]] = {"gpr": [], "zmm": [], "ymm": [], "mask": []}

    def emit(self, name: str, kinds: str, *operands: object, evex: bool = False, **masking: object) -> None:
        row = form(name, *kinds.split(), evex=evex)
        values = tuple(Imm(x) if isinstance(x, int) else x for x in operands)
        self.out.append(Inst(row, values, **masking))  # type: ignore[arg-type]
        self.budget -= 1

    def new(self, kind: str) -> VReg:
        self.ids += 1
        bank = "vec" if kind in ("zmm", "ymm") else kind
        value = VReg(self.ids, bank, {"gpr": 64, "zmm": 512, "ymm": 256, "mask": 64}[kind])
        self.pool[kind].append(value)
        return value

    def any(self, kind: str) -> VReg:
        if self.pool[kind]:
            return self.rng.choice(self.pool[kind][-self.rng.randrange(1, 30) :])
        address = self.mem() if kind != "gpr" else None
        value = self.new(kind)
        if kind == "gpr":
            self.emit("mov", "r64 imm64", value, self.rng.randrange(999))
        elif kind == "mask":
            self.emit("kmovq", "k m64", value, address)
        else:
            self.emit("vmovups", f"{kind} m{value.bits}", value, address)
        return value

    def mem(self) -> Mem:
        index = self.any("gpr") if self.rng.random() < 0.3 else None
        return Mem(self.any("gpr"), index, 4 if index else 1, self.rng.randrange(100))

    def copy(self, kind: str) -> VReg:
        """A new name for a value, for a form that writes over it."""
        source = self.any(kind)
        value = self.new(kind)
        self.out.append(move(value, source, value.bits))
        return value

    def operation(self) -> None:
        self.rng.choices(
            (self.scalar, self.shift, self.divide, self.compare, self.vector, self.masked, self.narrow,
             self.gather, self.constant, self.store),
            (20, 6, 5, 6, 30, 12, 8, 4, 8, 6),
        )[0]()  # fmt: skip

    def scalar(self) -> None:
        b = self.any("gpr")
        self.emit(self.rng.choice(("add", "sub", "imul")), "r64 r64", self.copy("gpr"), b)

    def shift(self) -> None:
        count = self.any("gpr")
        self.emit("shl", "r64 cl", self.copy("gpr"), count)

    def divide(self) -> None:
        by = self.any("gpr")
        self.emit("div", "r64", self.copy("gpr"), self.copy("gpr"), by)

    def compare(self) -> None:
        a, b, other, kept = self.any("gpr"), self.any("gpr"), self.any("gpr"), self.copy("gpr")
        self.emit("cmp", "r64 r64", a, b)
        self.emit("cmovne", "r64 r64", kept, other)

    def vector(self) -> None:
        a, b = self.any("zmm"), self.any("zmm")
        if self.rng.random() < 0.5:
            self.emit(
                "vfmadd231ps", "zmm zmm zmm", self.rng.choice((self.copy, self.any))("zmm"), a, b, evex=True
            )
        else:
            self.emit("vaddps", "zmm zmm zmm", self.new("zmm"), a, b, evex=True)

    def masked(self) -> None:
        a, b, k = self.any("zmm"), self.any("zmm"), self.any("mask")
        if self.rng.random() < 0.4:
            self.emit("vcmpps", "k zmm zmm imm8", self.new("mask"), a, b, 1, evex=True, mask=k)
        elif self.rng.random() < 0.4:
            self.emit("vpblendmd", "zmm zmm zmm", self.new("zmm"), a, b, evex=True, mask=k)
        else:
            zeroing = self.rng.random() < 0.5
            to = self.new("zmm") if zeroing else self.any("zmm")
            self.emit("vaddps", "zmm zmm zmm", to, a, b, evex=True, mask=k, zeroing=zeroing)

    def narrow(self) -> None:
        a, b = self.any("ymm"), self.any("ymm")
        self.emit("vaddps", "ymm ymm ymm", self.new("ymm"), a, b)

    def gather(self) -> None:
        base, index = self.any("gpr"), self.any("zmm")
        to, mask = self.copy("zmm"), self.copy("mask")
        self.emit("vpgatherdd", "zmm vm32z", to, Mem(base, index, 4), evex=True, mask=mask)

    def constant(self) -> None:
        self.emit("mov", "r64 imm64", self.new("gpr"), self.rng.randrange(1 << 40))

    def store(self) -> None:
        address = self.mem()
        self.emit("vmovups", "m512 zmm", address, self.any("zmm"), evex=True)

    def block(self, depth: int) -> None:
        while self.budget > 0:
            dice = self.rng.random()
            if depth < 3 and dice < 0.05:
                self.loop(depth)
            elif depth and dice < 0.1:
                return
            else:
                self.operation()

    def loop(self, depth: int) -> None:
        self.labels += 1
        name = f"L{self.labels}"
        count, carried = self.copy("gpr"), [self.copy("zmm") for _ in range(self.rng.randrange(6))]
        self.out.append(label(name))
        self.block(depth + 1)
        for value in carried:
            source = self.any("zmm")
            if source != value:
                self.out.append(move(value, source, 512))
        self.emit("sub", "r64 imm8", count, 1)
        self.emit("jne", "rel32", Label(name))

    def function(self) -> list[Inst]:
        for number in (7, 6):
            self.out.append(move(self.new("gpr"), Reg("gpr", number), 64))
        self.block(0)
        for value in self.pool["zmm"][-10:]:
            self.emit("vmovups", "m512 zmm", self.mem(), value, evex=True)
        self.emit("ret", "")
        return self.out


def function(seed: int, size: int = 60) -> list[Inst]:
    """A random function of about `size` instructions."""
    return Generator(seed, size).function()
