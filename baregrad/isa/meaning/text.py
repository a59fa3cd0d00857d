"""The text form of meaning trees: a parser that finds every type, and the way back.

    statement   name = e | name.T[e] = e | name[e] = e | name[7:4] = e | store(address, e) | trap name: e
                for i in x.T { … } (the elements of x) | for i < 8 { … } | if e { … } else { … }
    operators   c ? a : b, then == != < <= > >=, then |, ^, &, << >>, + -, * /, then ~ and - before a value
    values      0x1F 2.5 (of the type that the other side has), T(2.5), name, x.T, x.T[e], x[e], x[7:4],
                x.u and x.i (as unsigned, as signed), sqrt(x) …, load(T, address), address(name, lane),
                undefined(T); load(T, address, lds) and store(address, e, lds) are of another memory

Statements stand on lines or between semicolons. A function is text too (a table name -> parameters, body),
expanded where it is called, so that it works for every type. What operations mean is in tree.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from baregrad.base.errors import EncodingError
from baregrad.isa.meaning.tree import I32, OPS, U1, U64, Node, Tree, Type, const, type_of
from baregrad.isa.meaning.values import encode

Function = tuple[tuple[str, ...], str]
"""Parameters, and an expression over them."""

Expr = Node | int | float  # a literal has no type until it meets one

_TOKEN = re.compile(
    r"\s*(0x[0-9a-fA-F]+|\d+\.\d+(?:e[+-]?\d+)?|\d+|[A-Za-z_]\w*"
    r"|<<|>>|==|!=|<=|>=|[-+*/&|^~<>=?:.,()\[\]{};])"
)
_LEVELS: tuple[dict[str, str], ...] = (
    {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"},
    {"|": "or"},
    {"^": "xor"},
    {"&": "and"},
    {"<<": "shl", ">>": "shr"},
    {"+": "add", "-": "sub"},
    {"*": "mul", "/": "div"},
)
_PLAIN = frozenset(row.name for row in OPS.values() if not row.symbol)


def parse(text: str, variables: Mapping[str, int], functions: Mapping[str, Function] | None = None) -> Tree:
    """The tree of a text over variables of these widths.

    Errors: EncodingError for text that is none, for types that do not fit, for unknown names.

    >>> [show(s) for s in parse("r = a + b; if r == 0 { a = r }", {"a": 8, "b": 8})]
    ['r = a + b', 'if r == u8(0) { a = r } else { }']
    """
    parser = _Parser(text, variables, functions or {})
    found = parser.statements(end="")
    return tuple(found)


class _Parser:
    """A text that is being read; `names` are the types of variables, `loops` the counters."""

    def __init__(self, text: str, variables: Mapping[str, int], functions: Mapping[str, Function]) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.at = 0
        self.names = {name: Type("u", bits) for name, bits in variables.items()}
        self.functions = functions
        self.loops: list[str] = []
        self.bound: dict[str, Expr] = {}

    # -- tokens --------------------------------------------------------------------------------------

    def wrong(self, what: str) -> EncodingError:
        """The error for this place."""
        near = " ".join(self.tokens[max(0, self.at - 6) : self.at + 3])
        return EncodingError(
            f"{what}, near {near!r}", why=f"the meaning {self.text!r}", mend="see isa/meaning/text.py"
        )

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        token = self.peek()
        if (wanted and token != wanted) or not token:
            raise self.wrong(f"{token or 'the end'!r} where {wanted or 'something'!r} is wanted")
        self.at += 1
        return token

    def took(self, token: str) -> bool:
        if self.peek() != token:
            return False
        self.at += 1
        return True

    # -- statements ----------------------------------------------------------------------------------

    def statements(self, end: str) -> list[Node]:
        found = []
        while self.peek() != end:
            if self.took(";"):
                continue
            found.append(self.statement())
            if self.peek() not in (end, ";") and found[-1].op not in ("for", "if"):
                raise self.wrong("two statements without a semicolon")
        return found

    def block(self) -> tuple[Node, ...]:
        self.take("{")
        found = tuple(self.statements("}"))
        self.take("}")
        return found

    def statement(self) -> Node:
        word = self.peek()
        if word == "for":
            return self.loop()
        if word == "if":
            self.take()
            condition = self.typed(self.expression(), U1)
            then = Node("block", None, self.block())
            otherwise = Node("block", None, self.block() if self.took("else") else ())
            return Node("if", None, (condition, then, otherwise))
        if word == "trap":
            self.take()
            name = self.take()
            self.take(":")
            return Node("trap", None, (self.typed(self.expression(), U1),), name)
        if word == "store":
            self.take()
            self.take("(")
            address = self.typed(self.expression(), U64)
            self.take(",")
            value = self.node(self.expression())
            return Node("store", None, (address, value), self.space())
        return self.assignment()

    def loop(self) -> Node:
        self.take("for")
        name = self.take()
        if self.took("<"):
            count = int(self.take(), 0)
        else:
            self.take("in")
            over = self.named(self.take())
            self.take(".")
            element = type_of(self.take())
            if element is None:
                raise self.wrong("a loop over elements of no type")
            count = over.t.bits // element.bits
        self.loops.append(name)
        body = self.block()
        self.loops.pop()
        return Node("for", None, body, (name, count))

    def assignment(self) -> Node:
        name = self.take()
        if self.took("="):
            value = self.expression()
            if name not in self.names:
                self.names[name] = self.node(value).t
            place = Node("var", self.names[name], (), name)
            return Node("set", None, (place, self.fitting(value, place.t)))
        place = self.postfix(self.named(name))
        if place.op not in ("element", "slice"):
            raise self.wrong("a place is a variable, an element or a slice of one")
        self.take("=")
        return Node("set", None, (place, self.fitting(self.expression(), place.t)))

    def fitting(self, value: Expr, type: Type) -> Node:
        """A value for a place: of its type, or an integer of as many bits."""
        if not isinstance(value, Node):
            return self.typed(value, type)
        if value.t != type and (value.t.bits != type.bits or value.t.is_float or type.is_float):
            raise self.wrong(f"a {value.t.name} for a place of {type.name}")
        return value

    # -- expressions ---------------------------------------------------------------------------------

    def node(self, value: Expr) -> Node:
        """A value that has a type."""
        if isinstance(value, Node):
            return value
        raise self.wrong(f"the type of {value!r} is not known")

    def typed(self, value: Expr, type: Type) -> Node:
        """A value of this type; a literal takes it on."""
        if not isinstance(value, Node):
            return const(type, encode(type, value))
        if value.t != type:
            raise self.wrong(f"a {value.t.name} where {type.name} is wanted")
        return value

    def count(self, value: Expr) -> Node:
        """An index: a literal is u64, other integers as they are."""
        return value if isinstance(value, Node) else const(U64, int(value))

    def expression(self) -> Expr:
        condition = self.binary(0)
        if not self.took("?"):
            return condition
        a = self.expression()
        self.take(":")
        b = self.expression()
        a, b = self.pair(a, b)
        return Node("select", a.t, (self.typed(condition, U1), a, b))

    def pair(self, a: Expr, b: Expr) -> tuple[Node, Node]:
        """Two values of one type."""
        if not isinstance(a, Node):
            b = self.node(b)
            return self.typed(a, b.t), b
        return a, self.typed(b, a.t)

    def binary(self, level: int) -> Expr:
        if level == len(_LEVELS):
            return self.unary()
        left = self.binary(level + 1)
        while self.peek() in _LEVELS[level]:
            op = _LEVELS[level][self.take()]
            left = self.join(op, left, self.binary(level + 1))
        return left

    def join(self, op: str, a: Expr, b: Expr) -> Expr:
        if op in ("shl", "shr"):
            left = self.node(a)
            return Node(op, left.t, (left, self.count(b)))
        if not isinstance(a, Node) and not isinstance(b, Node):
            raise self.wrong(f"{op} of two literals")
        left, right = self.pair(a, b)
        if op in ("gt", "ge"):
            op, left, right = {"gt": "lt", "ge": "le"}[op], right, left
        if (OPS[op].rule == "int" and left.t.is_float) or (OPS[op].rule == "float" and not left.t.is_float):
            raise self.wrong(f"{op} of {left.t.name}")
        return Node(op, U1 if OPS[op].rule == "test" else left.t, (left, right))

    def unary(self) -> Expr:
        if self.took("-"):
            inner = self.unary()
            return Node("neg", inner.t, (inner,)) if isinstance(inner, Node) else -inner
        if self.took("~"):
            operand = self.node(self.unary())
            return Node("not", operand.t, (operand,))
        value = self.primary()
        while isinstance(value, Node) and self.peek() in (".", "["):
            value = self.postfix(value)
        return value

    def postfix(self, value: Node) -> Node:
        """One .T, .T[e], [e] or [7:4]."""
        if self.took("."):
            word = self.take()
            type = Type(word, value.t.bits) if word in ("u", "i") else type_of(word)
            if type is None:
                raise self.wrong(f"no type {word!r}")
            if self.peek() != "[":
                if type.bits != value.t.bits:
                    raise self.wrong(f"{value.t.name} has not the bits of {type.name}")
                return const(type, value.arg) if value.op == "const" else Node("as", type, (value,))
            self.take("[")
            place = self.count(self.expression())
            self.take("]")
            return Node("element", type, (value, place))
        self.take("[")
        high = self.count(self.expression())
        if not self.took(":"):
            self.take("]")
            return Node("slice", U1, (value, high))
        low = self.count(self.expression())
        self.take("]")
        if high.op != "const" or low.op != "const" or high.arg < low.arg:
            raise self.wrong("the ends of a slice are numbers, the high one first")
        return Node("slice", Type("u", high.arg - low.arg + 1), (value, low))

    def primary(self) -> Expr:
        token = self.take()
        if token == "(":
            value = self.expression()
            self.take(")")
            return value
        if token[0].isdigit():
            return float(token) if "." in token else int(token, 0)
        if not self.took("("):
            return self.bound[token] if token in self.bound else self.named(token)
        type = type_of(token)
        if type is None:
            return self.call(token)
        value = self.expression()
        self.take(")")
        return Node("convert", type, (value,)) if isinstance(value, Node) else self.typed(value, type)

    def named(self, name: str) -> Node:
        """A variable or a counter."""
        if name in self.loops:
            return Node("index", U64, (), name)
        if name not in self.names:
            raise self.wrong(f"no variable {name!r}")
        return Node("var", self.names[name], (), name)

    def call(self, name: str) -> Expr:
        """A function whose opening parenthesis was taken."""
        if name in ("load", "undefined"):
            type = type_of(self.take())
            if type is None:
                raise self.wrong(f"{name} is of a type")
            if name == "undefined":
                self.take(")")
                return Node(name, type)
            self.take(",")
            return Node(name, type, (self.typed(self.expression(), U64),), self.space())
        if name == "address":
            operand = self.take()
            lane = self.count(self.expression()) if self.took(",") else const(U64, 0)
            self.take(")")
            return Node("address", U64, (lane,), operand)
        arguments = [self.expression()]
        while self.took(","):
            arguments.append(self.expression())
        self.take(")")
        return self.operation(name, arguments) if name in _PLAIN else self.expand(name, arguments)

    def space(self) -> str:
        """What may stand before the end of a load or a store: which memory."""
        found = self.take() if self.took(",") else ""
        self.take(")")
        return found

    def operation(self, name: str, arguments: list[Expr]) -> Node:
        if len(arguments) != OPS[name].arity:
            raise self.wrong(f"{name} takes {OPS[name].arity} values")
        if name == "cat":
            high, low = map(self.node, arguments)
            return Node("cat", Type("u", high.t.bits + low.t.bits), (high, low))
        if name == "ldexp":
            number = self.node(arguments[0])
            return Node(name, number.t, (number, self.typed(arguments[1], I32)))
        known = next((value for value in arguments if isinstance(value, Node)), None)
        type = self.node(arguments[0] if known is None else known).t
        if type.is_float != (OPS[name].rule == "float"):
            raise self.wrong(f"{name} of {type.name}")
        return Node(name, type, tuple(self.typed(value, type) for value in arguments))

    def expand(self, name: str, arguments: list[Expr]) -> Expr:
        """A function's body with its parameters bound."""
        if name not in self.functions:
            raise self.wrong(f"no function {name!r}")
        parameters, body = self.functions[name]
        if len(parameters) != len(arguments):
            raise self.wrong(f"{name} takes {', '.join(parameters)}")
        inner = _Parser(body, {}, self.functions)
        inner.bound = dict(zip(parameters, arguments, strict=True))
        value = inner.expression()
        if inner.peek():
            raise inner.wrong("more than an expression")
        return value


