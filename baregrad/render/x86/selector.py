"""The state of selecting one kernel: registers, constants, operands, and the rows that a node's op and
dtype find.

select.py goes through the list and has the loops; address.py addresses; memory.py loads and stores; lanes.py
what works across lanes; divide.py division by constants. Rows are in rows_*.py.

- A scalar float is an xmm register, a scalar integer or bool a general one, a vector a register
of its size; a bool vector is a mask register (AVX-512) or a vector with all bits of a lane set or
none. - Vector constants are made before the outermost loop; the allocator makes them again where
registers are scarce.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from baregrad import dtype as dt
from baregrad.base import memo
from baregrad.base.errors import CompileError
from baregrad.dtype import DType
from baregrad.ir import Op, UOp, ops
from baregrad.isa.form import Form, Imm, Inst, Label, Mem, Reg, Value, VReg
from baregrad.isa.x86 import form
from baregrad.render.machine import Pool
from baregrad.render.x86 import divide, lanes
from baregrad.render.x86.address import Split
from baregrad.render.x86.counting import Multiple
from baregrad.render.x86.machine import is_wide
from baregrad.render.x86.rows import CONDITIONS, FUNCTIONS, Row, constant_of, expand, held, names
from baregrad.render.x86.rows_double import DOUBLE_ROWS
from baregrad.render.x86.rows_float import FLOAT_ROWS
from baregrad.render.x86.rows_scalar import SCALAR_ROWS
from baregrad.render.x86.rows_vector import VECTOR_ROWS
from baregrad.render.x86.template import (
    BITS,
    VECTOR,
    Address,
    Constant,
    Dynamic,
    Fold,
    Kinds,
    Plan,
    compile_template,
    find_form,
)
from baregrad.target import Target

ROWS: tuple[Row, ...] = SCALAR_ROWS + FLOAT_ROWS + DOUBLE_ROWS + VECTOR_ROWS
BANK = {
    "r8": "gpr",
    "r16": "gpr",
    "r32": "gpr",
    "r64": "gpr",
    "xmm": "vec",
    "ymm": "vec",
    "zmm": "vec",
    "k": "mask",
}
PACKED = {"f32": "<f", "f64": "<d", "i32": "<i", "u32": "<I", "i64": "<q", "u64": "<Q", "u8": "<B"}
SHORT = {
    "float32": "f32",
    "float64": "f64",
    "int32": "i32",
    "uint32": "u32",
    "int64": "i64",
    "uint64": "u64",
    "bool": "u8",
}
# Vector constants kept in registers through a loop, with and without AVX-512
KEPT_CONSTANTS = {True: 14, False: 6}
NOTHING = Imm(0)
Alternatives = tuple[tuple[str, str, Kinds], ...]  # condition, lines, kinds


@memo
def rows_of(op: Op, wide: bool) -> tuple[Row, ...]:
    """The rows of an op."""
    return tuple(row for row in ROWS if row.op is op and row.wide in (None, wide))


def kind_of(dtype: DType, count: int, bits: int, wide: bool) -> str:
    """The register kind of a value; `bits` is the width of bool vectors without AVX-512."""
    dtype = held(dtype)
    if not count:
        return "xmm" if dtype.is_float else "r64" if dtype.bits == 64 else "r32"
    if dtype is dt.bool_:
        return "k" if wide else VECTOR[bits]
    if count * dtype.bits not in VECTOR:
        raise CompileError(
            f"{count} lanes of {dtype} in one register", why=f"registers have {list(VECTOR)} bits",
            mend="lower it with fewer lanes",
        )  # fmt: skip
    return VECTOR[count * dtype.bits]


@memo
def alternatives(
    op: Op, dtype: DType, sources: tuple[DType, ...], count: int, bits: int, wide: bool
) -> Alternatives:
    """The rows for nodes of an op, dtypes and lanes, each with its condition and what it is compiled for."""
    by = sources[-1] if op.dtype == "bool" else dtype
    shape = "v" if count else "s"
    kinds = [kind_of(d, count, bits, wide) for d in (dtype, *sources)]
    natural = max((k for k in kinds if k != "k"), key=lambda k: (BANK[k] == "vec", BITS[k]), default="k")
    if not count and BANK[kinds[-1]] == "gpr" and kinds[0] != "xmm":
        natural = kinds[-1]
    facts = names(by, bool(count), wide)
    widths = tuple([held(d).bits for d in sources])
    made_for = Kinds(kinds[0], tuple(kinds[1:]), natural, bool(count), widths)
    return tuple(
        (row.when, expand(row.lines, facts), made_for)
        for row in rows_of(op, wide)
        if by in row.dtypes and shape in row.shape and (not row.source or sources[0] in row.source)
    )


class Loop:
    """A loop that is open: its counter, what it counts to, labels, and the registers of carried values."""

    __slots__ = ("body", "carried", "exit", "limit", "node", "steps")

    def __init__(self, node: UOp, limit: Imm | VReg, body: Label, carried: list[VReg]) -> None:
        self.node, self.limit, self.body, self.carried = node, limit, body, carried
        self.steps: list[
            tuple[VReg, int]
        ] = []  # what goes up by how much; the first is compared with the limit
        self.exit: Label | None = None


def immediate(wanted: Dynamic, node: UOp) -> int:
    """The immediate that a source's constant gives."""
    source = node.src[wanted.source]
    return FUNCTIONS[wanted.function](int(constant_of(source)), max(source.dtype.bits, 8))


