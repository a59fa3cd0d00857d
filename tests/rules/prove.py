"""Proofs of the rewrite rules by SMT (z3).

A rule whose both sides are patterns is proven as it stands, for each kind of dtype that it admits:
  exact        over unbounded integers (the matcher refuses what may wrap), lo(x) <= x <= hi(x) assumed
  ring         + - * on both sides: a law of the integers is a law modulo 2**bits
  bits         bit vectors of 8, 16, 32 and 64 bits, signed and unsigned
  bool, any    propositions; a sort about which nothing is known
  float        IEEE formats of z3: binary16 and binary32
A rule whose result is a function is proven for instances: nodes that the function turned into others.

    python -m tests.rules.prove            prove all, tell what is open
    python -m tests.rules.prove --write    and store the digests of what was proven in proven.json
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import random
import sys
import textwrap
from pathlib import Path

import z3

from baregrad import dtype as dt
from baregrad.ir import UOp, ops
from baregrad.ir.match import RING, Rules
from baregrad.ir.pattern import Dtypes, Pattern
from baregrad.ir.rules import identities, integer, simplify, sums, tables
from tests.rules.worlds import FLOATS, VECTORS, Anything, Bools, Integers, multiples

STORED = Path(__file__).with_name("proven.json")
CAP_MS = 20_000
INTEGER_TABLES = ("integer", "compare")
BITS = (ops.AND, ops.OR, ops.XOR, ops.NOT, ops.SHL, ops.SHR)


# -- digests -------------------------------------------------------------------------------------------------


def describe(part):
    """All of a pattern, condition or function as text."""
    if isinstance(part, Pattern):
        facts = [
            part.kind,
            part.name,
            part.op and part.op.name,
            repr(part.value),
            describe(part.dtypes),
            str(part.arg),
        ]
        return f"({' '.join(map(str, facts))} {' '.join(describe(s) for s in part.src)})"
    if isinstance(part, Dtypes):
        return part.name
    return source_of(part) if callable(part) else str(part)


def meaning_of(text):
    """A source without comments and docstrings, formatted in one way."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node, False):
            node.body[0] = ast.Pass()
    return ast.unparse(tree)


def source_of(function):
    """A function's source without what formatting, comments and docstrings change."""
    text = textwrap.dedent(inspect.getsource(function))
    try:
        return meaning_of(text)
    except SyntaxError:  # a lambda in the middle of a table
        return "".join(text.split())


def digest(rule):
    """Changes with anything that a proof depends on."""
    parts = [describe(part) for part in (rule.pattern, rule.result, *rule.when)]
    if rule.name.partition(".")[0] in INTEGER_TABLES and not isinstance(rule.result, Pattern):
        helpers = {sys.modules[rule.result.__module__], sums} - {integer}
        parts += sorted(meaning_of(inspect.getsource(module)) for module in helpers)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def is_stored(rule):
    """Whether its proof is kept: not for the folding of an op, which is the meaning of its row."""
    return rule.result is not identities.fold_constants


# -- rules ---------------------------------------------------------------------------------------------------


def uses(rule, rows):
    patterns = [rule.pattern] + ([rule.result] if isinstance(rule.result, Pattern) else [])
    return any(part.op in rows for pattern in patterns for part in pattern.parts())


def admitted(rule):
    """The dtypes that a rule may meet."""
    rows = set(dt.ALL) - {dt.void}
    for part in rule.when:
        if isinstance(part, Dtypes):
            rows &= part.rows
    for part in rule.pattern.src:
        if isinstance(part.dtypes, Dtypes) and rule.pattern.op not in (ops.CAST, ops.BITCAST, ops.SELECT):
            rows &= part.dtypes.rows
    for part in rule.pattern.parts():
        if part.op is None or (
            part is not rule.pattern and rule.pattern.op.dtype == "bool" and part.op.dtype == "bool"
        ):
            continue
        need = {
            "int": lambda r: r.is_int,
            "float": lambda r: r.is_float,
            "bits": lambda r: r.is_int or r is dt.bool_,
        }
        if part.op.dtype in need and (part is rule.pattern or part.op.dtype != "bits"):
            rows = {row for row in rows if need[part.op.dtype](row)}
    return rows


