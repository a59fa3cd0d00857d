"""Bytes of an instruction. Each form gets a closure in which everything that its row fixes is already
computed.

`encode` takes physical registers only. A Label operand leaves its field 0 unless `labels` says where it is;
`fixups` says where the field is, for an assembler that learns the place later. What is not here: choosing
short or long branches (the assembler's work) and choosing forms (builder.py). Read encoding.py first. Source:
Intel SDM volume 2, chapter 2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple, NoReturn

from baregrad.base.errors import EncodingError
from baregrad.isa.form import Form, Imm, Inst, Label, Mem, Operand, Reg
from baregrad.isa.x86.encoding import EVEX, IMMEDIATES, LEGACY, VEX, memory_bits
from baregrad.isa.x86.registers import BANKS

Emit = Callable[[Inst], bytes]

PREFIX_NUMBER = {"": 0, "66": 1, "F3": 2, "F2": 3}
MAP_NUMBER = {"0F": 1, "0F38": 2, "0F3A": 3}
MAP_BYTES = {"": b"", "0F": b"\x0f", "0F38": b"\x0f\x38", "0F3A": b"\x0f\x3a"}
LENGTH_NUMBER = {0: 0, 128: 0, 256: 1, 512: 2}
_SCALE = {1: 0, 2: 1, 4: 2, 8: 3}


RIP = Label("rip")
"""The next instruction as a label: Mem(label=RIP, disp=8) needs no fixup, and is what decoding gives."""


class Fixup(NamedTuple):
    """A field that waits for a label: its place and size in the bytes, and what to put there.

    value = address of label + addend - (address of the instruction + end)
    """

    offset: int
    size: int
    label: Label
    addend: int
    end: int


def encode(inst: Inst, *, at: int = 0, labels: Mapping[str, int] | None = None) -> bytes:
    """The bytes of an instruction of physical registers.

    With `labels` (name to address), label fields are filled for an instruction at address `at`; without, they
    are 0.

    Errors: EncodingError for operands that the form does not take, and for a label out of reach.
    Cost: 2 to 6 microseconds.
    """
    code = _emitter(inst.form)(inst)
    if labels is None:
        return code
    return resolve(code, fixups(inst, code), at, labels)


def fixups(inst: Inst, code: bytes | None = None) -> tuple[Fixup, ...]:
    """The fields of an instruction that wait for labels; `code` are its bytes, if they are known already."""
    found: list[Fixup] = []
    for value in inst.operands:
        if type(value) is Mem and value.label not in (None, RIP):
            end = len(encode(inst) if code is None else code)
            imm = inst.form.encoding.imm
            tail = IMMEDIATES[imm][0] if imm else 1 if "S" in inst.form.encoding.slots else 0
            found.append(Fixup(end - tail - 4, 4, value.label, value.disp, end))
        elif type(value) is Label:
            end = len(encode(inst) if code is None else code)
            size = IMMEDIATES[inst.form.encoding.imm][0]
            found.append(Fixup(end - size, size, value, 0, end))
    return tuple(found)


def resolve(code: bytes, waiting: tuple[Fixup, ...], at: int, labels: Mapping[str, int]) -> bytes:
    """The bytes with their label fields filled, for an instruction at address `at`."""
    filled = bytearray(code)
    for offset, size, label, addend, end in waiting:
        if label.name not in labels:
            raise EncodingError(
                f"no label {label.name!r}", why="it is not in `labels`", mend="place the label"
            )
        distance = labels[label.name] + addend - (at + end)
        if not -(1 << (8 * size - 1)) <= distance < 1 << (8 * size - 1):
            raise EncodingError(
                f"label {label.name!r} is {distance} bytes away",
                why=f"the form's field has {8 * size} bits",
                mend="use the rel32 form, or place the label nearer",
            )
        filled[offset : offset + size] = distance.to_bytes(size, "little", signed=True)
    return bytes(filled)


def signature(form: Form) -> str:
    """A form's operand list as the manual writes it: "vaddss xmm, xmm, xmm/m32"."""
    shown = (f"{{{'/'.join(o.kinds)}}}" if o.implicit else "/".join(o.kinds) for o in form.operands)
    return f"{form.name} {', '.join(shown)}".rstrip()


def _refuse(inst: Inst, why: str) -> NoReturn:
    given = ", ".join(map(str, inst.operands))
    raise EncodingError(
        f"{inst.form.name} does not take ({given})",
        why=why,
        mend=f"the form is: {signature(inst.form)}" + (f", mask {inst.mask}" if inst.mask else ""),
    )


