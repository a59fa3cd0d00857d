"""Names of the formats of typed buffers (MTBUF): one number on RDNA3, a type and how it is read on CDNA.

What is not here: what the formats mean for data.
"""

from __future__ import annotations

from baregrad.base import memo
from baregrad.base.errors import EncodingError
from baregrad.isa.amd.immediates import number, refuse

SIX = "UNORM SNORM USCALED SSCALED UINT SINT"
THREE = "UINT SINT FLOAT"
# RDNA3's numbers from 1 on: components, and how each may be read. Source: RDNA3 ISA 10.7
UNIFIED = (
    ("8", SIX), ("16", f"{SIX} FLOAT"), ("8_8", SIX), ("32", THREE), ("16_16", f"{SIX} FLOAT"),
    ("10_11_11", "FLOAT"), ("11_11_10", "FLOAT"), ("10_10_10_2", "UNORM SNORM UINT SINT"),
    ("2_10_10_10", SIX), ("8_8_8_8", SIX), ("32_32", THREE), ("16_16_16_16", f"{SIX} FLOAT"),
    ("32_32_32", THREE), ("32_32_32_32", THREE),
)  # fmt: skip
# Source: CDNA4 ISA 9.1.2
DATA = ("INVALID", "8", "16", "8_8", "32", "16_16", "10_11_11", "11_11_10", "10_10_10_2", "2_10_10_10",
        "8_8_8_8", "32_32", "16_16_16_16", "32_32_32", "32_32_32_32", "RESERVED_15")  # fmt: skip
NUMBERS = ("UNORM", "SNORM", "USCALED", "SSCALED", "UINT", "SINT", "RESERVED_6", "FLOAT")
ONE, TYPE, HOW = "BUF_FMT_", "BUF_DATA_FORMAT_", "BUF_NUM_FORMAT_"


@memo
def unified() -> tuple[str, ...]:
    """RDNA3's names, by their numbers."""
    return ("INVALID", *(f"{each}_{how}" for each, ways in UNIFIED for how in ways.split()))


def format_text(value: int, fam: str) -> str:
    """A format in text; on CDNA what is as usual (8, UNORM) is left out.

    >>> format_text(22, "rdna"), format_text(116, "cdna"), format_text(4, "cdna")
    ('[BUF_FMT_32_FLOAT]', '[BUF_DATA_FORMAT_32,BUF_NUM_FORMAT_FLOAT]', '[BUF_DATA_FORMAT_32]')
    """
    if fam == "rdna":
        names = unified()
        return f"[{ONE}{names[value]}]" if value < len(names) else str(value)
    data, how = TYPE + DATA[value & 15], HOW + NUMBERS[value >> 4]
    if value >> 4 == 0:
        return f"[{data}]"
    return f"[{how}]" if value & 15 == 1 else f"[{data},{how}]"


def format_value(text: str, fam: str) -> int:
    """The way back of `format_text`; a type and how it is read also stand for RDNA3's one number.

    >>> format_value("[BUF_NUM_FORMAT_FLOAT, BUF_DATA_FORMAT_32]", "rdna")
    22
    """
    text = text.strip()
    if text[:1] != "[" or text[-1:] != "]":
        return number(text)
    words = [word.strip() for word in text[1:-1].split(",")]
    if fam == "rdna" and len(words) == 1 and words[0].startswith(ONE):
        return place(text, unified(), words[0].removeprefix(ONE))
    found = {name: word.removeprefix(name) for word in words for name in (TYPE, HOW) if word.startswith(name)}
    if len(found) != len(words):
        raise refuse(text, "format")
    data, how = found.get(TYPE, "8"), found.get(HOW, "UNORM")
    if fam == "rdna":
        if len(found) != 2:
            raise EncodingError(f"{text} is half a format", why="both its type and how it is read are needed")
        return place(text, unified(), f"{data}_{how}")
    return place(text, DATA, data) | place(text, NUMBERS, how) << 4


def place(text: str, names: tuple[str, ...], name: str) -> int:
    """Where a name is. Errors: EncodingError."""
    if name not in names:
        raise refuse(text, "format")
    return names.index(name)
