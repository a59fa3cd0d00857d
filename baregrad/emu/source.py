"""Meaning trees as Python source: an instruction as one function, compiled once for each kind of operands.

`compiled` writes a function over a wave's cells (emu/amd/state.py): loops over lanes stand inside, vector
registers are read and written by whichever view of the cells has the type at hand. An expression is text with
a representation: "bits" (0 … 2**n - 1), "signed", "wild" (an integer whose low n bits count), "real" (a float
that its type has), "wide" (one still to be rounded). Read isa/meaning/tree.py first. What is not here: where
variables are (places.py), arithmetic without an operator (numbers.py), other modes than round to nearest even
with denormals (modes.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from baregrad.emu.loops import Loops
from baregrad.emu.modes import MODAL, NEAREST, Mode
from baregrad.emu.places import Names, Spot
from baregrad.isa.meaning import U1, Node, Tree, Type, values, walk

ARITHMETIC = frozenset((
    "add", "sub", "mul", "div", "sqrt", "fma", "trunc", "floor", "ceil", "even", "convert", "exp2", "log2",
    "sin", "cos", "ldexp",
))  # fmt: skip
SIGNS = {"add": "+", "sub": "-", "mul": "*"}
COMPARED = {"eq": "==", "ne": "!=", "lt": "<", "le": "<="}
EXACT = 53


class Compiled(NamedTuple):
    """A function and the parameters that it has behind the wave: names of variables, in order."""

    function: Callable[..., int | None]
    parameters: tuple[str, ...]
    text: str


def compiled(tree: Tree, scope: str, spots: Mapping[str, Spot], lanes: int, mode: Mode = NEAREST) -> Compiled:
    """A tree as a function of a wave and of the places of its operands.

    `scope` is "lane" (done for each lane of EXEC), "scalar" or "wave" (done once).
    """
    writer = _Source(tree, scope, spots, lanes, mode)
    text = writer.function()
    space = dict(writer.space)
    exec(compile(text, "<meaning>", "exec"), space)
    return Compiled(space["function"], writer.names.parameters, text)


class _Source(Loops):
    """The function of one tree that is being written."""

    def __init__(self, tree: Tree, scope: str, spots: Mapping[str, Spot], lanes: int, mode: Mode) -> None:
        super().__init__(Names(tree, spots), scope, lanes)
        self.tree, self.mode = tree, mode

    def function(self) -> str:
        """The text of the function."""
        nodes = walk(self.tree)
        self.begin(any(node.op in ("load", "store", "trap") for node in nodes))
        for statement in self.tree:
            self.statement(statement)
        return self.end()

    # -- statements ------------------------------------------------------------------------------------

    def statement(self, node: Node) -> None:
        """Write a statement."""
        if node.op == "set":
            self.assign(*node.src)
        elif node.op == "if":
            self.choose(*node.src)
        elif node.op == "for":
            self.repeat(node)
        elif node.op == "block":
            for each in node.src:
                self.statement(each)
        elif node.op == "store":
            address, value = self.bits(node.src[0]), self.bits(node.src[1])
            self.line(
                f"w.store{'_' + node.arg if node.arg else ''}({address}, {node.src[1].t.bits}, {value})"
            )
        else:
            assert node.op == "trap", f"{node.op} is no statement"
            self.line(f"if {self.test(node.src[0])}: w.trap({node.arg!r})")

    def assign(self, place: Node, value: Node) -> None:
        """Set a variable, or a part of one."""
        if place.op == "var" and place.arg in self.names.tables:
            self.line(f"{place.arg}_ = [0] * {place.t.bits // self.names.tables[place.arg]}")
            return
        if place.op == "var":
            rep = self.kind(value)
            if rep == "real":
                text, rep = self.natural(value)
                self.keep(place.arg, f"{rep}:{value.t.name}", text)
            else:
                self.keep(place.arg, "bits", self.bits(value))
            return
        name = place.src[0].arg
        if name in self.names.tables:
            text = self.bits(value)
            self.line(f"{name}_[{self.bits(place.src[1])}] = {text}")
            return
        low = self.offset(place)
        text = self.bits(value)
        if self.names.kind(name) == "file":
            self.write_file(name, place.t.bits, low, text)
            return
        old, whole = self.read(name, "bits"), place.src[0].t.bits
        mask = (1 << place.t.bits) - 1
        if isinstance(low, int):
            if low >= whole:
                return
            kept = ((1 << whole) - 1) & ~(mask << low)
            moved = f"({text}) << {low}" if low else f"({text})"
            moved = f"({moved} & {(1 << whole) - 1:#x})" if low + place.t.bits > whole else moved
            self.keep(name, "bits", f"{old} & {kept:#x} | {moved}" if kept else moved)
            return
        at = self.temporary(low)
        self.keep(name, "bits", f"({old} & ~({mask:#x} << {at}) | ({text}) << {at}) & {(1 << whole) - 1:#x}")

    def choose(self, condition: Node, then: Node, otherwise: Node) -> None:
        """An if."""
        test = self.test(condition)
        changed = self.names.set_in((then, otherwise))
        for name in sorted(changed):
            if not (self.names.sets(then, name) and self.names.sets(otherwise, name)):
                self.settle(name)
        self.line(f"if {test}:")
        before = self.snapshot()
        self.arm(then, changed)
        self.restore(before)
        if otherwise.src or any(name not in before for name in changed):
            self.line("else:")
            self.arm(otherwise, changed)
            self.restore(before)
        for name in changed:
            self.settled(name)

    def arm(self, block: Node, changed: frozenset[str]) -> None:
        """One side of an if."""
        self.open.append(None)
        self.depth += 1
        length = len(self.lines)
        for each in block.src:
            self.statement(each)
        for name in sorted(changed):
            self.settle(name)
        if len(self.lines) == length:
            self.line("pass")
        self.depth -= 1
        self.open.pop()

    # -- expressions -----------------------------------------------------------------------------------

    def known(self, node: Node) -> int | None:
        """An integer expression's bits, if they are known now."""
        if node.op == "const":
            return int(node.arg)
        if node.op == "index":
            found = self.counters[node.arg]
            return found if isinstance(found, int) else None
        if node.op in ("var", "load", "address", "undefined") or node.t.is_float:
            return None
        parts = [self.known(source) for source in node.src]
        if any(part is None for part in parts):
            return None
        return values.apply(node.op, node.t, [source.t for source in node.src], [part or 0 for part in parts])

    def offset(self, place: Node) -> int | str:
        """The lowest bit of an element or slice: a number, or text."""
        scale = place.t.bits if place.op == "element" else 1
        known = self.known(place.src[1])
        if known is not None:
            return known * scale
        text = self.bits(place.src[1])
        return text if scale == 1 else f"({text} * {scale})"

    def kind(self, node: Node) -> str:
        """What representation an expression has by itself: "real" (or "wide"), or "bits" (any integer)."""
        if not node.t.is_float:
            return "bits"
        if node.op in ARITHMETIC:
            return "real"
        if node.op == "select":
            kinds = [
                "real" if arm.op == "const" and not values.is_nan(arm.t, arm.arg) else self.kind(arm)
                for arm in node.src[1:]
            ]
            constants = all(arm.op == "const" for arm in node.src[1:])
            return "real" if kinds == ["real", "real"] and not constants else "bits"
        return "bits"

    def bits(self, node: Node) -> str:
        """An expression as unsigned bits."""
        known = None if node.t.is_float else self.known(node)
        if known is not None:
            return str(known)
        moved = self.moved_out(node, self.bits) if self.open else ""
        if moved:
            return moved
        if node.op == "as":
            return self.bits(node.src[0])
        if node.op == "select" and self.kind(node) == "bits":
            condition, a, b = node.src
            test, first, second = self.test(condition), self.bits(a), self.bits(b)
            return f"({first} if {test} else {second})"
        if node.op == "neg" and node.t.is_float:
            return f"({self.bits(node.src[0])} ^ {1 << (node.t.bits - 1):#x})"
        text, rep = self.natural(node)
        return self.as_bits(text, rep, node.t)

    def value(self, node: Node) -> str:
        """An integer expression as the number that it is."""
        known = self.known(node)
        if known is not None:
            number = values.decode(node.t, known)
            return f"({number})" if number < 0 else str(number)
        moved = self.moved_out(node, self.value) if self.open else ""
        if moved:
            return moved
        if node.t.kind == "u":
            return self.bits(node)
        source = node.src[0] if node.op == "as" else node
        if source.op == "var" and node.t.bits > 1:
            return self.read(source.arg, f"signed:{node.t.bits}")
        if node.op == "select":
            test, first, second = self.test(node.src[0]), self.value(node.src[1]), self.value(node.src[2])
            return f"({first} if {test} else {second})"
        text, rep = self.natural(node)
        return text if rep == "signed" else self.as_signed(self.as_bits(text, rep, node.t), node.t.bits)

    def loose(self, node: Node) -> tuple[str, str]:
        """An integer expression in any representation."""
        known = self.known(node)
        if known is not None:
            return str(known), "bits"
        if node.op == "as" or node.t.is_float:
            return self.bits(node), "bits"
        if node.op == "select":
            return self.bits(node), "bits"
        return self.natural(node)

    def test(self, node: Node) -> str:
        """A u1 as something that is true or false."""
        return self.bits(node)

    def real(self, node: Node) -> str:
        """A float expression as a float of its type."""
        if node.op == "const":
            return self.constant(values.decode(node.t, node.arg))
        moved = self.moved_out(node, self.real) if self.open else ""
        if moved:
            return moved
        if node.op == "as" and not node.src[0].t.is_float and node.src[0].op == "var":
            return self.read(node.src[0].arg, f"real:{node.t.name}")
        if node.op == "var":
            return self.read(node.arg, f"real:{node.t.name}")
        if node.op == "neg":
            return f"(-{self.real(node.src[0])})"
        if node.op == "select":
            test, first, second = self.test(node.src[0]), self.real(node.src[1]), self.real(node.src[2])
            return f"({first} if {test} else {second})"
        if self.kind(node) == "real":
            text, rep = self.natural(node)
            return text if rep == "real" else self.rounded(text, node.t)
        return self.as_real(self.bits(node), node.t)

    def input(self, node: Node) -> str:
        """A float operand of arithmetic: flushed where the mode says so."""
        text = self.real(node)
        return f"{self.flusher(node.t)}({text})" if self.mode.flushes(node.t)[0] else text

    def natural(self, node: Node) -> tuple[str, str]:
        """An expression and the representation that it comes in."""
        found = _NATURAL.get(node.op)
        if found is not None:
            return found(self, node)
        if node.t.is_float and node.op in ARITHMETIC:
            return self.arithmetic(node)
        if node.op in COMPARED:
            return self.compared(node), "bits"
        if node.op in SIGNS:
            (a, first), (b, second) = map(self.loose, node.src)
            exact = first == second == "bits" and self.names.known.exact(node)
            return f"({a} {SIGNS[node.op]} {b})", "bits" if exact else "wild"
        made = ", ".join(self.bits(source) for source in node.src)
        types = [source.t for source in node.src]
        return f"APPLY({node.op!r}, {self.bind(node.t)}, {self.bind(types)}, ({made},))", "bits"

    def compared(self, node: Node) -> str:
        """A comparison."""
        a, b = node.src
        if a.t.is_float:
            return f"({self.input(a)} {COMPARED[node.op]} {self.input(b)})"
        form = self.bits if node.op in ("eq", "ne") else self.value
        return f"({form(a)} {COMPARED[node.op]} {form(b)})"

    def arithmetic(self, node: Node) -> tuple[str, str]:
        """A float operation; its result is flushed where the mode says so."""
        text, rep = self.to_float(node) if node.op == "convert" else self.computed(node)
        if not self.mode.flushes(node.t)[1]:
            return text, rep
        return f"{self.flusher(node.t)}({text if rep == 'real' else self.rounded(text, node.t)})", "real"

    def directed(self, op: str, type: Type, parts: list[str]) -> str:
        """An operation that the mode rounds in another way; "" where it is as usual."""
        if self.mode.usual(type) or op not in MODAL:
            return ""
        return f"MODAL[{op!r}]({self.bind(self.mode)}, {self.bind(type)}, {', '.join(parts)})"

    def computed(self, node: Node) -> tuple[str, str]:
        """A float operation, rounded as the mode says."""
        parts = [self.input(one) if one.t.is_float else self.value(one) for one in node.src]
        rep = "real" if node.t.bits == 64 else "wide"
        directed = self.directed(node.op, node.t, parts)
        if directed:
            return directed, "real"
        if node.op in SIGNS:
            return f"({parts[0]} {SIGNS[node.op]} {parts[1]})", rep
        if node.op == "fma" and rep == "wide":
            return self.fused(*parts), "wide"
        if node.op in ("trunc", "floor", "ceil", "even"):
            return f"{node.op.upper()}({parts[0]})", "real"
        return f"{node.op.upper()}({', '.join(parts)})", rep

    def fused(self, a: str, b: str, c: str) -> str:
        """a * b + c rounded to odd: the product of narrow floats is exact in float64. A sum is exact if
        either part taken away leaves the other.
        """
        c, p, s = self.temporary(c), self.name(), self.name()
        self.line(f"{p} = {a} * {b}; {s} = {p} + {c}")
        rest = f"({p} - ({s} - ({s} - {p}))) + ({c} - ({s} - {p}))"
        self.line(f"if {s} - {p} != {c} or {s} - {c} != {p}: {s} = ODD({s}, {rest})")
        return s

    def to_float(self, node: Node) -> tuple[str, str]:
        """A value as a float."""
        source, type = node.src[0], node.t
        wider = source.t.is_float and source.t.bits < type.bits
        text = self.input(source) if source.t.is_float else self.value(source)
        directed = "" if wider else self.directed("convert", type, [text])
        if directed:
            return directed, "real"
        if source.t.is_float:
            return text, "real" if wider or source.t == type else "wide"
        if type.bits == 64 or source.t.bits <= EXACT:
            return f"float({text})", "real" if type.bits == 64 else "wide"
        return f"ODD_OF_INT({text})", "wide"

    def _convert(self, node: Node) -> tuple[str, str]:
        source, type = node.src[0], node.t
        if type.is_float:
            return self.to_float(node)
        if source.t.is_float:
            least = -(1 << (type.bits - 1)) if type.kind == "i" else 0
            most = least + (1 << type.bits) - 1
            return f"CUT({self.real(source)}, {least}, {most})", "signed" if type.kind == "i" else "bits"
        if source.t.bits >= type.bits:
            text, rep = self.loose(source)
            return text, rep if source.t.bits == type.bits and rep != "signed" else "wild"
        return self.value(source), "bits" if source.t.kind == "u" else "wild"

    def _var(self, node: Node) -> tuple[str, str]:
        return self.read(node.arg, "bits"), "bits"

    def _index(self, node: Node) -> tuple[str, str]:
        return str(self.counters[node.arg]), "bits"

    def _part(self, node: Node) -> tuple[str, str]:
        """An element or a slice."""
        if node.src[0].op == "var" and node.src[0].arg in self.names.tables:
            return f"{node.src[0].arg}_[{self.bits(node.src[1])}]", "bits"
        source, low, bits = node.src[0], self.offset(node), node.t.bits
        if source.op == "var":
            found = self.read_part(source.arg, bits, low)
            if found:
                return found, "bits"
        if isinstance(low, int) and low + bits <= source.t.bits:
            text, rep = self.loose(source)
            if rep == "bits" and low + bits == source.t.bits:
                return (f"({text} >> {low})" if low else text), "bits"
        else:
            text = self.bits(source)
        return f"({text} >> {low} & {(1 << bits) - 1:#x})", "bits"

    def _load(self, node: Node) -> tuple[str, str]:
        space = "_" + node.arg if node.arg else ""
        return self.temporary(f"w.load{space}({self.bits(node.src[0])}, {node.t.bits})", always=True), "bits"

    def _as(self, node: Node) -> tuple[str, str]:
        return self.bits(node.src[0]), "bits"

    def _select(self, node: Node) -> tuple[str, str]:
        return (self.real(node), "real") if self.kind(node) == "real" else (self.bits(node), "bits")

    def _negate(self, node: Node) -> tuple[str, str]:
        return (self.bits(node), "bits") if node.t.is_float else (f"(-{self.loose(node.src[0])[0]})", "wild")

    def _not(self, node: Node) -> tuple[str, str]:
        if node.t == U1:
            return f"(1 ^ {self.bits(node.src[0])})", "bits"
        return f"(~{self.loose(node.src[0])[0]})", "wild"

    def _and(self, node: Node) -> tuple[str, str]:
        (a, first), (b, second) = map(self.loose, node.src)
        return f"({a} & {b})", "bits" if "bits" in (first, second) else "wild"

    def _or(self, node: Node) -> tuple[str, str]:
        (a, first), (b, second) = map(self.loose, node.src)
        return f"({a} {'|' if node.op == 'or' else '^'} {b})", "bits" if first == second == "bits" else "wild"

    def _shl(self, node: Node) -> tuple[str, str]:
        (text, rep), count = self.loose(node.src[0]), self.count(node)
        if count is None:
            at = self.temporary(self.bits(node.src[1]))
            return f"({text} << {at} if {at} < {node.t.bits} else 0)", "wild"
        return f"({text} << {count})", "bits" if rep == "bits" and self.names.known.exact(node) else "wild"

    def count(self, node: Node) -> str | None:
        """A count of a shift that is surely below the width; None if that is not sure."""
        known = self.known(node.src[1])
        if known is not None:
            return str(min(known, node.t.bits))
        limit = node.src[1]
        if limit.op == "and":
            most = [self.known(source) for source in limit.src]
            if any(one is not None and one <= node.t.bits for one in most):
                return self.bits(limit)
        return self.bits(limit) if 1 << limit.t.bits <= 2 * node.t.bits else None

    def _shr(self, node: Node) -> tuple[str, str]:
        text = self.value(node.src[0])
        return f"({text} >> {self.bits(node.src[1])})", "bits" if node.t.kind == "u" else "signed"

    def _divide(self, node: Node) -> tuple[str, str]:
        return f"{node.op.upper()}({self.value(node.src[0])}, {self.value(node.src[1])})", "wild"

    def _cat(self, node: Node) -> tuple[str, str]:
        return f"({self.bits(node.src[0])} << {node.src[1].t.bits} | {self.bits(node.src[1])})", "bits"

    def _undefined(self, node: Node) -> tuple[str, str]:
        return "0", "bits"

    def _const(self, node: Node) -> tuple[str, str]:
        return str(node.arg), "bits"


_NATURAL: dict[str, Callable[[_Source, Node], tuple[str, str]]] = {
    "const": _Source._const, "var": _Source._var, "index": _Source._index, "load": _Source._load,
    "as": _Source._as, "select": _Source._select, "convert": _Source._convert, "element": _Source._part,
    "slice": _Source._part, "neg": _Source._negate, "not": _Source._not, "and": _Source._and,
    "or": _Source._or, "xor": _Source._or, "shl": _Source._shl, "shr": _Source._shr, "cat": _Source._cat,
    "quotient": _Source._divide, "remainder": _Source._divide, "undefined": _Source._undefined,
}  # fmt: skip