def worlds(rule):
    """The worlds that together are all of the dtypes that a rule admits."""
    rows = admitted(rule)
    inside = {part.op for part in rule.pattern.parts() if part.op is not None}
    if (
        inside <= {ops.SELECT, ops.AND, ops.OR, ops.NOT}
        and ops.SELECT in inside
        and not uses(rule, (ops.AND,))
    ):
        return (Bools(),) if rows == {dt.bool_} else (Anything(),)
    made = []
    if any(row.is_int for row in rows):
        ring = {part.op for part in rule.pattern.parts() if part.op} <= set(RING)
        if (
            rule.exact
            or (ring and not uses(rule, BITS))
            or (uses(rule, (ops.IDIV, ops.MOD)) and not uses(rule, BITS))
        ):
            made.append(Integers())
        elif uses(rule, (ops.MUL,)) or not ring:
            made.extend(VECTORS)
    if any(row.is_float for row in rows):
        made.extend(FLOATS)
    if dt.bool_ in rows:
        made.append(Bools())
    return tuple(made)


# -- rules ---------------------------------------------------------------------------------------------------


class Translator:
    """Patterns as terms of one world."""

    def __init__(self, rule, world):
        self.world = world
        self.bools = bool_variables(rule)
        self.variables, self.lows, self.highs = {}, {}, {}
        self.assumed = []
        self.pair = factor_pair(rule) if isinstance(world, Integers) else None
        if self.pair:  # multiple % divisor == 0 says that there is a k with multiple == divisor * k
            k, divisor = z3.Int("k"), z3.Int(self.pair[1])
            self.variables |= {"k": k, self.pair[1]: divisor, self.pair[0]: divisor * k}

    def variable(self, part):
        if part.name not in self.variables:
            is_bool = part.name in self.bools or (
                isinstance(part.dtypes, Dtypes) and part.dtypes.name == "bools"
            )
            self.variables[part.name] = z3.Const(part.name, z3.BoolSort() if is_bool else self.world.sort())
        return self.variables[part.name]

    def bound(self, part, kind):
        held = self.lows if kind == "lo" else self.highs
        name = part.src[0].name
        if name not in held:
            held[name] = z3.Const(f"{kind}_{name}", self.world.sort())
            x = self.variable(part.src[0])
            pair = (held[name], x) if kind == "lo" else (x, held[name])
            self.assumed.append(self.world.op(ops.CMPLE, pair))
        return held[name]

    def term(self, part, boolean=False):
        if part.kind in ("any", "const"):
            return self.variable(part)
        if part.kind == "literal":
            return z3.BoolVal(part.value) if isinstance(part.value, bool) else self.world.literal(part.value)
        if part.kind in ("lo", "hi"):
            return self.bound(part, part.kind)
        if part.kind == "fold":
            return self.term(part.src[0])
        if self.pair and part.op in (ops.IDIV, ops.MOD) and tuple(s.name for s in part.src) == self.pair:
            return self.variables["k"] if part.op is ops.IDIV else z3.IntVal(0)  # the divisor is positive
        a = [self.term(source) for source in part.src]
        return self.apply(part.op, a)

    def apply(self, row, a):
        if row is ops.CAST:
            return z3.If(a[0], self.world.literal(1), self.world.literal(0)) if z3.is_bool(a[0]) else a[0]
        if row is ops.SELECT:
            return z3.If(*a)
        if all(map(z3.is_bool, a)) and not isinstance(self.world, Bools):
            made = Bools().op(row, a)
        else:
            made = self.world.op(row, a)
        if made is None and row in (ops.CMPEQ, ops.CMPNE):
            made = a[0] == a[1] if row is ops.CMPEQ else a[0] != a[1]
        if made is None:
            raise KeyError(f"{row} in {self.world.name}")
        return made


def bool_variables(rule):
    """Variables that are masks."""
    found = set()
    for part in rule.pattern.parts():
        if part.op is ops.SELECT:
            found |= (
                {p.name for p in part.src[0].parts() if p.kind == "any"}
                if part.src[0].kind != "literal"
                else set()
            )
    return found


