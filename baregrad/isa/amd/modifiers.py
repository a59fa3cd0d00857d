"""Modifiers in text: flags, numbers, lists of bits, and names of values; each style is a row.

A style writes a value (an integer, as it lies in its field) and reads the text behind the colon. What is not
here: which form has which modifier (forms.py, memory.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from baregrad.isa.amd.formats import format_text, format_value
from baregrad.isa.amd.immediates import number, refuse, swizzle_text, swizzle_value

OMOD = {1: "mul:2", 2: "mul:4", 3: "div:2"}
# How an image is addressed: name, coordinates, derivatives of them. Source: RDNA3 ISA 10.2, 10.3
DIMS = (
    ("1D", 1, 2), ("2D", 2, 4), ("3D", 3, 6), ("CUBE", 3, 4), ("1D_ARRAY", 2, 2), ("2D_ARRAY", 3, 4),
    ("2D_MSAA", 3, 4), ("2D_MSAA_ARRAY", 4, 4),
)  # fmt: skip
DIM = "SQ_RSRC_IMG_"
SELECT = ("BYTE_0", "BYTE_1", "BYTE_2", "BYTE_3", "WORD_0", "WORD_1", "DWORD")
UNUSED = ("UNUSED_PAD", "UNUSED_SEXT", "UNUSED_PRESERVE")
# DPP_CTRL: name -> (first value, lowest and highest number that is written behind it, or none)
# Source: RDNA3 ISA 7.7, CDNA4 ISA 6.4
DPP = {
    "row_shl": (0x100, 1, 15), "row_shr": (0x110, 1, 15), "row_ror": (0x120, 1, 15),
    "row_newbcast": (0x150, 0, 15), "row_share": (0x150, 0, 15), "row_xmask": (0x160, 0, 15),
}  # fmt: skip
DPP_ONE = {
    0x130: "wave_shl:1", 0x134: "wave_rol:1", 0x138: "wave_shr:1", 0x13C: "wave_ror:1", 0x140: "row_mirror",
    0x141: "row_half_mirror", 0x142: "row_bcast:15", 0x143: "row_bcast:31",
}  # fmt: skip
FOREIGN = {"rdna": ("row_newbcast",), "cdna": ("row_share", "row_xmask")}
CDNA_ONLY = (0x130, 0x134, 0x138, 0x13C, 0x142, 0x143)


def dpp_text(value: int, fam: str) -> str:
    """How lanes are moved."""
    if value < 0x100:
        return f"quad_perm:[{','.join(str(value >> 2 * lane & 3) for lane in range(4))}]"
    if value in DPP_ONE and (fam == "cdna" or value not in CDNA_ONLY):
        return DPP_ONE[value]
    for name, (base, low, high) in DPP.items():
        if base + low <= value <= base + high and name not in FOREIGN[fam]:
            return f"{name}:{value - base}"
    return f"dpp_ctrl:{value:#x}"


def dpp_value(text: str, fam: str) -> int:
    """The way back of `dpp_text`. Errors: EncodingError."""
    for value, name in DPP_ONE.items():
        if name == text and (fam == "cdna" or value not in CDNA_ONLY):
            return value
    name, _, rest = text.partition(":")
    if name == "quad_perm" and rest.count(",") == 3:
        return bits_value(rest, 2)
    if name == "dpp_ctrl":
        return number(rest)
    if name not in DPP or name in FOREIGN[fam]:
        raise refuse(text, "DPP control")
    base, low, high = DPP[name]
    if not low <= number(rest) <= high:
        raise refuse(text, "DPP control")
    return base + number(rest)


def bits_value(text: str, each: int = 1) -> int:
    """The value of `[1,0,1]`, the low piece first. Errors: EncodingError."""
    digits = text[1::2]
    if (
        text[0::2] == f"[{',' * (len(digits) - 1)}]"
        and digits.isdecimal()
        and max(digits) < chr(48 + (1 << each))
    ):
        return int(digits[::-1], 1 << each)
    match = re.fullmatch(r"\s*\[([^\[\]]*)\]\s*", text)
    if not match:
        raise refuse(text, "list of bits")
    value = 0
    for part in reversed(match[1].split(",")):
        one = number(part)
        if one >> each:
            raise refuse(text, "list of bits")
        value = value << each | one
    return value


def listed(value: int, size: int, each: int = 1) -> str:
    """A value as a list of its pieces."""
    return "[" + ",".join(str(value >> each * at & (1 << each) - 1) for at in range(size)) + "]"


class Style(NamedTuple):
    """`text(name, value, width, family)` is what is written; `value(rest, family)` reads what is behind the
    colon; `names` are the words that may begin it, "" is the modifier's own name.
    """

    text: Callable[[str, int, int, str], str]
    value: Callable[[str, str], int]
    names: tuple[str, ...] = ("",)
    always: bool = False


def _omod_value(text: str, fam: str) -> int:
    if text in ("mul:1", "div:1"):
        return 0
    for value, name in OMOD.items():
        if name == text:
            return value
    raise refuse(text, "output modifier")


def _chosen(names: tuple[str, ...]) -> Style:
    def value(text: str, fam: str) -> int:
        if text.isdigit():
            return number(text)
        if text not in names:
            raise refuse(text, "one of " + " ".join(names))
        return names.index(text)

    return Style(
        lambda name, given, bits, fam: f"{name}:{names[given]}" if given < len(names) else f"{name}:{given}",
        value,
        always=True,
    )


def _dim_value(text: str) -> int:
    for value, (name, _, _) in enumerate(DIMS):
        if text.upper().removeprefix(DIM) == name:
            return value
    raise refuse(text, "one of " + " ".join(name for name, _, _ in DIMS))


def _lanes(name: str, value: int, size: int, fam: str) -> str:
    # In octal each digit is a lane, the last one first.
    return f"dpp8:[{','.join(f'{value:08o}'[::-1])}]"


def _signed(name: str, value: int, size: int, fam: str) -> str:
    return f"{name}:{value - (1 << size) if value >> size - 1 else value}"


def _hex_signed(name: str, value: int, size: int, fam: str) -> str:
    return f"{name}:{value - (1 << size) if value >> size - 1 else value:#x}"


SIGNED = frozenset(("signed", "hexsigned", "masksigned"))
STYLES = {
    "flag": Style(lambda name, value, size, fam: name, lambda text, fam: 1),
    "flag1": Style(lambda name, value, size, fam: f"{name}:1", lambda text, fam: number(text)),
    # On CDNA 0 and 1 both set it.
    "bound": Style(
        lambda name, value, size, fam: f"{name}:1", lambda text, fam: number(text) | int(fam == "cdna")
    ),
    "number": Style(lambda name, value, size, fam: f"{name}:{value}", lambda text, fam: number(text)),
    "counted": Style(
        lambda name, value, size, fam: f"{name}:{value}", lambda text, fam: number(text), always=True),
    "signed": Style(_signed, lambda text, fam: number(text)),
    "hex": Style(lambda name, value, size, fam: f"{name}:{value:#x}", lambda text, fam: number(text)),
    "hexsigned": Style(_hex_signed, lambda text, fam: number(text)),
    "masksigned": Style(_hex_signed, lambda text, fam: number(text), always=True),
    "mask": Style(
        lambda name, value, size, fam: f"{name}:{value:#x}", lambda text, fam: number(text), always=True
    ),
    "bits": Style(
        lambda name, value, size, fam: f"{name}:{listed(value, size)}", lambda text, fam: bits_value(text)
    ),
    # Three are written of which two have bits.
    "bits3": Style(
        lambda name, value, size, fam: f"{name}:{listed(value, 3)}", lambda text, fam: bits_value(text)
    ),
    "omod": Style(lambda name, value, size, fam: OMOD[value], _omod_value, ("mul", "div")),
    "dpp": Style(
        lambda name, value, size, fam: dpp_text(value, fam), dpp_value,
        ("quad_perm", "dpp_ctrl", *DPP, *(each.partition(":")[0] for each in DPP_ONE.values())), always=True,
    ),
    "dpp8": Style(_lanes, lambda text, fam: bits_value(text, 3), ("dpp8",), always=True),
    "select": _chosen(SELECT),
    "unused": _chosen(UNUSED),
    "dim": Style(
        lambda name, value, size, fam: f"{name}:{DIM}{DIMS[value][0]}",
        lambda text, fam: _dim_value(text), always=True,
    ),
    "format": Style(lambda name, value, size, fam: f"{name}:{format_text(value, fam)}", format_value),
    "swizzle": Style(
        lambda name, value, size, fam: f"{name}:{swizzle_text(value, fam)}",
        lambda text, fam: swizzle_value(text, fam),
    ),
}  # fmt: skip
