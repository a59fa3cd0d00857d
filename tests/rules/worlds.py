"""What values and ops are in z3, one class a kind of dtype: integers, bit vectors, floats, bools."""

from __future__ import annotations

import z3

from baregrad.ir import ops

WIDTHS = (8, 16, 32, 64)


class Integers:
    """Unbounded integers."""

    name = "int"

    def __init__(self):
        self.divisions = []  # quotient and remainder, as found
        self.facts = []

    def sort(self):
        return z3.IntSort()

    def divide(self, a, b):
        """Quotient and remainder of floor division, by their definition."""
        for dividend, divisor, q, r in self.divisions:
            if z3.eq(dividend, a) and z3.eq(divisor, b):
                return q, r
        q, r = z3.Int(f"q{len(self.divisions)}"), z3.Int(f"r{len(self.divisions)}")
        self.divisions.append((a, b, q, r))
        self.facts += [
            z3.Implies(b > 0, z3.And(a == b * q + r, r >= 0, r < b)),
            z3.Implies(b < 0, z3.And(a == b * q + r, r <= 0, r > b)),
            z3.Implies(b == 0, z3.And(q == 0, r == a)),
        ]
        return q, r

    def literal(self, value):
        return z3.IntVal(int(value))

    def op(self, row, a):
        table = {
            ops.ADD: lambda: a[0] + a[1],
            ops.SUB: lambda: a[0] - a[1],
            ops.MUL: lambda: a[0] * a[1],
            ops.NEG: lambda: -a[0],
            ops.IDIV: lambda: self.divide(*a)[0],
            ops.MOD: lambda: self.divide(*a)[1],
            ops.CMPLT: lambda: a[0] < a[1],
            ops.CMPLE: lambda: a[0] <= a[1],
            ops.MAX: lambda: z3.If(a[0] > a[1], a[0], a[1]),
            ops.MIN: lambda: z3.If(a[0] < a[1], a[0], a[1]),
        }
        return table[row]() if row in table else None


def multiples(b, m):
    """A law of multiplication that z3 does not find by itself: |b * m| >= b unless m is 0."""
    return [z3.Implies(z3.And(b > 0, m >= 1), b * m >= b), z3.Implies(z3.And(b > 0, m <= -1), b * m <= -b)]


def signed_less(a, b):
    return a < b


def signed_shift(a, b):
    return a >> b


class Vectors:
    """Bit vectors."""

    def __init__(self, width, signed):
        self.width, self.signed = width, signed
        self.name = f"{'int' if signed else 'uint'}{width}"

    def sort(self):
        return z3.BitVecSort(self.width)

    def literal(self, value):
        return z3.BitVecVal(int(value), self.width)

    def op(self, row, a):
        less = signed_less if self.signed else z3.ULT
        right = signed_shift if self.signed else z3.LShR
        within = z3.ULT(a[-1], self.width)  # negative counts are great unsigned ones
        rest = a[0] >> (self.width - 1) if self.signed else z3.BitVecVal(0, self.width)
        table = {
            ops.ADD: lambda: a[0] + a[1],
            ops.SUB: lambda: a[0] - a[1],
            ops.MUL: lambda: a[0] * a[1],
            ops.NEG: lambda: -a[0],
            ops.AND: lambda: a[0] & a[1],
            ops.OR: lambda: a[0] | a[1],
            ops.XOR: lambda: a[0] ^ a[1],
            ops.NOT: lambda: ~a[0],
            ops.SHL: lambda: z3.If(within, a[0] << a[1], z3.BitVecVal(0, self.width)),
            ops.SHR: lambda: z3.If(within, right(*a), rest),
            ops.CMPLT: lambda: less(a[0], a[1]),
            ops.CMPLE: lambda: z3.Not(less(a[1], a[0])),
            ops.MAX: lambda: z3.If(less(a[1], a[0]), a[0], a[1]),
            ops.MIN: lambda: z3.If(less(a[0], a[1]), a[0], a[1]),
            ops.IDIV: lambda: self.divide(a[0], a[1]),
            ops.MOD: lambda: a[0] - self.divide(a[0], a[1]) * a[1],
        }
        return table[row]() if row in table else None

    def divide(self, a, b):
        zero = z3.BitVecVal(0, self.width)
        if not self.signed:
            return z3.If(b == 0, zero, z3.UDiv(a, b))
        cut = a / b  # toward zero
        low = z3.And(z3.SRem(a, b) != 0, (z3.SRem(a, b) < 0) != (b < 0))
        return z3.If(b == 0, zero, z3.If(low, cut - 1, cut))


