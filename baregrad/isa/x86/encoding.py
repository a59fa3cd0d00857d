"""The three encodings of x86-64 as data, and how a table's row becomes forms.

A row is `row(name, operands, encoding, facts…)`, as in the manual. Operands are written
`name:kind/kind…=role`; role is r, w, rw, or w! (written before the rest is read);
a kind is a register kind ("r32", "xmm", "k"), memory ("m32", "m512", "m" for an address only,
"vm32z" for a vector of addresses), broadcast memory ("m32bcst"), an immediate ("imm8"), a branch ("rel32"),
or one register ("rax": implicit, not written; "cl": written). A row for several sizes uses placeholders: R M
I for integer sizes (`size="32/64"`), V M H Q E for vectors and memory of the whole, half, quarter and eighth
length ("128/256/512"), b32 b64 for broadcast elements.

Rows and encodings are tuples because some 700 are made when the tables are imported: frozen dataclasses take
five times as long.

What is not here: bytes (encode.py, decode.py) and rows (table_*.py). Source: Intel SDM volume 2, chapter 2.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from baregrad.isa.form import Form, Operand, Reg
from baregrad.isa.x86.registers import BANKS, REGISTER_KINDS, named


class LEGACY(NamedTuple):
    """Prefixes, REX, opcode map, opcode, ModRM. SDM 2.1 and 2.2.

    `digit` is the /digit of ModRM, `plus_r` an operand in the opcode's low bits, `modrm` a fixed byte after
    the opcode. `size` ("8/16/32/64") makes one form a size: 8 clears the opcode's low bit, 16 adds 66, 64
    sets REX.W; the immediate "iz" follows the size. `imm` is ib, iw, id, iq (plain), ibs, ids (sign-extended
    by the instruction), rel8 or rel32. `slots` says where each operand goes: R reg, M r/m, O opcode, I
    immediate, - nowhere; derived where it is usual.
    """

    opcode: int
    prefix: str = ""
    map: str = ""
    w: int = 0
    digit: int | None = None
    plus_r: bool = False
    imm: str = ""
    modrm: int | None = None
    lock: bool = False
    size: str = ""
    slots: str = ""


class VEX(NamedTuple):
    """The two- and three-byte VEX prefixes. SDM 2.3.

    `length` is 128, 256, "LIG" (ignored: encoded as 128), or "128/256" for a form each. `w` None is WIG.
    Slots as in LEGACY, with V for VEX.vvvv and S for the register in an immediate (is4).
    """

    length: int | str
    prefix: str
    map: str
    opcode: int
    w: int | None = None
    digit: int | None = None
    imm: str = ""
    size: str = ""
    slots: str = ""


class EVEX(NamedTuple):
    """The four-byte EVEX prefix. SDM 2.7.

    `mask` is "" (none may be given), "k" (merging only), "kz" (merging or zeroing), "select" (either; the
    lanes that are off come from a source) or "must" (k1-k7 is required, and comes out as zero: gathers). `n`
    is what an 8-bit displacement is multiplied by, in bytes: the SDM's tuple types (2.7.5) all come to the
    size of the memory operand (an element, when it is broadcast); rows say `n` only where that is not so.
    """

    length: int | str
    prefix: str
    map: str
    opcode: int
    w: int | None = None
    digit: int | None = None
    imm: str = ""
    size: str = ""
    slots: str = ""
    mask: str = "kz"
    n: int = 0


Encoding = LEGACY | VEX | EVEX

IMMEDIATES = {  # name: bytes, least and greatest value taken, whether it decodes as signed
    "ib": (1, -128, 255, False),
    "ibs": (1, -128, 127, True),
    "iw": (2, -(1 << 15), (1 << 16) - 1, True),
    "id": (4, -(1 << 31), (1 << 32) - 1, True),
    "ids": (4, -(1 << 31), (1 << 31) - 1, True),
    "iq": (8, -(1 << 63), (1 << 64) - 1, True),
    "rel8": (1, -128, 127, True),
    "rel32": (4, -(1 << 31), (1 << 31) - 1, True),
}
"""The immediates of the tables."""


class Row(NamedTuple):
    """One line of a table: forms that are not built yet."""

    name: str
    spec: str
    encoding: Encoding
    facts: dict[str, Any]  # keywords of Form: every field has its own type


def row(name: str, spec: str, encoding: Encoding, **facts: Any) -> Row:  # Any: as in Row.facts
    """One line of a table: `flags` is "r", "w" or "rw", `needs` has features; the rest are Form's fields."""
    return Row(name, spec, encoding, facts)


