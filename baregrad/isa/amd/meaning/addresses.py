"""The addresses of memory instructions, in our text, by format and by what the instruction says.

The body of a manual names an address (ADDR) or calls a function (CalcGlobalAddr); here it is what it is made
of: the tree reads memory at SADDR + ADDR + OFFSET. Local memory and buffers have bounds: what is read beyond
them is 0, what is written is lost. Device memory has none here; the machine faults. Sources: RDNA3 ISA 8,
9.1, 10, 11, 12; CDNA4 ISA 8, 9.1, 10, 11.
"""

from __future__ import annotations

from baregrad.isa.amd.layout import Form
from baregrad.isa.amd.meaning.expand import put
from baregrad.isa.amd.meaning.names import REGISTERS, Names
from baregrad.isa.amd.meaning.typing import (
    Number,
    Value,
    as_type,
    binary,
    bits_of,
    either,
    fit,
    node,
    untyped,
    when,
)  # fmt: skip
from baregrad.isa.amd.meaning.values import Values
from baregrad.isa.amd.operands import family
from baregrad.isa.meaning import U1, U64, Node, Type, const, parse
from baregrad.isa.pseudocode import Node as Code

# (operands, address as u64): a form has the first row whose operands are all there. Sources: RDNA3 ISA 11,
# CDNA4 ISA 10.3 and table 56
GLOBAL = (
    ("ADDR SADDR", "SADDR + u64(ADDR) + i64(OFFSET.i).u"),
    ("ADDR", "ADDR + i64(OFFSET.i).u"),
    ("SADDR", "SADDR + u64(laneId) * 4 + i64(OFFSET.i).u"),
    ("", "u64(laneId) * 4 + i64(OFFSET.i).u"),
)
SCRATCH = (  # in the lane's part
    ("ADDR SADDR", "u64(SADDR + ADDR + OFFSET)"),
    ("SADDR", "u64(SADDR + OFFSET)"),
    ("ADDR", "u64(ADDR + OFFSET)"),
    ("", "u64(OFFSET)"),
)
SCALAR = (
    ("SOFFSET OFFSET", "SBASE + u64(SOFFSET) + i64(OFFSET.i).u & 0xFFFFFFFFFFFFFFFC"),
    ("SOFFSET", "SBASE + u64(SOFFSET) & 0xFFFFFFFFFFFFFFFC"),
    ("", "SBASE + i64(OFFSET.i).u & 0xFFFFFFFFFFFFFFFC"),
)
SCRATCH_SCALAR = (
    ("SOFFSET OFFSET", "SBASE + u64(SOFFSET) * 64 + i64(OFFSET.i).u & 0xFFFFFFFFFFFFFFFC"),
    ("SOFFSET", "SBASE + u64(SOFFSET) * 64 & 0xFFFFFFFFFFFFFFFC"),
    ("", "SBASE + i64(OFFSET.i).u & 0xFFFFFFFFFFFFFFFC"),
)
# An offset in a buffer; the rest of the address is added where memory is reached, behind a check of bounds.
SCALAR_BUFFER = (
    ("SOFFSET OFFSET", "u64(SOFFSET) + u64(OFFSET)"),
    ("SOFFSET", "u64(SOFFSET)"),
    ("", "u64(OFFSET)"),
)
BUFFERS = ("MUBUF", "MTBUF")
FORMATS = ("DS", "FLAT", "GLOBAL", "SCRATCH", "SMEM", *BUFFERS)
# Statements over V (the resource) and `i` (the index): an access whose offset and bytes go beyond `limit` is
# outside. Sources: RDNA3 ISA 9.1.5 (OOB_SELECT), CDNA4 ISA 9.1.5.1, RDNA4 ISA 9.4.1.4
LIMITS = {
    "rdna": "w = V[125:124]; n = u64(V[95:64]); limit = (w == 3) ? n : ((w == 2) ? (n != 0) : (i < n))"
            " ? ((w == 0) ? u64(V[61:48]) : 0xFFFFFFFFFFFF) : 0",
    "cdna": "n = u64(V[95:64]); limit = (IDXEN & (V[61:48] != 0)) ? ((i < n) ? 0xFFFFFFFFFFFF : u64(0)) : n",
    "scalar": "limit = u64(V[95:64]) * ((V[61:48] == 0) ? u64(1) : u64(V[61:48]))",
}  # fmt: skip
# What no machine here does with buffers: reorder elements, add the lane's number.
UNUSUAL = {"rdna": "(V[63:62] != 0) | V[119]", "cdna": "V[63] | V[119]"}


def chosen(rows: tuple[tuple[str, str], ...], form: Form) -> str:
    """The address in the first row whose operands a form has."""
    there = {slot.role for slot in form.slots if slot.kind != "fixed"}
    there |= {one.name.upper() for one in form.modifiers}
    return next(text for operands, text in rows if there.issuperset(operands.split()))


