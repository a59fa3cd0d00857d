"""UOps as terms of z3: scalar elementwise graphs over leaves, every dtype by its bits. Floats are z3's IEEE
formats, whose == is identity with one NaN; the bits of a float that was computed are any that read as it.
"""

from __future__ import annotations

import z3

from baregrad import dtype as dt
from baregrad.dtype import DType, Kind
from baregrad.ir import UOp, ops
from tests.rules.worlds import Bools, Floats, Vectors


def sort_of(dtype: DType) -> z3.SortRef:
    """The sort of a dtype."""
    if dtype is dt.bool_:
        return z3.BoolSort()
    if dtype.is_float:
        return z3.FPSort(dtype.exponent, dtype.mantissa + 1)
    return z3.BitVecSort(dtype.bits)


class Terms:
    """Terms of the nodes seen so far; `facts` are what is known of bits that were made up."""

    def __init__(self):
        self.known = {}
        self.facts = []

    def of(self, node: UOp):
        for part in node.toposort():
            if part not in self.known:
                self.known[part] = self.make(part, [self.known[s] for s in part.src])
        return self.known[node]

    def make(self, node, a):
        if node.op is ops.PARAM:
            return self.leaf(node)
        if node.op is ops.CONST:
            return literal(node)
        if node.op is ops.BITCAST:
            return self.bits(node, a[0])
        if node.op is ops.CAST:
            return cast(a[0], node.src[0].dtype, node.dtype)
        if node.op is ops.SELECT:
            return z3.If(*a)
        if node.op is ops.FMA:
            return z3.fpFMA(z3.RNE(), *a)
        world = world_of(node.src[0].dtype)
        made = world.op(node.op, a)
        if made is None and node.op in (ops.CMPEQ, ops.CMPNE):
            made = a[0] == a[1] if node.op is ops.CMPEQ else a[0] != a[1]
        assert made is not None, f"{node.op} of {node.src[0].dtype}"
        return made

    def leaf(self, node):
        name = node.arg[0]
        if not node.dtype.is_float:
            return z3.Const(name, sort_of(node.dtype))
        return z3.fpBVToFP(z3.BitVec(name, node.dtype.bits), sort_of(node.dtype))

    def bits(self, node, term):
        source = node.src[0]
        if node.dtype.is_float:
            return term if source.dtype.is_float else z3.fpBVToFP(term, sort_of(node.dtype))
        if not source.dtype.is_float:
            return term
        if source.op is ops.PARAM:
            return z3.BitVec(source.arg[0], source.dtype.bits)
        made = z3.FreshConst(z3.BitVecSort(node.dtype.bits), "bits")
        self.facts.append(z3.fpBVToFP(made, sort_of(source.dtype)) == term)
        return made


def world_of(dtype):
    if dtype is dt.bool_:
        return Bools()
    if dtype.is_float:
        return Floats(dtype.name, dtype.exponent, dtype.mantissa + 1)
    return Vectors(dtype.bits, dtype.kind is Kind.INT)


def literal(node):
    if node.dtype is dt.bool_:
        return z3.BoolVal(bool(node.arg))
    if node.dtype.is_float:
        return z3.fpBVToFP(
            z3.BitVecVal(dt.to_bits(node.dtype, node.arg), node.dtype.bits), sort_of(node.dtype)
        )
    return z3.BitVecVal(int(node.arg), node.dtype.bits)


def cast(term, source, dtype):
    if source is dtype:
        return term
    if dtype is dt.bool_:
        return z3.Not(z3.fpIsZero(term)) if source.is_float else term != 0
    if source is dt.bool_:
        one, zero = (
            z3.FPVal(v, sort_of(dtype)) if dtype.is_float else z3.BitVecVal(v, dtype.bits) for v in (1, 0)
        )
        return z3.If(term, one, zero)
    if dtype.is_float:
        if source.is_float:
            return z3.fpFPToFP(z3.RNE(), term, sort_of(dtype))
        turn = z3.fpSignedToFP if source.is_signed else z3.fpUnsignedToFP
        return turn(z3.RNE(), term, sort_of(dtype))
    return saturated(term, source, dtype) if source.is_float else resized(term, source, dtype)


def resized(term, source, dtype):
    more = dtype.bits - source.bits
    if more <= 0:
        return z3.Extract(dtype.bits - 1, 0, term)
    return z3.SignExt(more, term) if source.is_signed else z3.ZeroExt(more, term)


def saturated(term, source, dtype):
    """Toward zero, saturated, NaN gives 0."""
    sort, signed = sort_of(source), dtype.is_signed
    most, least = dtype.max, dtype.min
    beyond = z3.fpToFP(z3.RNE(), z3.RealVal(int(most) + 1), sort)
    below = z3.fpToFP(z3.RNE(), z3.RealVal(int(least)), sort)
    turned = z3.fpToSBV if signed else z3.fpToUBV
    inside = turned(z3.RTZ(), term, z3.BitVecSort(dtype.bits))
    low = z3.If(z3.fpLEQ(term, below), z3.BitVecVal(int(least), dtype.bits), inside)
    high = z3.If(z3.fpGEQ(term, beyond), z3.BitVecVal(int(most), dtype.bits), low)
    return z3.If(z3.fpIsNaN(term), z3.BitVecVal(0, dtype.bits), high)


def ordered(node: UOp) -> UOp:
    """The same with the sources of ops that commute in one order: two factors of an FMA, and what ADD and MUL
    join.
    """
    known: dict[UOp, UOp] = {}
    for part in node.toposort():
        source = [known[s] for s in part.src]
        if part.op.commutes or part.op is ops.FMA:
            source[:2] = sorted(source[:2], key=id)
        known[part] = part.rebuild(tuple(source))
    return known[node]


def prove(made: UOp, meant: UOp, impossible: tuple[UOp, ...], cap: int) -> str:
    """ "" if the two are equal and none of the rest is ever true; "unknown", or the model where they
    differ.
    """
    made, meant = ordered(made), ordered(meant)
    if made is meant and not impossible:
        return ""
    terms = Terms()
    found = ""
    for wrong in (*map(terms.of, impossible), terms.of(made) != terms.of(meant)):
        answer = refuted(terms, wrong, cap)
        if answer not in ("", "unknown"):
            return answer
        found = found or answer
    return found


def refuted(terms: Terms, wrong: z3.BoolRef, cap: int) -> str:
    """ "" if something is never so, else when it is."""
    solver = z3.Solver()
    solver.set("timeout", cap)
    solver.add(wrong, *terms.facts)
    answer = solver.check()
    return "" if answer == z3.unsat else "unknown" if answer == z3.unknown else str(solver.model())
