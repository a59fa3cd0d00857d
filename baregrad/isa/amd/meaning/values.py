"""Values of the pseudocode as typed values of our language: names, types, places of bits, calls.

A literal stays one (typing.Number) until it meets a type; loads become names of their own before the
statement that asks for them. What is not here: statements and places (statements.py), what functions mean
(functions.py), addresses (addresses.py).
"""

from __future__ import annotations

from collections.abc import Callable

from baregrad.isa.amd.meaning.expand import expand
from baregrad.isa.amd.meaning.functions import BY_TYPE, FUNCTIONS, KINDS, TWICE
from baregrad.isa.amd.meaning.names import CONSTANTS, FIELD_ROWS, Names
from baregrad.isa.amd.meaning.typing import (
    FOLDED,
    I32,
    I64,
    U32,
    Number,
    Value,
    as_type,
    binary,
    bits_of,
    cast_type,
    choose,
    fit,
    literal,
    low,
    node,
    number,
    reread,
    truth,
    type_named,
    untyped,
)  # fmt: skip
from baregrad.isa.meaning import U1, U64, Node, Type, called, const
from baregrad.isa.pseudocode import Node as Code

NAN_TESTS = ("isNAN", "isSignalNAN", "isQuietNAN", "cvtToQuietNAN")


class Array:
    """A local array: an element's type and how many there are."""

    __slots__ = ("count", "element")

    def __init__(self, element: Type, count: int) -> None:
        self.element, self.count = element, count


