"""What is known of a tree's integers before it runs: how large they can be, and which of its variables are
tables. Read isa/meaning/tree.py first. What is not here: values that are known as such (source.py).
"""

from __future__ import annotations

from collections.abc import Container, Sequence

from baregrad.isa.meaning import Node

TABLE_BITS = 1024  # what is wider than any operand and only read and written by elements is a list


class Known:
    """Bounds of a tree's integers, all of whose nodes are given; `spots` are the variables from outside.

    `counts` has the steps of each loop (the most of those that share a name), `tables` the bits of an element
    of each variable that is a list.
    """

    def __init__(self, nodes: Sequence[Node], spots: Container[str]) -> None:
        self.nodes = nodes
        self.found: dict[int, int | None] = {}
        self.counts: dict[str, int] = {}
        sets: dict[str, list[Node]] = {}
        for node in nodes:
            if node.op == "for":
                name, count = node.arg
                self.counts[name] = max(count, self.counts.get(name, 0))
            elif node.op == "set":
                place = node.src[0]
                sets.setdefault(place.arg if place.op == "var" else place.src[0].arg, []).append(node)
        own = {name: all for name, all in sets.items() if name not in spots}
        self.once = {name: all[0].src[1] for name, all in own.items() if len(all) == 1}
        wide = [name for name, all in own.items() if all[0].src[0].op == "var" and is_cleared(all[0])]
        self.tables = {name: bits for name in wide if (bits := self.element_bits(name))}

    def most(self, node: Node) -> int:
        """The greatest number that the bits of an expression can be."""
        ones = (1 << node.t.bits) - 1
        made = self.made(node)
        return ones if made is None else min(made, ones)

    def exact(self, node: Node) -> bool:
        """Whether an expression is what numbers without an end would give of its operands."""
        made = self.made(node)
        return made is not None and made < 1 << node.t.bits

    def made(self, node: Node) -> int | None:
        """A bound of what an expression is before it is cut to its bits; None: anything."""
        if id(node) not in self.found:
            self.found[id(node)] = None  # until it is known: a variable may be made of itself
            self.found[id(node)] = self.bound(node) if node.t.kind == "u" else None
        return self.found[id(node)]

    def bound(self, node: Node) -> int | None:
        """As `made`, by the bounds of the parts."""
        op, src = node.op, node.src
        if op == "const":
            return int(node.arg)
        if op == "index":
            return self.counts[node.arg] - 1
        if op == "var":
            value = self.once.get(node.arg)
            return self.most(value) if value is not None and value.t == node.t else None
        if op in ("convert", "as"):
            return self.most(src[0]) if src[0].t.kind == "u" else None
        if op in ("add", "mul"):
            a, b = map(self.most, src)
            return a + b if op == "add" else a * b
        if op in ("and", "or", "xor"):
            a, b = map(self.most, src)
            return min(a, b) if op == "and" else (1 << max(a, b).bit_length()) - 1
        if op == "select":
            return max(map(self.most, src[1:]))
        if op in ("shl", "shr") and src[1].op == "const":
            count = int(src[1].arg)
            return self.most(src[0]) << min(count, 64) if op == "shl" else self.most(src[0]) >> count
        return None

    def element_bits(self, name: str) -> int:
        """The bits of a table's elements; 0 for a variable that is none: it is cleared once, and else only
        read and written by elements of one size, which it has.
        """
        uses = [(node, one) for node in self.nodes for one in node.src if one.op == "var" and one.arg == name]
        elements = [(node, whole) for node, whole in uses if not (node.op == "set" and is_cleared(node))]
        sizes = {node.t.bits if node.op == "element" else 0 for node, _ in elements}
        if len(sizes) != 1 or len(uses) != len(elements) + 1:
            return 0
        size = sizes.pop()
        inside = all(size and self.most(node.src[1]) < whole.t.bits // size for node, whole in elements)
        return size if inside else 0


def is_cleared(node: Node) -> bool:
    """Does a statement make zeros of a variable that is as wide as a table?"""
    place, value = node.src
    return place.t.bits > TABLE_BITS and value.op == "const" and not value.arg
