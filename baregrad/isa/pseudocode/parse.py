"""Reads AMD's pseudocode: one body of an instruction becomes one tree (tree.py).

The language: assignments (also to several places at once, `{ hi, lo } = …`), if / elsif / else / endif,
for … in a : b do … endfor, while … endwhile, declare, functions and lambdas, return, break, calls. Values
have C's operators and their order, `<>` for "not equal", `**`, bit slices `x[7 : 0]` and `x[low +: width]`,
types behind a dot (`S0.u32`), sized casts (`64'U(x)`) and sized numbers (`1'0U`, `16'1.0`), `{ a, b }` as
concatenation. Statements end with a semicolon or a line; conversions of manuals lose some of both.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from baregrad.base.errors import BadFile
from baregrad.isa.pseudocode.tree import Node

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<comment>//[^\n]*)
  | (?P<string>"[^"]*")
  | (?P<dims>[1-9]\d*x\d+)
  | (?P<cast>\d+'[A-Z]+(?=\s*[\(\[;,)]|\s*$|\s))
  | (?P<number>(?:\d+'-?)?(?:0x[0-9a-fA-F]+|\d+\.(?!\.)\d*(?:[eE][-+]?\d+)?|\d+)
               (?:ULL|LL|U|L|F)?)(?![A-Za-z_])
  | (?P<name>[A-Za-z_][A-Za-z_0-9]*)
  | (?P<sign><<=|>>=|<<|>>|<>|<=|>=|==|!=|&&|\|\||\+=|-=|\|=|&=|\^=|\*=|\+\+|--|\+:|\*\*|=>|\.\.
             |[-+*/%&|^~!<>=?:.,;()\[\]{}])
    )""",
    re.VERBOSE,
)
LEVELS = (
    ("||",), ("&&",), ("|",), ("^",), ("&",), ("==", "!=", "<>"), ("<", "<=", ">", ">="), ("<<", ">>"),
    ("+", "-"), ("*", "/", "%"), ("**",),
)  # fmt: skip
SETS = frozenset(("=", "+=", "-=", "|=", "&=", "^=", "*=", "<<=", ">>="))
ENDS = frozenset(("endif", "else", "elsif", "endfor", "endwhile", "endfunction"))
WORDS = ENDS | {
    "if",
    "then",
    "for",
    "in",
    "do",
    "while",
    "declare",
    "return",
    "break",
    "function",
    "lambda",
    "eval",
}


class Unreadable(BadFile):
    """A body that is not in the language; the message names the place.

    >>> parse("D0.u32 = = S0.u32")
    Traceback (most recent call last):
    baregrad.isa.pseudocode.parse.Unreadable: '=' where a value is wanted
      why : near: D0 . u32 = >>> = S0 . u32
      mend: add an erratum for the body, or teach parse.py the construct
    """


def tokens(text: str) -> list[str]:
    """The tokens of a body, without comments. Errors: Unreadable."""
    found, at, end = [], 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise Unreadable(
                f"{text[at : at + 12]!r} begins no token",
                why=f"near: {text[max(0, at - 40) : at]}",
                mend="add an erratum for the body, or teach parse.py the token",
            )
        at = match.end()
        if match.lastgroup != "comment":
            found.append(match[0].strip())
    return found


def parse(text: str) -> Node:
    """The tree of a body: ("do", statement, ...). Errors: Unreadable.

    >>> parse("tmp = S0.u32 + 1U;\\nD0 = tmp[7 : 0]")
    ('do', ('=', 'tmp', ('+', ('.', 'S0', 'u32'), ('num', '1U'))), ('=', 'D0', ('[:]', 'tmp', 7, 0)))
    """
    parser = _Parser(tokens(text))
    body = parser.statements()
    if parser.peek():
        raise parser.wrong("a statement")
    return body