class Values:
    """Names in use while a body is translated, and the statements made so far (`out`)."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.out: list[Node] = []
        self.locals: dict[str, Type] = {}
        self.arrays: dict[str, Array] = {}
        self.known: dict[str, Value] = {}  # names that stand for a value: literals, parameters, counters
        self.lambdas: dict[str, tuple[tuple[str, ...], Code]] = {}
        self.count = 0

    def fresh(self, value: Node, stem: str = "t") -> Node:
        """A new name for a value."""
        self.count += 1
        name = f"{stem}{self.count}_"
        self.locals[name] = value.t
        place = Node("var", value.t, (), name)
        self.out.append(Node("set", None, (place, value)))
        return place

    # -- values --------------------------------------------------------------------------------------

    def value(self, code: Code) -> Value:
        """What an expression is."""
        if isinstance(code, int):
            return Number(
                code, I32 if -(1 << 31) <= code < 1 << 31 else Type("u", 32 if code < 1 << 32 else 64)
            )
        if isinstance(code, str):
            return self.name(code)
        made = _VALUES.get(str(code[0]))
        if made is not None:
            return made(self, code)
        if code[0] in FOLDED:
            return binary(str(code[0]), self.value(code[1]), self.value(code[2]))
        raise untyped(f"no value {code[0]}", code)

    def bits(self, code: Code) -> Node:
        """An expression as unsigned bits."""
        return bits_of(self.value(code))

    def constant(self, code: Code) -> int | None:
        """An expression's number, if it is known."""
        found = self.value(code)
        if isinstance(found, Number):
            return int(found.value)
        return found.arg if found.op == "const" and not found.t.is_float else None

    def name(self, name: str) -> Value:
        """A name: a local, a constant, an operand, a register."""
        if name in self.known:
            return self.known[name]
        if name in self.locals:
            return Node("var", self.locals[name], (), name)
        if name in self.arrays:
            array = self.arrays[name]
            return Node("var", Type("u", array.element.bits * array.count), (), name)
        found: Value | None = self.names.memory.name(self, name) if self.names.memory is not None else None
        found = self.names.read(name) if found is None else found
        if found is None:
            raise untyped(f"the name {name}", name)
        return found

    def typed(self, code: tuple[Code, ...]) -> Value:
        """x.T, or a field of a register."""
        base, word = code[1], str(code[2])
        if (base, word) in FIELD_ROWS:
            place, at, width = FIELD_ROWS[str(base), word]
            return Node("slice", Type("u", width), (self.names.register(place), const(U64, at)))
        type = type_named(word)
        if type is None:
            raise untyped(f"no type {word}", code)
        if isinstance(base, str) and base in CONSTANTS:
            return Number(CONSTANTS[base], type)
        return self.loaded(base, type) or self.moved(base, type) or reread(self.value(base), type)

    def loaded(self, code: Code, type: Type) -> Node | None:
        """Memory as a type, or None if that is no memory."""
        if not (isinstance(code, tuple) and code[0] == "@" and code[1] == "MEM"):
            return None
        return self.memory(code[2], type)

    def memory(self, address: Code, type: Type) -> Node:
        """What memory holds at an address."""
        access = self.names.memory
        if access is None:
            raise untyped("memory without an address", address)
        made: Node = access.load(self, self.value(address), type)
        return made

    def moved(self, code: Code, type: Type) -> Node | None:
        """A scalar register by its number, as a type of one or two."""
        if not (isinstance(code, tuple) and code[0] == "@" and code[1] == "SGPR"):
            return None
        file, at = self.names.register("SGPR"), fit(self.value(code[2]), U64)
        words = [
            Node("element", U32, (file, Node("add", U64, (at, const(U64, n))) if n else at))
            for n in range(type.bits // 32)
        ]
        made = words[0]
        for word in words[1:]:
            made = Node("cat", Type("u", made.t.bits + 32), (word, made))
        return as_type(made, type)

    def at(self, code: tuple[Code, ...]) -> Value:
        """x[i]: a bit, this lane's bit of a mask, an element of an array, memory."""
        base, place = code[1], code[2]
        if base == "MEM":
            return self.memory(place, U32)
        if isinstance(base, str) and base in self.arrays:
            array = self.arrays[base]
            whole = node(self.name(base))
            return Node("element", array.element, (whole, self.index(place)))
        lane = self.lane_bit(base, place, written=False)
        if lane is not None:
            return lane
        register = self.own_register(code)
        if register is not None:
            return register
        found = self.value(base)
        at = self.constant(place)
        if isinstance(found, Number) and at is not None:
            return Number(int(found.value) >> at & 1, U1)
        return Node("slice", U1, (bits_of(found), self.index(place)))

    def index(self, code: Code) -> Node:
        """A place: a number is u64, others are as they are, unsigned."""
        at = self.constant(code)
        return const(U64, at) if at is not None else self.bits(code)

    def lane_bit(self, base: Code, place: Code, *, written: bool) -> Node | None:
        """This lane's bit of a mask over lanes: X.u64[laneId]."""
        if place != "laneId":
            return None
        name = base[1] if isinstance(base, tuple) and base[0] == "." else base
        return self.names.lane(str(name), written=written)

    def own_register(self, code: Code) -> Node | None:
        """VGPR[laneId][VDST.u32]: an operand of this lane."""
        if not (isinstance(code, tuple) and code[0] == "@" and code[1] == ("@", "VGPR", "laneId")):
            return None
        number = code[2]
        if isinstance(number, tuple) and number[0] == "." and str(number[1]) in ("VDST", "SRC0", "SRC1"):
            role = {"VDST": "D0", "SRC0": "S0", "SRC1": "S1"}[str(number[1])]
            return self.names.variable(role)
        raise untyped("a vector register by its number", code)

    def slice(self, code: tuple[Code, ...]) -> Value:
        """x[high : low]."""
        if isinstance(code[1], tuple) and code[1][:2] == ("@", "MEM"):
            high = self.constant(code[2])
            assert high is not None, "memory is read by as many bits as are known"
            return self.memory(code[1][2], Type("u", high + 1))
        high, low_bit = self.constant(code[2]), self.constant(code[3])
        whole = self.value(code[1])
        if high is None or low_bit is None:
            return self.some_bits(bits_of(whole), self.span(code[2], code[3]), self.value(code[3]))
        if isinstance(whole, Number):
            return Number(
                int(whole.value) >> low_bit & ((1 << high - low_bit + 1) - 1), Type("u", high - low_bit + 1)
            )
        if high < low_bit:
            raise untyped("bits in the other order", code)
        return self.part(bits_of(whole), high, low_bit)

    def part(self, whole: Node, high: int, low_bit: int) -> Node:
        """Bits of a value by numbers."""
        if low_bit == 0 and high == whole.t.bits - 1:
            return whole
        if whole.op == "const":
            return const(Type("u", high - low_bit + 1), whole.arg >> low_bit)
        if whole.op == "slice" and whole.src[1].op == "const":
            return self.part(whole.src[0], high + whole.src[1].arg, low_bit + whole.src[1].arg)
        return Node("slice", Type("u", high - low_bit + 1), (whole, const(U64, low_bit)))

    def some_bits(self, whole: Node, width: int, at: Value) -> Node:
        """Bits from a place that is computed: shifted down and cut."""
        return low(node(binary(">>", whole, at)), width)

    def from_low(self, code: tuple[Code, ...]) -> Value:
        """x[low +: width]."""
        width = self.constant(code[3])
        assert width is not None, "a slice has a constant width"
        at = self.constant(code[2])
        whole = self.bits(code[1])
        return (
            self.part(whole, at + width - 1, at)
            if at is not None
            else self.some_bits(whole, width, self.value(code[2]))
        )

    def span(self, high: Code, low_code: Code) -> int:
        """How many bits lie between two places that are computed: x + 7 and x."""
        a, b = self.constant(high), self.constant(low_code)
        if a is not None and b is not None:
            return a - b + 1
        first, second = _sum(high), _sum(low_code)
        if first[0] != second[0]:
            raise untyped("a slice of no constant width", ("[:]", high, low_code))
        return first[1] - second[1] + 1

    def cat(self, code: tuple[Code, ...]) -> Value:
        """Bits side by side, the high ones first."""
        made = self.bits(code[1])
        for each in code[2:]:
            right = self.bits(each)
            made = Node("cat", Type("u", made.t.bits + right.t.bits), (made, right))
        return made

    def cast(self, code: tuple[Code, ...]) -> Value:
        """The value in another type; a number that is too large for one is the bits of a float."""
        type, value = cast_type(str(code[1])), self.value(code[2])
        if isinstance(value, Number):
            if type.is_float and isinstance(value.value, int) and value.value >= 1 << type.bits - 1:
                return const(type, value.value)
            return Number(value.value, type)
        if str(code[1])[-1] == "B" or (type.is_float and isinstance(code[2], tuple) and code[2][0] == "cat"):
            return reread(bits_of(value), type)
        return fit(value, type)

    def unary(self, code: tuple[Code, ...]) -> Value:
        """-x, ~x, !x."""
        value = self.value(code[1])
        if code[0] == "!":
            test = truth(value)
            return Number(1 - int(test.value), U1) if isinstance(test, Number) else Node("not", U1, (test,))
        if isinstance(value, Number):
            return Number(-value.value if code[0] == "neg" else ~int(value.value), value.type)
        return Node("neg" if code[0] == "neg" else "not", value.t, (value,))

    def logic(self, code: tuple[Code, ...]) -> Value:
        """a && b, a || b."""
        a, b = truth(self.value(code[1])), truth(self.value(code[2]))
        if isinstance(b, Number):
            a, b = b, a
        if isinstance(a, Number):
            return b if bool(a.value) == (code[0] == "&&") else a
        return Node("and" if code[0] == "&&" else "or", U1, (a, node(b)))

    def choice(self, code: tuple[Code, ...]) -> Value:
        """c ? a : b."""
        condition = truth(self.value(code[1]))
        if isinstance(condition, Number):
            return self.value(code[2] if condition.value else code[3])
        return choose(condition, self.value(code[2]), self.value(code[3]))

    # -- calls ---------------------------------------------------------------------------------------

    def call(self, code: tuple[Code, ...]) -> Value:
        """A function: a lambda of the body, an address, a function of ours."""
        name, arguments = code[1], code[2:]
        if isinstance(name, tuple):
            raise untyped("a matrix", code)
        if name in self.lambdas:
            return self.expanded(self.lambdas[str(name)], arguments)
        if str(name).startswith("Calc"):
            if self.names.memory is None:
                raise untyped("an address without a form", code)
            made: Value = self.names.memory.address(self, str(name), arguments)
            return made
        if name in ("signext", "signext_from_bit", "signextFromBit"):
            return self.signext(arguments)
        if name in NAN_TESTS:
            arguments = tuple(_bare(one) for one in arguments)
        return self.function(str(name), [self.value(one) for one in arguments])

    def signext(self, arguments: tuple[Code, ...]) -> Value:
        """A signed value in 64 bits; products in it are made wide."""
        code = arguments[0]
        if len(arguments) == 2:
            short, count = node(self.value(code)), self.value(arguments[1])
            extended = expand(self, FUNCTIONS[f"signext_{short.t.bits}"], [short, fit(count, U32)])
            return as_type(extended, Type("i", short.t.bits))
        if isinstance(code, tuple) and code[0] == "*":
            return binary("*", self.signext((code[1],)), self.value(code[2]))
        value = self.value(code)
        return (
            fit(value, I64)
            if isinstance(value, Number)
            else fit(as_type(value, Type("i", value.t.bits)), I64)
        )

    def function(self, name: str, arguments: list[Value]) -> Value:
        """A function of the tables, by its name or by name and type of its first value."""
        if name in TWICE:
            inner = self.function(TWICE[name], arguments[:2])
            return self.function(TWICE[name], [inner, arguments[2]])
        kinds = KINDS.get(name, "").split()
        made = [self.argument(one, kinds[n] if n < len(kinds) else "") for n, one in enumerate(arguments)]
        key = f"{name}_{made[0].t.name}" if name in BY_TYPE else name
        if key in FUNCTIONS:
            return expand(self, FUNCTIONS[key], made)
        if name in ("sqrt", "trunc", "floor", "fma", "log2", "sin", "cos", "ldexp"):
            return self.operation(name, arguments)
        if name == "pow" and isinstance(arguments[0], Number):
            return binary("**", arguments[0], arguments[1])
        raise untyped(f"the function {name}", name)

    def argument(self, value: Value, kind: str) -> Node:
        """A value for a function that says which type it wants."""
        type = type_named(kind) if kind else None
        if type is None:
            return node(value)
        if isinstance(value, Node) and value.t.bits == type.bits:
            return as_type(value, type)
        return fit(value, type)

    def operation(self, name: str, arguments: list[Value]) -> Value:
        """An operation of the language that is written as a call."""
        if name == "ldexp":
            return called(name, [node(arguments[0]), fit(arguments[1], I32)], {})
        known = next((one for one in arguments if isinstance(one, Node)), None)
        if known is None:
            raise untyped(f"{name} of numbers", name)
        return called(
            name, [literal(one, known.t) if isinstance(one, Number) else one for one in arguments], {}
        )

    def expanded(self, function: tuple[tuple[str, ...], Code], arguments: tuple[Code, ...]) -> Value:
        """A lambda's value, with its parameters bound."""
        parameters, body = function
        made = [self.value(one) for one in arguments]
        kept = dict(self.known)
        self.known.update(zip(parameters, made, strict=True))
        try:
            return self.returned((body,)) if isinstance(body, tuple) and body[0] == "do" else self.value(body)
        finally:
            self.known = kept

    def returned(self, statements: tuple[Code, ...]) -> Value:
        """What statements return; a branch is a choice of what both ways return."""
        first, rest = statements[0], statements[1:]
        assert isinstance(first, tuple), "a function's body is statements"
        if first[0] == "do":
            return self.returned((*first[1:], *rest))
        if first[0] == "return":
            return self.value(first[1])
        if first[0] == "if":
            condition = truth(self.value(first[1]))
            if isinstance(condition, Number):
                return self.returned((first[2] if condition.value else first[3], *rest))
            return choose(condition, self.returned((first[2], *rest)), self.returned((first[3], *rest)))
        self.inner(first)
        return self.returned(rest)

    def inner(self, statement: Code) -> None:
        """A statement of a lambda before its return."""
        raise untyped("statements in a lambda", statement)


def _bare(code: Code) -> Code:
    """What a conversion to float64 is of: it would make a signaling NaN quiet."""
    return code[2] if isinstance(code, tuple) and code[:2] == ("cast", "64F") else code


def _sum(code: Code) -> tuple[Code, int]:
    """A place as something and a number: x + 7; a | 3 and a & 60 are told by their last bits."""
    if isinstance(code, tuple) and code[0] == "+":
        end = code[2]
        if isinstance(end, tuple) and end[0] == "num":
            return code[1], int(number(str(end[1])).value)
        if isinstance(end, int):
            return code[1], end
    if isinstance(code, tuple) and code[0] == "|":
        return ("&", code[1], ("num", "6:60U")), 3
    return code, 0


_VALUES: dict[str, Callable[[Values, tuple[Code, ...]], Value]] = {
    "num": lambda self, code: number(str(code[1])),
    ".": Values.typed,
    "@": Values.at,
    "[:]": Values.slice,
    "+:": Values.from_low,
    "cat": Values.cat,
    "cast": Values.cast,
    "neg": Values.unary,
    "~": Values.unary,
    "!": Values.unary,
    "&&": Values.logic,
    "||": Values.logic,
    "?": Values.choice,
    "call": Values.call,
}
