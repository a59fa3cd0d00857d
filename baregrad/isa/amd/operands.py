"""Operands: registers, constants, literals, labels, with what may stand around them; and their codes in
fields.

A register is `v[1]`, `s[4:7]` (both ends count), `a[0:3]`, `ttmp[2]`, or has a name (vcc, exec_lo, m0, null
...). Integers -16..64 and ten floats have codes of their own; others are literals of 32 bits. `table` has,
for each kind of field, the operand that each code means; `code` is the way back. What is not here: which
fields a form has (forms.py), operands in text (text.py).
"""

from __future__ import annotations

import struct
from typing import NamedTuple, TypeAlias

from baregrad.base import memo
from baregrad.base.errors import EncodingError

INVERSE_TWO_PI = 0.15915494309189532
FLOATS = {
    0.5: 240, -0.5: 241, 1.0: 242, -1.0: 243, 2.0: 244, -2.0: 245, 4.0: 246, -4.0: 247, INVERSE_TWO_PI: 248,
}  # fmt: skip
NUMBERED = ("s", "v", "a", "ttmp")


class Reg(NamedTuple):
    """A register, or `size` in a row; `half` is "l" or "h" for 16 bits of one ("" is "l" if it is scalar).

    >>> Reg("v", 4, 4), -abs(Reg("v", 3)), Reg("v", 1).h, Reg("vcc", 0, 2)
    (v[4:7], -abs(v[3]), v[1].h, vcc)
    """

    file: str
    first: int = 0
    size: int = 1
    half: str = ""

    def __repr__(self) -> str:
        if self.file not in NUMBERED:
            return f"{self.file}.{self.half}" if self.half else self.file
        numbers = f"{self.first}:{self.first + self.size - 1}" if self.size > 1 else str(self.first)
        return f"{self.file}[{numbers}]" + (f".{self.half}" if self.half else "")

    def __neg__(self) -> Changed:
        return Changed(self, neg=True)

    def __abs__(self) -> Changed:
        return Changed(self, abs=True)

    @property
    def l(self) -> Reg:  # noqa: E743 - the vendor's name for the low half
        """The low 16 bits."""
        return Reg(self.file, self.first, 1, "l")

    @property
    def h(self) -> Reg:
        """The high 16 bits."""
        return Reg(self.file, self.first, 1, "h")


class Literal(NamedTuple):
    """A constant in the word behind the instruction, also where a code of its own would do."""

    bits: int

    def __repr__(self) -> str:
        return f"lit({self.bits:#x})"


class Label(NamedTuple):
    """A place in the code that is named, not yet a distance."""

    name: str

    def __repr__(self) -> str:
        return f"Label({self.name!r})"


class Changed(NamedTuple):
    """A source with its sign changed, without its sign, or extended by its sign (this order from outside);
    `upper` is the upper half of a constant (OP_SEL), which registers say themselves.
    """

    value: Reg | int | float | Literal
    neg: bool = False
    abs: bool = False
    sext: bool = False
    upper: bool = False

    def __repr__(self) -> str:
        if not isinstance(self.value, Reg):
            flags = "".join(f", {key}=True" for key in ("neg", "abs", "sext", "upper") if getattr(self, key))
            return f"Changed({self.value!r}{flags})"
        shown = repr(self.value)
        if self.sext:
            shown = f"sext({shown})"
        if self.abs:
            shown = f"abs({shown})"
        return f"-{shown}" if self.neg else shown

    def __neg__(self) -> Changed:
        return self._replace(neg=not self.neg)

    def __abs__(self) -> Changed:
        return self._replace(neg=False, abs=True)


