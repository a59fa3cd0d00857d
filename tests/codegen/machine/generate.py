"""Random functions of the toy instruction set: nested loops, branches, accumulators, calls, high pressure.

`function(seed)` gives the same function each time. What is read was written before on every path.
"""

from __future__ import annotations

import random

from baregrad.isa.form import Inst, Mem, Reg, Sub, VReg
from baregrad.render.machine import label

from . import toy


class Generator:
    def __init__(self, seed: int, size: int, rich: bool) -> None:
        self.rng = random.Random(seed)
        self.out: list[Inst] = []
        self.ids = 0
        self.labels = 0
        self.budget = size
        self.rich = rich
        self.pool: dict[str, list[VReg]] = {"int": [], "vec": [], "flag": [], "quad": [], "pair": []}
        self.counters: set[int] = set()

    def new(self, kind: str) -> VReg:
        self.ids += 1
        if kind == "quad":
            return VReg(self.ids, "vec", 128, 4, 4)
        if kind == "pair":
            return VReg(self.ids, "vec", 128, 2, 2)
        return VReg(self.ids, kind, {"int": self.rng.choice((32, 64)), "vec": 128, "flag": 64}[kind])

    def emit(self, name: str, *operands: object, **more: object) -> None:
        self.out.append(toy.make(name, *operands, **more))  # type: ignore[arg-type]
        self.budget -= 1

    def any(self, kind: str) -> VReg:
        pool = self.pool[kind]
        if not pool:
            self.define(kind)
        # Recent values are likelier, so that lives differ in length.
        if self.rng.random() < 0.5:
            return pool[-1 - int(self.rng.expovariate(0.3)) % len(pool)]
        return self.rng.choice(pool)

    def keep(self, kind: str, value: VReg) -> VReg:
        self.pool[kind].append(value)
        return value

    def target_of(self, kind: str) -> VReg:
        """A new variable, or one that exists and is written again."""
        pool = [x for x in self.pool[kind] if x.id not in self.counters]
        if pool and self.rng.random() < 0.3:
            return self.rng.choice(pool)
        return self.new(kind)

    def done(self, kind: str, value: VReg) -> None:
        if value not in self.pool[kind]:
            self.pool[kind].append(value)

    def define(self, kind: str) -> None:
        value = self.new(kind)
        if kind == "flag":
            self.emit("vcmp", value, self.any("vec"), self.any("vec"))
        elif kind == "quad":
            if self.rng.random() < 0.5:
                self.emit("qzero", value, self.rng.randrange(99))
            else:
                for k in self.rng.sample(range(4), 4):
                    self.emit("vmov", Sub(value, k), self.any("vec"))
        elif kind == "pair":
            self.emit("pair", value, self.any("vec"), self.any("vec"))
        else:
            self.emit("const" if kind == "int" else "vconst", value, self.rng.randrange(1000))
        self.keep(kind, value)

    def mem(self) -> Mem:
        index = self.any("int") if self.rng.random() < 0.3 else None
        return Mem(self.any("int"), index, self.rng.choice((1, 4)), self.rng.randrange(64))

    def operation(self) -> None:
        rng = self.rng
        kind = rng.choices(
            ("int", "vec", "flag", "quad", "part", "fixed", "memory", "copy", "new"),
            (30, 25, 5, 5, 5, 8 if self.rich else 0, 10, 12, 8),
        )[0]
        getattr(self, "op_" + kind)()

    def op_new(self) -> None:
        self.define(self.rng.choice(("int", "int", "vec", "vec", "quad", "pair", "flag")))

    def op_int(self) -> None:
        name = self.rng.choice(("add", "add", "mul", "addt", "low", "early", "vget", "dec"))
        if name in ("addt", "dec"):
            d = self.new("int")
            self.emit("mov", d, self.any("int"))
            self.emit(name, d, *([self.any("int")] if name == "addt" else []))
        elif name == "low":
            a = self.new("int")
            self.emit("mov", a, self.any("int"))
            d = self.new("int")
            self.emit("low", d, a)
        elif name == "vget":
            a = self.any("vec")
            d = self.target_of("int")
            self.emit("vget", d, a)
        else:
            a, b = self.any("int"), self.any("int")
            d = self.new("int") if name == "early" else self.target_of("int")
            self.emit(name, d, a, b)
        self.done("int", d)

    def op_vec(self) -> None:
        name = self.rng.choice(("vadd", "vadd", "vfma", "vfma", "vlow", "vsplat", "masked"))
        if name == "masked":
            mask = self.any("flag")
            a, b = self.any("vec"), self.any("vec")
            zeroing = self.rng.random() < 0.4
            d = self.new("vec") if zeroing else self.any("vec")
            self.emit("vadd", d, a, b, mask=mask, zeroing=zeroing)
        elif name == "vfma":
            d, a, b = self.any("vec"), self.any("vec"), self.any("vec")
            if self.rng.random() < 0.5:
                fresh = self.new("vec")
                self.emit("vmov", fresh, d)
                d = fresh
            self.emit("vfma", d, a, b)
        else:
            a = (
                [self.any("int")]
                if name == "vsplat"
                else [self.any("vec") for _ in range(1 + (name == "vadd"))]
            )
            d = self.target_of("vec") if name != "vlow" else self.new("vec")
            self.emit(name, d, *a)
        self.done("vec", d)

    def op_flag(self) -> None:
        a, b = self.any("vec"), self.any("vec")
        d = self.target_of("flag")
        if self.rng.random() < 0.5:
            self.emit("vcmp", d, a, b)
        else:
            self.emit("fand", d, self.any("flag"), self.any("flag"))
        self.done("flag", d)

    def op_quad(self) -> None:
        d = self.any("quad")
        if self.rng.random() < 0.5:
            fresh = self.new("quad")
            self.emit("qmov", fresh, d)
            d = fresh
        self.emit("mma", d, self.any("pair"), self.any("vec"))
        self.done("quad", d)

    def op_part(self) -> None:
        kind = self.rng.choice(("quad", "pair"))
        whole = self.any(kind)
        part = Sub(whole, self.rng.randrange(whole.count))
        if self.rng.random() < 0.5:
            self.emit("vadd", part, self.any("vec"), self.any("vec"))
        else:
            d = self.target_of("vec")
            self.emit("vmov", d, part)
            self.done("vec", d)

    def op_fixed(self) -> None:
        name = self.rng.choice(("div", "shl", "shl", "call", "wipe", "xorz"))
        if name == "div":
            lo, hi = self.new("int"), self.new("int")
            by = self.any("int")
            self.emit("mov", lo, self.any("int"))
            self.emit("mov", hi, self.any("int"))
            self.emit("div", lo, hi, by)
            self.done("int", lo)
            self.done("int", hi)
        elif name == "shl":
            d = self.new("int")
            count = self.any("int")
            self.emit("mov", d, self.any("int"))
            self.emit("shl", d, count)
            self.done("int", d)
        elif name == "call":
            x = self.new("int")
            self.emit("mov", x, self.any("int"))
            self.emit("call", x)
            self.done("int", x)
        elif name == "xorz":
            d = self.target_of("int")
            self.emit("xorz", d)
            self.done("int", d)
        else:
            self.emit("wipe")

    def op_memory(self) -> None:
        name = self.rng.choice(("ld", "vld", "st", "out", "vout"))
        if name in ("ld", "vld"):
            where = self.mem()
            d = self.target_of("int" if name == "ld" else "vec")
            self.emit(name, d, where)
            self.done("int" if name == "ld" else "vec", d)
        elif name == "st":
            self.emit("st", self.mem(), self.any("int"))
        else:
            self.emit(name, self.any("int" if name == "out" else "vec"))

    def op_copy(self) -> None:
        kind = self.rng.choice(("int", "vec", "flag", "quad"))
        a = self.any(kind)
        d = self.target_of(kind)
        if d.bits == a.bits or kind != "int":
            self.emit({"int": "mov", "vec": "vmov", "flag": "fmov", "quad": "qmov"}[kind], d, a)
            self.done(kind, d)

    def name(self) -> str:
        self.labels += 1
        return f"L{self.labels}"

    def block(self, depth: int) -> None:
        while self.budget > 0:
            dice = self.rng.random()
            if depth < 3 and dice < 0.05:
                self.loop(depth)
            elif depth < 3 and dice < 0.10:
                self.branch(depth)
            elif depth and dice < 0.14:
                return
            else:
                self.operation()

    def scoped(self, depth: int) -> None:
        saved = {kind: list(pool) for kind, pool in self.pool.items()}
        self.block(depth)
        self.pool = saved

    def loop(self, depth: int) -> None:
        counter = self.new("int")
        carried = [
            (kind, self.new(kind))
            for kind in self.rng.choices(("int", "vec", "quad"), k=self.rng.randrange(5))
        ]
        for kind, x in carried:
            source = self.any(kind)
            self.emit({"int": "mov", "vec": "vmov", "quad": "qmov"}[kind], x, source)
            self.keep(kind, x)
        self.emit("const", counter, self.rng.randrange(1, 4))
        self.counters.add(counter.id)
        self.keep("int", counter)
        head = self.name()
        self.out.append(label(head))
        saved = {kind: list(pool) for kind, pool in self.pool.items()}
        self.block(depth + 1)
        nexts = [(kind, x, self.any(kind)) for kind, x in carried]
        for kind, x, following in nexts:
            if following != x:
                self.emit({"int": "mov", "vec": "vmov", "quad": "qmov"}[kind], x, following)
        self.emit("dec", counter)
        self.emit("brnz", counter, head)
        if self.rng.random() < 0.5:
            self.pool = saved

    def branch(self, depth: int) -> None:
        other, end = self.name(), self.name()
        self.emit(self.rng.choice(("brnz", "brz")), self.any("int"), other)
        self.scoped(depth + 1)
        if self.rng.random() < 0.6:
            self.emit("jump", end)
            self.out.append(label(other))
            self.scoped(depth + 1)
            self.out.append(label(end))
        else:
            self.out.append(label(other))

    def function(self) -> list[Inst]:
        if self.rng.random() < 0.3:
            x = self.new("int")
            self.emit("const", Reg("int", 5), 123) if self.rng.random() < 0.5 else None
            self.emit("const", Reg("int", 3), 321)
            self.emit("mov", x, Reg("int", 3))
            self.keep("int", x)
        for kind in ("int", "vec"):
            for _ in range(self.rng.randrange(1, 12)):
                self.define(kind)
        self.block(0)
        for kind, name in (("int", "out"), ("vec", "vout")):
            for x in self.pool[kind][-12:]:
                self.emit(name, x)
        for x in self.pool["quad"][-3:]:
            part = self.new("vec")
            self.emit("vmov", part, Sub(x, 2))
            self.emit("vout", part)
        if self.rng.random() < 0.7:
            self.emit("ret")
        return self.out


def function(seed: int, size: int = 60, rich: bool = True) -> list[Inst]:
    """A random function of about `size` instructions; `rich` ones have fixed registers and clobbers."""
    return Generator(seed, size, rich).function()
