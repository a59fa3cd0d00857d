"""Where the variables of a compiled meaning are, and in which local names their values are held.

A variable is read from its spot when it is first wanted, in the representation that is wanted, kept in local
names, and stored behind the last statement: what an instruction reads it reads before it writes. What does
not depend on the lane is done before the loop over lanes. source.py writes expressions and statements.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from baregrad.emu import numbers
from baregrad.emu.known import Known
from baregrad.emu.modes import MODAL, flusher
from baregrad.isa.meaning import Node, Tree, Type, type_of, values, walk, written

TEMPORARY = re.compile(r"t\d+")  # set once, so that it may have a second name
MOST_LANES = 4096  # EXEC masks whose lanes are kept
EXEC = 126  # the cell of a wave that the mask of its lanes begins at: its operand code on every chip


class Spot(NamedTuple):
    """Where a variable is. `at`: its cell, None where that is a parameter of the function.

    Kinds: "vector" (a row of lanes for each 32 bits), "low" and "high" (half of one, the other half is kept),
    "scalar" (cells), "mask" (cells with a bit for each lane), "constant" (the parameter is the value), "file"
    (a register file from its cell on), "lane" (the lane's number), "dpp" (a vector of other lanes: the second
    parameter says which; `name` is the kind that it is else), "pc", "special" (an attribute of the wave),
    "none" (reads as 0, keeps nothing).
    """

    kind: str
    bits: int = 32
    at: int | None = None
    name: str = ""


class Names:
    """The variables of a tree: what is read, set, and how often."""

    def __init__(self, tree: Tree, spots: Mapping[str, Spot]) -> None:
        self.spots = dict(spots)
        self.written = written(tree)
        self.reads: dict[str, int] = {}
        nodes = walk(tree)
        targets = {id(node.src[0]) for node in nodes if node.op == "set" and node.src[0].op == "var"}
        for node in nodes:
            if node.op == "var" and id(node) not in targets:
                self.reads[node.arg] = self.reads.get(node.arg, 0) + 1
        used = self.written | set(self.reads)
        self.parameters = tuple(
            part
            for name, spot in sorted(self.spots.items())
            if name in used
            for part in _parameters(name, spot)
        )
        self.known = Known(nodes, self.spots)
        self.tables = self.known.tables
        self.loops = bool(self.known.counts)

    def kind(self, name: str) -> str:
        """The kind of a variable's spot, "" for one of the tree's own."""
        spot = self.spots.get(name)
        return spot.kind if spot else ""

    def set_in(self, nodes: Iterable[Node]) -> frozenset[str]:
        """The variables that are set in statements; not register files, nor lists."""
        names = written(tuple(nodes))
        return frozenset(name for name in names if self.kind(name) != "file" and name not in self.tables)

    def sets(self, block: Node, name: str) -> bool:
        """Does a block surely set a variable as a whole, and not read it before?"""
        for statement in block.src:
            if statement.op == "for" and any(n.op == "var" and n.arg == name for n in walk(statement.src)):
                return self.sets(statement, name)
            if statement.op == "set" and statement.src[0].op == "var" and statement.src[0].arg == name:
                return not any(n.op == "var" and n.arg == name for n in walk((statement.src[1],)))
            if any(node.op == "var" and node.arg == name for node in walk((statement,))):
                return False
        return False

    def lives_in(self, loop: Node, name: str) -> bool:
        """Is a variable of the tree's own set in each step of a loop, before it is read, and for it alone?"""
        if name in self.spots or not self.sets(loop, name):
            return False
        inside = walk(loop.src)
        targets = {id(node.src[0]) for node in inside if node.op == "set"}
        reads = [n for n in inside if n.op == "var" and n.arg == name and id(n) not in targets]
        return len(reads) == self.reads.get(name, 0)


def _parameters(name: str, spot: Spot) -> tuple[str, ...]:
    if spot.kind in ("pc", "special", "lane", "none") or spot.at is not None:
        return ()
    return (name, f"{name}_DPP") if spot.kind == "dpp" else (name,)


class Lanes(dict[int, tuple[int, ...]]):
    """The lanes of each mask that was met."""

    def __missing__(self, mask: int) -> tuple[int, ...]:
        if len(self) > MOST_LANES:
            self.clear()
        found = self[mask] = tuple(lane for lane in range(mask.bit_length()) if mask >> lane & 1)
        return found