Operand: TypeAlias = "Reg | int | float | Literal | Label | Changed"
OFF = Reg("off")
NULL = Reg("null")
LITERAL_CODE = 255
# Named sources that are neither registers of the program nor constants.
NAMED = {
    "rdna": {235: "src_shared_base", 236: "src_shared_limit", 237: "src_private_base",
             238: "src_private_limit", 253: "src_scc"},
    "cdna": {235: "src_shared_base", 236: "src_shared_limit", 237: "src_private_base",
             238: "src_private_limit", 251: "src_vccz", 252: "src_execz", 253: "src_scc"},
}  # fmt: skip
# Registers with a name: code -> (name of one, name of the pair that begins here).
SPECIAL = {
    "rdna": {106: ("vcc_lo", "vcc"), 107: ("vcc_hi", ""), 124: ("null", "null"), 125: ("m0", ""),
             126: ("exec_lo", "exec"), 127: ("exec_hi", "")},
    "cdna": {102: ("flat_scratch_lo", "flat_scratch"), 103: ("flat_scratch_hi", ""),
             104: ("xnack_mask_lo", "xnack_mask"), 105: ("xnack_mask_hi", ""), 106: ("vcc_lo", "vcc"),
             107: ("vcc_hi", ""), 124: ("m0", ""), 126: ("exec_lo", "exec"), 127: ("exec_hi", "")},
}  # fmt: skip
SGPRS = {"rdna": 106, "cdna": 102}


def family(arch: str) -> str:
    """ "rdna" or "cdna"."""
    return arch[:4]


@memo
def scalars(fam: str, count: int) -> tuple[Reg | None, ...]:
    """What the codes 0..127 mean where `count` registers are wanted; None for what is not allowed."""
    step = 1 if count == 1 else 2 if count == 2 else 4
    found: list[Reg | None] = [None] * 128
    for code in range(SGPRS[fam]):
        if code % step == 0 and code + count <= SGPRS[fam]:
            found[code] = Reg("s", code, count)
    for code in range(108, 124):
        if (code - 108) % step == 0 and code + count <= 124:
            found[code] = Reg("ttmp", code - 108, count)
    for code, (one, pair) in SPECIAL[fam].items():
        name = one if count == 1 or one == NULL.file else pair if count == 2 else ""
        found[code] = Reg(name, 0, 1 if name == NULL.file else count) if name else None
    return tuple(found)


@memo
def vectors(file: str, count: int) -> tuple[Reg | None, ...]:
    """The 256 vector registers, or as many as begin `count` of them."""
    return tuple(Reg(file, code, count) if code + count <= 256 else None for code in range(256))


@memo
def halves() -> tuple[Reg | None, ...]:
    """Where 8 bits name half a register: v0..v127, the low halves first."""
    return tuple(Reg("v", code & 127, 1, "h" if code > 127 else "l") for code in range(256))


@memo
def constants(fam: str) -> tuple[Operand | None, ...]:
    """What the codes 128..255 mean; the literal is None here."""
    found: list[Operand | None] = [None] * 128
    for value in range(65):
        found[value] = value
    for value in range(1, 17):
        found[64 + value] = -value
    for real, code in FLOATS.items():
        found[code - 128] = real
    for code, name in NAMED[fam].items():
        found[code - 128] = Reg(name)
    return tuple(found)


