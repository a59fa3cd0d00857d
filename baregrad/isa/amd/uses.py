"""What a body reads and writes: operands by their role, with width and type, and implicit registers.

A role is a name of the pseudocode: S0, S1, S2 (sources), D0, D1 (results), SDATA, VDATA, ADDR, SIMM16 and so
on. Manuals tabulate neither counts nor widths of operands; both follow from here. What is not here: which
field of a format holds a role, and how it is written (forms.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from baregrad.isa.pseudocode import Node

IMPLICIT = frozenset(("SCC", "VCC", "EXEC", "EXEC_LO", "M0", "PC", "VCCZ", "EXECZ"))
ROLES = frozenset((
    "S0", "S1", "S2", "D0", "D1", "SDATA", "SBASE", "SOFFSET", "OFFSET", "ADDR", "DATA", "DATA0", "DATA1",
    "DATA2",
    "RETURN_DATA", "VDATA", "VADDR", "SADDR", "SRSRC", "SIMM16", "SIMM32", "OFFSET0", "OFFSET1",
))  # fmt: skip
RAW = {"SRC0": "S0", "SRC1": "S1", "SRC2": "S2", "VDST": "D0", "DST": "D0", "VSRC0": "S0", "VSRC1": "S1"}
TYPE = re.compile(r"(bf|fp|[biuf])(\d*)")
OUTPUTS = frozenset(("D0", "VDATA", "SDATA", "RETURN_DATA", "D1"))
MATRIX = re.compile(r"([A-D]\d?)\.(\w+)\((\d+)x(\d+)\)")


class Use(NamedTuple):
    """How a body uses a role: `type` is the letter of its values (b, i, u, f), `bits` the most it names."""

    bits: int
    type: str
    read: bool
    written: bool

    def joined(self, other: Use) -> Use:
        """Both uses."""
        kind = self.type if other.type == "b" or self.type == "f" else other.type
        return Use(max(self.bits, other.bits), kind, self.read or other.read, self.written or other.written)


def uses(tree: Node) -> dict[str, Use]:
    """The roles and implicit registers that a body uses; what it reads after it wrote it all is not read.

    >>> from baregrad.isa.pseudocode import read
    >>> uses(read("(do (= (. D0 u32) (+ (. S0 u32) (. S1 u16))))"))["S1"]
    Use(bits=16, type='u', read=True, written=False)
    """
    found = _collected(_statement(tree))
    if any(use.read and use.written for use in found.values()):
        return _collected(_in_order(tree, set()))
    return found


def _collected(each: Iterator[tuple[str, Use]]) -> dict[str, Use]:
    found: dict[str, Use] = {}
    for name, use in each:
        if name in RAW or name in ROLES or name in IMPLICIT:
            role = RAW.get(name, name)
            found[role] = found[role].joined(use) if role in found else use
    return found


def _in_order(node: Node, done: set[str]) -> Iterator[tuple[str, Use]]:
    """The names in a body, in its order; `done` has those that are written in any case, and grows."""
    if isinstance(node, tuple) and node[0] == "do":
        for part in node[1:]:
            yield from _in_order(part, done)
    elif isinstance(node, tuple) and node[0] == "if":
        yield from _unwritten(_value(node[1]), done)
        ways = [set(done) for _ in range(2)]
        for way, part in zip(ways, node[2:], strict=False):
            yield from _in_order(part, way)
        done |= ways[0] & ways[1]
    else:
        yield from _unwritten(_statement(node), done)
        done |= {name for name, mask in surely(node).items() if mask == -1}


def _unwritten(found: Iterator[tuple[str, Use]], done: set[str]) -> Iterator[tuple[str, Use]]:
    for name, use in found:
        yield name, use._replace(read=False) if RAW.get(name, name) in done else use


def _statement(node: Node) -> Iterator[tuple[str, Use]]:
    if not isinstance(node, tuple):
        return
    head = node[0]
    if head == "=" or (
        isinstance(head, str) and head.endswith("=") and head[:-1] in ("+", "-", "|", "&", "^", "*", "<<")
    ):
        yield from _place(node[1])
        if head != "=":
            yield from _value(node[1])
        yield from (
            _statement(node[2]) if isinstance(node[2], tuple) and node[2][0] == "=" else _value(node[2])
        )
    elif head in ("do", "if", "for", "while", "return", "lambda"):
        for part in node[1:]:
            yield from _statement(part) if _is_statement(part) else _value(part)
    else:
        yield from _value(node)


def _is_statement(node: Node) -> bool:
    return isinstance(node, tuple) and (
        node[0] in ("do", "if", "for", "while", "return", "lambda") or str(node[0]).endswith("=")
    )


def _place(node: Node, bits: int = 0, kind: str = "b") -> Iterator[tuple[str, Use]]:
    """The names that an assignment to a place writes; indices in it are read."""
    yield from _access(node, bits, kind, written=True)


def _value(node: Node, bits: int = 0, kind: str = "b") -> Iterator[tuple[str, Use]]:
    """The names that a value reads."""
    yield from _access(node, bits, kind, written=False)


def _access(node: Node, bits: int, kind: str, *, written: bool) -> Iterator[tuple[str, Use]]:
    """The names under an access, with the bits and the type that it has them of."""
    if isinstance(node, str):
        yield node, Use(bits, kind, not written, written)
    if not isinstance(node, tuple):
        return
    head = node[0]
    if head == ".":
        match = TYPE.fullmatch(str(node[2]))
        if match:
            bits, kind = max(bits, int(match[2] or 32)), "f" if match[1] in ("bf", "fp") else match[1]
        yield from _access(node[1], bits, kind, written=written)
    elif head == "@" and isinstance(node[1], tuple) and node[1][:2] == ("@", "VGPR"):
        yield from _access(node[2], bits, kind, written=written)
        yield from _value(node[1][2])
    elif head in ("[:]", "@", "+:"):
        highest = node[2] + 1 if isinstance(node[2], int) else 1
        named = head == "@" and isinstance(node[1], str)
        yield from _access(node[1], highest if head == "[:]" or named else 0, kind, written=written)
        for part in node[2:]:
            yield from _value(part)
    elif head == "cat":
        for part in node[1:]:
            yield from _access(part, 0, "b", written=written)
    else:
        yield from _rest(node)


def _rest(node: tuple[Node, ...]) -> Iterator[tuple[str, Use]]:
    """The names in the parts of any other node."""
    if node[0] == "call":
        for part in node[2:]:
            yield from _value(part)
    elif node[0] not in ("num", "str", "declare", "dims", "sparse", "names"):
        for part in node[1:]:
            yield from _statement(part) if _is_statement(part) else _value(part)


def keeps(tree: Node) -> bool:
    """Does a body leave a part of a result as it was?"""
    written = {key for key, use in uses(tree).items() if use.written and key in OUTPUTS}
    sure = surely(tree)
    return any(
        mask & mask + 1 or mask.bit_length() % 32 for key in written if (mask := sure.get(key, 0)) >= 0
    ) or any(key not in sure for key in written)


def surely(node: Node) -> dict[str, int]:
    """The bits of results that are written in any case, as masks; -1 is all."""
    if not isinstance(node, tuple):
        return {}
    if node[0] == "=":
        more = surely(node[2])
        return _both(_place_bits(node[1]), more)
    if node[0] == "do":
        found: dict[str, int] = {}
        for part in node[1:]:
            found = _both(found, surely(part))
        return found
    if node[0] == "if":
        first = surely(node[2])
        second = surely(node[3]) if len(node) > 3 else {}
        return {key: first[key] & second[key] for key in first.keys() & second.keys()}
    if node[0] in ("for", "while"):
        return surely(node[-1])
    return {}


def _both(first: dict[str, int], second: dict[str, int]) -> dict[str, int]:
    """What either writes."""
    return {key: first.get(key, 0) | second.get(key, 0) for key in first.keys() | second.keys()}


def _place_bits(node: Node) -> dict[str, int]:
    """The bits that an assignment to a place writes."""
    while isinstance(node, tuple) and node[0] == ".":
        node = node[1]
    if isinstance(node, tuple) and node[0] == "cat":
        return {key: -1 for part in node[1:] for key in _place_bits(part)}
    if isinstance(node, tuple) and node[0] == "[:]":
        inner = _place_bits(node[1])
        high, low = node[2], node[3]
        if isinstance(high, int) and isinstance(low, int):
            return dict.fromkeys(inner, (1 << high + 1) - (1 << low))
        return inner
    if isinstance(node, tuple) and node[0] in ("@", "+:"):
        return _place_bits(node[1])
    return {RAW.get(node, node): -1} if isinstance(node, str) else {}
