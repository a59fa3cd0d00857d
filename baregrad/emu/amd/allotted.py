"""What a kernel's descriptor allots to a wave: registers, scratch; what no chip can give is refused.

An instruction that names a register beyond them faults: a chip reads the first register instead, and stores
nothing. What is not here: memory and LDS (launch.py), how a wave starts (launch.py).
"""

from __future__ import annotations

from collections.abc import Mapping

from baregrad.base.errors import ConfigError
from baregrad.isa.amd.code_object import Descriptor, Kernel
from baregrad.isa.amd.inst import Inst
from baregrad.isa.amd.operands import Changed, Reg

USER_SGPRS = 16  # that a wave can begin with, besides those of its place in the grid
WAVE_SCRATCH = 8 << 20  # bytes: a field of 13 bits in KiB, or of 15 in 256 bytes. Source: LLVM's GCNSubtarget
EACH = 256  # vector registers that an operand can name in each file
PART = 4  # the descriptor counts registers before the accumulation registers in fours
SGPRS = 16  # scalar registers are allotted in sixteens


def vector_registers(one: Descriptor) -> int:
    """How many vector registers a wave has, accumulation registers among them."""
    wide, narrow = one.family.vgprs
    return (one["vgpr_granules"] + 1) * (narrow if one.fields.get("wavefront_size32") else wide)


def registers(one: Descriptor) -> dict[str, int]:
    """How many registers of each file a wave has.

    Sources: AMDGPUUsage of LLVM, "Kernel Descriptor": GRANULATED_WORKITEM_VGPR_COUNT, ACCUM_OFFSET.
    """
    known, family = one.fields, one.family
    total = vector_registers(one)
    scalar = family.most[1]
    if family.sgprs:
        scalar = min(scalar, -(-(known["sgpr_granules"] + 1) * family.sgprs // SGPRS) * SGPRS)
    if "accum_offset" not in known:
        return {"v": total, "a": 0, "s": scalar}
    before = (known["accum_offset"] + 1) * PART
    return {"v": before, "a": max(0, min(total - before, EACH)), "s": scalar}


def beyond(inst: Inst, allotted: Mapping[str, int]) -> str:
    """What is wrong with the registers that an instruction names, "" for nothing."""
    for one in inst.operands:
        found = one.value if isinstance(one, Changed) else one
        if isinstance(found, Reg):
            most = allotted.get(found.file)
            if most is not None and found.first + found.size > most:
                return f"{found!r}: the kernel has {most} of {found.file}"
    return ""


def check(kernel: Kernel, lanes: int, room: int) -> None:
    """Errors: ConfigError for a descriptor that no chip can follow."""
    one = kernel.descriptor
    known, most = one.fields, one.family.most[0]
    user = max(known["user_sgpr_count"], known.get("kernarg_preload_length", 0))
    rows = (
        ("vector registers", vector_registers(one), most),
        ("user SGPRs", user, USER_SGPRS),
        ("bytes of scratch of a wave", known["private_segment_fixed_size"] * lanes, WAVE_SCRATCH),
        ("bytes of arguments", known["kernarg_size"], room),
    )
    for what, wanted, limit in rows:
        if wanted > limit:
            raise ConfigError(
                f"{kernel.name} wants {wanted} {what}", why=f"there are {limit}",
                mend="the descriptor is corrupt: build or fetch the file again",
            )  # fmt: skip
