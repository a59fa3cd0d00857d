"""Operands in the spellings that are seldom: `[s0,s1]`, `v[1+1:3]`, `1<<4`, `lit(1.5)`, `0x1p-3`, `scc`.

What a disassembler writes is read in words.py; what is not known there is tried here.
"""

from __future__ import annotations

import re

from baregrad.base.errors import EncodingError
from baregrad.isa.amd.expression import evaluate
from baregrad.isa.amd.operands import Literal, Operand, Reg, float_bits

_INDEX = re.compile(r"(s|v|a|acc|ttmp)\s*\[([^\[\]:]+)(?::([^\[\]:]+))?\]")
_NUMBERED = re.compile(r"(s|v|a|acc|ttmp)0*(\d+)(?:\.([lh]))?")
_LIST = re.compile(r"\[(.+)\]")
_HALVES = {
    ("vcc_lo", "vcc_hi"): "vcc", ("exec_lo", "exec_hi"): "exec",
    ("flat_scratch_lo", "flat_scratch_hi"): "flat_scratch", ("xnack_mask_lo", "xnack_mask_hi"): "xnack_mask",
}  # fmt: skip
_FILES = {"acc": "a"}
_FLOAT = re.compile(r"[-+]?(\d+\.\d*|\.\d+|\d+(?=e))(e[-+]?\d+)?", re.IGNORECASE)
_HEX_FLOAT = re.compile(r"[-+]?0x[0-9a-f]+(\.[0-9a-f]*)?p[-+]?\d+", re.IGNORECASE)
_ARITHMETIC = re.compile(r"[\s0-9a-fA-FxXbB+\-*/%<>()~!&|^=']+")
_ONCE = re.compile(r"lit(?:64)?\((.*)\)")


def integer(text: str) -> int | None:
    """The value of an expression of integers, None where it is none."""
    text = re.sub(r"'(.)'", lambda match: str(ord(match[1])), text)
    if not _ARITHMETIC.fullmatch(text):
        return None
    plain = re.sub(r"\b0[xX]([0-9a-fA-F]+)", lambda match: str(int(match[1], 16)), text)
    plain = re.sub(r"\b0[bB]([01]+)", lambda match: str(int(match[1], 2)), plain)
    plain = re.sub(r"\b0([0-7]+)\b", lambda match: str(int(match[1], 8)), plain)
    try:
        return evaluate(plain, _unknown)
    except (EncodingError, ValueError):
        return None


def _unknown(name: str) -> int:
    raise EncodingError(f"{name!r} is no number", why="symbols stand in whole files only")


def spelled(piece: str, known: dict[str, Reg]) -> Operand | None:
    """An operand in a seldom spelling, None where it is none; `known` has the registers with a name."""
    found: Operand | None = known.get(f"src_{piece}") or known.get(piece.strip())
    if found is None:
        found = _register(piece.strip(), known)
    if found is not None:
        return found
    once = _ONCE.fullmatch(piece)
    if once:
        inner = spelled(once[1].strip(), known)
        if isinstance(inner, float):
            return Literal(float_bits(inner, "f32"))
        return Literal(inner & 0xFFFFFFFF) if isinstance(inner, int) else None
    if _FLOAT.fullmatch(piece):
        return float(piece)
    if _HEX_FLOAT.fullmatch(piece):
        return float.fromhex(piece)
    return integer(piece)


def _register(piece: str, known: dict[str, Reg]) -> Reg | None:
    match = _NUMBERED.fullmatch(piece)
    if match:
        return Reg(_FILES.get(match[1], match[1]), int(match[2]), 1, match[3] or "")
    match = _INDEX.fullmatch(piece)
    if match:
        first, last = integer(match[2]), integer(match[3] or match[2])
        if first is None or last is None or not 0 <= first <= last:
            return None
        return Reg(_FILES.get(match[1], match[1]), first, last - first + 1)
    match = _LIST.fullmatch(piece)
    return _joined([one.strip() for one in match[1].split(",")], known) if match else None


def _joined(pieces: list[str], known: dict[str, Reg]) -> Reg | None:
    """A list of registers that follow each other, as one."""
    if tuple(pieces) in _HALVES:
        return known.get(_HALVES[pieces[0], pieces[1]])
    if len(pieces) == 1 and pieces[0] in known:
        return known[pieces[0]]
    found = [_register(one, known) for one in pieces]
    first = found[0]
    if first is None or any(one != Reg(first.file, first.first + at) for at, one in enumerate(found)):
        return None
    return Reg(first.file, first.first, len(found))
