"""Templates that come with the package: files of them, damaged ones, and what they save."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from baregrad.base import listen, override
from baregrad.base.errors import BadFile
from baregrad.base.events import Event
from baregrad.emu.amd import Launch, layout
from baregrad.engine.emulate import Templates, shipped
from baregrad.engine.emulate.fast import reachable
from baregrad.engine.emulate.shipped import Archive
from baregrad.engine.emulate.templates import row_of
from baregrad.engine.emulate.usual import of_form, recipes, usual
from baregrad.isa.amd.assembler import parse
from baregrad.isa.amd.meaning import key_of, meaning_of
from baregrad.render import AVX2, AVX512, Program
from baregrad.runtime import open_device
from tests.emu.amd.test_kernels import ALL
from tests.isa.amd.triton import kernel

PROGRAMS = {f"template {n}": Program(f"v_{n}", bytes((n,)) * (40 + n), 1, n % 7) for n in range(50)}
AT = shipped.HEADER.size
FIRST = AT + len(PROGRAMS) * shipped.ENTRY.size  # where the programs begin


def written(path: Path) -> bytes:
    """A file of the programs above."""
    shipped.write(path, AVX2, {shipped.digest(text): one for text, one in PROGRAMS.items()})
    return path.read_bytes()


def test_what_is_written_is_found(tmp_path: Path) -> None:
    written(tmp_path / "few.bin")
    archive = Archive(tmp_path / "few.bin", AVX2)
    assert len(archive) == 50
    assert {text: archive.find(text) for text in PROGRAMS} == PROGRAMS
    assert [archive.find(text) for text in ("", "template 50", "template")] == [None] * 3
    assert archive.found == 50


def test_no_templates_are_a_file_too(tmp_path: Path) -> None:
    shipped.write(tmp_path / "none.bin", AVX2, {})
    assert Archive(tmp_path / "none.bin", AVX2).find("template 1") is None


def at(place: int, byte: int | None = None) -> Callable[[bytes], bytes]:
    """A change of a byte."""
    return lambda data: data[:place] + bytes((data[place] ^ 1 if byte is None else byte,)) + data[place + 1 :]


DAMAGE: list[tuple[str, Callable[[bytes], bytes], str]] = [
    ("empty", lambda data: b"", "cut off"),
    ("within its header", lambda data: data[: AT - 1], "cut off"),
    ("within its index", lambda data: data[: AT + 100], "cut off"),
    ("shorter", lambda data: data[:-1], "cut off"),
    ("longer", lambda data: data + b"\0", "cut off"),
    ("more entries than bytes", lambda data: data[:80] + struct.pack("<I", 1 << 31) + data[84:], "cut off"),
    ("another magic", at(0), "no file of templates"),
    ("a text", lambda data: b"no templates\n" * 20, "no file of templates"),
    ("another compiler", at(16), "another compiler"),
    ("another target", at(48), "not made for x86-64-avx2"),
    ("a key", at(AT + 3), "its index is damaged"),
    ("a digest", at(FIRST - 1), "its index is damaged"),
]


@pytest.mark.parametrize("damage, why", [row[1:] for row in DAMAGE], ids=[row[0] for row in DAMAGE])
def test_a_file_that_is_not_right_is_not_used(
    tmp_path: Path, damage: Callable[[bytes], bytes], why: str
) -> None:
    path = tmp_path / "few.bin"
    path.write_bytes(damage(written(path)))
    with pytest.raises(BadFile, match=why):
        Archive(path, AVX2)
    heard: list[Event] = []
    with listen(heard.append, "unused"):
        said = shipped.shipped(path, AVX2)
    assert isinstance(said, str)
    assert why in said
    assert [event.facts["path"] for event in heard] == [str(path)]


def test_a_file_is_of_one_target(tmp_path: Path) -> None:
    written(tmp_path / "few.bin")
    for other in (AVX512, replace(AVX2, cache_line=128)):
        with pytest.raises(BadFile, match=f"not made for {other.name}"):
            Archive(tmp_path / "few.bin", other)
    assert shipped.path_of("gfx950", AVX2).name == "gfx950-x86-64-avx2.bin"


def test_no_file_is_said(tmp_path: Path) -> None:
    assert shipped.shipped(tmp_path / "few.bin", AVX2) == "few.bin is not there: make warm writes it again"


def test_a_damaged_program_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "few.bin"
    path.write_bytes(at(FIRST + 20)(written(path)))
    archive, heard = Archive(path, AVX2), []
    with listen(heard.append, "damaged"):
        found = {text: archive.find(text) for text in PROGRAMS}
    assert [one for one in found.values() if one is None] == [None]
    assert len(heard) == 1
    assert all(found[text] in (None, one) for text, one in PROGRAMS.items())


LAYOUTS = {"gfx1100": layout("rdna3", 32), "gfx950": layout("cdna4", 64)}
LINES = ("v_add_f32_e32 v1, v2, v3", "s_mov_b32 s1, s2", "v_cmp_lt_u32_e64 s6, v1, 7")


def test_what_is_shipped_is_not_compiled(tmp_path: Path) -> None:
    device, cells = open_device("cpu"), LAYOUTS["gfx1100"]
    target, path = row_of(device), tmp_path / "few.bin"
    insts = [parse("gfx1100", line) for line in LINES]
    programs = {text: one.made(cells, target) for text, one in recipes(insts, cells).items()}
    shipped.write(path, target, {shipped.digest(text): one for text, one in programs.items() if one})
    archive = Archive(path, target)
    with override(cache=True, cache_dir=str(tmp_path / "cache")):
        templates = Templates(device, cells, meaning_of, key_of, archive)
        assert all(templates.of(inst) for inst in insts)
        assert (archive.found, templates.compiled) == (len(LINES), 0)
        assert templates.of(parse("gfx1100", "v_add_f32_e32 v9, v8, v7"))
        assert templates.of(parse("gfx1100", "v_sub_f32_e32 v1, v2, v3"))
        assert (archive.found, templates.compiled) == (len(LINES), 1), "the last one is not in the file"
    with override(cache=False):
        templates = Templates(device, cells, meaning_of, key_of, archive)
        assert templates.of(insts[0])
        assert templates.compiled == 1, "without a cache everything is compiled"


USED = [
    ("gfx1100", "v_dual_mul_f32 v65, s19, v169 :: v_dual_mul_f32 v66, s19, v170"),
    ("gfx1100", "v_fma_f32 v65, s19, v169, -v142"),
    ("gfx1100", "v_mov_b16_e32 v1.h, v1.l"),
    ("gfx1100", "v_cndmask_b16 v34.h, 0x7e00, v34.h, s8"),
    ("gfx1100", "v_mad_u64_u32 v[7:8], null, 0xfe5163ab, v26, 0"),
    ("gfx1100", "v_permlanex16_b32 v2, v1, -1, -1 op_sel:[1,0]"),
    ("gfx1100", "v_add_f32_dpp v17, v17, v17 row_shr:8 row_mask:0xf bank_mask:0xf bound_ctrl:1"),
    ("gfx1100", "v_wmma_i32_16x16x16_iu8 v[25:32], v[51:54], v[47:50], v[25:32] neg_lo:[1,1,0]"),
    ("gfx1100", "buffer_load_b32 v6, v6, s[8:11], 0 offen"),
    ("gfx1100", "ds_load_b128 v[57:60], v8"),
    ("gfx1100", "s_load_b128 s[4:7], s[0:1], 0x0"),
    ("gfx950", "v_mfma_f32_32x32x16_f16 v[16:31], v[38:41], v[92:95], 0"),
    ("gfx950", "v_pk_fma_f32 v[2:3], s[6:7], v[4:5], v[6:7] op_sel_hi:[0,1,0] neg_lo:[0,0,1] neg_hi:[0,0,1]"),
    ("gfx950", "v_accvgpr_read_b32 v1, a3"),
    ("gfx950", "global_load_dword v4, v[2:3], off"),
    ("gfx950", "v_cmp_nlt_f32_e64 s[10:11], |v2|, s0"),
]  # fmt: skip


@pytest.mark.parametrize("chip, line", USED)
def test_what_compilers_write_is_among_the_usual(chip: str, line: str) -> None:
    inst = parse(chip, line)
    (key,) = recipes([inst], LAYOUTS[chip])
    assert key in recipes(of_form(inst.form), LAYOUTS[chip])


def test_a_row_is_of_the_forms_that_it_names() -> None:
    assert not list(of_form(parse("gfx1100", "image_load v0, v1, s[0:7] dmask:0x1 dim:SQ_RSRC_IMG_1D").form))
    kinds = {
        key.split(" (Place(")[1]
        for key in recipes(of_form(parse("gfx950", LINES[0]).form), LAYOUTS["gfx950"])
    }
    assert len(kinds) == 3, "a vector register, a scalar one, a constant"


@pytest.mark.slow
@pytest.mark.parametrize("chip", LAYOUTS)
def test_nearly_all_that_kernels_of_triton_need_is_among_the_usual(chip: str) -> None:
    cells, there = LAYOUTS[chip], 0
    wanted = recipes(usual(chip), cells)
    needed: list[str] = []
    for name in (name for name, of in ALL if of == chip):
        one = kernel(name, chip)
        launch = Launch(one, one.kernels[0].name, (1, 1, 1), (64, 1, 1), bytes(4096), lds=65536)
        code, entry = launch.code, launch.entry
        found = reachable(launch.arch, code.data, [entry - code.base], cells.lanes)
        needed += recipes([step.inst for step in found if step.inst is not None], cells)
    there = sum(key in wanted for key in needed)
    assert there >= 0.98 * len(needed)
