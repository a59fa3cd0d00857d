"""The selection rows as claims: for every row, dtype, number of lanes and constant, what its instructions
leave in the result (lifted from their meanings) and what the op means, as UOps over the same leaves.

A source is what the rest of the compiler promises and no more: a scalar float is the lowest lane of an xmm, a
bool is 0 or 1 in 32 bits or a lane of all bits or none, a dtype of 8 or 16 bits has anything above. What is
in a register besides is garbage: leaves that no claim may rest on. Lanes that say the same are one claim.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from baregrad import dtype as dt
from baregrad.dtype import DType
from baregrad.ir import UOp, const, ops
from baregrad.isa.form import VReg
from baregrad.isa.meaning import Type
from baregrad.lift import Part, Registers, dtype_of, lift, variable
from baregrad.lift.pieces import extract, insert, node_of, type_of
from baregrad.render.targets import AVX2, AVX512
from baregrad.render.x86.rows import CONDITIONS, Row, expand, held, names
from baregrad.render.x86.selector import ROWS, Selector, alternatives
from baregrad.render.x86.template import compile_template

WORD = Type("u", 32)
CONSTANTS = {  # what a condition is tried with: integers by signedness are wrapped, floats as they are
    "imm": (0, 1, -1, 5, 2**31 - 1, 1 - 2**31),
    "imm_source": (0, 1, -1, 5, 2**31 - 1, 1 - 2**31),
    "power": (1, 2, 8, 2**30, 2**31),
    "count": (0, 1, 7, 31, 63),
    "far": (32, 64, 100, -1),
    "a_number": (0.0, -0.0, 1.5, float("inf")),
    "b_not_zero": (1.5, -3.0, float("-inf")),
    "b_plus_zero": (0.0,),
    "c_constant": (1.5,),
    "c_zero": (0.0, 0),
}
PLACE = {"a_number": 0, "c_constant": 2, "c_zero": 2}  # which source is the constant; else the second


class Claim(NamedTuple):
    """What a row makes of a node, and what the node means. Floats are equal when both are NaN."""

    name: str
    made: UOp
    meant: UOp
    traps: tuple[UOp, ...]  # conditions under which it faults: none may hold
    ones: int = 1  # what true is where it is no bit: 1, or -1 (all bits)


def key(row: Row) -> str:
    """A row's name: op, dtypes, shape, condition, target."""
    wide = {True: " avx512", False: " avx2", None: ""}[row.wide]
    source = "+".join(d.name for d in row.source)
    dtypes = "+".join(d.name for d in row.dtypes)
    return f"{row.op.name} {source + ' to ' if source else ''}{dtypes} {row.shape} {row.when}{wide}".strip()


def uses(row: Row, wide: bool) -> Iterator[tuple[DType, tuple[DType, ...], int]]:
    """Result, sources and lanes that a row can be asked for."""
    limit = 512 if wide else 256
    for dtype in row.dtypes:
        for source in row.source or (dtype,):
            sources: tuple[DType, ...] = (source,) if row.source else (dtype,) * (row.op.arity or 1)
            if row.op is ops.SELECT:
                sources = (dt.bool_, dtype, dtype)
            result = dt.bool_ if row.op.dtype == "bool" else dtype
            for count in ((0,) if "s" in row.shape else ()) + ((2, 4, 8, 16) if "v" in row.shape else ()):
                bits = [held(d).bits for d in (result, *sources) if d is not dt.bool_] or [
                    32 if count > 2 else 64
                ]
                fits = all(128 <= count * size <= limit for size in bits) and count <= limit // 32
                if count == 0 or fits:
                    yield result, sources, count


def nodes(row: Row, result: DType, sources: tuple[DType, ...], count: int) -> Iterator[UOp]:
    """Nodes that a row is for: leaves, or a constant where its condition wants one."""
    leaves = [leaf(d, "abc"[i], count) for i, d in enumerate(sources)]
    if not row.when:
        yield UOp(row.op, result, tuple(leaves))
        return
    place = PLACE.get(row.when, 1)
    for value in CONSTANTS[row.when]:
        dtype = sources[place]
        if dtype.is_float != isinstance(value, float) and dtype is not dt.bool_:
            continue
        number = const(dt.normalize(value, dtype), dtype)
        whole = UOp(ops.BROADCAST, dtype, (number,), count) if count else number
        node = UOp(row.op, result, (*leaves[:place], whole, *leaves[place + 1 :]))
        if CONDITIONS[row.when](node):
            yield node