def hints(rule, translator, world):
    """Instances of laws of the integers that lead the solver; each is true by itself."""
    made = []
    divisions = getattr(world, "divisions", ())
    name = rule.name.partition(".")[2]
    if name in HINTS:
        made.extend(fact for b, m in HINTS[name](divisions, translator.variables) for fact in multiples(b, m))
    return made


# Rule -> from its divisions (a, b, quotient, remainder), in the order of left side and right side, and its
# variables
# (and "k", the factor between two constants): pairs (b, m) for `multiples`.
HINTS = {
    "mod_mod": lambda d, v: [(v["d"], d[2][2] - (v["k"] * d[0][2] + d[1][2]))],
    "mod_mul": lambda d, v: [(v["d"], d[0][2] - v["x"] * v["k"])],
    "div_mod": lambda d, v: [
        (v["d"], d[2][2] - (v["k"] * d[0][2] + d[1][2])),
        (v["d"], d[1][2] - v["k"]),
        (v["d"], d[1][2]),
        (v["k"], d[0][2] - d[3][2]),
    ],
    "mod_mul_part": lambda d, v: [
        (v["c"] * v["k"], d[0][2] - d[1][2]),
        (v["c"], v["k"] - d[1][3]),
        (v["c"], d[1][3]),
        (v["c"], v["k"]),
    ],
    "mod_join": lambda d, v: [
        (v["c"] * v["d"], d[2][2] - d[1][2]),
        (v["c"], v["d"] - d[1][3]),
        (v["c"], d[1][3]),
        (v["c"], v["d"]),
    ],
}


def factor_pair(rule):
    """(multiple, divisor) of a condition multiple % divisor == 0."""
    conditions = [part for whole in rule.when if isinstance(whole, Pattern) for part in whole.parts()]
    for part in conditions:
        if part.op is ops.CMPEQ and part.src[0].op is ops.MOD and part.src[1].value == 0:
            return tuple(s.name for s in part.src[0].src)
    return None


def prove_pattern(rule, cap=CAP_MS):
    """None if the rule holds in all of its worlds, else what went wrong."""
    for world in worlds(rule):
        translator = Translator(rule, world)
        left = translator.term(rule.pattern)
        right = translator.term(rule.result)
        for part in rule.when:
            if isinstance(part, Pattern):
                translator.assumed.append(translator.term(part))
        solver = z3.Solver()
        solver.set("timeout", cap)
        solver.add(*translator.assumed, z3.Not(left == right))
        solver.add(*getattr(world, "facts", ()), *hints(rule, translator, world))
        answer = solver.check()
        if answer != z3.unsat:
            return f"{world.name}: {solver.model() if answer == z3.sat else 'unknown'}"
    return None


# -- functions: instances ------------------------------------------------------------------------------------


def loop(size, number):
    return UOp(ops.RANGE, dt.int64, (UOp(ops.CONST, dt.int64, (), size),), (number, "loop"))


def term_of(node, known, integers):
    """A node over RANGEs as a term of the integers, with what is known of the RANGEs."""
    for part in node.toposort():
        if part in known:
            continue
        if part.op is ops.CONST:
            known[part] = z3.BoolVal(part.arg) if isinstance(part.arg, bool) else z3.IntVal(part.arg)
        elif part.op is ops.RANGE:
            known[part] = z3.Int(f"r{part.arg[0]}_{part.src[0].arg}")
        else:
            a = [known[s] for s in part.src]
            row = part.op
            if row is ops.SELECT:
                known[part] = z3.If(*a)
            elif row in (ops.CMPEQ, ops.CMPNE):
                known[part] = a[0] == a[1] if row is ops.CMPEQ else a[0] != a[1]
            elif all(map(z3.is_bool, a)):
                known[part] = Bools().op(row, a)
            else:
                known[part] = integers.op(row, a)
    return known[node]


