"""Spellings that no disassembler writes: as an assembler reads them (stored), and bits that mean nothing."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest

from baregrad.base.errors import EncodingError
from baregrad.isa.amd import dsl
from baregrad.isa.amd.aliases import aliases
from baregrad.isa.amd.archs import arch
from baregrad.isa.amd.assembler import parse
from baregrad.isa.amd.decode import decode
from baregrad.isa.amd.forms import by_name
from baregrad.isa.amd.inst import encode
from baregrad.isa.amd.text import text


def stored() -> list[tuple[str, str, str]]:
    """(chip, bytes in hex or "error", line)."""
    data = lzma.decompress((Path(__file__).parent / "vectors" / "spelling.txt.xz").read_bytes()).decode()
    rows = [line.split(" ", 2) for line in data.splitlines() if not line.startswith("#")]
    return [(chip, code, line) for chip, code, line in rows]


def test_spellings_are_read_as_an_assembler_reads_them() -> None:
    wrong = []
    for chip, code, line in stored():
        try:
            found = encode(parse(chip, line)).hex()
        except EncodingError:
            found = "error"
        if found != code:
            wrong.append(f"{chip} {line!r}: {found}, not {code}")
    assert not wrong, f"{len(wrong)}: {wrong[:5]}"


@pytest.mark.parametrize("chip", ["gfx1100", "gfx950"])
def test_other_names_are_those_of_entries_that_are_there(chip: str) -> None:
    names = by_name(arch(chip).name)
    for other, name in aliases(arch(chip).name):
        ends = [end for end in ("", "_e32", "_e64") if name + end in names]
        assert ends, f"{other}: {name}"
        assert all(other + end in names for end in ends), other


# (chip, bytes, text): what reads back as itself though the register or constant does not say it all
WHOLE = (
    ("gfx1100", "057d48d67ff8a8a1", "v_fma_f16 v5.h, -|exec_hi|, null, -|vcc_lo| op_sel:[1,1,1,1]"),
    ("gfx1100", "00f853d60802e203", "v_mad_i16 v0.h, s8, v1.h, 0.15915494 op_sel:[1,1,1,1] clamp"),
    ("gfx1100", "ffac0d64cb9ec133", "v_add_f16_e32 v6.l, lit(0x33c19ecb), v86.h"),
    ("gfx1100", "ff02007e01000000", "v_mov_b32_e32 v0, lit(0x1)"),
    ("gfx950", "001899d101010000", "v_permlane16_swap_b32_e64 v0, v1 bound_ctrl:1 fi:1"),
)


@pytest.mark.parametrize("chip, code, line", WHOLE)
def test_nothing_is_lost_in_text(chip: str, code: str, line: str) -> None:
    inst, _ = decode(chip, bytes.fromhex(code))
    assert text(inst) == line
    assert encode(parse(chip, text(inst))).hex() == code, text(inst)
    assert eval(repr(inst), vars(dsl)) == inst, repr(inst)


def test_bits_that_mean_nothing_are_refused_where_llvm_refuses_them() -> None:
    good = bytes.fromhex("050003d501050202")
    assert text(decode("gfx1100", good)[0]) == "v_add_f32_e64 v5, v1, v2"
    for bit in (10, 63):
        bad = (int.from_bytes(good, "little") ^ 1 << bit).to_bytes(8, "little")
        with pytest.raises(EncodingError):
            decode("gfx1100", bad)