def leaf(dtype: DType, name: str, count: int) -> UOp:
    """A source: a leaf, or one with lanes."""
    scalar = variable(name, dtype)
    return UOp(ops.BROADCAST, dtype, (scalar,), count) if count else scalar


def lane_of(node: UOp, lane: int) -> UOp:
    """The leaf of a lane; a constant is the same in all."""
    scalar = node.src[0] if node.op is ops.BROADCAST else node
    return scalar if scalar.op is ops.CONST else variable(f"{scalar.arg[0]}@{lane}", scalar.dtype)


def contents(node: UOp, bank: str, bits: int) -> tuple[Part, ...] | UOp:
    """What a register of a source holds: promised bits from the lowest up."""
    count = node.shape[0] if node.shape else 1
    dtype = node.dtype
    if dtype is dt.bool_:
        return tuple(bool_part(lane_of(node, i), bank, bits // count, bool(node.shape)) for i in range(count))
    parts: list[Part] = []
    for i in range(count):
        value = lane_of(node, i)
        if held(dtype).is_float:
            value = variable(value.arg[0], held(dtype))
        parts.append(Part(type_of(value.dtype), value))
        rest = held(dtype).bits - value.dtype.bits
        if rest:
            parts.append(Part(Type("u", rest), variable(f"above.{value.arg[0]}", dtype_of(Type("u", rest)))))
    return tuple(parts)


def bool_part(value: UOp, bank: str, bits: int, vector: bool) -> Part:
    """A bool: a bit of a mask, a lane of all bits or none, or 0 or 1."""
    if bank == "mask":
        return Part(Type("u", 1), value)
    type = Type("u", bits) if vector else WORD
    ones = node_of((1 << bits) - 1 if vector else 1, type)
    return Part(type, UOp(ops.SELECT, ones.dtype, (value, ones, node_of(0, type))))


def selected(node: UOp, wide: bool, select: Callable[[Selector], None]) -> tuple[Selector, Registers]:
    """What `select` makes of a node whose sources are leaves, lifted."""
    state = Selector([*node.src, node], AVX512 if wide else AVX2)
    begin = {}
    for source in node.src:
        scalar = source.src[0] if source.op is ops.BROADCAST else source
        if scalar.op is not ops.CONST:
            begin[source] = state.values[source] = state.register(state.place(source))
    select(state)
    pool = {label.name: content for content, label in state.pool.entries.items()}
    registers = Registers(pool)
    for source, register in begin.items():
        size = {"gpr": 64, "vec": 512, "mask": 64}[register.bank]
        promised = contents(source, register.bank, register.bits)
        bits = sum(part.type.bits for part in promised)
        registers[register] = insert(registers[register], size, 0, Type("u", bits), promised)
    lift([*state.early, *state.out], registers)
    return state, registers


def claims(row: Row) -> Iterator[Claim]:
    """All claims of a row; those that are the same but for their lanes once."""
    seen: set[tuple[UOp, UOp, bool]] = set()
    for wide in (True, False) if row.wide is None else (row.wide,):
        for result, sources, count in uses(row, wide):
            for node in nodes(row, result, sources, count):
                if not is_first(row, node, wide):
                    continue
                for claim in claims_of(row, node, wide):
                    if (claim.made, claim.meant) not in seen or claim.traps:
                        seen.add((claim.made, claim.meant))
                        yield claim


def claims_of(row: Row, node: UOp, wide: bool) -> Iterator[Claim]:
    """The claims of one node, a lane each."""
    count = node.shape[0] if node.shape else 0
    probe = Selector([*node.src, node], AVX512 if wide else AVX2)
    dtypes = tuple(s.dtype for s in node.src)
    kinds = alternatives(node.op, node.dtype, dtypes, count, probe.mask_bits(node), wide)[0][2]  # of all rows
    text = expand(row.lines, names(dtype_of_row(node), bool(count), wide))
    plan = compile_template(text, kinds, wide)
    state, registers = selected(node, wide, lambda state: state.run_plan(plan, node))
    for lane in range(count or 1):
        name = f"{key(row)} [{node.dtype} {count}{' wide' if wide else ''}]"
        yield claim_of_lane(name, node, lane, state, registers)


def claim_of_lane(name: str, node: UOp, lane: int, state: Selector, registers: Registers) -> Claim:
    """The claim of a lane of a node that was selected."""
    count = node.shape[0] if node.shape else 0
    made = result_of(registers, state.value(node), node, lane, count)
    traps = tuple(relative(condition, lane) for _, condition in registers.traps)
    return Claim(
        name, relative(made, lane), relative(meaning_of(node, lane), lane), traps, -1 if count else 1
    )


def dtype_of_row(node: UOp) -> DType:
    """The dtype that rows are listed by: of the result, of compares of the sources."""
    return node.src[-1].dtype if node.op.dtype == "bool" else node.dtype


def is_first(row: Row, node: UOp, wide: bool) -> bool:
    """Whether selection comes to a row: no row before it has a condition that holds."""
    return not any(not r.when or CONDITIONS[r.when](node) for r in before(row, wide, node))


def before(row: Row, wide: bool, node: UOp) -> list[Row]:
    """The rows for a node that stand before a row."""
    by = dtype_of_row(node)
    shape = "v" if node.shape else "s"
    fitting = [r for r in ROWS if r.op is row.op and r.wide in (None, wide) and by in r.dtypes
               and shape in r.shape and (not r.source or node.src[0].dtype in r.source)]  # fmt: skip
    return fitting[: fitting.index(row)] if row in fitting else []


def result_of(registers: Registers, register: VReg, node: UOp, lane: int, count: int) -> UOp:
    """A lane of what a node's register holds, as its dtype."""
    size = {"gpr": 64, "vec": 512, "mask": 64}[register.bank]
    value, dtype = registers[register], node.dtype
    if dtype is dt.bool_:
        bits = 1 if register.bank == "mask" else register.bits // count if count else 32
        type = Type("u", bits)
        return node_of(extract(value, size, lane * bits, type), type)
    type = type_of(dtype) if not held(dtype).is_float else type_of(held(dtype))
    return node_of(extract(value, size, lane * held(dtype).bits, type), type)


def meaning_of(node: UOp, lane: int) -> UOp:
    """What a lane of the node should be, in the form in which it is held."""
    sources = []
    for source in node.src:
        value = lane_of(source, lane)
        if (
            value.dtype is dt.float16 and value.op is not ops.CONST
        ):  # held as a float32 that need not be rounded
            value = UOp(ops.CAST, dt.float16, (variable(value.arg[0], dt.float32),))
        sources.append(value)
    return UOp(node.op, node.dtype, tuple(sources))


def relative(node: UOp, lane: int) -> UOp:
    """Leaves named by how far their lane is from this one."""
    known: dict[UOp, UOp] = {}
    for part in node.toposort():
        if part.op is ops.PARAM and "@" in part.arg[0]:
            name, _, number = part.arg[0].partition("@")
            known[part] = variable(f"{name}@{int(number) - lane}", part.dtype)
        else:
            known[part] = part.rebuild(tuple(known[s] for s in part.src))
    return known[node]


def compared(claim: Claim) -> tuple[UOp, UOp]:
    """The two sides in one dtype: a bool is 0 or 1, or all bits; what is held above a dtype's bits is cut."""
    made, meant = claim.made, claim.meant
    if meant.dtype is dt.bool_ and made.dtype is not dt.bool_:
        whole = type_of(made.dtype)
        on = node_of(claim.ones & ((1 << whole.bits) - 1), whole)
        return made, UOp(ops.SELECT, made.dtype, (meant, on, node_of(0, whole)))
    if meant.dtype is dt.float16:
        return UOp(ops.CAST, dt.float16, (made,)), meant
    return made, meant