class Floats:
    """IEEE 754; == of z3 is identity, all NaNs being one."""

    def __init__(self, name, exponent, significand):
        self.name, self.kind = name, z3.FPSort(exponent, significand)

    def sort(self):
        return self.kind

    def literal(self, value):
        return z3.FPVal(value, self.kind)

    def op(self, row, a):
        mode = z3.RNE()
        table = {
            ops.ADD: lambda: z3.fpAdd(mode, *a),
            ops.SUB: lambda: z3.fpSub(mode, *a),
            ops.MUL: lambda: z3.fpMul(mode, *a),
            ops.DIV: lambda: z3.fpDiv(mode, *a),
            ops.NEG: lambda: z3.fpNeg(*a),
            ops.RECIPROCAL: lambda: z3.fpDiv(mode, z3.FPVal(1.0, self.kind), *a),
            ops.SQRT: lambda: z3.fpSqrt(mode, *a),
            ops.CMPLT: lambda: z3.fpLT(*a),
            ops.CMPLE: lambda: z3.fpLEQ(*a),
            ops.CMPEQ: lambda: z3.fpEQ(*a),
            ops.CMPNE: lambda: z3.Not(z3.fpEQ(*a)),
            ops.MAX: lambda: z3.If(z3.Or(z3.fpIsNaN(a[0]), z3.fpGT(*a)), a[0], a[1]),
            ops.MIN: lambda: z3.If(z3.Or(z3.fpIsNaN(a[0]), z3.fpLT(*a)), a[0], a[1]),
            ops.TRUNC: lambda: z3.fpRoundToIntegral(z3.RTZ(), *a),
            ops.FLOOR: lambda: z3.fpRoundToIntegral(z3.RTN(), *a),
        }
        return table[row]() if row in table else None


class Bools:
    """Truth values as a dtype: + is or, * is and (anything but zero is true)."""

    name = "bool"

    def sort(self):
        return z3.BoolSort()

    def literal(self, value):
        return z3.BoolVal(bool(value))

    def op(self, row, a):
        table = {
            ops.AND: lambda: z3.And(*a),
            ops.OR: lambda: z3.Or(*a),
            ops.XOR: lambda: z3.Xor(*a),
            ops.NOT: lambda: z3.Not(*a),
            ops.ADD: lambda: z3.Or(*a),
            ops.MUL: lambda: z3.And(*a),
            ops.MAX: lambda: z3.Or(*a),
            ops.MIN: lambda: z3.And(*a),
            ops.SUB: lambda: z3.Xor(*a),
            ops.NEG: lambda: a[0],
            ops.CMPLT: lambda: z3.And(z3.Not(a[0]), a[1]),
            ops.CMPLE: lambda: z3.Or(z3.Not(a[0]), a[1]),
        }
        return table[row]() if row in table else None


class Anything:
    """A sort about which nothing is known."""

    name = "any"

    def sort(self):
        return z3.DeclareSort("Value")

    def literal(self, value):
        raise KeyError("no literal of an unknown sort")

    def op(self, row, a):
        return None


VECTORS = tuple(Vectors(width, signed) for width in WIDTHS for signed in (True, False))
FLOATS = (Floats("float16", 5, 11), Floats("float32", 8, 24))