def called(name: str, arguments: Sequence[Node], functions: Mapping[str, Function]) -> Node:
    """An operation that is written as a call, or a function of a table, of these values.

    >>> show(called("double", [const(U64, 3)], {"double": (("x",), "x + x")}))
    'u64(3) + u64(3)'
    """
    parser = _Parser("", {}, functions)
    made = parser.operation if name in _PLAIN else parser.expand
    return parser.node(made(name, list(arguments)))


def _tokens(text: str) -> list[str]:
    found, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise EncodingError(
                f"{text[at : at + 10]!r} in a meaning",
                why="no token begins so",
                mend="see isa/meaning/text.py",
            )
        found.append(match[1])
        at = match.end()
    return found


# -- the way back ----------------------------------------------------------------------------------


def show(node: Node) -> str:
    """The text of a statement or an expression; `parse` gives the same nodes.

    >>> show(parse("for i in x.u8 { x.u8[i] = ~x.u8[i] }", {"x": 16})[0])
    'for i < 2 { x.u8[i] = ~x.u8[i] }'
    """
    if node.op in _SHOWN:
        return _SHOWN[node.op](node)
    symbol = OPS[node.op].symbol
    parts = [show(source) for source in node.src]
    if not symbol:
        return f"{node.op}({', '.join(parts)})"
    inner = [
        f"({part})" if OPS.get(source.op) and OPS[source.op].symbol in _SIGNS else part
        for part, source in zip(parts, node.src, strict=True)
    ]
    return f"{symbol}{inner[0]}" if len(inner) == 1 else f"{inner[0]} {symbol} {inner[1]}"