def prove_instance(before, after, cap=CAP_MS):
    """None if two nodes over RANGEs are equal, else what went wrong."""
    known = {}
    integers = Integers()
    left, right = term_of(before, known, integers), term_of(after, known, integers)
    solver = z3.Solver()
    solver.add(*integers.facts)
    solver.set("timeout", cap)
    for node, term in known.items():
        if node.op is ops.RANGE:
            solver.add(term >= 0, term < node.src[0].arg)
    solver.add(left != right)
    answer = solver.check()
    return None if answer == z3.unsat else f"{answer}: {before!r}"


ROWS = (ops.ADD, ops.ADD, ops.SUB, ops.MUL, ops.IDIV, ops.MOD, ops.NEG)


def random_index(rng, depth):
    if depth == 0:
        return (
            loop(rng.choice((2, 3, 4, 6)), rng.randrange(3))
            if rng.random() < 0.75
            else UOp(ops.CONST, dt.int64, (), rng.randint(-7, 13))
        )
    row = rng.choice(ROWS)
    a, b = random_index(rng, depth - 1), random_index(rng, depth - 1)
    if row in (ops.IDIV, ops.MOD, ops.MUL):
        b = UOp(ops.CONST, dt.int64, (), rng.choice((2, 3, 4, 6, 8, 12)))
    return UOp(row, dt.int64, (a, b)[: row.arity])


def random_node(rng, row):
    """A node of an op, over small RANGEs."""
    a, b = (random_index(rng, rng.choice((1, 2, 3))) for _ in range(2))
    if (
        row in (ops.IDIV, ops.MOD)
        or (row is ops.MUL and rng.random() < 0.7)
        or (row.dtype == "bool" and rng.random() < 0.6)
    ):
        b = UOp(ops.CONST, dt.int64, (), rng.choice((1, 2, 3, 4, 5, 6, 8, 12)))
    if row is ops.AND:
        ends = [UOp(ops.CONST, dt.int64, (), rng.randint(-2, 8)) for _ in range(3)]
        x = random_index(rng, 1)
        return ((x < ends[0]) & (ends[1] < x)) & (rng.choice((x, a)) < ends[2])
    return UOp(row, dt.bool_ if row.dtype == "bool" else dt.int64, (a, b)[: row.arity])


def instances(rule, wanted=6):
    """Nodes that a rule's function turned into others."""
    rng = random.Random(rule.name)
    table = Rules("one", [rule])
    found = []
    for _ in range(3000):
        node = random_node(rng, rule.pattern.op)
        node = node.rebuild(tuple(simplify(s) for s in node.src))
        after = table.apply(node)
        if after is not None and len(node.toposort()) < 30:
            found.append((node, after))
            if len(found) == wanted:
                break
    return found


def prove(rule, cap=CAP_MS):
    """("proven" or "instances" or "values", None or what went wrong)."""
    readable = all(part.op is None or part.op.elementwise for part in rule.pattern.parts())
    if readable and isinstance(rule.result, Pattern) and not any(callable(part) for part in rule.when):
        return "proven", prove_pattern(rule, cap)
    if (rule.name.partition(".")[0] in INTEGER_TABLES and rule.pattern.op not in BITS) or rule.name in (
        "boolean.and_chain",
        "boolean.contradiction",
    ):
        found = instances(rule)
        if found:
            wrong = [problem for pair in found if (problem := prove_instance(*pair, cap=cap))]
            return "instances", wrong[0] if wrong else None
    return "values", None


def main():
    stored, open_ = {}, []
    for table in tables():
        for rule in table.rows:
            how, wrong = prove(rule)
            if is_stored(rule):
                stored[rule.name] = [how, digest(rule)]
            if wrong:
                open_.append((rule.name, wrong))
                print("OPEN", rule.name, wrong, flush=True)
    counts = {
        how: sum(1 for row in stored.values() if row[0] == how) for how in ("proven", "instances", "values")
    }
    print(len(stored), "rules:", counts, len(open_), "open")
    if "--write" in sys.argv and not open_:
        STORED.write_text(json.dumps(stored, indent=0, sort_keys=True) + "\n")
    return bool(open_)


if __name__ == "__main__":
    sys.exit(main())