MASK_ROLES = {"": "", "must": "rw"}
"""What happens to the mask register, where it is not only read."""

MEMORY_KIND = re.compile(r"m(\d*)$|m(16|32|64)bcst$|vm(32|64)([xyz])$")
_FLAG_FACTS = {"": (False, False), "r": (False, True), "w": (True, False), "rw": (True, True)}


def memory_bits(kind: str) -> int | None:
    """Bits of memory that a kind names: 32 for "m32" and "m32bcst", 0 for "m" and vector addresses, None if
    it is not memory.

    >>> memory_bits("m512"), memory_bits("m32bcst"), memory_bits("m"), memory_bits("xmm")
    (512, 32, 0, None)
    """
    found = MEMORY_KIND.match(kind)
    return None if found is None else int(found[1] or found[2] or 0)


def parse_operand(text: str, limit: int) -> Operand:
    """One operand of a spec; `limit` is the last vector register that the encoding reaches.

    >>> parse_operand("b:xmm/m32=r", 15).kinds
    ('xmm', 'm32')
    """
    name, rest = text.strip().split(":")
    spelled, role = rest.split("=") if "=" in rest else (rest, "r")
    early, role = role.endswith("!"), role.rstrip("!")
    kinds = tuple(spelled.split("/"))
    fixed = None if kinds[0] in REGISTER_KINDS else named().get(kinds[0])
    if fixed is not None:
        bank, bits = REGISTER_KINDS[fixed.kind]
        written = kinds[0] == "cl"
        shown = kinds if written else (fixed.kind,)
        return Operand(name, shown, role, bank, bits, fixed=fixed.reg.number, implicit=not written)
    registers = [kind for kind in kinds if kind in REGISTER_KINDS]
    if registers:
        bank, bits = REGISTER_KINDS[registers[0]]
        return Operand(name, kinds, role, bank, bits, limit=limit if bank == "vec" else 0, early=early)
    sizes = [memory_bits(kind) for kind in kinds]
    if sizes[0] is not None:
        return Operand(name, kinds, role, "", sizes[0], limit=limit if kinds[0].startswith("vm") else 0)
    number = kinds[0][3:]
    known = len(kinds) == 1 and kinds[0][:3] in ("imm", "rel") and number.isdigit()
    assert known, f"{text!r}: {kinds} are no kinds; see the header of encoding.py"
    return Operand(name, kinds, role, "", int(number))


def _slots(encoding: Encoding, operands: tuple[Operand, ...]) -> str:
    """Where each operand goes, when the row does not say: the manual's usual operand encodings."""
    given = iter(encoding.slots)
    plain = [operand for operand in operands if not operand.implicit and operand.fixed is None]
    registers = [operand for operand in plain if operand.kinds[0][:3] not in ("imm", "rel")]
    usual = iter(given if encoding.slots else _usual_slots(encoding, registers))
    letters = []
    for operand in operands:
        if operand.implicit or operand.fixed is not None:
            letters.append("-")
        elif operand.kinds[0][:3] in ("imm", "rel"):
            letters.append("I")
        else:
            letters.append(next(usual))
    return "".join(letters)


def _usual_slots(encoding: Encoding, registers: list[Operand]) -> str:
    """The letters of register and memory operands: RM, MR if memory is first, RVM; M or VM with a /digit."""
    if isinstance(encoding, LEGACY) and encoding.plus_r:
        return "O"
    if encoding.digit is not None:
        return "VM" if len(registers) == 2 else "M"
    if len(registers) == 2:
        return "MR" if memory_bits(registers[0].kinds[-1]) is not None else "RM"
    return {0: "", 1: "M", 3: "RVM", 4: "RVMS"}[len(registers)]


_INTEGER = {
    8: ("r8", "m8", "imm8", "ib"),
    16: ("r16", "m16", "imm16", "iw"),
    32: ("r32", "m32", "imm32", "id"),
}
_INTEGER[64] = ("r64", "m64", "imm32", "ids")
_VECTOR = {128: "xmm", 256: "ymm", 512: "zmm"}
_ADDRESSES = {128: "x", 256: "y", 512: "z"}


def _integer_names(size: int) -> dict[str, str]:
    register, memory, immediate, _ = _INTEGER[size]
    return {"R": register, "M": memory, "I": immediate}