_SIGNS = {row.symbol for row in OPS.values()} - {"", "T()", ".T", ".T[]", "[:]"}


def _base(node: Node) -> str:
    text = show(node.src[0])
    return f"({text})" if node.src[0].op in OPS and OPS[node.src[0].op].symbol in _SIGNS else text


def _show_slice(node: Node) -> str:
    low, bits = node.src[1], node.t.bits
    base = f"({show(node.src[0])})" if node.src[0].op == "as" else _base(node)  # x.T[ begins an element
    if bits == 1 and low.op != "const":
        return f"{base}[{show(low)}]"
    return f"{base}[{low.arg + bits - 1}:{low.arg}]"


def _show_const(node: Node) -> str:
    if node.t.is_float:
        return f"u{node.t.bits}({node.arg:#x}).{node.t.name}"
    return f"{node.t.name}({node.arg if node.arg < 1024 else hex(node.arg)})"


def _show_select(node: Node) -> str:
    parts = (f"({show(s)})" if s.op in OPS and OPS[s.op].symbol in _SIGNS else show(s) for s in node.src)
    return "{} ? {} : {}".format(*parts)


def _show_load(node: Node) -> str:
    space = [node.arg] if node.arg else []
    return f"{node.op}({', '.join([node.t.name, *map(show, node.src), *space])})"


