"""Immediates with a syntax of their own: waits, delays, messages, hardware registers, swizzles, lanes.

Each is a row of fields, (name, low bit, width); what differs between families is a row too. What is not here:
plain numbers and the fields that hold them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import NamedTuple

from baregrad.base.errors import EncodingError
from baregrad.isa.amd.spelling import integer

# name -> parts (low bit, width), low part first
# Source: RDNA3 ISA 4.4 and 16.5, S_WAITCNT; CDNA4 ISA 4.4
WAITS: dict[str, dict[str, tuple[tuple[int, int], ...]]] = {
    "rdna": {"vmcnt": ((10, 6),), "expcnt": ((0, 3),), "lgkmcnt": ((4, 6),)},
    "cdna": {"vmcnt": ((0, 4), (14, 2)), "expcnt": ((4, 3),), "lgkmcnt": ((8, 4),)},
}
# Source: the encoding of S_WAITCNT_DEPCTR is not in the manual; observed with LLVM's assembler.
DEPCTR = {
    "depctr_hold_cnt": (7, 1), "depctr_sa_sdst": (0, 1), "depctr_va_vdst": (12, 4), "depctr_va_sdst": (9, 3),
    "depctr_va_ssrc": (8, 1), "depctr_va_vcc": (1, 1), "depctr_vm_vsrc": (2, 3),
}  # fmt: skip
DEPCTR_IDLE = 0xFF9F  # no counter is waited for
DELAYS = (
    "NO_DEP", "VALU_DEP_1", "VALU_DEP_2", "VALU_DEP_3", "VALU_DEP_4", "TRANS32_DEP_1", "TRANS32_DEP_2",
    "TRANS32_DEP_3", "FMA_ACCUM_CYCLE_1", "SALU_CYCLE_1", "SALU_CYCLE_2", "SALU_CYCLE_3",
)  # fmt: skip
SKIPS = ("SAME", "NEXT", "SKIP_1", "SKIP_2", "SKIP_3", "SKIP_4")
DELAY_PARTS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("instid0", 0, 4, DELAYS),
    ("instskip", 4, 3, SKIPS),
    ("instid1", 7, 4, DELAYS),
)
MESSAGES = {
    "rdna": {1: "MSG_INTERRUPT", 2: "MSG_HS_TESSFACTOR", 3: "MSG_DEALLOC_VGPRS", 5: "MSG_STALL_WAVE_GEN",
             6: "MSG_HALT_WAVES", 9: "MSG_GS_ALLOC_REQ",
             15: "MSG_SYSMSG"},
    "cdna": {1: "MSG_INTERRUPT", 2: "MSG_GS", 3: "MSG_GS_DONE", 4: "MSG_SAVEWAVE", 5: "MSG_STALL_WAVE_GEN",
             6: "MSG_HALT_WAVES", 7: "MSG_ORDERED_PS_DONE", 8: "MSG_EARLY_PRIM_DEALLOC",
             9: "MSG_GS_ALLOC_REQ", 10: "MSG_GET_DOORBELL", 15: "MSG_SYSMSG"},
}  # fmt: skip
RETURNS = {
    128: "MSG_RTN_GET_DOORBELL", 129: "MSG_RTN_GET_DDID", 130: "MSG_RTN_GET_TMA", 131: "MSG_RTN_GET_REALTIME",
    132: "MSG_RTN_SAVE_WAVE", 133: "MSG_RTN_GET_TBA",
}  # fmt: skip
SYSTEM_OPS = {
    1: "SYSMSG_OP_ECC_ERR_INTERRUPT", 2: "SYSMSG_OP_REG_RD", 3: "SYSMSG_OP_HOST_TRAP_ACK",
    4: "SYSMSG_OP_TTRACE_PC",
}  # fmt: skip
STREAM_OPS = {0: "GS_OP_NOP", 1: "GS_OP_CUT", 2: "GS_OP_EMIT", 3: "GS_OP_EMIT_CUT"}
HWREGS = {
    "rdna": {1: "HW_REG_MODE", 2: "HW_REG_STATUS", 3: "HW_REG_TRAPSTS", 5: "HW_REG_GPR_ALLOC",
             6: "HW_REG_LDS_ALLOC", 7: "HW_REG_IB_STS", 15: "HW_REG_SH_MEM_BASES",
             18: "HW_REG_PERF_SNAPSHOT_PC_LO", 27: "HW_REG_PERF_SNAPSHOT_DATA",
             19: "HW_REG_PERF_SNAPSHOT_PC_HI", 20: "HW_REG_FLAT_SCR_LO",
             21: "HW_REG_FLAT_SCR_HI", 23: "HW_REG_HW_ID1", 24: "HW_REG_HW_ID2", 29: "HW_REG_SHADER_CYCLES"},
    "cdna": {1: "HW_REG_MODE", 2: "HW_REG_STATUS", 3: "HW_REG_TRAPSTS", 4: "HW_REG_HW_ID",
             5: "HW_REG_GPR_ALLOC", 6: "HW_REG_LDS_ALLOC", 7: "HW_REG_IB_STS", 15: "HW_REG_SH_MEM_BASES",
             16: "HW_REG_TBA_LO", 17: "HW_REG_TBA_HI", 18: "HW_REG_TMA_LO", 19: "HW_REG_TMA_HI",
             20: "HW_REG_XCC_ID", 21: "HW_REG_SQ_PERF_SNAPSHOT_DATA", 22: "HW_REG_SQ_PERF_SNAPSHOT_DATA1",
             23: "HW_REG_SQ_PERF_SNAPSHOT_PC_LO", 24: "HW_REG_SQ_PERF_SNAPSHOT_PC_HI"},
}  # fmt: skip


def bits(value: int, low: int, width: int) -> int:
    """A field of a value."""
    return value >> low & (1 << width) - 1


def refuse(text: str, wanted: str) -> EncodingError:
    """The error for an immediate that cannot be read."""
    return EncodingError(
        f"{text!r} is no {wanted}",
        why="its syntax or a value in it is wrong",
        mend="see isa/amd/immediates.py",
    )


def number(text: str) -> int:
    """An integer in any base, octal behind a zero. Errors: EncodingError.

    >>> number("0x10"), number("-8"), number("010")
    (16, -8, 8)
    """
    text = text.strip()
    try:
        return int(text, 0)
    except ValueError:
        value = integer(text)
        if value is None:
            raise refuse(text, "integer") from None
        return value


def wait_text(value: int, fam: str) -> str:
    """The counters that are waited for; all if none is."""
    shown, every = [], []
    for name, parts in WAITS[fam].items():
        count, at = 0, 0
        for low, width in parts:
            count, at = count | bits(value, low, width) << at, at + width
        every.append(f"{name}({count})")
        if count != (1 << at) - 1:
            shown.append(every[-1])
    return " ".join(shown or every)


def calls(text: str, wanted: str) -> list[tuple[str, str]]:
    """The pairs of `a(1) & b(2)`."""
    found = re.findall(r"(\w+)\(([^()]*)\)", text)
    if not found or re.sub(r"\w+\([^()]*\)|[\s&,|]", "", text):
        raise refuse(text, wanted)
    return [(name, value) for name, value in found]


def wait_value(text: str, fam: str) -> int:
    """The way back of `wait_text`; counters that are not named are not waited for."""
    if "(" not in text:
        return number(text)
    value = 0
    for parts in WAITS[fam].values():
        for low, width in parts:
            value |= (1 << width) - 1 << low
    for name, given in calls(text, "wait"):
        saturate, name = name.endswith("_sat"), name.removesuffix("_sat")
        if name not in WAITS[fam]:
            raise refuse(text, "wait")
        count, total = number(given), sum(width for _, width in WAITS[fam][name])
        if count < 0 or (count >= 1 << total and not saturate):
            raise refuse(text, "wait")
        count = min(count, (1 << total) - 1)
        for low, width in WAITS[fam][name]:
            value = value & ~((1 << width) - 1 << low) | (count & (1 << width) - 1) << low
            count >>= width
    return value


def depctr_text(value: int, fam: str) -> str:
    """The counters that are not at their highest; all if none is."""
    every = {name: bits(value, low, width) for name, (low, width) in DEPCTR.items()}
    known = sum((1 << width) - 1 << low for low, width in DEPCTR.values())
    if value & ~known != DEPCTR_IDLE & ~known:
        return f"{value:#x}"
    shown = [f"{name}({count})" for name, count in every.items() if count != (1 << DEPCTR[name][1]) - 1]
    return " ".join(shown or [f"{name}({count})" for name, count in every.items()])


def depctr_value(text: str, fam: str) -> int:
    """The way back of `depctr_text`."""
    if "(" not in text:
        return number(text)
    value = DEPCTR_IDLE
    found = calls(text, "depctr")
    for name, given in found:
        if (
            name not in DEPCTR
            or len(dict(found)) != len(found)
            or not 0 <= number(given) < 1 << DEPCTR[name][1]
        ):
            raise refuse(text, "depctr")
        low, width = DEPCTR[name]
        value = value & ~((1 << width) - 1 << low) | number(given) << low
    return value


def delay_text(value: int, fam: str) -> str:
    """The dependencies of the next instruction, and of one after it."""
    shown = []
    for name, low, width, names in DELAY_PARTS:
        code = bits(value, low, width)
        if code >= len(names):
            return f"{value:#x}"
        if code:
            shown.append(f"{name}({names[code]})")
    return " | ".join(shown) or "0"


def delay_value(text: str, fam: str) -> int:
    """The way back of `delay_text`."""
    if "(" not in text:
        return number(text)
    value = 0
    for name, given in calls(text, "delay"):
        for part, low, _, names in DELAY_PARTS:
            if part == name and given.strip() in names:
                value |= names.index(given.strip()) << low
                break
        else:
            raise refuse(text, "delay")
    return value


def message_text(value: int, fam: str) -> str:
    """A message and what it asks for."""
    if fam == "rdna":
        name = MESSAGES[fam].get(value) or RETURNS.get(value)
        if value >> 8:
            return str(value)
        return f"sendmsg({value}, 0, 0)" if name in ("MSG_SYSMSG", None) else f"sendmsg({name})"
    code, op, stream = bits(value, 0, 4), bits(value, 4, 3), bits(value, 8, 2)
    name = MESSAGES[fam].get(code)
    if name and not value & 0xFFF0 and name not in ("MSG_GS", "MSG_GS_DONE", "MSG_SYSMSG"):
        return f"sendmsg({name})"
    if name in ("MSG_GS", "MSG_GS_DONE") and not value & ~0x37F and op in STREAM_OPS:
        if op:
            return f"sendmsg({name}, {STREAM_OPS[op]}, {stream})"
        if name == "MSG_GS_DONE" and not stream:
            return f"sendmsg({name}, GS_OP_NOP)"
    if name == "MSG_SYSMSG" and op in SYSTEM_OPS and not value & ~0x7F:
        return f"sendmsg({name}, {SYSTEM_OPS[op]})"
    if value & ~0x37F:
        return str(value)
    return f"sendmsg({code}, {op}, {stream})"


def message_value(text: str, fam: str) -> int:
    """The way back of `message_text`."""
    match = re.fullmatch(r"\s*sendmsg\(([^()]*)\)\s*", text)
    if not match:
        return number(text)
    known = {name: code for code, name in (*MESSAGES[fam].items(), *RETURNS.items())}
    ops = {name: code for table in (SYSTEM_OPS, STREAM_OPS) for code, name in table.items()}
    parts = [part.strip() for part in match[1].split(",")]
    values = [known[part] if part in known else ops[part] if part in ops else number(part) for part in parts]
    return sum(value << shift for value, shift in zip(values, (0, 4, 8), strict=False))


def hwreg_text(value: int, fam: str) -> str:
    """A hardware register, and which of its bits."""
    code, low, width = bits(value, 0, 6), bits(value, 6, 5), bits(value, 11, 5) + 1
    name = HWREGS[fam].get(code, str(code))
    return f"hwreg({name})" if (low, width) == (0, 32) else f"hwreg({name}, {low}, {width})"


def hwreg_value(text: str, fam: str) -> int:
    """The way back of `hwreg_text`."""
    match = re.fullmatch(r"\s*hwreg\(([^()]*)\)\s*", text)
    fields = re.fullmatch(r"\s*\{([^{}]*)\}\s*", text)
    if not match and not fields:
        return number(text)
    known = {name: code for code, name in HWREGS[fam].items()}
    if fields:
        given = dict(part.replace(" ", "").split(":", 1) for part in fields[1].split(",") if ":" in part)
        if not given.keys() <= {"id", "offset", "size"}:
            raise refuse(text, "hardware register")
        parts = [given.get("id", "0"), given.get("offset", "0"), given.get("size", "32")]
    else:
        parts = [part.strip() for part in match[1].split(",")] if match else []
    first = known[parts[0]] if parts[0] in known else number(parts[0])
    low, width = (number(parts[1]), number(parts[2])) if len(parts) == 3 else (0, 32)
    if not (0 <= first < 64 and 0 <= low < 32 and 1 <= width <= 32 and len(parts) in (1, 3)):
        raise refuse(text, "hardware register")
    return first | low << 6 | width - 1 << 11


def swizzle_text(value: int, fam: str) -> str:
    """How DS_SWIZZLE moves lanes."""
    if value & 0x8000 and not value & 0x7F00:
        return "swizzle(QUAD_PERM," + ",".join(str(value >> 2 * lane & 3) for lane in range(4)) + ")"
    if value >= 0xE000:
        return f"swizzle(FFT,{value & 31})"
    if value >= 0xC000:
        return f"swizzle(ROTATE,{value >> 10 & 1},{value >> 5 & 31})"
    if value & 0x8000:
        return str(value)
    both, either, flip = bits(value, 0, 5), bits(value, 5, 5), bits(value, 10, 5)
    if both == 31 and not either and flip in (1, 2, 4, 8, 16):
        return f"swizzle(SWAP,{flip})"
    if both == 31 and not either and flip in (3, 7, 15, 31):
        return f"swizzle(REVERSE,{flip + 1})"
    group = 32 - both
    if not flip and group in (2, 4, 8, 16, 32) and either < group and group > 1:
        return f"swizzle(BROADCAST,{group},{either})"
    mask = ""
    for bit in (16, 8, 4, 2, 1):
        low, high = (
            ((0 & both if not both & bit else 0) | (either & bit)) ^ flip & bit,
            ((both & bit) | either & bit) ^ flip & bit,
        )
        mask += "p" if not low and high else "i" if low and not high else "1" if low else "0"
    return f'swizzle(BITMASK_PERM,"{mask}")'


def swizzle_value(text: str, fam: str) -> int:
    """The way back of `swizzle_text`."""
    match = re.fullmatch(r"\s*swizzle\(\s*(\w+)\s*,(.*)\)\s*", text)
    if not match:
        return number(text)
    mode, rest = match[1], [part.strip() for part in match[2].split(",")]
    if mode == "BITMASK_PERM":
        letters = rest[0].strip('"')
        if not re.fullmatch(r"[01pi]{5}", letters):
            raise refuse(text, "swizzle")
        bits_of = {"0": 0, "1": 1 << 5, "p": 1, "i": 1 | 1 << 10}
        return sum(bits_of[letter] << 4 - at for at, letter in enumerate(letters))
    values = [number(part) for part in rest]
    allowed, made = SWIZZLES.get(mode, ((), int))
    if len(values) != len(allowed) or any(
        one not in known for one, known in zip(values, allowed, strict=True)
    ):
        raise refuse(text, "swizzle")
    if mode == "BROADCAST" and values[1] >= values[0]:
        raise refuse(text, "swizzle")
    return made(*values)


# What each swizzle takes, and its value.
SWIZZLES: dict[str, tuple[tuple[Collection[int], ...], Callable[..., int]]] = {
    "QUAD_PERM": (
        (range(4),) * 4,
        lambda *lanes: 0x8000 | sum(lane << 2 * at for at, lane in enumerate(lanes)),
    ),
    "SWAP": (((1, 2, 4, 8, 16),), lambda size: 31 | size << 10),
    "REVERSE": (((2, 4, 8, 16, 32),), lambda size: 31 | size - 1 << 10),
    "BROADCAST": (((2, 4, 8, 16, 32), range(32)), lambda size, lane: 32 - size | lane << 5),
    "FFT": ((range(32),), lambda turn: 0xE000 | turn),
    "ROTATE": ((range(2), range(32)), lambda down, turn: 0xC000 | down << 10 | turn << 5),
}


def signed_text(value: int, fam: str) -> str:
    """16 bits with a sign."""
    return str(value - 65536 if value & 0x8000 else value)


GPR_IDX = ("SRC0", "SRC1", "SRC2", "DST")


def _gpr_text(value: int, fam: str) -> str:
    return f"gpr_idx({','.join(name for at, name in enumerate(GPR_IDX) if value >> at & 1)})"


def _gpr_value(text: str, fam: str) -> int:
    match = re.fullmatch(r"\s*gpr_idx\(([^()]*)\)\s*", text)
    if not match:
        return number(text)
    names = [name.strip() for name in match[1].split(",") if name.strip()]
    if any(name not in GPR_IDX for name in names):
        raise refuse(text, "index mode")
    return sum(1 << GPR_IDX.index(name) for name in names)


TARGETS = {
    **{code: f"mrt{code}" for code in range(8)}, 8: "mrtz", **{12 + code: f"pos{code}" for code in range(5)},
    20: "prim", 21: "dual_src_blend0", 22: "dual_src_blend1",
}  # fmt: skip


NO_TARGET = "invalid_target_"


def target_text(value: int, fam: str) -> str:
    """Where an export goes."""
    return TARGETS.get(value, f"{NO_TARGET}{value}")


def target_value(text: str, fam: str) -> int:
    """The way back of `target_text`."""
    found = [code for code, name in TARGETS.items() if name == text.strip()]
    return found[0] if found else number(text.strip().removeprefix(NO_TARGET))


def attribute_text(value: int, fam: str) -> str:
    """An attribute and its channel."""
    return f"attr{value >> 2}.{'xyzw'[value & 3]}"


def attribute_value(text: str, fam: str) -> int:
    """The way back of `attribute_text`."""
    match = re.fullmatch(r"\s*attr(\d+)\.([xyzw])\s*", text)
    if not match:
        raise refuse(text, "attribute")
    return int(match[1]) << 2 | "xyzw".index(match[2])


class Syntax(NamedTuple):
    """How an immediate is written, and read."""

    text: Callable[[int, str], str]
    value: Callable[[str, str], int]


def _plain(text: str, fam: str) -> int:
    return number(text)


def _decimal(value: int, fam: str) -> str:
    return str(value) if value <= 64 else f"{value:#x}"


def _label(value: int, fam: str) -> str:
    return str(value & 0xFFFF)


def _hex(value: int, fam: str) -> str:
    return f"{value:#x}"


SYNTAX = {
    "decimal": Syntax(_decimal, _plain),
    "count": Syntax(lambda value, fam: str(value), _plain),
    "hex": Syntax(_hex, _plain),
    "label": Syntax(_label, _plain),
    "wait": Syntax(wait_text, wait_value),
    "depctr": Syntax(depctr_text, depctr_value),
    "delay": Syntax(delay_text, delay_value),
    "message": Syntax(message_text, message_value),
    "hwreg": Syntax(hwreg_text, hwreg_value),
    "target": Syntax(target_text, target_value),
    "attribute": Syntax(attribute_text, attribute_value),
    "swizzle": Syntax(swizzle_text, swizzle_value),
    "signed": Syntax(signed_text, _plain),
    "signedhex": Syntax(_hex, _plain),
    "gpr_idx": Syntax(_gpr_text, _gpr_value),
}