class _Place(NamedTuple):
    """What one operand may be: its index, the bank and limit of registers, memory, broadcasts."""

    at: int
    bank: str
    limit: int
    byte: bool
    memory: bool
    broadcast: int
    vector_index: bool


def _place(form: Form, letter: str) -> _Place | None:
    """The operand that goes to a slot, or None."""
    index = form.encoding.slots.find(letter)
    if index < 0:
        return None
    operand = form.operands[index]
    memories = [kind for kind in operand.kinds if memory_bits(kind) is not None]
    limit = operand.limit + 1 if operand.limit else BANKS.get(operand.bank, 0)
    lanes = [_lanes(form, kind) for kind in memories if kind.endswith("bcst")]
    return _Place(
        index,
        operand.bank,
        limit,
        operand.bank == "gpr" and operand.bits == 8,
        bool(memories),
        lanes[0] if lanes else 0,
        bool(memories) and memories[0].startswith("vm"),
    )


def _lanes(form: Form, kind: str) -> int:
    """How many lanes a broadcast element fills: those of the memory operand it stands for."""
    whole = next(o for o in form.operands if kind in o.kinds)
    return max(memory_bits(k) or 0 for k in whole.kinds) // (memory_bits(kind) or 1)


def disp_unit(form: Form, broadcast: int) -> int:
    """What an 8-bit displacement counts, in bytes (disp8*N, SDM 2.7.5)."""
    encoding = form.encoding
    if not isinstance(encoding, EVEX):
        return 1
    if encoding.n and not broadcast:
        return encoding.n
    for operand in form.operands:
        sizes = [
            (memory_bits(kind) or 0, kind.endswith("bcst")) for kind in operand.kinds if memory_bits(kind)
        ]
        for bits, repeated in sizes:
            if repeated == bool(broadcast):
                return bits // 8
    return 1


def _address(inst: Inst, mem: Mem, reg: int, unit: int, vector: bool) -> tuple[int, bytes]:
    """The high bits of base (1) and index (2, 4); ModRM (`reg` is shifted already), SIB, displacement."""
    base, disp = mem.base, mem.disp
    if mem.label is not None:
        if base is not None or mem.index is not None:
            _refuse(inst, "an address relative to a label has neither base nor index")
        disp = disp if mem.label == RIP else 0
    if not -(1 << 31) <= disp < 1 << 31:
        _refuse(inst, f"displacement {disp} does not fit 32 bits")
    if mem.label is not None:
        return 0, bytes((reg | 5,)) + disp.to_bytes(4, "little", signed=True)
    if base is None:
        high, sib = (0, 0x25) if mem.index is None and not vector else _index(inst, mem, vector)
        return high, bytes((reg | 4, sib | 5)) + disp.to_bytes(4, "little", signed=True)
    if type(base) is not Reg or base.bank != "gpr" or not 0 <= base.number < 16:
        _refuse(inst, f"base {base} is not one of the 16 physical general registers")
    low, high = base.number & 7, base.number >> 3
    if mem.index is not None or vector:
        more, sib = _index(inst, mem, vector)
        start, high = bytes((reg | 4, sib | low)), high | more
    else:
        start = bytes((reg | low,)) if low != 4 else bytes((reg | 4, 0x24))
    if disp == 0 and low != 5:
        return high, start
    short, rest = divmod(disp, unit)
    if rest == 0 and -128 <= short <= 127:
        return high, bytes((start[0] | 0x40, *start[1:], short & 255))
    return high, bytes((start[0] | 0x80, *start[1:])) + disp.to_bytes(4, "little", signed=True)


def _index(inst: Inst, mem: Mem, vector: bool) -> tuple[int, int]:
    """The high bits of an index register (2: bit 3, 4: bit 4), and SIB without its base."""
    index, scale = mem.index, _SCALE.get(mem.scale)
    if scale is None or type(index) is not Reg or index.bank != ("vec" if vector else "gpr"):
        kind = "vector" if vector else "general"
        _refuse(inst, f"index {index} * {mem.scale} is not a physical {kind} register times 1, 2, 4 or 8")
    number = index.number
    if not 0 <= number < (32 if vector else 16) or (number == 4 and not vector):
        _refuse(inst, f"{index} cannot be an index")
    return (number & 24) >> 2, scale << 6 | (number & 7) << 3


def _number(inst: Inst, place: _Place) -> int:
    """The number of the register at a place."""
    value = inst.operands[place.at]
    if type(value) is not Reg or value.bank != place.bank or not 0 <= value.number < place.limit:
        _refuse(inst, f"operand {place.at} ({inst.form.operands[place.at].name}) is {value}")
    return value.number


