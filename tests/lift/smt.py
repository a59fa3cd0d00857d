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

    def __init__(self, abstract: bool = False):
        self.abstract = abstract  # divisions, floats as integers: functions of which some laws are known
        self.known = {}
        self.facts = []

    def of(self, node: UOp):
        for part in node.toposort():
            if part not in self.known:
                self.known[part] = self.make(part, [self.known[s] for s in part.src])
        return self.known[node]

    def make(self, node, a):
        if self.abstract and node.op in (ops.IDIV, ops.MOD):
            return self.divided(node, *a)
        if self.abstract and is_cut(node):
            return self.cut(node, a[0])
        structure = {
            ops.PARAM: lambda: self.leaf(node),
            ops.CONST: lambda: literal(node),
            ops.BITCAST: lambda: self.bits(node, a[0]),
            ops.CAST: lambda: cast(a[0], node.src[0].dtype, node.dtype),
            ops.SELECT: lambda: z3.If(*a),
            ops.FMA: lambda: z3.fpFMA(z3.RNE(), *a),
            ops.MOD: lambda: floor_rest(*a, node.dtype.is_signed),
        }
        return structure[node.op]() if node.op in structure else computed(node, a)

    def divided(self, node, a, b):
        """The quotient or the rest as a function: equal sources give equal results, and laws for the rest."""
        sort, signed = sort_of(node.dtype), node.dtype.is_signed
        quotient = z3.Function(f"quotient {node.dtype}", sort, sort, sort)(a, b)
        rest = z3.Function(f"rest {node.dtype}", sort, sort, sort)(a, b)
        self.facts += [
            z3.Implies(b == 0, z3.And(quotient == 0, rest == a)),
            z3.Implies(b == 1, z3.And(quotient == a, rest == 0)),
        ]
        if signed:
            self.facts += [
                z3.Implies(b == -1, z3.And(quotient == -a, rest == 0)),
                z3.Implies(b > 0, z3.And(rest >= 0, rest < b)),
                z3.Implies(b < 0, z3.And(rest <= 0, rest > b)),
            ]
        return quotient if node.op is ops.IDIV else rest

    def cut(self, node, term):
        """A float as an integer: a function that is known where it saturates, and of 0 and NaN."""
        source, dtype = node.src[0].dtype, node.dtype
        made = z3.Function(f"{source} as {dtype}", sort_of(source), sort_of(dtype))(term)
        inside = saturated(term, source, dtype, made)
        self.facts += [made == inside, z3.Implies(z3.fpIsZero(term), made == 0)]
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


def computed(node, a):
    """An op as the proofs of the rewrite rules have it."""
    made = world_of(node.src[0].dtype).op(node.op, a)
    if made is None and node.op in (ops.CMPEQ, ops.CMPNE):
        made = a[0] == a[1] if node.op is ops.CMPEQ else a[0] != a[1]
    assert made is not None, f"{node.op} of {node.src[0].dtype}"
    return made


def floor_rest(a, b, signed):
    """a modulo b with the sign of b, a for b = 0: without the product that the law says it with."""
    rest = z3.SRem(a, b) if signed else z3.URem(a, b)
    if signed:
        rest = z3.If(z3.And(rest != 0, (rest < 0) != (b < 0)), rest + b, rest)
    return z3.If(b == 0, a, rest)


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


def is_cut(node: UOp) -> bool:
    """Whether a node is a float as an integer."""
    return node.op is ops.CAST and node.src[0].dtype.is_float and node.dtype.is_int


def saturated(term, source, dtype, inside=None):
    """Toward zero, saturated, NaN gives 0; `inside` is what is taken in range."""
    sort, signed = sort_of(source), dtype.is_signed
    most, least = dtype.max, dtype.min
    beyond = z3.fpToFP(z3.RNE(), z3.RealVal(int(most) + 1), sort)
    below = z3.fpToFP(z3.RNE(), z3.RealVal(int(least)), sort)
    turned = z3.fpToSBV if signed else z3.fpToUBV
    inside = turned(z3.RTZ(), term, z3.BitVecSort(dtype.bits)) if inside is None else inside
    low = z3.If(z3.fpLEQ(term, below), z3.BitVecVal(int(least), dtype.bits), inside)
    high = z3.If(z3.fpGEQ(term, beyond), z3.BitVecVal(int(most), dtype.bits), low)
    return z3.If(z3.fpIsNaN(term), z3.BitVecVal(0, dtype.bits), high)


def ordered(node: UOp, numbers: dict[UOp, int]) -> UOp:
    """The same with the sources of ops that commute in one order: two factors of an FMA, and what ADD and MUL
    join. `numbers` has the order in which nodes were met, and goes on: the solver's way, and how long it
    takes, depends on the order, so that it has to be the same each time.
    """
    known: dict[UOp, UOp] = {}
    for part in node.toposort():
        source = [known[s] for s in part.src]
        if part.op.commutes or part.op is ops.FMA:
            source[:2] = sorted(source[:2], key=numbers.__getitem__)
        known[part] = part.rebuild(tuple(source))
        numbers.setdefault(known[part], len(numbers))
    return known[node]


def prove(made: UOp, meant: UOp, impossible: tuple[UOp, ...], cap: int) -> str:
    """ "" if the two are equal and none of the rest is ever true; "unknown" after about `cap` milliseconds,
    or the model where they differ.
    """
    numbers: dict[UOp, int] = {}
    made, meant = ordered(made, numbers), ordered(meant, numbers)
    if made is meant and not impossible:
        return ""
    found = ""
    for wrong in (*impossible, None):
        parts = [*made.toposort(), *meant.toposort()]
        hard = any(part.op in (ops.IDIV, ops.MOD) or is_cut(part) for part in parts)
        if hard and attempt(Terms(abstract=True), made, meant, wrong, cap) == "":
            continue
        answer = attempt(Terms(), made, meant, wrong, cap)
        if answer not in ("", "unknown"):
            return answer
        found = found or answer
    return found


def attempt(terms: Terms, made: UOp, meant: UOp, wrong: UOp | None, cap: int) -> str:
    """Whether something can be: that a node is true, or (None) that two differ."""
    return refuted(terms, terms.of(made) != terms.of(meant) if wrong is None else terms.of(wrong), cap)


A_MILLISECOND = 30_000  # of the solver's work, about: a busy machine proves as much as an idle one


def refuted(terms: Terms, wrong: z3.BoolRef, cap: int) -> str:
    """ "" if something is never so, else when it is."""
    solver = z3.Solver()
    solver.set("rlimit", cap * A_MILLISECOND)
    solver.add(wrong, *terms.facts)
    answer = solver.check()
    return "" if answer == z3.unsat else "unknown" if answer == z3.unknown else str(solver.model())