class _Parser:
    """Recursive descent over tokens."""

    def __init__(self, given: Sequence[str]) -> None:
        self.tokens, self.at = given, 0

    def peek(self, ahead: int = 0) -> str:
        return self.tokens[self.at + ahead] if self.at + ahead < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        token = self.peek()
        if not token or (wanted and token != wanted):
            raise self.wrong(repr(wanted) if wanted else "more")
        self.at += 1
        return token

    def took(self, *wanted: str) -> str:
        if self.peek() in wanted and self.peek():
            self.at += 1
            return self.tokens[self.at - 1]
        return ""

    def wrong(self, wanted: str) -> Unreadable:
        before = " ".join(self.tokens[max(0, self.at - 8) : self.at])
        after = " ".join(self.tokens[self.at : self.at + 6])
        return Unreadable(
            f"{self.peek() or 'the end'!r} where {wanted} is wanted",
            why=f"near: {before} >>> {after}",
            mend="add an erratum for the body, or teach parse.py the construct",
        )

    # -- statements ------------------------------------------------------------------------------------

    def statements(self) -> Node:
        found: list[Node] = ["do"]
        while self.peek() and self.peek() not in ENDS:
            if not self.took(";", "."):
                found.append(self.statement())
        return tuple(found)

    def statement(self) -> Node:
        word = self.peek()
        if word in ("if", "for", "while", "declare", "return", "function"):
            return getattr(self, f"{word}_")()  # type: ignore[no-any-return]
        if word == "break":
            return (self.take(),)
        if word == "eval":
            self.take()
            return ("eval", self.primary())
        place = self.value()
        sign = self.took(*SETS)
        if sign == "=":
            return ("=", place, self.chained())
        if sign:
            return (sign, place, self.value())
        step = self.took("++", "--")
        if step:
            return (step[0] + "=", place, 1)
        return place

    def body(self, *ends: str) -> Node:
        """Statements up to one of these words, or in braces as C writes them."""
        if self.took("{"):
            found: list[Node] = ["do"]
            while not self.took("}"):
                if not self.took(";"):
                    found.append(self.statement())
            return tuple(found)
        found_node = self.statements()
        if ends:
            self.take(self.peek() if self.peek() in ends else ends[0])
        return found_node

    def if_(self) -> Node:
        self.take()
        condition = self.value()
        if self.peek() == "{":
            then = self.body()
        else:
            self.took("then")
            then = self.statements()
        if self.peek() == "elsif":
            return ("if", condition, then, ("do", self.if_()))
        otherwise: Node = ("do",)
        in_braces = self.tokens[self.at - 1] == "}"
        if self.took("else"):
            if self.peek() == "if" and in_braces:
                otherwise = ("do", self.if_())
            else:
                otherwise = self.body()
        if not self.took("endif") and not in_braces:
            raise self.wrong("endif")
        return ("if", condition, then, otherwise)

    def for_(self) -> Node:
        self.take()
        if self.took("("):
            return self.c_loop()
        name = self.take()
        self.took("in", "=")
        low = self.value()
        self.took(":", "..")
        high = self.value()
        self.took("do")
        return ("for", name, low, high, self.body("endfor"))

    def c_loop(self) -> Node:
        """for (i = a; i < b; i += step) { … }."""
        first = self.statement()
        self.take(";")
        condition = self.value()
        self.take(";")
        step = self.statement()
        self.take(")")
        body = self.body()
        assert isinstance(body, tuple), "a body is a list of statements"
        return ("do", first, ("while", condition, (*body, step)))

    def while_(self) -> Node:
        self.take()
        condition = self.value()
        self.took("do")
        return ("while", condition, self.body("endwhile"))

    def declare_(self) -> Node:
        self.take()
        name = self.take()
        self.take(":")
        kind = self.take()
        size: list[Node] = []
        while self.took("["):
            size.append(self.value())
            self.take("]")
        return ("declare", name, kind, *size)

    def return_(self) -> Node:
        self.take()
        return ("return", self.value())

    def function_(self) -> Node:
        self.take()
        name = self.take()
        names = self.names()
        self.took(":")
        return ("=", name, ("lambda", names, self.body("endfunction")))

    def names(self) -> Node:
        self.take("(")
        found: list[Node] = ["names"]
        while not self.took(")"):
            found.append(self.take())
            if self.took(":"):
                self.take()
            self.took(",")
        return tuple(found)

    def chained(self) -> Node:
        """A value, or a place that is set first (a = b = value), or high:low."""
        value = self.value()
        if self.took(":"):
            return ("cat", value, self.value())
        return ("=", value, self.chained()) if self.took("=") else value

    # -- values ----------------------------------------------------------------------------------------

    def value(self) -> Node:
        condition = self.binary(0)
        if not self.took("?"):
            return condition
        a = self.value()
        self.take(":")
        return ("?", condition, a, self.value())

    def binary(self, level: int) -> Node:
        if level == len(LEVELS):
            return self.unary()
        left = self.binary(level + 1)
        while self.peek() in LEVELS[level]:
            sign = self.take()
            left = ("!=" if sign == "<>" else sign, left, self.binary(level + 1))
        return left

    def unary(self) -> Node:
        sign = self.took("-", "!", "~", "+")
        if not sign:
            return self.postfix(self.primary())
        operand = self.unary()
        if sign == "-" and isinstance(operand, int):
            return -operand
        return operand if sign == "+" else ("neg" if sign == "-" else sign, operand)

    def postfix(self, value: Node) -> Node:
        while True:
            if self.peek() == "." and self.peek(1)[:1].isalnum() and self.peek(1) not in WORDS:
                self.take()
                value = (".", value, self.take())
            elif self.took("["):
                value = self.subscript(value)
            elif self.peek() == "(" and isinstance(value, tuple) and value[0] == ".":
                self.take()
                value = ("call", value, *self.list(")"))
            else:
                return value

    def subscript(self, value: Node) -> Node:
        first = self.value()
        if self.took("+:"):
            found: Node = ("+:", value, first, self.value())
        elif self.took(":"):
            found = ("[:]", value, first, self.value())
        else:
            found = ("@", value, first)
        self.take("]")
        return found

    def list(self, end: str) -> tuple[Node, ...]:
        found: list[Node] = []
        while not self.took(end):
            found.append(self.value())
            if self.peek() != end:
                self.take(",")
        return tuple(found)

    def primary(self) -> Node:
        token = self.take()
        if token == "(":
            value = self.value()
            if self.took(","):
                return ("tuple", value, *self.list(")"))
            self.take(")")
            return value
        if token == "{":
            return ("cat", *self.list("}"))
        if token == "lambda":
            return self.lambda_()
        found = self.literal(token)
        return self.name(token) if found is None else found

    def literal(self, token: str) -> Node | None:
        """A text, matrix dimensions, a cast or a number; None for another token."""
        if token[0] == '"':
            return ("str", token)
        if re.fullmatch(r"[1-9]\d*x\d+", token):
            return ("dims", *map(int, token.split("x")))
        if re.fullmatch(r"\d+'[A-Z]+", token):
            self.take("(")
            value = self.value()
            self.take(")")
            return ("cast", token.replace("'", ""), value)
        return number(token) if token[0].isdigit() else None

    def name(self, token: str) -> Node:
        """A name, in one word or several, or a call."""
        if (token in WORDS and token != "in") or not is_name(token):
            self.at -= 1
            raise self.wrong("a value")
        if token == "sparse":
            return ("sparse", self.primary())
        while is_name(self.peek()) and self.peek() not in WORDS:  # a name in words: vector mask
            token += f"_{self.take()}"
        if self.took("("):
            return ("call", token, *self.list(")"))
        return token

    def lambda_(self) -> Node:
        names = self.names()
        self.take("(")
        if self.peek() in ("if", "declare", "for", "while", "return"):
            inner: list[Node] = ["do"]
            while not self.took(")"):
                if not self.took(";"):
                    inner.append(self.statement())
            return ("lambda", names, tuple(inner))
        value = self.value()
        self.take(")")
        return ("lambda", names, value)


def is_name(token: str) -> bool:
    """Whether a token is a name or a word of the language."""
    return token[:1].isalpha() or token[:1] == "_"


def number(token: str) -> Node:
    """A number: an integer where nothing is said of its type, else ("num", text).

    >>> number("0x1f"), number("1'0U"), number("16'1.0"), number("4LL")
    (31, ('num', '1:0U'), ('num', '16:1.0'), ('num', '4LL'))
    """
    if token.isdigit():
        return int(token)
    if re.fullmatch(r"0x[0-9a-fA-F]+", token):
        return int(token, 16)
    return ("num", token.replace("'", ":"))