def _checks(form: Form) -> Emit:
    """What every encoding does first and last: count and fixed operands, then the immediate's bytes."""
    count = len(form.operands)
    fixed = tuple((i, Reg(o.bank, o.fixed)) for i, o in enumerate(form.operands) if o.fixed is not None)
    imm = form.encoding.slots.find("I")
    size, least, most, _ = IMMEDIATES[form.encoding.imm] if imm >= 0 else (0, 0, 0, False)
    whole = (1 << 8 * size) - 1
    is_branch = form.encoding.imm.startswith("rel")
    zero = bytes(size)
    masked = isinstance(form.encoding, EVEX)

    def tail(inst: Inst) -> bytes:
        values = inst.operands
        if len(values) != count:
            _refuse(inst, f"it takes {count} operands, not {len(values)}")
        if inst.mask is not None and not masked:
            _refuse(inst, "only EVEX forms take a mask")
        for index, register in fixed:
            if values[index] != register:
                _refuse(inst, f"operand {index} must be {register}")
        if imm < 0:
            return b""
        value = values[imm]
        if type(value) is Imm and least <= value.value <= most:
            return (value.value & whole).to_bytes(size, "little")
        if is_branch and type(value) is Label:
            return zero
        _refuse(
            inst, f"operand {imm} must be {'a label or ' if is_branch else ''}an immediate in {least}..{most}"
        )

    return tail


@cache
def _emitter(form: Form) -> Emit:
    """The closure that encodes a form's instructions."""
    makers: dict[type, Callable[[Form], Emit]] = {LEGACY: _legacy, VEX: _vex, EVEX: _evex}
    return makers[type(form.encoding)](form)


def _legacy(form: Form) -> Emit:
    """SDM 2.1, 2.2: [lock] [66 F2 F3] [REX] opcode [ModRM…] [immediate]."""
    encoding: LEGACY = form.encoding
    before = (b"\xf0" if encoding.lock else b"") + bytes.fromhex(encoding.prefix)
    opcode = MAP_BYTES[encoding.map] + bytes((encoding.opcode,))
    after = b"" if encoding.modrm is None else bytes((encoding.modrm,))
    tail, wide, digit = _checks(form), encoding.w << 3, (encoding.digit or 0) << 3
    reg_place, rm_place, low_place = _place(form, "R"), _place(form, "M"), _place(form, "O")
    byte_places = tuple(place.at for place in (reg_place, rm_place, low_place) if place and place.byte)
    stem = MAP_BYTES[encoding.map]

    def emit(inst: Inst) -> bytes:
        last = tail(inst)
        rex, reg, body, coded = wide, digit, after, opcode
        if reg_place is not None:
            number = _number(inst, reg_place)
            rex |= (number & 8) >> 1
            reg = (number & 7) << 3
        if rm_place is not None:
            value = inst.operands[rm_place.at]
            if type(value) is Mem and rm_place.memory:
                if value.broadcast:
                    _refuse(inst, "only EVEX forms broadcast")
                high, body = _address(inst, value, reg, 1, False)
                rex |= high
            else:
                number = _number(inst, rm_place)
                rex |= number >> 3
                body = bytes((0xC0 | reg | number & 7,))
        elif low_place is not None:
            number = _number(inst, low_place)
            rex |= number >> 3
            coded = stem + bytes((encoding.opcode + (number & 7),))
        if rex or any(type(v := inst.operands[i]) is Reg and 4 <= v.number < 8 for i in byte_places):
            return before + bytes((0x40 | rex,)) + coded + body + last
        return before + coded + body + last

    return emit


