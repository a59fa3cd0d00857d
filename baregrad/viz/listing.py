"""Machine code as text. Graphs and lists have theirs in ir/text.py."""

from __future__ import annotations

from baregrad.base.integers import align_up
from baregrad.isa import Imm
from baregrad.isa.x86 import Line, disassemble

TEXT = b"#include"  # how a program begins whose code is C text


def assembly(code: bytes) -> str:
    """Machine code as bytes and instructions; what follows the last `ret` is constants. C stays as it is."""
    if code.startswith(TEXT):
        return code.decode()
    end = len(code)
    lines = []
    for line in disassemble(code):
        if line.address >= end:
            break
        lines.append(str(line))
        if line.text == "ret" and not _returns_later(code, line.address + 1):
            end = line.address + 1
    if end < len(code):
        lines.append(f"{end:8x}  {len(code) - end} bytes of padding and constants")
    return "\n".join(lines)


def _returns_later(code: bytes, start: int) -> bool:
    """Whether real code follows: a kernel has its constants at the next multiple of 64, or nothing."""
    return any(byte not in (0x00, 0x90, 0xCC) for byte in code[start : align_up(start, 64)])


def hot_loop(code: bytes) -> list[str]:
    """The lines of the innermost loop with most vector instructions; the beginning of code without loops."""
    if code.startswith(TEXT):
        return code.decode().splitlines()
    lines = list(disassemble(code))
    places = {line.address: place for place, line in enumerate(lines)}
    best: tuple[int, int, int] = (-1, 0, min(len(lines), 40))
    for end, line in enumerate(lines):
        target = _target(line)
        if target is None or target >= line.address or target not in places:
            continue
        body = lines[places[target] : end + 1]
        inner = any((to := _target(one)) is not None and target <= to < one.address for one in body[:-1])
        count = sum(one.text.startswith("v") for one in body)
        if not inner and count > best[0]:
            best = (count, places[target], end + 1)
    return [str(line) for line in lines[best[1] : best[2]]]


def _target(line: Line) -> int | None:
    """Where a branch goes."""
    if line.inst is None or not line.inst.form.operands:
        return None
    operand, value = line.inst.form.operands[-1], line.inst.operands[-1]
    if not isinstance(value, Imm) or not operand.kinds[0].startswith("rel"):
        return None
    return line.address + len(line.code) + value.value