def _vector_names(length: int, wide: int | None) -> dict[str, str]:
    """Placeholders at a vector length; registers are never less than xmm."""
    names = {"b32": "m32bcst", "b64": "m64bcst", "V": _VECTOR[length], "M": f"m{length}"}
    for letter, part in (("H", 2), ("Q", 4), ("E", 8)):
        names[letter] = _VECTOR[max(128, length // part)]
        names[f"M{letter}"] = f"m{length // part}"
    for bits in (32, 64):
        names[f"vm{bits}V"] = f"vm{bits}{_ADDRESSES[length]}"
        names[f"vm{bits}H"] = f"vm{bits}{_ADDRESSES[max(128, length // 2)]}"
    if wide is not None:
        names |= {"R": _INTEGER[wide][0], "MR": _INTEGER[wide][1]}
    return names


def _variants(encoding: Encoding) -> Iterator[tuple[Encoding, dict[str, str]]]:
    """Each concrete encoding of a row, with what its placeholders stand for."""
    sizes = [int(size) for size in encoding.size.split("/")] if encoding.size else [0]
    if isinstance(encoding, LEGACY):
        for size in sizes:
            yield (_sized(encoding, size), _integer_names(size)) if size else (encoding, {})
        return
    for length in str(encoding.length).split("/"):
        for size in sizes:
            bits = 0 if length == "LIG" else int(length)
            wide = encoding.w if not size else int(size == 64)
            yield encoding._replace(length=bits, w=wide), _vector_names(bits or 128, size or None)


def _sized(encoding: LEGACY, size: int) -> LEGACY:
    """A legacy encoding at one operand size."""
    opcode = encoding.opcode & ~1 if size == 8 and not encoding.plus_r else encoding.opcode
    prefix = "66" if size == 16 else encoding.prefix
    imm = _INTEGER[size][3] if encoding.imm == "iz" else encoding.imm
    return encoding._replace(opcode=opcode, prefix=prefix, imm=imm, w=int(size == 64))


_KIND = re.compile(r"[A-Za-z][A-Za-z0-9]*")


def _fill(spec: str, names: dict[str, str]) -> str:
    """A spec with its placeholders replaced; operand names stay."""
    parts = []
    for operand in filter(None, (text.strip() for text in spec.split(","))):
        name, rest = operand.split(":")
        kinds, _, role = rest.partition("=")
        parts.append(f"{name}:{_KIND.sub(lambda kind: names.get(kind[0], kind[0]), kinds)}={role or 'r'}")
    return ", ".join(parts)


def _memory(operands: Iterable[Operand]) -> str:
    """What a form does to memory, from its operand that can be memory."""
    for operand in operands:
        if any(memory_bits(kind) is not None and kind != "m" for kind in operand.kinds):
            return operand.role
    return ""


def _needs(names: str, encoding: Encoding) -> frozenset[str]:
    """A form's features: "avx/avx2" is the first at 128 bits, the second at 256; EVEX adds its own."""
    if "/" in names:
        small, large = names.split("/")
        names = large if isinstance(encoding, VEX) and encoding.length == 256 else small
    if not isinstance(encoding, EVEX):
        return frozenset(names.split())
    return frozenset([*names.split(), "avx512f", *(() if encoding.length in (0, 512) else ("avx512vl",))])


def expand(line: Row) -> Iterator[Form]:
    """The forms of a row, one for each size or vector length.

    >>> neg = row("neg", "dst:R/M=rw", LEGACY(0xF7, digit=3, size="32/64"))
    >>> [form.operands[0].kinds for form in expand(neg)]
    [('r32', 'm32'), ('r64', 'm64')]
    """
    for encoding, names in _variants(line.encoding):
        facts = dict(line.facts)
        limit = (BANKS["vec"] if isinstance(encoding, EVEX) else BANKS["vec"] // 2) - 1
        spec = _fill(line.spec, names)
        operands = tuple(parse_operand(text, limit) for text in spec.split(", ") if text)
        slots = _slots(encoding, operands)
        needs = _needs(facts.pop("needs", ""), encoding)
        writes, reads = _FLAG_FACTS[facts.pop("flags", "")]
        facts.setdefault("memory", _memory(operands))
        facts.setdefault("source", f"SDM {line.name.upper()}")
        yield Form(
            line.name,
            operands,
            encoding._replace(slots=slots),
            needs=needs,
            mask_role=MASK_ROLES.get(encoding.mask, "r") if isinstance(encoding, EVEX) else "",
            merges=not isinstance(encoding, EVEX) or encoding.mask != "select",
            writes_flags=writes,
            reads_flags=reads,
            clobbers=tuple(Reg("gpr", number) for number in facts.pop("clobbers", ())),
            **facts,
        )
