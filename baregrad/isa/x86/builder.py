"""Choosing forms: by name and kinds (`form`), by operands (`inst`); and a small assembler for a list with
labels.

This is for code written by hand (a worker loop, a CPUID reader) and for looking rows up. Instruction
selection with virtual registers is the compiler's; so are short branches. Read encoding.py first.

>>> assemble([inst("mov", "eax", 42), inst("ret")]).hex()
'b82a000000c3'
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import NamedTuple

from baregrad.base.errors import EncodingError
from baregrad.isa.form import Form, Imm, Inst, Label, Mem, Reg, Value
from baregrad.isa.x86.encode import encode, fixups, resolve, signature
from baregrad.isa.x86.encoding import EVEX, IMMEDIATES, Row, expand, memory_bits
from baregrad.isa.x86.registers import NamedReg, register
from baregrad.isa.x86.table_avx import AVX
from baregrad.isa.x86.table_avx512 import AVX512
from baregrad.isa.x86.table_scalar import SCALAR

TABLES = (SCALAR, AVX, AVX512)
"""Every table; `inst` and `form` take the first row that fits."""


class SizedMem(NamedTuple):
    """Memory whose size is said, for instructions whose other operands do not say it."""

    mem: Mem
    bits: int


Given = str | NamedReg | int | Imm | Label | Mem | SizedMem


@cache
def _rows() -> dict[str, tuple[Row, ...]]:
    """The rows of each name, in the tables' order."""
    found: dict[str, list[Row]] = {}
    for table in TABLES:
        for line in table:
            found.setdefault(line.name, []).append(line)
    return {name: tuple(lines) for name, lines in found.items()}


@cache
def forms(name: str) -> tuple[Form, ...]:
    """All forms of a name, in the table's order; built at first use."""
    if name not in _rows():
        raise EncodingError(
            f"no instruction {name!r}", why="it is in no table", mend="see FORMS for the names, or add a row"
        )
    built = tuple(found for line in _rows()[name] for found in expand(line))
    shapes = {(type(f.encoding), tuple((o.kinds, o.fixed) for o in f.operands)) for f in built}
    assert len(shapes) == len(built), f"{name}: two rows have the same operands; remove one of them"
    return built


class _Forms(Mapping[str, tuple[Form, ...]]):
    """The names and their forms; a name's forms are built when they are asked for."""

    def __getitem__(self, name: str) -> tuple[Form, ...]:
        if name not in _rows():
            raise KeyError(name)
        return forms(name)

    def __iter__(self) -> Iterator[str]:
        return iter(_rows())

    def __len__(self) -> int:
        return len(_rows())


FORMS: Mapping[str, tuple[Form, ...]] = _Forms()
"""Every form by name."""


@cache
def form(name: str, *kinds: str, evex: bool = False) -> Form:
    """The form of a name that takes these kinds, one for each operand that is written.

    No kinds: the name's only form. `evex` leaves out VEX forms (which cannot take masks, broadcasts or
    registers 16-31); without it the first row that fits is taken: VEX before EVEX.

    >>> signature(form("add", "r64", "imm8"))
    'add r64/m64, imm8'
    """
    found = [
        f
        for f in forms(name)
        if (not kinds or _has_kinds(f, kinds)) and (not evex or isinstance(f.encoding, EVEX))
    ]
    if not found or (not kinds and len(found) > 1):
        listed = "; ".join(signature(f) for f in forms(name))
        raise EncodingError(
            f"{len(found) or 'no'} forms of {name} for ({', '.join(kinds)}){' with EVEX' if evex else ''}",
            why="kinds must choose one form",
            mend=f"the forms are: {listed}",
        )
    return found[0]


def _has_kinds(candidate: Form, kinds: tuple[str, ...]) -> bool:
    written = [o for o in candidate.operands if not o.implicit]
    return len(written) == len(kinds) and all(kind in o.kinds for kind, o in zip(kinds, written, strict=True))


def mem(
    base: str | None = None,
    index: str | None = None,
    scale: int = 1,
    disp: int = 0,
    *,
    bits: int = 0,
    broadcast: int = 0,
) -> Mem | SizedMem:
    """Memory at base + index * scale + disp, registers by name; `bits` where nothing else says it."""
    made = Mem(
        None if base is None else register(base).reg,
        None if index is None else register(index).reg,
        scale,
        disp,
        None,
        broadcast,
    )
    return SizedMem(made, bits) if bits else made