class Access:
    """The memory of a form: made once a translation, the address is put in front of the statements."""

    def __init__(self, names: Names) -> None:
        self.names, self.base = names, None
        self.format = names.form.entry.format
        self.made: Node | None = None
        self.fixed: Node | None = None  # of a buffer: what is added to an offset
        self.limit: Node | None = None
        self.private: Node | None = None  # where the lane's scratch begins
        self.held: dict[tuple[Node, Type], Node] = {}  # what was loaded in this block and not stored since

    # -- addresses -----------------------------------------------------------------------------------

    def name(self, values: Values, name: str) -> Node | None:
        """ADDR is the whole address, ADDR_BASE that without an offset."""
        if name == "ADDR_BASE":
            return self.raw("ADDR")
        return self.whole(values) if name == "ADDR" and self.format in FORMATS else None

    def raw(self, role: str) -> Node:
        """An operand as it is."""
        return Node("var", Type("u", self.names.bits(role)), (), role)

    def address(self, values: Values, function: str, arguments: tuple[Code, ...]) -> Value:
        """What a Calc…Addr is; local memory's without an offset where 0 is given."""
        if function == "CalcDsAddr" and arguments[1:] == (0, 0):
            return self.raw("ADDR")
        return self.whole(values)

    def whole(self, values: Values) -> Node:
        """The address, computed once."""
        if self.made is None:
            self.made = self.compute(values)
        return self.made

    def compute(self, values: Values) -> Node:
        """The address by format."""
        if self.format == "DS":
            if "ADDR" not in self.names.slots:
                raise untyped("local memory without an address", self.names.form.entry.name)
            return self.text(values, "a = ADDR + OFFSET")
        if self.format in ("FLAT", "GLOBAL"):
            return self.text(values, f"a = {chosen(GLOBAL, self.names.form)}")
        if self.format == "SCRATCH":
            self.private = values.fresh(self.own(const(U64, 0)), "scratch")
            offset = self.text(values, f"o = {chosen(SCRATCH, self.names.form)}")
            return values.fresh(Node("add", U64, (self.private, offset)), "address")
        if self.format == "SMEM":
            name = self.names.form.entry.name
            rows = SCALAR_BUFFER if self.is_buffer else SCRATCH_SCALAR if "SCRATCH" in name else SCALAR
            return self.text(values, f"a = {chosen(rows, self.names.form)}")
        if self.is_buffer:
            return self.buffer(values)
        raise untyped(f"addresses of {self.format}", self.names.form.entry.name)

    @property
    def is_buffer(self) -> bool:
        """Is an address an offset in a buffer?"""
        slots = self.names.slots
        return self.format in BUFFERS or (self.format == "SMEM" and slots["SBASE"].bits == 128)

    def buffer(self, values: Values) -> Node:
        """The offset in a buffer; the index and the rest of the address are kept for later."""
        given = self.names.given
        offen, idxen = given.get("OFFEN", 0), given.get("IDXEN", 0)
        part = "VADDR[63:32]" if idxen else "VADDR"
        fam = family(self.names.form.arch)
        values.out += parse(f"trap buffer_layout: {UNUSUAL[fam].replace('V[', 'SRSRC[')}", {"SRSRC": 128})
        index = self.text(values, "i = u64(VADDR[31:0])") if idxen else const(U64, 0)
        self.limit = self.bound(values, fam, "SRSRC", index)
        self.fixed = self.text(values, "f = u64(SRSRC[47:0]) + u64(SOFFSET)")
        if idxen:
            stride = self.text(values, "s = u64(SRSRC[61:48])")
            self.fixed = values.fresh(
                Node("add", U64, (self.fixed, Node("mul", U64, (index, stride)))), "address"
            )
        return self.text(values, f"o = {f'u64({part}) + ' if offen else ''}u64(OFFSET)")

    def bound(self, values: Values, fam: str, role: str, index: Node) -> Node:
        """How far a buffer goes."""
        bound = {"V": Node("var", Type("u", 128), (), role), "i": index,
                 "IDXEN": const(U1, self.names.given.get("IDXEN", 0))}  # fmt: skip
        known = {name: one.t.bits for name, one in bound.items()}
        for statement in parse(LIMITS[fam], known):
            name, value = statement.src
            bound[name.arg] = values.fresh(put(value, bound), "limit")
        return bound["limit"]

    def place(self, values: Values, offset: Node, bits: int) -> tuple[Node, Node]:
        """Whether an access to a buffer is inside, and its address."""
        if self.limit is None or self.fixed is None:
            self.limit = self.bound(values, "scalar", "SBASE", const(U64, 0))
            self.fixed = self.text(values, "f = u64(SBASE[47:0])")
        end = node(binary("+", offset, Number((bits + 7) // 8, U64)))
        address = Node("add", U64, (self.fixed, offset))
        if self.format == "SMEM":
            address = Node("and", U64, (address, const(U64, (1 << 64) - 4)))
        return Node("le", U1, (end, self.limit)), address

    def text(self, values: Values, text: str) -> Node:
        """The last value of a text, in a name of its own."""
        known = dict(REGISTERS) | {role: self.names.bits(role) for role in self.names.slots}
        bound: dict[str, Node] = {}
        for statement in parse(text, known):
            place, value = statement.src
            bound[place.arg] = values.fresh(put(value, bound), "address")
        return bound[place.arg]

    # -- accesses ------------------------------------------------------------------------------------

    def load(self, values: Values, address: Value, type: Type) -> Node:
        """What is read, in a name of its own; the same again if nothing was stored in between."""
        at, width = node(address), Type("u", type.bits)
        if (at, width) not in self.held:
            self.held[at, width] = self.loaded(values, at, width)
        return as_type(self.held[at, width], type)

    def loaded(self, values: Values, at: Node, width: Type) -> Node:
        """What is read by format."""
        if self.format == "DS":
            return self.bounded(values, at, width)
        if self.format == "FLAT":
            return self.flat(values, at, width)
        if self.is_buffer:
            found = values.fresh(const(width, 0), "loaded")
            inside, where = self.place(values, wide(at), width.bits)
            read = Node("set", None, (found, Node("load", width, (where,), "")))
            values.out.append(when(inside, (read,)))
            return found
        values.out += self.inside(wide(at), width.bits)
        return values.fresh(Node("load", width, (wide(at),), ""), "loaded")

    def inside(self, at: Node, bits: int) -> tuple[Node, ...]:
        """A fault if an access to scratch goes beyond the lane's part; of other memory the machine knows."""
        return () if self.private is None else self.beyond(Node("sub", U64, (at, self.private)), bits)

    def beyond(self, offset: Node, bits: int) -> tuple[Node, ...]:
        """A fault if an offset and what follows is beyond the lane's scratch."""
        end = Node("add", U64, (offset, const(U64, (bits + 7) // 8)))
        size = wide(self.names.register("SCRATCH_SIZE"))
        return (Node("trap", None, (Node("not", U1, (Node("le", U1, (end, size)),)),), "scratch"),)

    def store(self, values: Values, address: Value, value: Node) -> None:
        """Write a value."""
        self.held.clear()
        at, data = node(address), bits_of(value)
        if self.format == "DS":
            inside = Node("store", None, (wide(at), data), "lds")
            values.out.append(when(self.within(at, data.t.bits), (inside,)))
        elif self.format == "FLAT":
            self.store_flat(values, at, data)
        elif self.is_buffer:
            inside, where = self.place(values, wide(at), data.t.bits)
            values.out.append(when(inside, (Node("store", None, (where, data), ""),)))
        else:
            values.out += self.inside(wide(at), data.t.bits)
            values.out.append(Node("store", None, (wide(at), data), ""))

    def within(self, at: Node, bits: int) -> Node:
        """Does an access to local memory end inside?"""
        end = Node("add", U64, (wide(at), const(U64, (bits + 7) // 8)))
        return Node("le", U1, (end, wide(self.names.register("LDS_SIZE"))))

    def bounded(self, values: Values, at: Node, type: Type) -> Node:
        """What local memory holds, 0 beyond its end."""
        found = values.fresh(const(type, 0), "loaded")
        read = Node("set", None, (found, Node("load", type, (wide(at),), "lds")))
        values.out.append(when(self.within(at, type.bits), (read,)))
        return found

    def flat(self, values: Values, at: Node, type: Type) -> Node:
        """What a flat address holds: of local memory, of this lane's, of the device."""
        found = values.fresh(const(type, 0), "loaded")
        local, private, offset = self.apertures(values, at)
        here = Node("set", None, (found, Node("load", type, (offset,), "lds")))
        own = Node("set", None, (found, Node("load", type, (self.own(offset),), "")))
        device = Node("set", None, (found, Node("load", type, (at,), "")))
        inside = when(self.within(offset, type.bits), (here,))
        other = either(private, (*self.beyond(offset, type.bits), own), (device,))
        values.out.append(either(local, (inside,), (other,)))
        return found

    def store_flat(self, values: Values, at: Node, data: Node) -> None:
        """Write at a flat address."""
        local, private, offset = self.apertures(values, at)
        here = Node("store", None, (offset, data), "lds")
        own = Node("store", None, (self.own(offset), data), "")
        device = Node("store", None, (at, data), "")
        inside = when(self.within(offset, data.t.bits), (here,))
        other = either(private, (*self.beyond(offset, data.t.bits), own), (device,))
        values.out.append(either(local, (inside,), (other,)))

    def apertures(self, values: Values, at: Node) -> tuple[Node, Node, Node]:
        """Is an address in local memory, in this lane's, and how far? Source: RDNA3 ISA 11.1"""
        high = Node("shr", U64, (at, const(U64, 32)))
        tests = [
            Node("eq", U1, (high, Node("shr", U64, (self.names.register(name), const(U64, 32)))))
            for name in ("SHARED_BASE", "PRIVATE_BASE")
        ]
        return tests[0], tests[1], Node("and", U64, (at, const(U64, 0xFFFFFFFF)))

    def own(self, offset: Node) -> Node:
        """Where this lane's memory lies."""
        lane = Node(
            "mul", U64, (wide(self.names.register("laneId")), wide(self.names.register("SCRATCH_SIZE")))
        )
        return Node("add", U64, (Node("add", U64, (self.names.register("SCRATCH_BASE"), lane)), offset))


def wide(at: Node) -> Node:
    """An address in 64 bits."""
    return fit(at, U64)