def _vex(form: Form) -> Emit:
    """SDM 2.3: C5 RvvvvLpp or C4 RXBmmmmm WvvvvLpp, opcode, ModRM…, immediate or is4."""
    encoding: VEX = form.encoding
    assert isinstance(encoding.length, int), "a row is expanded before its forms are encoded"
    tail, digit, opcode = _checks(form), (encoding.digit or 0) << 3, encoding.opcode
    fixed = LENGTH_NUMBER[encoding.length] << 2 | PREFIX_NUMBER[encoding.prefix]
    wide, number_of_map = (encoding.w or 0) << 7, MAP_NUMBER[encoding.map]
    short = not wide and number_of_map == 1
    reg_place, second_place, rm_place, is4_place = (_place(form, letter) for letter in "RVMS")

    def emit(inst: Inst) -> bytes:
        last = tail(inst)
        reg, r, high, second, body = digit, 0x80, 0, 0, b""
        if reg_place is not None:
            number = _number(inst, reg_place)
            r = (~number & 8) << 4
            reg = (number & 7) << 3
        if second_place is not None:
            second = _number(inst, second_place)
        if is4_place is not None:
            last = bytes((_number(inst, is4_place) << 4,))
        if rm_place is not None:
            value = inst.operands[rm_place.at]
            if type(value) is Mem and rm_place.memory:
                if value.broadcast:
                    _refuse(inst, "only EVEX forms broadcast")
                high, body = _address(inst, value, reg, 1, rm_place.vector_index)
                if high > 3:
                    _refuse(inst, "only EVEX forms reach vector registers 16-31")
            else:
                number = _number(inst, rm_place)
                high = number >> 3
                body = bytes((0xC0 | reg | number & 7,))
        lower = (~second & 15) << 3 | fixed
        if short and not high:
            return bytes((0xC5, r | lower, opcode)) + body + last
        return bytes((0xC4, r | (~high & 3) << 5 | number_of_map, wide | lower, opcode)) + body + last

    return emit


def _evex(form: Form) -> Emit:
    """SDM 2.7: 62 RXBR'0mmm Wvvvv1pp zL'LbV'aaa, opcode, ModRM…, immediate."""
    encoding: EVEX = form.encoding
    assert isinstance(encoding.length, int), "a row is expanded before its forms are encoded"
    tail, digit, opcode = _checks(form), (encoding.digit or 0) << 3, encoding.opcode
    first, second_fixed = (
        MAP_NUMBER[encoding.map],
        (encoding.w or 0) << 7 | 4 | PREFIX_NUMBER[encoding.prefix],
    )
    length = LENGTH_NUMBER[encoding.length] << 5
    reg_place, second_place, rm_place = (_place(form, letter) for letter in "RVM")
    unit, element = disp_unit(form, 0), disp_unit(form, 1)
    masked = _mask_reader(form)

    def emit(inst: Inst) -> bytes:
        last = tail(inst)
        third = length if inst.mask is None and not masked.must else length | masked(inst)
        reg, r, second, body = digit, 0x90, 0, b""
        x = 0x60
        if reg_place is not None:
            number = _number(inst, reg_place)
            r = (~number & 8) << 4 | ~number & 16
            reg = (number & 7) << 3
        if second_place is not None:
            second = _number(inst, second_place)
        if rm_place is not None:
            value = inst.operands[rm_place.at]
            if type(value) is Mem and rm_place.memory:
                repeat = value.broadcast
                if repeat:
                    if repeat != rm_place.broadcast:
                        _refuse(inst, f"it broadcasts to {rm_place.broadcast or 'no'} lanes, not {repeat}")
                    third |= 0x10
                high, body = _address(inst, value, reg, element if repeat else unit, rm_place.vector_index)
                x = (~high & 3) << 5
                second |= (high & 4) << 2
            else:
                number = _number(inst, rm_place)
                x = (~number & 16) << 2 | (~number & 8) << 2
                body = bytes((0xC0 | reg | number & 7,))
        return (
            bytes(
                (0x62, r | x | first, (~second & 15) << 3 | second_fixed, third | (~second & 16) >> 1, opcode)
            )
            + body
            + last
        )

    return emit


class _MaskReader(NamedTuple):
    """The z and aaa fields of an instruction that has a mask, or must have one."""

    must: bool
    zero: bool
    any: bool
    stores: int  # index of an operand that, as memory, forbids zeroing; or -1

    def __call__(self, inst: Inst) -> int:
        mask = inst.mask
        if type(mask) is not Reg or mask.bank != "mask" or not 1 <= mask.number < 8:
            _refuse(inst, "it needs a mask in k1-k7" if self.must else f"mask {mask} is not one of k1-k7")
        if not self.any:
            _refuse(inst, "it takes no mask")
        if not inst.zeroing:
            return mask.number
        if not self.zero or (self.stores >= 0 and type(inst.operands[self.stores]) is Mem):
            _refuse(inst, "it takes a mask, but cannot zero the lanes that are off")
        return 0x80 | mask.number


def _mask_reader(form: Form) -> _MaskReader:
    rule = form.encoding.mask
    stores = next((i for i, o in enumerate(form.operands) if o.writes and _takes_memory(o)), -1)
    return _MaskReader(rule == "must", rule in ("kz", "select"), bool(rule), stores)


def _takes_memory(operand: Operand) -> bool:
    return any(memory_bits(kind) is not None for kind in operand.kinds)
