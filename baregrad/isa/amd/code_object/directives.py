"""A kernel descriptor as `.amdhsa_` directives, both ways.

Most directives are a field of the descriptor; the derived ones are register counts, which the descriptor has
as granules. From a descriptor come directives that give the same bytes again. Expressions are not read here:
an assembler gives the values. Read descriptor.py first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from baregrad.base.errors import EncodingError
from baregrad.isa.amd.code_object.descriptor import Descriptor, rows
from baregrad.isa.amd.code_object.table_descriptor import Row
from baregrad.isa.amd.code_object.target import Target

ACCUM_GRANULE = 4  # registers
SHARED_LIMIT = 63  # granules less one that the VGPRs of both halves of a wave fill
LINE = 128  # bytes of a line of the instruction cache, which inst_pref_size counts
REQUIRED = ("next_free_vgpr", "next_free_sgpr", "accum_offset")


def directives(one: Descriptor, target: Target) -> list[tuple[str, int]]:
    """The directives, without ".amdhsa_", of a descriptor: from_directives gives it again, but for its entry.

    Errors: EncodingError for one with bits that no directive sets.
    """
    known = rows(one.family.name)
    silent = {name: one[name] for name, row in known.items() if not row.directive and name != "entry_offset"}
    silent = {name: value for name, value in silent.items() if value}
    if one.stray or silent:
        raise EncodingError(
            f"no directives give a descriptor with {silent or hex(one.stray)}",
            why="the driver fills in these bits, a file has 0 there",
            mend="set them to 0",
        )
    derived = {
        "next_free_vgpr": (one["vgpr_granules"] + 1) * vgpr_granule(one),
        "user_sgpr_count": one["user_sgpr_count"],
        **_sgprs(one, target),
    }
    if "accum_offset" in known:
        derived["accum_offset"] = (one["accum_offset"] + 1) * ACCUM_GRANULE
    pairs = [
        (row.directive, derived.get(row.directive, 0) if row.derived else one[name])
        for name, row in known.items()
        if row.directive and not _without_xnack(row, target)
    ]
    if from_directives(pairs, target) != one.replace(entry_offset=0):
        raise EncodingError(
            f"no directives give {one['vgpr_granules']} and {one['sgpr_granules']} granules of registers",
            why=f"a kernel of {target} has at most {target.family.most} registers of its own",
            mend="set vgpr_granules and sgpr_granules to what the kernel uses",
        )
    return pairs


def from_directives(pairs: Iterable[tuple[str, int]], target: Target) -> Descriptor:
    """The descriptor of directives (names without ".amdhsa_") of a kernel for `target`; what is not given has
    LLVM's default. Its entry is 0: a code object's layout sets it.

    Errors: EncodingError for a directive that the family does not have, a second one, one that is missing, or
    a value that its field does not take.
    """
    family = target.family.name
    known = {
        row.directive: row
        for row in rows(family).values()
        if row.directive and not _without_xnack(row, target)
    }
    given: dict[str, int] = {}
    for name, value in pairs:
        if name not in known or name in given:
            raise EncodingError(
                f".amdhsa_{name}: {'a second one' if name in given else 'no directive'} for {target}",
                why=f"a kernel of {family} has each of {', '.join(known)} once",
                mend="take it out",
            )
        given[name] = value
    for name, value in given.items():
        allowed = (int(_xnack(target)),) if name == "reserve_xnack_mask" else (0, 1)
        if not known[name].width and value not in allowed:
            raise EncodingError(
                f".amdhsa_{name} {value} for {target}",
                why=f"it is {' or '.join(map(str, allowed))}" + (" there" if len(allowed) == 1 else ""),
                mend="give it this, or leave it out",
            )
    missing = [name for name in REQUIRED if name in known and name not in given]
    if missing:
        raise EncodingError(
            f"no .amdhsa_{missing[0]}",
            why=f"{', '.join(REQUIRED)} have no default",
            mend="give it the number of registers that the kernel uses",
        )
    plain = {
        row.name: given.get(name, row.default) for name, row in known.items() if not row.derived and row.width
    }
    one = Descriptor.make(target.family, **plain)
    return one.replace(**_counts(one, given, target))


def _counts(one: Descriptor, given: Mapping[str, int], target: Target) -> dict[str, int]:
    """The fields that are counts of registers."""
    for directive, most in zip(("next_free_vgpr", "next_free_sgpr"), target.family.most):
        if not 0 <= given[directive] <= most:
            raise EncodingError(
                f".amdhsa_{directive} {given[directive]}",
                why=f"a kernel of {target} has {most} of them",
                mend=f"give it 0 ... {most}",
            )
    vgprs = vgpr_granule(one)
    found = {
        "user_sgpr_count": _user_sgprs(one, given),
        "vgpr_granules": _granules(given["next_free_vgpr"], vgprs),
    }
    shared = given.get("shared_vgpr_count", 0)
    if shared and (given.get("wavefront_size32", 0) or 2 * shared + found["vgpr_granules"] > SHARED_LIMIT):
        raise EncodingError(
            f".amdhsa_shared_vgpr_count {shared}",
            why=f"only waves of 64 share VGPRs, and have at most {SHARED_LIMIT + 1} granules with them",
            mend="leave it out, or use fewer registers",
        )
    found["sgpr_granules"] = 0
    if target.family.sgprs:
        sgprs = given["next_free_sgpr"] + extra_sgprs(target, given)
        found["sgpr_granules"] = _granules(sgprs, target.family.sgprs)
    if "accum_offset" in given:
        offset = given["accum_offset"]
        # The accumulation registers lie behind the others, so these end inside the kernel's registers.
        most = -(-max(given["next_free_vgpr"], 1) // ACCUM_GRANULE) * ACCUM_GRANULE
        if offset % ACCUM_GRANULE or not ACCUM_GRANULE <= offset <= min(most, 256):
            raise EncodingError(
                f".amdhsa_accum_offset {offset}",
                why=f"it is a multiple of {ACCUM_GRANULE} up to {given['next_free_vgpr']} registers",
                mend=f"give it {ACCUM_GRANULE} ... {min(most, 256)}",
            )
        found["accum_offset"] = offset // ACCUM_GRANULE - 1
    return found


def _sgprs(one: Descriptor, target: Target) -> dict[str, int]:
    """The directives that give the descriptor's granules of SGPRs."""
    given = {"reserve_xnack_mask": int(_xnack(target)), "reserve_flat_scratch": 0, "reserve_vcc": 0}
    granule, most = target.family.sgprs, target.family.most[1]
    count = (one["sgpr_granules"] + 1) * (granule or 8)
    if granule and count - extra_sgprs(target, given) > most:
        given["reserve_flat_scratch"] = 1
    count -= extra_sgprs(target, given) if granule else 0
    return given | {"next_free_sgpr": min(count, most)}