def inst(
    name: str, *operands: Given, mask: str | None = None, zeroing: bool = False, evex: bool = False
) -> Inst:
    """The instruction of that name with those operands: registers by name, integers, Mem or mem(…), Label.

    The first form that takes them is chosen (the shortest immediate); implicit operands are filled in.

    >>> from baregrad.isa.x86.encode import encode
    >>> encode(inst("add", "rcx", mem("rdi", disp=8))).hex()
    '48034f08'
    """
    given = tuple(_given(value) for value in operands)
    wanted = None if mask is None else register(mask).reg
    needs_evex = evex or wanted is not None or any(_needs_evex(value) for value in given)
    found = [f for f in forms(name) if _fits(f, given) and (not needs_evex or isinstance(f.encoding, EVEX))]
    if not found:
        listed = "; ".join(signature(f) for f in forms(name))
        raise EncodingError(
            f"no form of {name} takes {operands}", why="no row fits", mend=f"the forms are: {listed}"
        )
    if len({_memory_size(f, given) for f in found}) > 1:
        raise EncodingError(
            f"{name} {operands} may be of several sizes", why="memory has no size", mend="say mem(…, bits=…)"
        )
    values = iter([_plain(value) for value in given])
    chosen = found[0]
    filled = tuple(
        Reg(o.bank, o.fixed) if o.implicit and o.fixed is not None else next(values) for o in chosen.operands
    )
    return Inst(chosen, filled, wanted, zeroing)


_Typed = NamedReg | Imm | Label | Mem | SizedMem


def _given(value: Given) -> _Typed:
    if isinstance(value, str):
        return register(value)
    if isinstance(value, int):
        return Imm(value)
    return value


def _plain(value: _Typed) -> Value:
    if isinstance(value, NamedReg):
        return value.reg
    return value.mem if isinstance(value, SizedMem) else value


def _needs_evex(value: _Typed) -> bool:
    plain = _plain(value)
    if isinstance(plain, Mem):
        return plain.broadcast > 0 or (
            type(plain.index) is Reg and plain.index.bank == "vec" and plain.index.number > 15
        )
    return isinstance(plain, Reg) and plain.bank == "vec" and plain.number > 15


def _fits(candidate: Form, given: tuple[_Typed, ...]) -> bool:
    """Whether a form takes these operands."""
    written = [o for o in candidate.operands if not o.implicit]
    if len(written) != len(given):
        return False
    for operand, value in zip(written, given, strict=True):
        if isinstance(value, NamedReg):
            same = operand.fixed is None or (
                operand.fixed == value.reg.number and operand.bits == 8 and value.kind == "r8"
            )
            if not same or (operand.fixed is None and value.kind not in operand.kinds):
                return False
        elif not _fits_rest(candidate, operand.kinds, value):
            return False
    return True


def _fits_rest(candidate: Form, kinds: tuple[str, ...], value: Imm | Label | Mem | SizedMem) -> bool:
    """Whether an operand that is not a register fits one of the kinds."""
    if isinstance(value, Label):
        return kinds[0].startswith("rel")
    if isinstance(value, Imm):
        return kinds[0].startswith(("imm", "rel")) and _in_range(candidate.encoding.imm, value.value)
    plain, bits = (value.mem, value.bits) if isinstance(value, SizedMem) else (value, 0)
    vector = type(plain.index) is Reg and plain.index.bank == "vec"
    return any(
        memory_bits(kind) is not None
        and kind.endswith("bcst") == (plain.broadcast > 0)
        and kind.startswith("vm") == vector
        and bits in (0, memory_bits(kind))
        for kind in kinds
    )


def _in_range(imm: str, value: int) -> bool:
    _, least, most, _ = IMMEDIATES[imm]
    return least <= value <= most


def _memory_size(candidate: Form, given: tuple[_Typed, ...]) -> int:
    """Bits of the memory operand, if one is given."""
    if not any(isinstance(value, Mem) for value in given):
        return 0
    sizes = [memory_bits(kind) for o in candidate.operands for kind in o.kinds]
    return max((size for size in sizes if size), default=0)


def assemble(items: Iterable[Inst | Label | bytes], at: int = 0) -> bytes:
    """The bytes of a list of instructions, labels (the place of what follows) and raw bytes, at address `at`.

    Branches keep the form that they have: `inst` gives them rel32.

    >>> assemble([Label("again"), inst("dec", "ecx"), inst("jne", Label("again")), inst("ret")]).hex()
    'ffc90f85f8ffffffc3'
    """
    labels: dict[str, int] = {}
    pieces: list[tuple[int, bytes, Inst | None]] = []
    address = at
    for item in items:
        if isinstance(item, Label):
            if item.name in labels:
                raise EncodingError(
                    f"label {item.name!r} twice", why="a label is one place", mend="rename one of them"
                )
            labels[item.name] = address
            continue
        code = encode(item) if isinstance(item, Inst) else item
        pieces.append((address, code, item if isinstance(item, Inst) else None))
        address += len(code)
    return b"".join(
        code if source is None else resolve(code, fixups(source, code), place, labels)
        for place, code, source in pieces
    )