class Selector:
    """The state of selecting one kernel."""

    __slots__ = (
        "bases", "block", "carried", "closed", "constants", "early", "epoch", "fold_of", "gone", "grid",
        "late", "lazy", "local_offsets", "loop_start", "loops", "multiples", "next_id", "next_label", "out",
        "plans", "pool", "roots", "splits", "streams", "swapped", "target", "unread", "unsteady", "uops",
        "user", "uses", "values", "wide", "widest",
    )  # fmt: skip

    def __init__(self, uops: Sequence[UOp], target: Target, first: Selector | None = None) -> None:
        self.uops, self.target, self.wide = uops, target, is_wide(target)
        self.out: list[Inst] = []
        self.early: list[Inst] = []  # constants that go before the outermost loop
        self.loops: list[Loop] = []
        self.loop_start = 0
        self.closed: dict[UOp, list[VReg]] = {}  # END -> registers of its carried values
        self.values: dict[UOp, VReg | Mem] = {}
        self.constants: dict[tuple[bytes, str], VReg] = {}
        self.pool: Pool = Pool() if first is None else first.pool
        self.streams: set[int] | None = set() if first is None else None  # slots stored past the caches
        self.plans: dict[UOp, Plan] = {}
        self.fold_of: dict[UOp, UOp] = {}  # user -> the load that it takes as memory
        self.swapped: set[UOp] = set()
        self.carried: dict[UOp, VReg] = {}  # next value -> register of the carried value that it replaces
        self.late: set[UOp] = set()  # next values that wait for the end of their loop
        self.lazy: set[UOp] = set()  # offsets that are only parts of addresses
        self.multiples: dict[UOp, list[Multiple]] = {}  # RANGE -> what is counted up beside it
        self.unsteady: set[VReg] = (
            set()
        )  # carried registers of loops that run once and are no blocks of their own
        self.gone: set[UOp] = set()  # what only counted-up sums or offsets taken apart use: never computed
        self.bases: dict[tuple[Reg | VReg, VReg], VReg] = {}  # pointer + scalar, in this stretch of the list
        self.roots: dict[VReg, Reg | VReg] = {}  # pointers that were computed, and what from
        self.splits: dict[UOp, Split] = {}  # vectors of offsets that are taken apart
        self.unread: dict[UOp, int] = {}  # RANGE -> uses that do not read the counter
        self.local_offsets: dict[UOp, int] = {}
        self.next_id = self.widest = 0
        self.next_label: int = 0 if first is None else first.next_label
        self.block = self.grid = VReg(-1, "gpr")
        self.uses: dict[UOp, int] = {}
        self.user: dict[UOp, UOp] = {}  # the last one
        self.epoch: dict[UOp, int] = {}  # loads do not move from one to the next
        self.survey()

    def survey(self) -> None:
        """Count uses, and number the stretches of the list across which loads do not move."""
        uses, user, epoch = self.uses, self.user, self.epoch
        now = 0
        for node in self.uops:
            op = node.op
            if op is ops.STORE or op is ops.RANGE or op is ops.END:
                now += 1
            epoch[node] = now
            for source in node.src:
                uses[source] = uses.get(source, 0) + 1
                user[source] = node

    # -- registers and instructions ----------------------------------------------------------------

    def register(self, kind: str) -> VReg:
        """A new virtual register."""
        self.next_id += 1
        bits = BITS[kind]
        if bits > self.widest and kind != "k":
            self.widest = bits
        return VReg(self.next_id, BANK[kind], max(bits, 32))

    def label(self) -> Label:
        """A new label."""
        self.next_label += 1
        return Label(f"L{self.next_label}")

    def emit(self, chosen: Form, *operands: Value, mask: VReg | None = None, zeroing: bool = False) -> None:
        """Append an instruction; a copy to itself is none."""
        if chosen.is_move and mask is None and operands[0] == operands[1]:
            return
        self.out.append(Inst(chosen, operands, mask, zeroing))

    def do(
        self, name: str, kinds: str, *operands: Value, mask: VReg | None = None, zeroing: bool = False
    ) -> None:
        """Append an instruction by name and kinds ("zmm zmm [" : `[` is memory, `#` an immediate)."""
        self.emit(find_form(name, kinds, self.wide, mask is not None), *operands, mask=mask, zeroing=zeroing)

    def place(self, node: UOp) -> str:
        """The register kind of a node's value."""
        count = node.shape[0] if node.shape else 0
        return kind_of(node.dtype, count, self.mask_bits(node), self.wide)

    def result(self, node: UOp) -> VReg:
        """The register for a node's value: the carried one that it replaces, or a new one."""
        register = self.carried.get(node)
        if register is None:
            register = self.register(self.place(node))
        self.values[node] = register
        return register

    def mask_bits(self, node: UOp) -> int:
        """The width of the vector that a bool vector is without AVX-512: that of the data that it goes
        with.
        """
        if not node.shape or self.wide:
            return 0
        lanes_ = int(node.shape[0])
        for other in (node, *reversed(node.src)):
            if other.dtype is not dt.bool_ and other.dtype.bits and other.shape == node.shape:
                return lanes_ * held(other.dtype).bits
        if node.dtype is dt.bool_:
            for source in node.src:
                known = self.values.get(source)
                if isinstance(known, VReg) and source.shape == node.shape:
                    return known.bits
        return max(128, lanes_ * 32)

    # -- operands ----------------------------------------------------------------------------------

    def value(self, node: UOp) -> VReg:
        """The register that holds a node's value."""
        found = self.values.get(node)
        if type(found) is VReg:
            return found
        constant = constant_of(node)
        if constant is not None:
            return self.constant(constant, node)
        raise CompileError(
            f"{node.op.name} of {node.dtype} is used before it has a value",
            why="render.x86.select: a source of a line must stand before it",
            mend="order the list so that every source comes first",
        )

    def constant(self, value: bool | int | float, node: UOp) -> VReg:
        """A constant in a register of the node's kind."""
        kind = self.place(node)
        if BANK[kind] == "gpr":
            register = self.register(kind)
            bits = 64 if kind == "r64" else 32
            number = FUNCTIONS[""](int(value), bits)
            fits = -(1 << 31) <= number < 1 << 31
            self.emit(form("mov", kind, "imm32" if fits else "imm64"), register, Imm(number))
            return register
        if node.dtype is dt.bool_:
            return lanes.constant_mask(self, bool(value), node.shape[0], self.mask_bits(node))
        return self.vector_constant(struct.pack(PACKED[SHORT[held(node.dtype).name]], value), kind)

    def vector_constant(self, element: bytes, kind: str) -> VReg:
        """A vector register with an element in every lane, made before the outermost loop."""
        key = (element, kind)
        register = self.constants.get(key)
        if register is None:
            register = self.constants[key] = self.register(kind)
            where = self.early if self.loops else self.out
            bits = len(element) * 8
            if bits * 1 == BITS[kind]:
                chosen = find_form("vmovups", f"{kind} [", self.wide, False)
            elif bits == 64 and kind == "xmm":
                chosen = find_form("vpbroadcastq", f"{kind} [", self.wide, False)
            else:
                chosen = find_form(
                    {32: "vbroadcastss", 64: "vbroadcastsd"}[bits], f"{kind} [", self.wide, False
                )
            where.append(Inst(chosen, (register, self.pooled(element))))
        return register

    def pooled(self, content: bytes, broadcast: int = 0) -> Mem:
        """A place in the constant pool."""
        return Mem(label=self.pool.add(content), broadcast=broadcast)

    def template_constant(self, spec: Constant, node: UOp) -> Value:
        """A constant that a template names."""
        if spec.value == "b-1":
            number: int | float = int(constant_of(node.src[1])) - 1
        else:
            number = float(spec.value) if spec.dtype[0] == "f" else int(spec.value, 0)
        element = struct.pack(PACKED[spec.dtype], number)
        if spec.kind:
            return self.vector_constant(element, spec.kind)
        content = element * (spec.size // len(element)) if spec.size > len(element) else element[: spec.size]
        return self.pooled(content, spec.broadcast)

    def source(self, source: UOp, node: UOp, fold: Fold | None) -> Value:
        """A source of a node as an operand: a register, a folded load, or a constant in memory."""
        found = self.values.get(source)
        if found is not None:
            if source.dtype is dt.bool_ and source.shape and not self.wide and type(found) is VReg:
                return lanes.resize_mask(self, found, source.shape[0], self.mask_bits(node))
            return found
        constant = constant_of(source)
        if constant is None or source.dtype is dt.bool_ or fold is None:
            return self.value_for(source, node)
        kind = self.place(source)
        element = struct.pack(PACKED[SHORT[held(source.dtype).name]], constant)
        if BANK[kind] != "vec" or node in self.fold_of or not self.prefers_memory(element, kind):
            return self.value(source)
        if fold.broadcast:
            return self.pooled(element, fold.broadcast)
        if not fold.whole:
            return self.value(source)
        return self.pooled(element * (BITS[kind] // 8 // len(element)) if source.shape else element)

    def value_for(self, source: UOp, node: UOp) -> VReg:
        """The register of a source; a constant bool vector gets the lanes that the node wants."""
        constant = constant_of(source)
        if constant is not None and source.dtype is dt.bool_ and source.shape:
            return lanes.constant_mask(self, bool(constant), source.shape[0], self.mask_bits(node))
        return self.value(source)

    def prefers_memory(self, element: bytes, kind: str) -> bool:
        """Whether a vector constant is better a memory operand: outside of loops, or when many are in
        registers.
        """
        if (element, kind) in self.constants:
            return False
        return not self.loops or len(self.constants) >= KEPT_CONSTANTS[self.wide]

    # -- rows --------------------------------------------------------------------------------------

    def plan_of(self, node: UOp) -> Plan | None:
        """The compiled row for a node, None when no row fits."""
        plan = self.plans.get(node)
        if plan is not None:
            return plan
        count = node.shape[0] if node.shape else 0
        found = alternatives(
            node.op, node.dtype, tuple([s.dtype for s in node.src]), count, self.mask_bits(node), self.wide
        )
        for when, text, kinds in found:
            if not when or CONDITIONS[when](node):
                plan = self.plans[node] = compile_template(text, kinds, self.wide)
                return plan
        return None

    def select_row(self, node: UOp) -> None:
        """Emit the instructions of a node's row, or what stands in for one."""
        if node.op in divide.OPS and divide.select(self, node):
            self.carried.pop(node, None)
            return
        plan = self.plan_of(node)
        if plan is not None:
            self.run_plan(plan, node)
            return
        self.carried.pop(node, None)  # what follows may write the result before it has read the sources
        lanes.one_by_one(self, node)

    def run_plan(self, plan: Plan, node: UOp) -> None:
        """Emit a plan for a node whose sources are ready."""
        sources = node.src
        if node in self.swapped:
            sources = (sources[1], sources[0], *sources[2:])
        environment: list[Value] = [NOTHING] * 4
        folds = plan.folds
        for number in plan.reads:
            environment[number + 1] = self.source(sources[number], node, folds.get(number))
        register = environment[0] = self.result(node)
        if node in self.carried and any(environment[n + 1] == register for n in plan.reads - plan.late):
            environment[0] = self.register(self.place(node))
        environment += [self.register(kind) for kind in plan.temporaries]
        self.fill_extras(plan, node, environment)
        out = self.out
        for chosen, short, load, places, mask, zeroing in plan.lines:
            operands = tuple([environment[p] for p in places])
            if short is not None and all(-128 <= o.value < 128 for o in operands if type(o) is Imm):
                chosen = short
            if load is not None and type(operands[1]) is Mem:
                chosen = load
            if chosen.is_move and mask < 0 and operands[0] == operands[1]:
                continue
            if mask < 0:
                out.append(Inst(chosen, operands))
            else:
                k = environment[mask]
                assert isinstance(k, VReg), "a mask is a register"
                out.append(Inst(chosen, operands, k, zeroing))
        made = environment[0]
        if made != register:
            assert isinstance(made, VReg), "a result is a register"
            self.copy(register, made)

    def fill_extras(self, plan: Plan, node: UOp, environment: list[Value]) -> None:
        """Append a plan's immediates, constants and addresses to its environment."""
        for extra in plan.extras:
            kind = type(extra)
            if kind is Imm:
                environment.append(extra)  # type: ignore[arg-type]  # kind is its type
            elif kind is Constant:
                environment.append(self.template_constant(extra, node))  # type: ignore[arg-type]  # as above
            elif kind is Dynamic:
                environment.append(Imm(immediate(extra, node)))  # type: ignore[arg-type]  # as above
            else:
                assert isinstance(extra, Address), "no other kind of extra"
                base = environment[extra.base]
                index = environment[extra.second] if extra.second >= 0 else None
                disp = immediate(extra.dynamic, node) if extra.dynamic else extra.disp
                assert isinstance(base, VReg), "an address is made of registers"
                environment.append(Mem(base, index if isinstance(index, VReg) else None, 1, disp))

    def copy(self, to: VReg, source: VReg) -> None:
        """Copy a register to one of the same bank."""
        if to == source:
            return
        if to.bank == "gpr":
            kind = "r64" if max(to.bits, source.bits) == 64 else "r32"
            self.out.append(Inst(form("mov", kind, kind), (to, source)))
        elif to.bank == "mask":
            self.out.append(Inst(form("kmovq", "k", "k"), (to, source)))
        else:
            kind = VECTOR[to.bits]
            self.out.append(Inst(find_form("vmovups", f"{kind} {kind}", self.wide, False), (to, source)))
