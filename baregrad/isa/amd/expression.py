"""Expressions of assembly: integers, symbols, C's operators, max() and min().

The sides of an expression may name symbols that are set later: they are asked for when it is evaluated.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping

from baregrad.base.errors import EncodingError

_TOKEN = re.compile(r"\s*(0x[0-9a-fA-F]+|\d+|[A-Za-z_.$][\w.$]*|<<|>>|&&|\|\||==|!=|<=|>=|[-+*/%&|^~!<>(),])")
_LEVELS: tuple[dict[str, Callable[[int, int], int]], ...] = (
    {"||": lambda a, b: int(bool(a or b))},
    {"&&": lambda a, b: int(bool(a and b))},
    {"==": lambda a, b: int(a == b), "!=": lambda a, b: int(a != b), "<": lambda a, b: int(a < b),
     "<=": lambda a, b: int(a <= b), ">": lambda a, b: int(a > b), ">=": lambda a, b: int(a >= b)},
    {"|": operator.or_},
    {"^": operator.xor},
    {"&": operator.and_},
    {"<<": operator.lshift, ">>": operator.rshift},
    {"+": operator.add, "-": operator.sub},
    {"*": operator.mul, "/": operator.floordiv, "%": operator.mod},
)  # fmt: skip
_SIGNS: dict[str, Callable[[int], int]] = {
    "-": operator.neg, "+": operator.pos, "~": operator.invert, "!": lambda a: int(not a)
}  # fmt: skip
_CALLS: dict[str, Callable[..., int]] = {"max": max, "min": min}
MOST_SHIFT = 1 << 12


def evaluate(
    text: str, symbol: Callable[[str], int], calls: Mapping[str, Callable[..., int]] | None = None
) -> int:
    """The value of an expression; `symbol` gives those of its names, `calls` more functions than max and min.

    Errors: EncodingError for what is no expression, or divides by 0, or shifts too far.

    >>> evaluate("max(4, n) * 2 + (1 << 3)", {"n": 5}.__getitem__)
    18
    """
    tokens, at = [], 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _wrong(text, f"{text[at:].strip()[:10]!r} begins nothing that it knows")
        tokens.append(match[1])
        at = match.end()
    parser = _Parser(text, tokens, symbol, {**_CALLS, **(calls or {})})
    value = parser.binary(0)
    if parser.tokens:
        raise _wrong(text, f"{parser.tokens[-1]!r} stands behind its end")
    return value


def _wrong(text: str, why: str) -> EncodingError:
    return EncodingError(
        f"the expression {text.strip()!r}", why=why, mend="use integers, symbols, C's operators, max and min"
    )


class _Parser:
    """Tokens, the next one last."""

    def __init__(
        self,
        text: str,
        tokens: list[str],
        symbol: Callable[[str], int],
        calls: Mapping[str, Callable[..., int]],
    ) -> None:
        self.text, self.tokens, self.symbol, self.calls = text, tokens[::-1], symbol, calls

    def take(self, wanted: str = "") -> str:
        if not self.tokens or (wanted and self.tokens[-1] != wanted):
            raise _wrong(self.text, f"{wanted or 'a value'!r} is missing")
        return self.tokens.pop()

    def binary(self, level: int) -> int:
        if level == len(_LEVELS):
            return self.unary()
        left = self.binary(level + 1)
        while self.tokens and self.tokens[-1] in _LEVELS[level]:
            sign = self.tokens.pop()
            right = self.binary(level + 1)
            if (sign in "/%" and not right) or (sign in ("<<", ">>") and not 0 <= right < MOST_SHIFT):
                raise _wrong(self.text, f"{left} {sign} {right} has no value")
            left = _LEVELS[level][sign](left, right)
        return left

    def unary(self) -> int:
        token = self.take()
        if token in _SIGNS:
            return _SIGNS[token](self.unary())
        if token == "(":
            value = self.binary(0)
            self.take(")")
            return value
        if token[0].isdigit():
            return int(token, 0)
        if token in self.calls and self.tokens and self.tokens[-1] == "(":
            self.take("(")
            values = [self.binary(0)]
            while self.tokens and self.tokens[-1] == ",":
                self.tokens.pop()
                values.append(self.binary(0))
            self.take(")")
            return self.calls[token](*values)
        if not (token[0].isalpha() or token[0] in "_.$"):
            raise _wrong(self.text, f"{token!r} stands where a value is wanted")
        return self.symbol(token)
