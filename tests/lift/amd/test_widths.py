"""Bodies are compiled for vectors of 32 bytes, on any machine, and are not grossly long."""

from __future__ import annotations

from baregrad.isa.amd.forms import forms
from baregrad.isa.amd.meaning import Meaning, explained
from baregrad.lower import lower
from baregrad.render import AVX2, render
from tests.lift.amd.bodies import CHIPS, body_of
from tests.lift.amd.ways import Machine, Ways

MOST = {
    ("gfx1100", "v_mad_u64_u32"): 4096,
    ("gfx1100", "flat_atomic_add_u32"): 4096,  # some 12 KiB with all its lanes' checks side by side
    ("gfx1100", "v_wmma_i32_16x16x16_iu4"): 8192,
}
"""Bytes of code: lanes of 64 bits, lanes one by one, a product of matrices."""


def test_code_without_avx512() -> None:
    for (chip, name), most in MOST.items():
        arch, lanes = CHIPS[chip]
        meaning = explained(next(form for form in forms(arch) if form.name == name))
        assert isinstance(meaning, Meaning), name
        ways = Ways(Machine(arch, lanes), body_of(name, meaning, False))
        code = render(lower(ways.kernel(AVX2.vector_bytes // 4), AVX2), AVX2).code
        assert len(code) < most, f"{name}: {len(code)} bytes"
