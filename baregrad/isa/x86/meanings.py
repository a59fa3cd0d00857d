"""The meaning of a form: its row of table_meaning.py as a tree, for the form's own operands and masks.

`meaning(form)` is the tree of a form without a mask; `masked` puts {k} and {z} around its lanes. Variables of
a tree are the operands by name, the flags CF PF AF ZF SF OF, `k` (the mask register), `rip`, and the register
files as a whole ("vec"). A form that may have a register or memory at a place has a meaning for either.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from baregrad.isa.form import Form, Operand
from baregrad.isa.meaning import Node, Tree, Type, const, parse, walk
from baregrad.isa.x86.encoding import memory_bits
from baregrad.isa.x86.table_meaning import FUNCTIONS, Meant, rows

FLAGS = ("CF", "PF", "AF", "ZF", "SF", "OF")
"""The flags that meanings know."""

FILES = {"vec": 512, "gpr": 64, "mask": 64}
"""Register files as variables: register n is element n of that many bits."""

_STATE = dict.fromkeys(FLAGS, 1) | {"k": 64, "rip": 64, "vec": 512 * 32, "gpr": 64 * 16, "mask": 64 * 8}
_PLACEHOLDER = re.compile(r"<([a-z0-9_]+(?::[^>]+)?)>")


@cache
def meant() -> dict[str, tuple[Meant, ...]]:
    """The rows of each name."""
    found: dict[str, list[Meant]] = {}
    for row in rows():
        found.setdefault(row.name, []).append(row)
    return {name: tuple(lines) for name, lines in found.items()}


@cache
def meaning(form: Form, memory: bool = False) -> Tree | None:
    """The tree of a form; `memory`: the operand that may be memory is. None for forms without a row.

    >>> from baregrad.isa.meaning import show
    >>> from baregrad.isa.x86 import form
    >>> show((meaning(form("vaddps", "xmm", "xmm", "xmm")) or ())[0])
    'for i < 4 { dst.f32[i] = a.f32[i] + b.f32[i] }'
    """
    names = " ".join(o.name for o in form.operands)
    to_mask = bool(form.operands) and form.operands[0].bank == "mask"
    for row in meant().get(form.name, ()):
        if row.when in ("", names) or (row.when == "k" and to_mask):
            facts = _Facts(form, memory)
            return parse(facts.fill(row.text), facts.widths | _names(form), FUNCTIONS)
    return None


def _names(form: Form) -> dict[str, int]:
    """State variables that no operand hides."""
    own = {o.name for o in form.operands}
    return {name: bits for name, bits in _STATE.items() if name not in own}


def width_of(operand: Operand, memory: bool) -> int:
    """The bits of an operand: of the memory, where it is that."""
    sizes = [memory_bits(kind) for kind in operand.kinds if not kind.endswith("bcst")]
    found = next((size for size in sizes if size), 0)
    if operand.kinds[0][:3] == "rel":
        return 64
    return found if memory and found else operand.bits or found


def keeps_above(operand: Operand) -> bool:
    """Whether a write of a register leaves the bits above the operand: 8 and 16 bits of a general register
    do; others clear them (SDM volume 1, 3.4.1.1; VEX and EVEX: 14.1.2, 15.5).
    """
    return operand.bank == "gpr" and operand.bits < 32


class _Facts:
    """What the placeholders of a row stand for in one form."""

    def __init__(self, form: Form, memory: bool) -> None:
        self.form, self.memory = form, memory
        self.widths = {o.name: width_of(o, memory) for o in form.operands}
        self.first = form.operands[0] if form.operands else None
        self.w = self.widths[self.first.name] if self.first else 0

    def fill(self, text: str) -> str:
        """A text with its placeholders replaced."""
        return _PLACEHOLDER.sub(lambda match: self.value(match[1]), text)

    def value(self, name: str) -> str:
        if name.startswith("rest:"):
            return self.rest(name[5:])
        number = re.search(r"\d+$", name)
        for stem, made in _SIZED.items():
            if number and name == stem + number[0]:
                return made(self, int(number[0]))
        return _PLAIN[name](self)

    def in_memory(self) -> bool:
        """Whether the first operand is memory."""
        first = self.first
        return first is not None and (not first.bank or (self.memory and width_of(first, True) != first.bits))

    def rest(self, above: str) -> str:
        """Clear the first operand above a number of bits, or as many elements as src has larger ones."""
        if "/" in above:
            source, result = (int(part[1:]) for part in above.split("/"))
            bits = self.widths["src"] // source * result
        else:
            bits = int(above)
        name = self.first.name if self.first else ""
        return "" if self.in_memory() or bits >= self.w else f"; {name}[{self.w - 1}:{bits}] = 0"

    def source(self) -> str:
        """The source of a two-operand integer instruction."""
        return next((name for name in ("src", "b") if name in self.widths), self.immediate())

    def immediate(self) -> str:
        return f"u{self.w}(imm.i)"

    def count(self, bits: int) -> int:
        """How many elements a gather or scatter moves."""
        kinds = [kind for o in self.form.operands for kind in o.kinds if kind[:2] == "vm"]
        indices = {"x": 128, "y": 256, "z": 512}[kinds[0][4]] // int(kinds[0][2:4])
        data = next(o for o in self.form.operands if o.bank == "vec").bits
        return min(indices, data // bits)


_PLAIN: dict[str, Callable[[_Facts], str]] = {
    "w": lambda f: str(f.w),
    "2w": lambda f: str(f.w * 2),
    "top": lambda f: str(f.w - 1),
    "src": lambda f: f.source(),
    "imm": lambda f: f.immediate(),
    "mask": lambda f: "63" if f.w == 64 else "31",
    "last": lambda f: str(f.widths["src"] // f.w - 1),
    "last_b": lambda f: str(f.w // f.widths["b"] - 1),
    "at_b": lambda f: "0" if f.memory else "u64(imm[7:6])",
    "least": lambda f: f"-{1 << f.w - 1}.0",
    "most": lambda f: f"{1 << f.w - 1}.0",
    "umost": lambda f: f"{1 << f.w}.0",
    "indefinite": lambda f: hex(1 << f.w - 1),
    "ones": lambda f: hex((1 << f.w) - 1),
}
_SIZED: dict[str, Callable[[_Facts, int], str]] = {
    "lanesu": lambda f, n: str(f.w // n - 1),
    "twou": lambda f, n: str(2 * f.w // n - 1),
    "indices": lambda f, n: str(f.count(n)),
    "rest_gather": lambda f, n: f.rest(str(f.count(n) * n)),
    "offu": lambda f, n: "" if f.in_memory() else f"dst.u{n}[i] = 0",
}


@cache
def masked(form: Form, memory: bool, zeroing: bool) -> Tree | None:
    """The tree of a form under a mask: lanes of the first operand that are off become 0, or are left alone,
    or (a blend) are those of `a`; memory that they would read or write is not touched.
    """
    tree = meaning(form, memory)
    if tree is None or not form.operands or not form.mask_role:
        return tree
    name = form.operands[0].name
    clears = zeroing or form.operands[0].bank == "mask"
    return tuple(_masked(statement, name, clears, form.merges) for statement in tree)


def _masked(statement: Node, name: str, clears: bool, merges: bool) -> Node:
    """A statement of the whole that sets elements of an operand."""
    inside = statement.src if statement.op == "for" else (statement,)
    places = [node.src[0] for node in walk(inside) if node.op == "set" and node.src[0].op != "var"]
    places = [place for place in places if place.src[0].arg == name and _is_lane(place)]
    if not places:
        return statement
    on = Node("slice", Type("u", 1), (Node("var", Type("u", 64), (), "k"), places[0].src[1]))
    off: list[Node] = []
    for place in places:
        if clears:
            off.append(Node("set", None, (place, const(place.t, 0))))
        elif not merges:
            other = Node("var", place.src[0].type, (), "a")
            off.append(Node("set", None, (place, Node(place.op, place.type, (other, place.src[1])))))
    guarded = Node("if", None, (on, Node("block", None, inside), Node("block", None, tuple(off))))
    return Node("for", None, (guarded,), statement.arg) if statement.op == "for" else guarded


def _is_lane(place: Node) -> bool:
    """Whether a place is one lane: an element, or one bit of a mask; not the rest of a register."""
    return place.op == "element" or place.t.bits == 1