def _show_if(node: Node) -> str:
    return f"if {show(node.src[0])} {show(node.src[1])} else {show(node.src[2])}"


def _show_block(node: Node) -> str:
    inside = "; ".join(map(show, node.src))
    return f"{{ {inside} }}" if inside else "{ }"


_SHOWN: dict[str, Callable[[Node], str]] = {
    "const": _show_const,
    "var": lambda n: str(n.arg),
    "index": lambda n: str(n.arg),
    "load": _show_load,
    "undefined": _show_load,
    "address": lambda n: f"address({n.arg}, {show(n.src[0])})",
    "convert": lambda n: f"{n.t.name}({show(n.src[0])})",
    "as": lambda n: f"{_base(n)}.{n.t.name}",
    "element": lambda n: f"{_base(n)}.{n.t.name}[{show(n.src[1])}]",
    "slice": _show_slice,
    "select": _show_select,
    "set": lambda n: f"{show(n.src[0])} = {show(n.src[1])}",
    "store": lambda n: f"store({', '.join([*map(show, n.src), *([n.arg] if n.arg else [])])})",
    "for": lambda n: f"for {n.arg[0]} < {n.arg[1]} {_show_block(n)}",
    "if": _show_if,
    "block": _show_block,
    "trap": lambda n: f"trap {n.arg}: {show(n.src[0])}",
}
