"""Instructions as text in Intel's syntax, and listings of code.

>>> from baregrad.isa.x86.builder import inst, mem
>>> text(inst("vaddps", "zmm1", "zmm2", mem("rdi", "rax", 4, disp=64, broadcast=16), mask="k3", zeroing=True))
'vaddps zmm1 {k3}{z}, zmm2, dword ptr [rdi+rax*4+0x40]{1to16}'

What is not here: an assembler that reads text (builder.py makes instructions).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from baregrad.base.errors import EncodingError
from baregrad.isa.form import Imm, Inst, Label, Mem, Operand, Reg, Sub, Value, VReg
from baregrad.isa.x86.decode import decode
from baregrad.isa.x86.encode import encode
from baregrad.isa.x86.encoding import memory_bits
from baregrad.isa.x86.registers import name_of

_SIZES = {8: "byte", 16: "word", 32: "dword", 64: "qword", 128: "xmmword", 256: "ymmword", 512: "zmmword"}
_INDEX_BITS = {"x": 128, "y": 256, "z": 512}


class Line(NamedTuple):
    """One line of a listing; `inst` is None where the bytes are no instruction of the tables."""

    address: int
    code: bytes
    inst: Inst | None
    text: str

    def __str__(self) -> str:
        return f"{self.address:8x}  {self.code.hex(' '):<32} {self.text}"


def text(inst: Inst, address: int | None = None) -> str:
    """An instruction in Intel's syntax; with its address, branches show targets instead of distances."""
    shown = []
    for operand, value in zip(inst.form.operands, inst.operands, strict=True):
        if operand.implicit:
            continue
        if isinstance(value, Imm) and operand.kinds[0].startswith("rel"):
            shown.append(_branch(inst, value, address))
        else:
            shown.append(_operand(operand, value))
    if inst.mask is not None and shown:
        shown[0] += f" {{{_register(inst.mask, 64)}}}" + ("{z}" if inst.zeroing else "")
    return f"{inst.form.name.replace('_', ' ')} {', '.join(shown)}".rstrip()


def disassemble(code: bytes, base: int = 0) -> Iterator[Line]:
    """A line for each instruction of some code at address `base`; bytes that are none become a line each.

    >>> for line in disassemble(bytes.fromhex("b82a000000c306"), 0x1000):
    ...     print(line.text)
    mov eax, 0x2a
    ret
    byte 6
    """
    at = 0
    while at < len(code):
        try:
            inst, length = decode(code, at)
        except EncodingError:
            yield Line(base + at, code[at : at + 1], None, f"byte {_integer(code[at])}")
            at += 1
            continue
        yield Line(base + at, code[at : at + length], inst, text(inst, base + at))
        at += length


def _integer(value: int) -> str:
    """Small integers in tens, the others in hexadecimal."""
    return str(value) if -10 < value < 10 else hex(value)


def _branch(inst: Inst, distance: Imm, address: int | None) -> str:
    if address is None:
        return f"$+{_integer(distance.value)}"
    return hex((address + len(encode(inst)) + distance.value) % (1 << 64))


def _register(value: Reg | VReg | Sub, bits: int) -> str:
    """A register's name; virtual ones are v3, and v3[1] for one of a tuple."""
    if isinstance(value, Reg):
        return name_of(value, bits)
    return f"v{value.id}" if isinstance(value, VReg) else f"v{value.of.id}[{value.index}]"


def _operand(operand: Operand, value: Value) -> str:
    if isinstance(value, Imm):
        return _integer(value.value)
    if isinstance(value, Label):
        return value.name
    if not isinstance(value, Mem):
        return _register(value, operand.bits)
    kinds = [kind for kind in operand.kinds if memory_bits(kind) is not None]
    kind = next((kind for kind in kinds if kind.endswith("bcst") == (value.broadcast > 0)), "m")
    bits = memory_bits(kind)
    size = f"{_SIZES[bits]} ptr " if bits else ""
    repeated = f"{{1to{value.broadcast}}}" if value.broadcast else ""
    return f"{size}[{_address(value, _INDEX_BITS.get(kind[-1], 64))}]{repeated}"


def _address(mem: Mem, index_bits: int) -> str:
    """The inside of the brackets."""
    parts = [] if mem.label is None else [mem.label.name]
    if mem.base is not None:
        parts.append(_register(mem.base, 64))
    if mem.index is not None:
        scale = f"*{mem.scale}" if mem.scale != 1 else ""
        parts.append(_register(mem.index, index_bits) + scale)
    if mem.disp or not parts:
        sign = "-" if mem.disp < 0 else "+"
        return "+".join(parts) + (sign if parts or mem.disp < 0 else "") + _integer(abs(mem.disp))
    return "+".join(parts)
