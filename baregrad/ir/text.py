"""The text of graphs and lists, the same for all levels, and back: `parse(text(x))` gives the very nodes.

One line a node, named in the order of first use; a text never shows an address, a hash or a run's history:

    %0 = param float32 | (0, 6)
    %1 = const int64 | 2
    %2 = index float32 %0 %1

After the op come the dtype, the sources and, behind a bar, the argument. Floats are written so that they
come back exactly. Loops of a LINEAR list are indented for reading only.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from baregrad import dtype as dt
from baregrad.base.errors import IRError
from baregrad.ir import ops
from baregrad.ir.size import Symbolic
from baregrad.ir.symbolic import size_node, size_of_node
from baregrad.ir.uop import Buffer, UOp, toposort

TOKEN = re.compile(
    r"""\s*(%\d+|[A-Za-z_]\w*|[-+]?\d[\d_]*(?:\.\d+)?(?:e[-+]?\d+)?|-?inf\b|'(?:[^'\\]|\\.)*'|[(),])"""
)
WORDS: dict[str, Any] = {
    "True": True,
    "False": False,
    "None": None,
    "inf": math.inf,
    "nan": math.nan,
    "-inf": -math.inf,
}


def text(nodes: UOp | Sequence[UOp]) -> str:
    """The text of a graph (its root stands last), or of a list, line by line.

    >>> from baregrad.ir.uop import index
    >>> print(text(index(2) + index(3)))
    %0 = const int64 | 2
    %1 = const int64 | 3
    %2 = add int64 %0 %1
    """
    if isinstance(nodes, UOp):
        return "\n".join(_lines(_with_sizes(nodes), False))
    return "\n".join(_lines(nodes, True))


def _with_sizes(root: UOp) -> list[UOp]:
    """All nodes of a graph in order, those inside arguments (symbolic sizes) before their readers."""
    order: dict[UOp, None] = {}
    for node in toposort((root,)):
        for size in _inside(node.arg):
            order.update(dict.fromkeys(_with_sizes(size)))
        order[node] = None
    return list(order)


def _inside(arg: Any) -> Iterator[UOp]:
    if isinstance(arg, UOp):
        yield arg
    elif isinstance(arg, Symbolic):
        yield size_node(arg)
    elif isinstance(arg, tuple):
        for part in arg:
            yield from _inside(part)


def _lines(nodes: Sequence[UOp], is_list: bool) -> Iterator[str]:
    names: dict[UOp, str] = {}
    depth = 0
    for node in nodes:
        if is_list and node.op is ops.END:
            depth = max(depth - 1, 0)
        parts = [node.op.name, node.dtype.name]
        for source in node.src:
            if source not in names:
                raise IRError(
                    f"{source!r} is used before its line",
                    why="sources stand before their readers",
                    mend="correct the order of the list",
                )
            parts.append(names[source])
        if node.arg is not None:
            parts.append(f"| {_arg(node.arg, names)}")
        names.setdefault(node, f"%{len(names)}")
        yield f"{'  ' * depth}{names[node]} = {' '.join(parts)}"
        if is_list and node.op is ops.RANGE:
            depth += 1


def _arg(arg: Any, names: Mapping[UOp, str]) -> str:
    """An argument; what cannot be read back is refused."""
    if isinstance(arg, UOp):
        return names[arg]
    if isinstance(arg, Symbolic):
        return f"size({names[size_node(arg)]})"
    if isinstance(arg, Buffer):
        return f"buffer({', '.join(_arg(part, names) for part in arg)})"
    if isinstance(arg, tuple):
        return f"({', '.join(_arg(part, names) for part in arg)}{',' if len(arg) == 1 else ''})"
    if arg is None or isinstance(arg, bool | int | float | str):
        return _quoted(arg) if isinstance(arg, str) else repr(arg)
    raise IRError(
        f"an argument of type {type(arg).__name__}",
        why="arguments are numbers, strings, tuples of them, sizes and buffers",
        mend="keep other facts beside the graph",
    )


def _quoted(arg: str) -> str:
    return "'" + arg.encode("unicode_escape").decode().replace("'", "\\'") + "'"


def parse(lines: str) -> list[UOp]:
    """The nodes of a text, one a line; a graph's root is the last one. Empty lines and `# ...` lines are
    skipped.

    Errors: IRError that names the line.
    """
    names: dict[str, UOp] = {}
    nodes = []
    for number, line in enumerate(lines.splitlines(), 1):
        line = line.strip()
        if line and not line.startswith("#"):
            try:
                node = _node(line, names)
            except (KeyError, ValueError, IndexError, StopIteration) as problem:
                raise IRError(
                    f"line {number} is no node: {line}",
                    why=f"{type(problem).__name__}: {problem}",
                    mend="%name = op dtype %source... | argument",
                ) from None
            nodes.append(node)
    return nodes


def _node(line: str, names: dict[str, UOp]) -> UOp:
    name, _, rest = line.partition(" = ")
    head, bar, tail = rest.partition(" | ")
    op, dtype, *sources = head.split()
    arg = None
    if bar:
        reader = _Reader(tail, names)
        arg = reader.value()
        if reader.at < len(reader.tokens):
            raise ValueError(f"what is {reader.tokens[reader.at]!r}?")
    node = UOp(ops.BY_NAME[op], dt.BY_NAME[dtype], tuple([names[source] for source in sources]), arg)
    names[name] = node
    return node


class _Reader:
    """Reads one argument."""

    def __init__(self, line: str, names: Mapping[str, UOp]) -> None:
        self.names = names
        self.at = 0
        self.tokens: list[str] = []
        end = 0
        while line[end:].strip():
            found = TOKEN.match(line, end)
            if found is None:
                raise ValueError(f"what is {line[end:]!r}?")
            self.tokens.append(found[1])
            end = found.end()

    def next(self) -> str:
        """The next token."""
        self.at += 1
        return self.tokens[self.at - 1]

    def value(self) -> Any:
        """A number, string, word, size, buffer or tuple."""
        token = self.next()
        if token == "(":
            return self.tuple()
        if token == "buffer":
            self.next()
            return Buffer(*self.tuple())
        if token == "size":
            self.next()
            return size_of_node(*self.tuple())
        if token.startswith("%"):
            return self.names[token]
        if token.startswith("'"):
            return token[1:-1].encode().decode("unicode_escape")
        if token in WORDS:
            return WORDS[token]
        return int(token) if token.lstrip("+-").isdigit() else float(token)

    def tuple(self) -> tuple[Any, ...]:
        """The rest of a tuple."""
        parts = []
        while self.tokens[self.at] != ")":
            parts.append(self.value())
            if self.tokens[self.at] == ",":
                self.at += 1
        self.at += 1
        return tuple(parts)
