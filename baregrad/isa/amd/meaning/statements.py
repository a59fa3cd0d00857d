"""Statements of the pseudocode: assignments to every kind of place, branches, loops.

Loops stay loops where their counter may be a variable; where a place must be known they are unrolled. A break
is a flag that what follows depends on. What is not here: values (values.py), what names are (names.py).
"""

from __future__ import annotations

from collections.abc import Callable

from baregrad.isa.amd.meaning.names import FIELD_ROWS, Names
from baregrad.isa.amd.meaning.typing import (
    I32,
    Number,
    Untyped,
    Value,
    as_type,
    binary,
    bits_of,
    either,
    fit,
    low,
    node,
    truth,
    type_named,
    type_of,
    untyped,
    when,
)  # fmt: skip
from baregrad.isa.amd.meaning.values import Array, Values
from baregrad.isa.meaning import U1, U64, Node, Tree, Type, const
from baregrad.isa.pseudocode import Node as Code
from baregrad.isa.pseudocode import walk

ROUNDING = ("ROUND_MODE", "prev_mode")


def translate(code: Code, names: Names) -> tuple[Tree, frozenset[str]]:
    """The tree of a body for a form, and the names of its own. Errors: Untyped."""
    maker = Statements(names, code)
    maker.block_of(code)
    inner = frozenset(maker.locals)
    return pruned(tuple(maker.out), inner), inner


