"""Plain instructions of both chips give what Python and numpy say (references.py)."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from baregrad.isa.amd.forms import forms
from tests.isa.amd.references import Array, floats, integers, packed
from tests.isa.amd.unit import Unit
from tests.lift.amd.inputs import rows

INTEGERS, FLOATS, PACKED = integers(), floats(), packed()
SAMPLE = {"v_bfe_i32_e64", "v_bcnt_u32_b32", "v_add_co_u32", "s_bfe_i64", "v_cmp_nge_f32_e32", "v_pk_mad_i16"}
ENDS = ("_e32", "_e64")


def base(name: str) -> str:
    """A form's name without its encoding; of what has others: with it."""
    return name[:-4] if name.endswith(ENDS) else name


def known(arch: str) -> list[str]:
    """The forms that have a reference."""
    found = dict.fromkeys(
        form.name for form in forms(arch)
        if base(form.name) in INTEGERS or base(form.name) in FLOATS or base(form.name) in PACKED
    )  # fmt: skip
    return [name for name in found if not name.endswith(("_dpp", "_sdwa"))]


def inputs(unit: Unit, count: int, seed: str) -> dict[str, Array]:
    """Special and random operands."""
    meaning = unit.meaning
    sources = {name: bits for name, bits in meaning.variables.items() if name in ("S0", "S1", "S2", "SIMM32")}
    drawn = rows(sources, meaning.tree, count, random.Random(seed))
    return {name: np.array([row[name] for row in drawn], np.uint64) for name in sources}


def check(arch: str, name: str, count: int) -> str:
    """What differs, "" if nothing does."""
    unit, short = Unit(arch, name), base(name)
    given = inputs(unit, count, name)
    found = unit(**given)
    flag = next((found[one] for one in ("SCC", "VCC", "D1") if one in found), None)
    if short in INTEGERS:
        return integer(name, unit, given, found.get("D0"), flag)
    if short in PACKED:
        kind, function = PACKED[short]
        size = int(kind[1:])
        for part in range(2):
            bits = {r: x >> np.uint64(size * part) & np.uint64((1 << size) - 1) for r, x in given.items()}
            half = found["D0"] >> np.uint64(size * part) & np.uint64((1 << size) - 1)
            wrong = single(name, (kind, function, np.dtype(f"f{size // 8}")), bits, half)
            if wrong:
                return wrong
        return ""
    row = FLOATS[short]
    if row[2] is bool:
        result = found["D0"] if flag is None else flag
    else:
        result = found["D0"]
    return single(name, row, given, result)


def integer(name: str, unit: Unit, given: dict[str, Array], d0: Array | None, flag: Array | None) -> str:
    """Integers, one by one."""
    function = INTEGERS[base(name)]
    bits = (
        16 if name.split("_e")[0].endswith(("16",)) and "pk" not in name and not name.startswith("s_") else 64
    )
    wide = unit.spots["D0"].bits if "D0" in unit.spots else 1
    mask = (1 << min(bits if "_32_" not in name and "u32_u16" not in name else 64, wide)) - 1
    if any(part in name for part in ("i32_i16", "b32_b16", "u32_u16", "pk_u8_i16")):
        mask = (1 << (16 if "pk_u8" in name else wide)) - 1
    sources = [given[role].tolist() for role in ("S0", "S1", "S2") if role in given]
    for n, xs in enumerate(zip(*sources, strict=True)):
        made = function(*xs)
        wanted, carry = made if isinstance(made, tuple) else (made, None)
        if wanted is None:  # a comparison: its flag may be what D0 is
            got = int((d0 if flag is None else flag)[n])  # type: ignore[index]
            if got != carry:
                return f"{name} of {list(map(hex, xs))} is {got}, not {carry}"
            continue
        assert d0 is not None, f"{name} has a result"
        if int(d0[n]) & mask != wanted & mask:
            return f"{name} of {list(map(hex, xs))} is {int(d0[n]):#x}, not {wanted & mask:#x}"
        if carry is not None and flag is not None and int(flag[n]) != carry & 1:
            return f"{name} of {list(map(hex, xs))} has the flag {int(flag[n])}, not {carry & 1}"
    return ""


def single(name: str, row: tuple[str, Any, Any], given: dict[str, Array], found: Array) -> str:
    """Floats, all at once."""
    kind, function, to = row
    size = int(kind[1:]) // 8
    sources = [given[role].astype(f"u{size}").view(f"{kind[0]}{size}") for role in sorted(given)]
    with np.errstate(all="ignore"):
        wanted = np.asarray(function(*sources)).astype(to)
    if to is bool:
        good = wanted == (found != 0)
    else:
        width = np.dtype(to).itemsize
        made = found.astype(f"u{width}").view(to)
        bits = wanted.view(f"u{width}") == made.view(f"u{width}")
        good = bits | (np.isnan(wanted) & np.isnan(made)) if np.dtype(to).kind == "f" else bits
        if any(
            part in name for part in ("min", "max")
        ):  # which zero, and a signalling NaN, are no one's promise
            good |= (wanted == made) | signalling(sources, size)
    if "med3" in name:
        good |= np.any([np.isnan(x) for x in sources], axis=0)
        good |= wanted == made
    bad = np.nonzero(~good)[0]
    if not len(bad):
        return ""
    shown = [hex(int(given[role][bad[0]])) for role in sorted(given)]
    return f"{name} of {shown} is {int(found[bad[0]]):#x}, not {wanted[bad[0]]} ({len(bad)})"


def signalling(sources: list[Array], size: int) -> Array:
    """Where a source is a signalling NaN."""
    quiet = {2: 1 << 9, 4: 1 << 22, 8: 1 << 51}[size]
    return np.any(
        [np.isnan(x) & (x.view(f"u{size}") & np.array(quiet, f"u{size}") == 0) for x in sources], axis=0
    )


@pytest.mark.parametrize("arch", ["rdna3", "cdna4"])
def test_a_sample_is_as_numpy_says(arch: str) -> None:
    names = SAMPLE & set(known(arch))
    assert len(names) > 3, names
    for name in names:
        assert not (wrong := check(arch, name, 64)), wrong


@pytest.mark.slow
@pytest.mark.parametrize("arch", ["rdna3", "cdna4"])
def test_all_are_as_numpy_says(arch: str) -> None:
    names = known(arch)
    wrong = [each for name in names if (each := check(arch, name, 1000))]
    assert not wrong, "\n".join(wrong)
    assert len({base(name) for name in names}) > 250, len({base(name) for name in names})
