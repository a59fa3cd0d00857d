"""A meaning as lines to be read: a statement a line, blocks indented. Its text form is in text.py."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from baregrad.isa.meaning.text import show
from baregrad.isa.meaning.tree import Node


def listing(statements: Sequence[Node]) -> str:
    """The lines of a meaning.

    >>> from baregrad.isa.meaning.text import parse
    >>> print(listing(parse("if a == 0 { a = b } else { if b == 0 { b = a } }", {"a": 8, "b": 8})))
    if a == u8(0) {
        a = b
    } else if b == u8(0) {
        b = a
    }
    """
    return "\n".join(_lines(statements))


def _lines(statements: Sequence[Node], depth: int = 0) -> Iterator[str]:
    margin = "    " * depth
    for one in statements:
        if one.op == "block":
            yield from _lines(one.src, depth)
        elif one.op == "for":
            yield f"{margin}for {one.arg[0]} < {one.arg[1]} {{"
            yield from _lines(one.src, depth + 1)
            yield margin + "}"
        elif one.op == "if":
            yield from _branches(one, depth)
        else:
            yield margin + show(one)


def _branches(one: Node, depth: int) -> Iterator[str]:
    """A choice, and the choices in its other way, on one level."""
    margin, head = "    " * depth, "if"
    while True:
        condition, then, otherwise = one.src
        yield f"{margin}{head} {show(condition)} {{"
        yield from _lines(then.src, depth + 1)
        if len(otherwise.src) == 1 and otherwise.src[0].op == "if":
            one, head = otherwise.src[0], "} else if"
            continue
        if otherwise.src:
            yield margin + "} else {"
            yield from _lines(otherwise.src, depth + 1)
        yield margin + "}"
        return