class Statements(Values):
    """A body that is being translated."""

    def __init__(self, names: Names, code: Code) -> None:
        super().__init__(names)
        self.widths = sliced(code)
        self.stop: str | None = None  # the flag of the innermost loop that is left by a break
        self.open = 0  # branches and loops around, in which nothing is known for long

    # -- blocks --------------------------------------------------------------------------------------

    def block(self, code: Code) -> tuple[Node, ...]:
        """The statements of a body, apart."""
        outer, self.out = self.out, []
        self.apart()
        self.block_of(code)
        self.apart()
        made, self.out = tuple(self.out), outer
        return made

    def apart(self) -> None:
        """Forget what was loaded: a block may not be done."""
        if self.names.memory is not None:
            self.names.memory.held.clear()

    def block_of(self, code: Code) -> None:
        """A body's statements; after one that may break, what follows depends on the flag."""
        assert isinstance(code, tuple), "a body is a tuple"
        rest = code[1:] if code[0] == "do" else (code,)
        for n, one in enumerate(rest):
            self.statement(one)
            if self.stop and n + 1 < len(rest) and breaks(one):
                flag = Node("var", U1, (), self.stop)
                self.open += 1
                inside = self.block(("do", *rest[n + 1 :]))
                self.open -= 1
                self.out.append(when(Node("eq", U1, (flag, const(U1, 0))), inside))
                return

    def statement(self, code: Code) -> None:
        """One statement."""
        if not isinstance(code, tuple):
            raise untyped("a name as a statement", code)
        head = str(code[0])
        if head == "do":
            self.block_of(code)
        elif head in _STATEMENTS:
            _STATEMENTS[head](self, code)
        elif head.endswith("=") and head[:-1] in ("+", "-", "|", "&", "^", "*", "<<", ">>"):
            self.assign(code[1], binary(head[:-1], self.value(code[1]), self.value(code[2])))
        elif head != "call" or code[1] != "nop":
            raise untyped(f"the statement {head}", code)

    def inner(self, statement: Code) -> None:
        """A statement of a lambda."""
        self.statement(statement)

    def branch(self, code: tuple[Code, ...]) -> None:
        """if."""
        condition = truth(self.value(code[1]))
        if isinstance(condition, Number):
            self.block_of(code[2] if condition.value else code[3])
            return
        self.forget(code)
        self.open += 1
        then, otherwise = self.block(code[2]), self.block(code[3])
        self.open -= 1
        if then or otherwise:
            self.out.append(either(condition, then, otherwise))

    def loop(self, code: tuple[Code, ...]) -> None:
        """for i in low : high, as a loop if that is possible."""
        low_end, high = self.constant(code[2]), self.constant(code[3])
        if low_end is None or high is None:
            raise untyped("a loop whose ends are not known", code)
        outer, name = self.stop, str(code[1])
        if breaks(code[4]):
            self.count += 1
            self.stop = f"done{self.count}_"
            self.locals[self.stop] = U1
            self.out.append(Node("set", None, (Node("var", U1, (), self.stop), const(U1, 0))))
        kept = dict(self.known), dict(self.locals), list(self.out), self.open
        try:
            self.rolled(name, low_end, high, code[4])
        except Untyped:
            self.known, self.locals, self.out, self.open = kept
            self.unrolled(name, low_end, high, code[4])
        self.known.pop(name, None)
        self.stop = outer

    def rolled(self, name: str, low_end: int, high: int, body: Code) -> None:
        """A loop with a counter."""
        self.forget(body)
        index = Node("index", U64, (), name)
        self.known[name] = Node("add", U64, (index, const(U64, low_end))) if low_end else index
        self.open += 1
        inside = self.guarded(body)
        self.open -= 1
        self.out.append(Node("for", None, inside, (name, high - low_end + 1)))

    def unrolled(self, name: str, low_end: int, high: int, body: Code) -> None:
        """A body for each number."""
        for number in range(low_end, high + 1):
            self.known[name] = Number(number, I32)
            self.out.extend(self.guarded(body))

    def guarded(self, body: Code) -> tuple[Node, ...]:
        """A loop's body, done until its flag is set."""
        inside = self.block(body)
        if not breaks(body) or self.stop is None:
            return inside
        return (when(Node("eq", U1, (Node("var", U1, (), self.stop), const(U1, 0))), inside),)

    def leave(self, code: tuple[Code, ...]) -> None:
        """break."""
        assert self.stop is not None, "a break is in a loop"
        self.out.append(Node("set", None, (Node("var", U1, (), self.stop), const(U1, 1))))

    def declare(self, code: tuple[Code, ...]) -> None:
        """A name with its type, perhaps many in a row."""
        name, kind = str(code[1]), str(code[2])
        if self.names.variable(name) is not None or self.names.alias.get(name) or name in self.names.given:
            return
        bits, _, letter = kind.partition("'")
        type = Type({"B": "u", "U": "u", "I": "i", "F": "f", "BF": "bf"}[letter], int(bits))
        if len(code) > 3:
            count = self.constant(code[3])
            assert count is not None, "an array's size is a number"
            self.arrays[name] = Array(type, count)
            whole = Type("u", type.bits * count)
            self.locals[name] = whole
        else:
            whole = self.locals[name] = type
        self.out.append(Node("set", None, (Node("var", whole, (), name), const(whole, 0))))

    def forget(self, code: Code) -> None:
        """What is set in a branch or a loop is not known there, nor afterwards."""
        for each in walk(code):
            if str(each[0]).endswith("=") and str(each[0]) not in ("==", "!=", "<=", ">="):
                self.settle(each[1])

    def settle(self, place: Code) -> None:
        """A name that was known becomes a variable."""
        value = self.known.pop(place, None) if isinstance(place, str) else None
        if isinstance(place, str) and value is not None and place in self.locals:
            self.write(Node("var", self.locals[place], (), place), value)

    # -- assignments ---------------------------------------------------------------------------------

    def set(self, code: tuple[Code, ...]) -> None:
        """place = value; place = place = value; a function for later."""
        place, given = code[1], code[2]
        if isinstance(given, tuple) and given[0] == "lambda":
            parameters = given[1]
            assert isinstance(parameters, tuple), "a lambda has names"
            self.lambdas[str(place)] = (tuple(map(str, parameters[1:])), given[2])
            return
        if place in ROUNDING:  # round to nearest even is what there is; others are rows
            return
        if isinstance(given, tuple) and given[0] == "=":
            self.set(given)
            given = given[1]
        self.assign(place, self.value(given))

    def assign(self, place: Code, value: Value, type: Type | None = None) -> None:
        """Put a value, converted to `type` if that is said, at a place."""
        if isinstance(place, str):
            self.assign_name(place, value, type)
            return
        assert isinstance(place, tuple), "a place is a name or a tree"
        head = place[0]
        if head == "." and (place[1], place[2]) in FIELD_ROWS:
            register, at, width = FIELD_ROWS[str(place[1]), str(place[2])]
            self.write_part(self.names.register(register), at, fit(value, Type("u", width)))
        elif head == ".":
            self.assign(place[1], value, type or type_named(str(place[2])))
        elif head == "@":
            self.assign_at(place, value, type)
        elif head in ("[:]", "+:"):
            self.assign_slice(place, value, type)
        elif head == "cat":
            self.assign_parts(place, value)
        else:
            raise untyped("a place", place)

    def assign_name(self, name: str, value: Value, type: Type | None) -> None:
        """A variable as a whole, or its lowest bits."""
        if self.names.dropped(name):
            return
        outside = None if name in self.locals else self.names.variable(name)
        if outside is not None:
            wanted = type or Type("f" if type_of(value).is_float else "u", outside.t.bits)
            self.write(outside, fit(value, wanted))
            return
        if name not in self.locals:
            self.locals[name] = type or self.first_type(name, value)
        self.known.pop(name, None)
        place = Node("var", self.locals[name], (), name)
        made = fit(value, self.locals[name])
        if isinstance(value, Number) and not self.open:
            self.known[name] = Number(value.value, self.locals[name])
        self.write(place, made)

    def first_type(self, name: str, value: Value) -> Type:
        """The type of a name that is set for the first time; as wide as its slices want."""
        found = type_of(value)
        wide = self.widths.get(name, 0)
        return Type("u", wide) if wide > found.bits else found

    def write(self, place: Node, value: Node | Value) -> None:
        """A value for a variable: all of it, or its lowest bits."""
        made = node(value)
        if made.t.bits > place.t.bits:
            made = low(bits_of(made), place.t.bits)
        if made.t.bits == place.t.bits:
            self.out.append(Node("set", None, (place, as_type(made, place.t))))
        else:
            self.write_part(place, 0, made)

    def write_part(self, place: Node, at: int, value: Node) -> None:
        """A value for bits of a variable from a place on."""
        if at == 0 and value.t.bits == place.t.bits:
            self.out.append(Node("set", None, (place, as_type(value, place.t))))
            return
        part = Node("slice", Type("u", value.t.bits), (place, const(U64, at)))
        self.out.append(Node("set", None, (part, bits_of(value))))

    def assign_at(self, place: tuple[Code, ...], value: Value, type: Type | None) -> None:
        """x[i] = value: memory, an element, this lane's bit, a register by its number, a bit."""
        base, at = place[1], place[2]
        if base == "MEM":
            if self.names.memory is None:
                raise untyped("memory without an address", place)
            self.names.memory.store(self, self.value(at), fit(value, type or type_of(value)))
        elif isinstance(base, str) and base in self.arrays:
            array = self.arrays[base]
            whole = Node("var", Type("u", array.element.bits * array.count), (), base)
            part = Node("element", array.element, (whole, self.index(at)))
            self.out.append(Node("set", None, (part, fit(value, array.element))))
        elif base == "SGPR":
            self.assign_register(at, fit(value, type or type_of(value)))
        elif (lane := self.lane_bit(base, at, written=True)) is not None:
            self.out.append(Node("set", None, (lane, fit(truth(value), U1))))
        elif (own := self.own_register(place)) is not None:
            self.write(own, fit(value, type or type_of(value)))
        else:
            self.assign_slice(("[:]", base, at, at), value, U1)

    def assign_register(self, at: Code, value: Node) -> None:
        """A scalar register by its number, or several."""
        file, first, bits = self.names.register("SGPR"), fit(self.value(at), U64), bits_of(value)
        for n in range(value.t.bits // 32):
            where = Node("add", U64, (first, const(U64, n))) if n else first
            part = Node("slice", Type("u", 32), (bits, const(U64, 32 * n))) if value.t.bits > 32 else bits
            self.out.append(Node("set", None, (Node("element", Type("u", 32), (file, where)), part)))

    def assign_slice(self, place: tuple[Code, ...], value: Value, type: Type | None) -> None:
        """x[high : low] = value; where the place is computed, with a mask."""
        base = place[1]
        while isinstance(base, tuple) and base[0] == ".":
            base = base[1]
        if isinstance(base, str) and self.names.dropped(base):
            return
        if place[0] == "+:":
            width, at = self.constant(place[3]), place[2]
            assert width is not None, "a slice has a constant width"
        else:
            width, at = self.span(place[2], place[3]), place[3]
        made = bits_of(fit(value, type or Type("u", width)))
        if made.t.bits != width:
            made = bits_of(fit(made, Type("u", width)))
        target = self.target(base)
        number = self.constant(at)
        if number is not None:
            self.write_part(target, number, made)
            return
        whole = as_type(target, Type("u", target.t.bits))
        shifted = node(binary("<<", fit(made, whole.t), self.value(at)))
        mask = node(binary("<<", const(whole.t, (1 << width) - 1), self.value(at)))
        kept = Node("and", whole.t, (whole, Node("not", whole.t, (mask,))))
        self.write(target, Node("or", whole.t, (kept, shifted)))

    def target(self, base: Code) -> Node:
        """The variable whose bits are set."""
        if isinstance(base, tuple):
            own = self.own_register(base)
            if own is None:
                raise untyped("bits of a place", base)
            return own
        name = str(base)
        outside = None if name in self.locals else self.names.variable(name)
        if outside is not None:
            return outside
        if name not in self.locals:
            if name not in self.widths:
                raise untyped(f"bits of {name}, whose width is not known", base)
            self.locals[name] = Type("u", self.widths[name])
            self.out.append(
                Node("set", None, (Node("var", self.locals[name], (), name), const(self.locals[name], 0)))
            )
        self.settle(name)
        return Node("var", self.locals[name], (), name)

    def assign_parts(self, place: tuple[Code, ...], value: Value) -> None:
        """{ high, low } = value."""
        whole = bits_of(value)
        whole = self.fresh(whole)
        at = 0
        for part in reversed(place[1:]):
            type = type_named(str(part[2])) if isinstance(part, tuple) and part[0] == "." else None
            variable = self.names.variable(part) if isinstance(part, str) else None
            type = variable.t if variable is not None else type
            if type is None:
                raise untyped("a part of a place", place)
            self.assign(part, Node("slice", Type("u", type.bits), (whole, const(U64, at))))
            at += type.bits


def breaks(code: Code) -> bool:
    """Does a statement leave the loop around it?"""
    if not isinstance(code, tuple):
        return False
    return code[0] == "break" or (code[0] in ("do", "if") and any(map(breaks, code[1:])))


def sliced(code: Code) -> dict[str, int]:
    """The bits of names whose slices are set: the highest, and one more."""
    found: dict[str, int] = {}
    for each in walk(code):
        if each[0] != "=":
            continue
        place = each[1]
        while isinstance(place, tuple) and place[0] == ".":
            place = place[1]
        if (
            isinstance(place, tuple)
            and place[0] == "[:]"
            and isinstance(place[1], str)
            and isinstance(place[2], int)
        ):
            found[place[1]] = max(found.get(place[1], 0), place[2] + 1)
    return found


def pruned(tree: Tree, names: frozenset[str]) -> Tree:
    """A tree without the names of its own that nobody reads."""
    while True:
        read = set(names_read(tree))
        made = tuple(_pruned(each, names - read) for each in tree)
        kept = tuple(each for each in made if each is not None)
        if kept == tree:
            return tree
        tree = kept


def _pruned(statement: Node, unread: frozenset[str]) -> Node | None:
    if statement.op == "set":
        place = statement.src[0]
        name = place.arg if place.op == "var" else place.src[0].arg
        return None if name in unread else statement
    if statement.op in ("for", "block", "if"):
        head = statement.src[:1] if statement.op == "if" else ()
        made = [_pruned(each, unread) for each in statement.src[len(head) :]]
        inside = tuple(each for each in made if each is not None)
        if statement.op == "for" and not inside:
            return None
        if statement.op == "if" and not any(each.src for each in inside):
            return None
        return Node(statement.op, None, (*head, *inside), statement.arg)
    return statement


def names_read(tree: Tree) -> list[str]:
    """The variables that are read; one that is set, as a whole or in part, is not read there."""
    found: list[str] = []
    rest = list(tree)
    while rest:
        one = rest.pop()
        if one.op == "set":
            place, value = one.src
            rest.append(value)
            rest.extend(place.src[1:])
        elif one.op == "var":
            found.append(one.arg)
        else:
            rest.extend(one.src)
    return found


_STATEMENTS: dict[str, Callable[[Statements, tuple[Code, ...]], None]] = {
    "=": Statements.set,
    "if": Statements.branch,
    "for": Statements.loop,
    "break": Statements.leave,
    "declare": Statements.declare,
    "str": lambda self, code: None,
}