def _user_sgprs(one: Descriptor, given: Mapping[str, int]) -> int:
    """How many SGPRs are set before the kernel starts: what is asked for, at least what the fields want."""
    known = rows(one.family.name).values()
    least = sum(row.sgprs * one[row.name] for row in known if row.sgprs)
    count = given.get("user_sgpr_count", least)
    if count < least:
        raise EncodingError(
            f".amdhsa_user_sgpr_count {count}",
            why=f"the .amdhsa_user_sgpr_ directives of the kernel want {least}",
            mend=f"give it {least} or more, or leave it out",
        )
    return count


def _granules(count: int, granule: int) -> int:
    """What a field for register granules holds: one less than the granules of `count` registers."""
    return -(-max(count, 1) // granule) - 1


def vgpr_granule(one: Descriptor) -> int:
    """How many VGPRs a granule of the kernel has."""
    wide, narrow = one.family.vgprs
    return narrow if "wavefront_size32" in rows(one.family.name) and one["wavefront_size32"] else wide


def extra_sgprs(target: Target, given: Mapping[str, int]) -> int:
    """How many SGPRs a kernel has behind its own: VCC, XNACK mask, flat scratch, each with those before it.

    What is not given is reserved; on chips with architected flat scratch that always is.
    """
    if target.family.scratch == "architected" or given.get("reserve_flat_scratch", 1):
        return 6
    if given.get("reserve_xnack_mask", _xnack(target)):
        return 4
    return 2 if given.get("reserve_vcc", 1) else 0


def inst_pref_size(code_size: int, target: Target) -> int:
    """How many lines of a kernel are fetched before it starts: all, as far as the field goes."""
    row = rows(target.family.name).get("inst_pref_size")
    return min(-(-code_size // LINE), (1 << row.width) - 1) if row else 0


def text(name: str, one: Descriptor, target: Target) -> str:
    """The directives of a kernel as an assembler's text."""
    lines = [f"\t\t.amdhsa_{directive} {value}" for directive, value in directives(one, target)]
    return "\n".join((f"\t.amdhsa_kernel {name}", *lines, "\t.end_amdhsa_kernel")) + "\n"


def _xnack(target: Target) -> bool:
    """True if the code may be replayed after a page fault."""
    return target.xnack in ("any", "on")


def _without_xnack(row: Row, target: Target) -> bool:
    """True for the directive of XNACK on a chip that has none."""
    return row.name == "reserve_xnack_mask" and target.xnack == "unsupported"
