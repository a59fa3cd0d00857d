"""Values of a meaning's loops that need not be made in each step: in tables first.

A product of matrices reads an element of A for each column and one of B for each row, and makes a float of
it. Here what depends on some of the loops that fill a result, not on all, is a table of the tree's own that a
loop before fills: each element is converted once, and the product is loads and sums. Read wave.py for what
becomes of tables. What is not here: values that are moved and not computed, which tables do not make cheaper.
"""

from __future__ import annotations

from collections.abc import Collection
from math import prod

from baregrad.isa.meaning import U64, Node, Tree, Type, const, walk, written

TABLE_BITS = 512  # what is wider than any operand is a table
LEAST_LANES = 16  # numbers of the loop over lanes, below which vectors are too short to gain


def tabulated(tree: Tree, files: Collection[str]) -> Tree:
    """The tree with tables; `files` are variables of registers."""
    found: list[Node] = []
    count = 0
    for statement in tree:
        if statement.op == "for":
            work = _Tables(statement, files, count)
            statement = work.without(statement)
            found += work.before
            count = work.count
        found.append(statement)
    return tuple(found)


def fills(loop: Node) -> bool:
    """Whether a loop fills a table or registers."""
    places = [node.src[0] for node in walk(loop.src) if node.op == "set"]
    return any(place.op == "element" and place.src[0].t.bits > TABLE_BITS for place in places)


class _Tables:
    """One nest of loops: `before` fills the tables that it needs."""

    def __init__(self, nest: Node, files: Collection[str], count: int) -> None:
        self.files, self.count = files, count
        self.changed = written((nest,))
        self.before: list[Node] = []
        self.filling = {id(loop): fills(loop) for loop in walk((nest,)) if loop.op == "for"}
        found: list[tuple[Node, list[Node], bool]] = []
        self.look((nest,), (), found)
        vectors = any(inner for _, _, inner in found)
        self.loops = {id(node): loops for node, loops, _ in found if vectors or is_small(node)}

    def look(self, nodes: Tree, around: tuple[Node, ...], found: list[tuple[Node, list[Node], bool]]) -> None:
        """Find what may be a table: the value, its loops with that over lanes last, and whether that is the
        innermost of those that fill, so that the value is a vector.
        """
        for node in nodes:
            if node.op != "convert" or node.t.bits != 32 or not self.is_made_of_parts(node):
                self.look(node.src, (*around, node) if node.op == "for" else around, found)
                continue
            filling = [loop for loop in around if self.filling[id(loop)]]
            names = {one.arg for one in walk((node,)) if one.op == "index"}
            loops = [loop for loop in around if loop.arg[0] in names]
            lanes = [loop for loop in loops if self.filling[id(loop)]]
            long = 32 * prod(loop.arg[1] for loop in loops) > TABLE_BITS
            if long and 0 < len(lanes) < len(filling) and lanes[-1].arg[1] >= LEAST_LANES:
                order = [*(loop for loop in loops if loop is not lanes[-1]), lanes[-1]]
                found.append((node, order, lanes[-1] is filling[-1]))

    def is_made_of_parts(self, node: Node) -> bool:
        """Is a value made of registers alone, that the loops do not change, and of parts of their words?"""
        nodes = walk((node,))
        names = {one.arg for one in nodes if one.op == "var"}
        parts = any(one.op in ("element", "slice") and one.t.bits < 32 for one in nodes)
        pure = all(one.op not in ("load", "undefined", "address") for one in nodes)
        return parts and pure and names.isdisjoint(self.changed) and not names.isdisjoint(self.files)

    def without(self, node: Node) -> Node:
        """A node with reads of tables for what they hold."""
        loops = self.loops.get(id(node))
        if loops is not None:
            return self.table(node, loops)
        src = tuple([self.without(source) for source in node.src])
        same = all(a is b for a, b in zip(src, node.src, strict=True))
        return node if same else Node(node.op, node.type, src, node.arg)

    def table(self, node: Node, loops: list[Node]) -> Node:
        """Fill a table over loops; the element of it."""
        whole = Node("var", Type("u", 32 * prod(loop.arg[1] for loop in loops)), (), f"TABLE{self.count}")
        self.count += 1
        number = Node("index", U64, (), loops[0].arg[0])
        for loop in loops[1:]:
            step, count = loop.arg
            number = Node("mul", U64, (number, const(U64, count)))
            number = Node("add", U64, (number, Node("index", U64, (), step)))
        element = Node("element", node.t, (whole, number))
        fill = Node("set", None, (element, node))
        for loop in reversed(loops):
            fill = Node("for", None, (fill,), loop.arg)
        self.before += [Node("set", None, (whole, const(whole.t, 0))), fill]
        return element


def is_small(node: Node) -> bool:
    """Is it a small float, of which not even the processor makes a larger one at once?"""
    return node.src[0].t.is_float and node.src[0].t.bits <= 8
