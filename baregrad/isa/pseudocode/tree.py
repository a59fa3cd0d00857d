"""What a vendor's pseudocode says, as a tree of our own, and the text in which the tables keep it.

A node is a tuple whose first element is its kind; leaves are strings and integers. The text is the tree in
prefix form, so that reading it back needs no grammar: `(= (. D0 u32) (+ (. S0 u32) (. S1 u32)))`.

    statements   (= place value) (+= place value) …, (if c then else), (for i low high body), (while c body),
                 (declare name type size…), (return value), (break), (eval (str text)), (do s…), (call f a…)
    values       integer, name, (num text), (str text), (. x type), (@ x index), ([:] x high low),
                 (+: x low width), (cat a b…), (cast type x), (+ a b) and other operators, (neg x),
                 (call f a…), (? c a b), (lambda (names a…) value or do), (dims rows columns),
                 (sparse dims), (tuple a…)

What is not here: reading the vendor's text (parse.py), what a tree means and which widths its values have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeAlias

Node: TypeAlias = "tuple[Node, ...] | str | int"

_TOKEN = re.compile(r'\s*(\(|\)|"[^"]*"|[^\s()"]+)')


def written(node: Node) -> str:
    """The text of a tree.

    >>> written(("=", (".", "D0", "u32"), ("+", 1, "x")))
    '(= (. D0 u32) (+ 1 x))'
    """
    if isinstance(node, tuple):
        return f"({' '.join(map(written, node))})"
    return str(node)


def read(text: str) -> Node:
    """The tree of a text; the way back of `written`. Errors: ValueError for what is no such text.

    >>> read("(= (. D0 u32) (+ 1 x))")
    ('=', ('.', 'D0', 'u32'), ('+', 1, 'x'))
    """
    stack: list[list[Node]] = [[]]
    at = 0
    while match := _TOKEN.match(text, at):
        token, at = match[1], match.end()
        if token == "(":
            stack.append([])
        elif token == ")":
            if len(stack) == 1:
                raise ValueError(f"a ) too many at {at} of {text[:60]!r}")
            done = tuple(stack.pop())
            stack[-1].append(done)
        else:
            stack[-1].append(int(token) if token.lstrip("-").isdigit() else token)
    if len(stack) != 1 or len(stack[0]) != 1 or text[at:].strip():
        raise ValueError(f"not one whole tree: {text[:60]!r}")
    return stack[0][0]


def walk(node: Node) -> Iterator[tuple[Node, ...]]:
    """All inner nodes, outermost first.

    >>> [n[0] for n in walk(("=", (".", "D0", "u32"), ("+", 1, "x")))]
    ['=', '.', '+']
    """
    stack = [node]
    while stack:
        top = stack.pop()
        if isinstance(top, tuple):
            yield top
            stack += reversed(top)