@memo
def table(fam: str, kind: str, count: int) -> tuple[Operand | None, ...]:
    """The operand that each code of a field means.

    Kinds: sdst (a scalar register), ssrc (a scalar source), src (any source), vgpr, agpr, vsrc (a source that
    must be a VGPR), av (8 bits and one that says AGPR), asrc (9 bits and that), vgpr16, src16 (halves in the
    short formats), lvgpr (halves, said by another bit), lsrc (that, or any source); others leave out what
    one kind of instruction does not take.
    """
    none: tuple[Operand | None, ...] = (None,) * 256
    low = (*scalars(fam, count), *constants(fam))
    v = vectors("v", count)
    numbers = tuple(None if isinstance(one, Reg) else one for one in constants(fam))
    plain = (*none[:128], *numbers)
    low_halves = tuple(one.l if one else None for one in vectors("v", 1))
    rows: dict[str, tuple[Operand | None, ...]] = {
        "sdst": scalars(fam, count),
        "ssrc": low,
        "src": (*low, *v),
        "vgpr": v,
        "agpr": vectors("a", count),
        "vsrc": (*none, *v),
        "av": (*v, *vectors("a", count)),
        "avodd": (*v, *vectors("a", count)),
        "asrc": (*plain, *v, *plain, *vectors("a", count)),
        "ssrc8": (*low[:255], None),
        "lane": (*low, *none),
        "soffset": tuple(one if one != NULL else None for one in scalars(fam, count)),
        "offset": tuple(
            one if one is not None and one != NULL and one.file not in ("exec", "exec_hi") else None
            for one in scalars(fam, count)
        ),
        "lanedst": (*(one if one != Reg("m0") else None for one in low[:128]), *none[:128]),
        "sdata": tuple(
            one if one is None or one.file not in ("m0", "exec", "exec_lo", "exec_hi") else None
            for one in scalars(fam, count)
        ),
        "wsrc": (*plain, *v),
        "sreg": (*scalars(fam, count), *none[:128]),
        "mask9": (*scalars(fam, count), *none[:128], *none),
        "vlsrc": (*none, *low_halves),
        "sbase": tuple(one if one != NULL else None for one in scalars(fam, count)[::2]),
        "srsrc": tuple(one if one != NULL else None for one in scalars(fam, count)[::4]),
        "dsty": tuple(v[code ^ 1] for code in range(256)),
        "accsrc": (*none, *vectors("a", count)),
        "ssrc9": (*low, *none),
        "sdwa": (*v, *low),
        "sdst8": (*(Reg("vcc", 0, 2),), *(None,) * 127, *scalars(fam, count)),
        "vsrc16": (*none, *halves()),
        "avsrc": (*none, *v, *none, *vectors("a", count)),
        "vgpr16": halves(),
        "src16": (*low, *halves()),
        "lvgpr": low_halves,
        "lsrc": (*low, *low_halves),
    }
    return rows[kind]


@memo
def codes(fam: str, kind: str, count: int) -> dict[Operand, int]:
    """The way back of `table`, for registers; constants have `constant`.

    Vector registers in a row begin at an even one on CDNA, though bytes may say otherwise. Source: CDNA4
    ISA 3.6.
    """
    found: dict[Operand, int] = {}
    even = fam == "cdna" and count > 1 and kind != "avodd"
    for code, one in enumerate(table(fam, kind, count)):
        if isinstance(one, Reg) and not (even and one.file in "va" and one.first & 1):
            found.setdefault(one, code)
    return found


def constant(value: int | float) -> int:
    """The code of a constant that has one, or -1. An integer is not a float: 1 is 129, 1.0 is 242."""
    if isinstance(value, float):
        return FLOATS.get(value, 128 if value == 0 and not str(value).startswith("-") else -1)
    if 0 <= value <= 64:
        return 128 + value
    return 192 - value if -16 <= value < 0 else -1


@memo
def patterns(kind: str) -> dict[int, int]:
    """Bits of floats of a kind (f16, bf16, f32, f64; "" has none) that have codes."""
    if not kind:
        return {}
    if kind == "f64":
        return {struct.unpack("<Q", struct.pack("<d", real))[0]: code for real, code in FLOATS.items()}
    return {float_bits(real, kind): code for real, code in FLOATS.items()}


LEAST = {"f16": 2.0**-14, "bf16": 2.0**-126, "f32": 2.0**-126}


def float_bits(value: float, kind: str) -> int:
    """The literal that means a float for an operand of a kind: a double's upper half. Errors: EncodingError
    for one that is too large, or so small that digits are lost.
    """
    if kind == "f64":
        return int(struct.unpack("<Q", struct.pack("<d", value))[0]) >> 32
    try:
        data = struct.pack("<e" if kind == "f16" else "<f", value)
    except OverflowError:
        raise EncodingError(f"{value} is too large", why=f"it becomes {kind}") from None
    if abs(value) < LEAST[kind] and struct.unpack("<e" if kind == "f16" else "<f", data)[0] != value:
        raise EncodingError(f"{value} is too small", why=f"it becomes {kind}")
    bits = int.from_bytes(data, "little")
    return bits >> 16 if kind == "bf16" else bits
