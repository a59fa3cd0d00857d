"""`isa explain`: what is printed of an instruction."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from baregrad.base.errors import EncodingError
from baregrad.cli.isa import command
from baregrad.isa.amd.explain import explain


def test_a_product_and_sum_of_64_bits() -> None:
    done = CliRunner().invoke(command, ["explain", "v_mad_u64_u32", "--arch", "gfx1100"])
    assert done.exit_code == 0, done.output
    for line in (
        "v_mad_u64_u32: gfx1100, VOP3SD, opcode 766, 8 bytes, a literal of 4 may follow",
        "  encoding  00000........................... 1101011011111110................",
        "  operand   s2: src, u64, read in [58:50]",
        "  effect    reads exec",
        "    D0 = sum",
    ):
        assert line in done.output.splitlines(), line


@pytest.mark.parametrize(
    "chip, name, part",
    [
        ("gfx1100", "global_load_b64", "global load of 8 bytes"),
        ("gfx1100", "ds_add_rtn_u32", "lds atomic of 4 bytes, the old value comes back"),
        ("gfx1100", "s_and_saveexec_b32", "writes exec, scc"),
        ("gfx950", "v_mfma_f32_32x32x8_f16", "8 passes"),
        ("gfx950", "s_endpgm", "then the machine does: end"),
    ],
)
def test_effects_are_said(chip: str, name: str, part: str) -> None:
    assert part in explain(name, chip)


def test_names_that_are_none_are_refused() -> None:
    with pytest.raises(EncodingError, match="v_add_f32"):
        explain("v_addd_f32", "gfx1100")