class Writer:
    """Lines of a function, and what its local names hold."""

    def __init__(self, names: Names, scope: str, lanes: int) -> None:
        self.names, self.scope, self.lanes = names, scope, lanes
        self.head: list[str] = []
        self.lines: list[str] = []
        self.depth = 2 if scope == "lane" else 1
        self.number = 0
        self.env: dict[str, dict[str, str]] = {}
        self.fixed: dict[str, dict[str, str]] = {}
        single, double = memoryview(bytearray(8)), memoryview(bytearray(8))
        self.space: dict[str, Any] = {  # Any: what the source names
            "TU": single.cast("I"), "TF": single.cast("f"), "TQ": double.cast("Q"), "TD": double.cast("d"),
            "NAN": math.nan, "INF": math.inf, "HALF": numbers.halves(), "H": numbers.half_bits,
            "B": numbers.brain_bits, "BRAIN": numbers.brain, "ODD": numbers.to_odd,
            "ODD_OF_INT": numbers.odd_of_int, "CUT": numbers.cut, "DIV": values.divide, "SQRT": values.root,
            "FMA": numbers.fma64, "TRUNC": numbers.trunc, "FLOOR": numbers.floor, "CEIL": numbers.ceil,
            "EVEN": numbers.even, "QUOTIENT": values.quotient, "REMAINDER": numbers.remainder,
            "EXP2": values.power_of_two, "LOG2": values.logarithm, "SIN": numbers.sine, "COS": numbers.cosine,
            "LDEXP": values.scaled, "APPLY": values.apply, "LANES": LANES, "MODAL": MODAL,
        }  # fmt: skip

    # -- lines -----------------------------------------------------------------------------------------

    def line(self, text: str) -> None:
        """Write a line."""
        self.lines.append("    " * self.depth + text)

    def name(self) -> str:
        """A new local name."""
        self.number += 1
        return f"t{self.number}"

    def temporary(self, text: str, *, always: bool = False) -> str:
        """A name for a value; a name or number stays what it is."""
        if text.isidentifier() and not always:
            return text
        name = self.name()
        self.line(f"{name} = {text}")
        return name

    def bind(self, value: Any) -> str:  # Any: a type, a list of them, a mode
        """A name that means a value of ours."""
        name = f"c_{len(self.space)}"
        for known, one in self.space.items():
            if known.startswith("c_") and one == value:
                return known
        self.space[name] = value
        return name

    def flusher(self, type: Type) -> str:
        """The name of what makes zeros of a type's denormals."""
        self.space[f"FLUSH_{type.name}"] = flusher(type)
        return f"FLUSH_{type.name}"

    def constant(self, value: float) -> str:
        """A float as text."""
        if value != value:
            return "NAN"
        if math.isinf(value):
            return "INF" if value > 0 else "(-INF)"
        return f"({value!r})" if math.copysign(1.0, value) < 0 else repr(value)

    # -- representations -------------------------------------------------------------------------------

    def as_bits(self, text: str, rep: str, type: Type) -> str:
        """Something in a representation, as bits."""
        if rep == "bits":
            return text
        if rep in ("wild", "signed"):
            return f"({text} & {(1 << type.bits) - 1:#x})"
        if type.name == "f16":
            return f"H({text})"
        if type.name == "bf16":
            return f"B({text})"
        if type.bits < 32:
            self.space[f"TO_{type.name}"] = numbers.other_bits(type)
            return f"TO_{type.name}({text})"
        view, bits = ("TF", "TU") if type.bits == 32 else ("TD", "TQ")
        value = self.temporary(text)
        self.line(f"{view}[0] = {value} if {value} == {value} else NAN")
        return self.temporary(f"{bits}[0]")

    def as_real(self, bits: str, type: Type) -> str:
        """Bits as a float."""
        if type.name == "f16":
            return f"HALF[{bits}]"
        if type.name == "bf16":
            return f"BRAIN({bits})"
        if type.bits < 32:
            self.space[f"OF_{type.name}"] = numbers.small(type)
            return f"OF_{type.name}[{bits}]"
        view, cell = ("TF", "TU") if type.bits == 32 else ("TD", "TQ")
        self.line(f"{cell}[0] = {bits}")
        return self.temporary(f"{view}[0]")

    def as_signed(self, bits: str, width: int) -> str:
        """Bits as a signed number."""
        return f"(({bits} ^ {1 << (width - 1):#x}) - {1 << (width - 1):#x})"

    def rounded(self, text: str, type: Type) -> str:
        """A wide float rounded to its type."""
        if type.bits == 32:
            self.line(f"TF[0] = {text}")
            return self.temporary("TF[0]")
        return self.as_real(self.as_bits(text, "wide", type), type)

    def converted(self, forms: dict[str, str], want: str) -> str:
        """One form of a variable from another one."""
        kind, _, of = want.partition(":")
        if kind == "bits":
            other, text = next(iter(forms.items()))
            rep, _, name = other.partition(":")
            type = type_of(name)
            assert type is not None, f"{other} is a form of a float"
            return self.as_bits(text, rep, type)
        if kind == "signed":
            return self.as_signed(forms.get("bits") or self.converted(forms, "bits"), int(of))
        type = type_of(of)
        assert type is not None, f"{want} is a form of a float"
        if f"wide:{of}" in forms:
            return self.rounded(forms[f"wide:{of}"], type)
        return self.as_real(forms.get("bits") or self.converted(forms, "bits"), type)

    # -- variables -------------------------------------------------------------------------------------

    def read(self, name: str, want: str) -> str:
        """A variable in a form: "bits", "signed:32", "real:f32"."""
        forms = self.env.get(name)
        if forms is None and name in self.names.spots:
            spot = self.names.spots[name]
            if spot.kind in ("scalar", "constant", "special", "pc") and name not in self.names.written:
                return self.read_fixed(name, spot, want)
            text = self.direct(name, spot, want)
            if text and self.names.reads.get(name, 0) == 1 and not self.names.loops:
                return text
            forms = self.env[name] = {"spot": ""}
            if not text:
                forms["bits"] = self.temporary(self.direct(name, spot, "bits"))
        if not forms:
            forms = self.env[name] = {"bits": "0"}
        if want not in forms:
            # A float is not the way to the bits: it has lost what a signalling NaN is.
            text = self.direct(name, self.names.spots[name], want) if "spot" in forms else ""
            forms[want] = self.temporary(text or self.converted(forms, want))
        return forms[want]

    def read_fixed(self, name: str, spot: Spot, want: str) -> str:
        """A variable that is the same for all lanes: read before the loop."""
        forms = self.fixed.setdefault(name, {})
        if want not in forms:
            lines, depth = self.lines, self.depth
            self.lines, self.depth = self.head, 1
            text = self.direct(name, spot, want)
            if not text:
                if "bits" not in forms:
                    forms["bits"] = self.temporary(self.direct(name, spot, "bits"))
                text = self.converted(forms, want)
            forms[want] = self.temporary(text)
            self.lines, self.depth = lines, depth
        return forms[want]

    def cell(self, name: str, spot: Spot, part: int | str = 0) -> str:
        """The index of a part (32 bits) of a variable."""
        base = name if spot.at is None else str(spot.at)
        if spot.kind == "scalar" or spot.kind == "mask":
            return f"{base} + {part}" if part else base
        if not part:
            return f"{base} + i"
        step = part * self.lanes if isinstance(part, int) else f"{part} * {self.lanes}"
        return f"{base} + {step} + i"

    def direct(self, name: str, spot: Spot, want: str) -> str:
        """What reads a variable from its spot in a form; "" where that form has to be made of its bits."""
        kind, bits = spot.kind, spot.bits
        if kind in ("vector", "scalar") and bits == 32 and want in ("real:f32", "signed:32"):
            return f"{'F' if want == 'real:f32' else 'I'}[{self.cell(name, spot)}]"
        if want != "bits":
            return ""
        if kind in ("vector", "scalar"):
            parts = [f"U[{self.cell(name, spot, n)}]" for n in range((bits + 31) // 32)]
            text = " | ".join(f"{part} << {32 * n}" if n else part for n, part in enumerate(parts))
            return (
                f"({text} & {(1 << bits) - 1:#x})" if bits % 32 else f"({text})" if len(parts) > 1 else text
            )
        if kind == "low":
            return f"(U[{self.cell(name, spot)}] & 0xffff)"
        if kind == "high":
            return f"(U[{self.cell(name, spot)}] >> 16)"
        if kind == "mask":
            return f"({self.mask_name(name, spot)} >> i & 1)"
        if kind == "dpp":
            return self.moved(name, spot)
        special = f"(w.{spot.name} & {(1 << bits) - 1:#x})"
        return {"constant": name, "lane": "i", "pc": "w.pc", "none": "0", "special": special}[kind]

    def mask_name(self, name: str, spot: Spot) -> str:
        """The local name of a whole mask, read before the loop."""
        local = f"{name}_was"
        forms = self.fixed.setdefault(name, {})
        if "mask" not in forms:
            forms["mask"] = local
            high = f" | U[{self.cell(name, spot, 1)}] << 32" if self.lanes == 64 else ""
            self.head.append(f"    {local} = U[{self.cell(name, spot)}]{high}")
        return local

    def moved(self, name: str, spot: Spot) -> str:
        """The value of another lane."""
        forms = self.fixed.setdefault(name, {})
        parts = (spot.bits + 31) // 32
        if "row" not in forms:
            forms["row"] = f"{name}_row"
            base = name if spot.at is None else str(spot.at)
            self.head.append(f"    {name}_row = U[{base}:{base} + {parts * self.lanes}].tolist()")
        rows = [f"{name}_row[j + {n * self.lanes}]" if n else f"{name}_row[j]" for n in range(parts)]
        text = " | ".join(f"{part} << {32 * n}" if n else part for n, part in enumerate(rows))
        text += " >> 16" if spot.name == "high" else ""
        mask = f" & {(1 << spot.bits) - 1:#x}" if spot.bits % 32 else ""
        return f"(({text}){mask} if j >= 0 else 0)"

    def read_part(self, name: str, bits: int, low: int | str) -> str:
        """An element or slice of a variable that is where it was, where that can be read alone; else ""."""
        spot = self.names.spots.get(name)
        if spot is None:
            return ""
        if spot.kind == "file":
            return self.read_file(spot, bits, low)
        if name in self.env or spot.kind not in ("vector", "scalar") or spot.bits <= 32:
            return ""
        if isinstance(low, int) and low + bits <= spot.bits and low // 32 == (low + bits - 1) // 32:
            text = f"U[{self.cell(name, spot, low // 32)}]"
            return text if bits == 32 else f"({text} >> {low % 32} & {(1 << bits) - 1:#x})"
        return ""

    def read_file(self, spot: Spot, bits: int, low: int | str) -> str:
        """Bits of a register file."""
        if isinstance(low, int):
            cell, shift = str((spot.at or 0) + low // 32), str(low % 32)
        elif bits == 32 and low.endswith(" * 32)"):
            cell, shift = f"{spot.at} + {low[1:-6]}", "0"
        else:
            at = self.temporary(low)
            cell, shift = f"{spot.at} + ({at} >> 5)", f"({at} & 31)"
        text = f"U[{cell}]"
        if bits == 64:
            return f"({text} | U[{cell} + 1] << 32)"
        return text if bits == 32 else f"({text} >> {shift} & {(1 << bits) - 1:#x})"

    def write_file(self, name: str, bits: int, low: int | str, text: str) -> None:
        """Set bits of a register file."""
        spot = self.names.spots[name]
        at = self.temporary(str(low) if isinstance(low, int) else low)
        assert bits <= 32, f"{name} is written in parts of at most 32 bits"
        if bits == 32:
            self.line(f"U[{spot.at} + ({at} >> 5)] = {text}")
            return
        cell, mask = self.temporary(f"{spot.at} + ({at} >> 5)"), (1 << bits) - 1
        self.line(f"U[{cell}] = U[{cell}] & ~({mask:#x} << ({at} & 31)) | ({text}) << ({at} & 31)")

    def keep(self, name: str, form: str, text: str) -> None:
        """A variable has a new value."""
        if TEMPORARY.fullmatch(text):
            self.env[name] = {form: text}
            return
        local = f"{name}_{self.number}"
        self.number += 1
        self.line(f"{local} = {text}")
        self.env[name] = {form: local}

    def settle(self, name: str, form: str = "bits") -> None:
        """Bring a variable into the one name that both sides of a branch, or steps of a loop, have for it."""
        zero = "0" if form == "bits" else "0.0"
        text = self.read(name, form) if name in self.env or name in self.names.spots else zero
        if text != f"{name}_":
            self.line(f"{name}_ = {text}")
        self.settled(name, form)

    def settled(self, name: str, form: str = "bits") -> None:
        """Say that a variable's value is where `settle` brings it."""
        self.env[name] = {form: f"{name}_"}

    def snapshot(self) -> dict[str, dict[str, str]]:
        """What the names hold now."""
        return {name: dict(forms) for name, forms in self.env.items()}

    def restore(self, before: dict[str, dict[str, str]]) -> None:
        """Names hold what they held then."""
        self.env = {name: dict(forms) for name, forms in before.items()}

    # -- the function ----------------------------------------------------------------------------------

    def begin(self, faults: bool) -> None:
        """What stands before the statements, in the body."""
        if self.scope != "lane":
            return
        if faults:
            self.line("w.lane = i")
        for name, spot in self.names.spots.items():
            if spot.kind == "dpp" and name in self.names.reads:
                self.line(f"j = {name}_from[i]")
                self.line("if j == -2: continue")

    def end(self) -> str:
        """Store what was set, in the order of names: a result (D0) before EXEC, which is saved before it is
        changed (the manuals' tables of S_AND_SAVEEXEC). Gives the function's text.
        """
        tail: list[str] = []
        for name in sorted(self.names.written):
            spot = self.names.spots.get(name)
            if spot is not None and name in self.env:
                self.store(name, spot, tail)
        head = [f"def function({', '.join(('w', *self.names.parameters))}):", "    U = w.u; F = w.f; I = w.i"]
        loop = []
        if self.scope == "lane":
            high = f" | U[{EXEC + 1}] << 32" if self.lanes == 64 else ""
            head.append(f"    E = U[{EXEC}]{high}")
            head += [
                f"    {name}_from = w.dpp({name}_DPP, E)"
                for name, spot in self.names.spots.items()
                if spot.kind == "dpp" and name in self.names.reads
            ]
            loop = ["    for i in LANES[E]:"]
        body = self.lines or ["    " * self.depth + "pass"]
        return "\n".join([*head, *self.head, *loop, *body, *tail]) + "\n"

    def store(self, name: str, spot: Spot, tail: list[str]) -> None:
        """Put a variable where it is kept."""
        forms, kind = self.env[name], spot.kind
        form = next((one for one in ("real:f32", "wide:f32") if one in forms and "bits" not in forms), "")
        if kind in ("vector", "scalar") and spot.bits == 32 and form:
            value = forms[form]
            self.line(f"F[{self.cell(name, spot)}] = {value} if {value} == {value} else NAN")
            return
        if kind == "none":
            return
        bits = self.read(name, "bits")
        if kind in ("vector", "scalar"):
            count = (spot.bits + 31) // 32
            for n in range(count):
                part = f"{bits} >> {32 * n}" if n else bits
                mask = " & 0xffffffff" if count > 1 and n < count - 1 else ""
                self.line(f"U[{self.cell(name, spot, n)}] = {part}{mask}")
        elif kind == "low":
            cell = self.cell(name, spot)
            self.line(f"U[{cell}] = U[{cell}] & 0xffff0000 | {bits}")
        elif kind == "high":
            cell = self.cell(name, spot)
            self.line(f"U[{cell}] = U[{cell}] & 0xffff | {bits} << 16")
        elif kind == "pc":
            tail.append(f"    return {bits}")
        else:
            assert kind == "mask", f"a variable of kind {kind} is not set"
            self.head.append(f"    {name}_is = 0")
            self.line(f"if {bits}: {name}_is |= 1 << i")
            tail.insert(0, f"    U[{self.cell(name, spot)}] = {name}_is & 0xffffffff")
            if self.lanes == 64:
                tail.insert(1, f"    U[{self.cell(name, spot, 1)}] = {name}_is >> 32")


LANES = Lanes()
