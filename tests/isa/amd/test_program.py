"""Whole assembly files become the code objects that LLVM makes of them, and come back from them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from baregrad.base.errors import EncodingError
from baregrad.cli.asm import command as asm
from baregrad.cli.disasm import command as disasm
from baregrad.isa.amd import code_object as co
from baregrad.isa.amd.expression import evaluate
from baregrad.isa.amd.program import assemble, disassemble, listing
from tests.isa.amd.triton import objects, text

NAMES = sorted(objects(), key=lambda name: len(objects()[name]))
SMALL = ["add.gfx1100", "add.gfx950", "atomics.gfx950"]
FEW = [name if name in SMALL else pytest.param(name, marks=pytest.mark.slow) for name in NAMES]


def same(one: co.CodeObject, other: co.CodeObject) -> bool:
    """Whether two code objects have the same kernels and metadata."""
    parts = [[(k.name, k.code, k.descriptor) for k in each.kernels] for each in (one, other)]
    return parts[0] == parts[1] and one.note == other.note and one.target == other.target


@pytest.mark.parametrize("name", FEW)
def test_compilers_assembly_becomes_the_compilers_code(name: str) -> None:
    assert same(co.read(assemble(text(name))), co.read(objects()[name], name))


@pytest.mark.parametrize("name", FEW)
def test_what_is_taken_apart_is_put_together_again(name: str) -> None:
    one = co.read(objects()[name], name)
    source = disassemble(one)
    made = assemble(source)
    assert same(co.read(made), one)
    assert disassemble(co.read(made)) == source


HEAD = '.amdgcn_target "amdgcn-amd-amdhsa--gfx1100"\n'
WRONG = (
    # what, a file, what the error says
    ("no chip", "s_endpgm", "before .amdgcn_target"),
    ("a label that is not there", f"{HEAD}s_branch away", "'away'"),
    ("a directive", f"{HEAD}.frobnicate 3", ".frobnicate"),
    ("an instruction", f"{HEAD}v_frob_b32 v0, v1", "no instruction 'v_frob_b32'"),
    ("a symbol of itself", f"{HEAD}.set n, n + 1\n.long n", "'n'"),
    ("no end", f"{HEAD}.amdhsa_kernel k", "no .end_amdhsa_kernel"),
    ("an alignment", f"{HEAD}.p2align 99", ".p2align 99"),
    ("a fill", f"{HEAD}.fill 99999999, 4", ".fill"),
    ("a division", f"{HEAD}.long 1/0", "1 / 0"),
)


@pytest.mark.parametrize("what, source, says", WRONG, ids=[row[0] for row in WRONG])
def test_wrong_files_are_refused_with_their_line(what: str, source: str, says: str) -> None:
    with pytest.raises(EncodingError) as caught:
        assemble(source)
    assert says in str(caught.value)
    assert caught.value.where.startswith("line ")


def test_data_alignment_and_labels() -> None:
    source = f"""{HEAD}
    first: s_nop 0            ; where it goes back to
    .long 0x12345678, last - first
    .p2align 4
    last: s_branch first      // back
    .fill 2, 4, 7
    .amdhsa_kernel first
    .amdhsa_next_free_vgpr max(4, n)
    .amdhsa_next_free_sgpr 8
    .end_amdhsa_kernel
    .set n, 1 << 3
    """
    (kernel,) = co.read(assemble(source)).kernels
    words = [int.from_bytes(kernel.code[i : i + 4], "little") for i in range(0, 28, 4)]
    assert words == [0xBF800000, 0x12345678, 16, 0xBF800000, 0xBFA0FFFB, 7, 7]
    lines = list(listing("gfx1100", kernel.code[16:20]))
    assert [line.target for line in lines] == [-16]


EXPRESSIONS = (
    ("1 + 2 * 3", 7), ("(1 + 2) * 3", 9), ("1 << 4 | 3", 19), ("-x + 10", 5), ("max(1, x, 3)", 5),
    ("~0 & 0xff", 255),
    ("x >= 5 && x != 6", 1), ("!x", 0), ("7 / 2 % 2", 1),
)  # fmt: skip


@pytest.mark.parametrize("source, value", EXPRESSIONS, ids=[row[0] for row in EXPRESSIONS])
def test_expressions(source: str, value: int) -> None:
    assert evaluate(source, {"x": 5}.__getitem__) == value


@pytest.mark.parametrize("source", ["", "1 +", "(1", "1 2", "max(", "1 << 99999", "1 / 0", "@"])
def test_wrong_expressions(source: str) -> None:
    with pytest.raises(EncodingError):
        evaluate(source, {}.__getitem__)


def test_lines_both_ways(tmp_path: Path) -> None:
    source, made = tmp_path / "lines.s", tmp_path / "lines.hex"
    source.write_text("v_add_f32_e32 v1, v2, v3\nnonsense v1\ns_endpgm\n")
    found = CliRunner().invoke(asm, ["--arch", "gfx1100", "--lines", str(source)])
    assert found.output.splitlines() == [
        "02070206", "error: no instruction 'nonsense' on gfx1100", "0000b0bf",
    ]  # fmt: skip
    made.write_text(found.output)
    lines = CliRunner().invoke(disasm, ["--arch", "gfx1100", "--lines", str(made)]).output.splitlines()
    assert lines[0] == "v_add_f32_e32 v1, v2, v3"
    assert lines[1].startswith("error: ")
    assert lines[2] == "s_endpgm"


def test_files_both_ways(tmp_path: Path) -> None:
    given = tmp_path / "given.hsaco"
    given.write_bytes(objects()["add.gfx950"])
    shown = CliRunner().invoke(disasm, [str(given)]).output
    assert "s_load_dwordx2 s[2:3], s[0:1], 0x0" in shown
    assert "-> 100" in shown
    source = tmp_path / "again.s"
    source.write_text(CliRunner().invoke(disasm, [str(given), "--source"]).output)
    assert "again.hsaco" in CliRunner().invoke(asm, [str(source)]).output
    again = co.read((tmp_path / "again.hsaco").read_bytes())
    assert same(again, co.read(given.read_bytes()))
