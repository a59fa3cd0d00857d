"""Code objects: Triton's are read whole and written to the same bytes; wrong ones are refused."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from baregrad.base.errors import BadFile, ConfigError, EncodingError
from baregrad.isa import elf
from baregrad.isa.amd import code_object as co
from baregrad.isa.amd.code_object.descriptor import rows
from baregrad.isa.amd.code_object.directives import text as directive_text
from baregrad.isa.amd.code_object.target import CHIPS, FAMILIES
from tests.isa.amd.triton import files, objects, text

NAMES = list(objects())


def given_directives(name: str, one: co.CodeObject) -> list[tuple[str, int]]:
    """The directives of a kernel's assembly; the only expression in them is the prefetch of its own size."""
    lines = text(name).partition("\t.amdhsa_kernel ")[2].partition("\t.end_amdhsa_kernel")[0]
    size = co.inst_pref_size(len(one.kernels[0].code), one.target)
    return [
        (key, int(word) if word.isdigit() else size) for key, word in re.findall(r"amdhsa_(\w+) (.+)", lines)
    ]


def test_there_are_all_of_them() -> None:
    assert len(NAMES) == 43


@pytest.mark.parametrize("chip", ["gfx1100", "gfx950"])
def test_metadata_is_written_to_the_same_bytes_and_text(chip: str) -> None:
    for name in NAMES:
        if name.endswith(chip):
            one = co.read(objects()[name], name)
            assert co.metadata.write(one.metadata) == one.note, name
            given = text(name).partition("\t.amdgpu_metadata\n")[2].partition("\n\t.end_amdgpu_metadata")[0]
            assert co.metadata.text(one.metadata) == given.rstrip() + "\n", name
            assert co.metadata.parse(given) == one.metadata, name


def test_descriptors_are_written_to_the_same_bytes() -> None:
    for name in NAMES:
        one = co.read(objects()[name], name)
        (kernel,) = one.kernels
        descriptor = kernel.descriptor
        assert co.Descriptor.make(one.target.family, **descriptor.fields) == descriptor, name
        assert not descriptor.stray, name
        given = given_directives(name, one)
        entry = descriptor["entry_offset"]
        assert co.from_directives(given, one.target).replace(entry_offset=entry) == descriptor, name
        own = co.directives(descriptor, one.target)
        assert [key for key, _ in own] == [key for key, _ in given], name
        assert co.from_directives(own, one.target).replace(entry_offset=entry) == descriptor, name


def test_objects_are_written_with_the_same_loaded_bytes() -> None:
    for name in NAMES:
        data = objects()[name]
        one = co.read(data, name)
        made = co.write(one.target, one.kernels, one.metadata, version=one.version)
        again = co.read(made, name)
        assert again.kernels == one.kernels, name
        assert again.elf.segments == one.elf.segments, name
        end = max(row.offset + row.size for row in one.elf.segments)
        assert made[64:end] == data[64:end], name
        assert made[:40] + made[48:60] == data[:40] + data[48:60], f"{name}: the header"


def test_code_is_that_of_the_symbol() -> None:
    one = co.read(objects()["softmax.gfx950"])
    kernel = one.kernel("softmax")
    assert (str(one.target), one.version, len(kernel.code), kernel.entry) == ("gfx950", 5, 1476, 0x1600)
    assert kernel.code == bytes(one.elf.section(".text").data[:1476])
    assert kernel.code[-4:] == bytes.fromhex("000081bf"), "s_endpgm"
    with pytest.raises(BadFile, match="no kernel 'sort'"):
        one.kernel("sort")


def test_several_kernels_are_linked_as_lld_does() -> None:
    given = files("many_kernels")
    for name in (name.removesuffix(".o") for name in given if name.endswith(".o")):
        before, after = co.read(given[f"{name}.o"], f"{name}.o"), co.read(given[f"{name}.hsaco"], name)
        assert elf.write(before.elf) == given[f"{name}.o"], name
        assert elf.write(after.elf) == given[f"{name}.hsaco"], name
        assert str(before.target) == str(after.target) == name.partition(".")[0]
        assert [(k.name, k.code) for k in before.kernels] == [(k.name, k.code) for k in after.kernels], name
        for one, linked in zip(before.kernels, after.kernels):
            assert one.descriptor == linked.descriptor.replace(entry_offset=0), f"{name}: {one.name}"
            pairs = co.directives(one.descriptor, before.target)
            assert co.from_directives(pairs, before.target) == one.descriptor, f"{name}: {pairs}"
        made = co.write(before.target, before.kernels, before.metadata)
        end = max(row.offset + row.size for row in after.elf.segments)
        assert made[64:end] == given[f"{name}.hsaco"][64:end], f"{name}: what is loaded"
        assert co.read(made, name).elf.segments == after.elf.segments, name


WRONG = [  # what is given to write(), words of the error
    ({"version": 3}, "version 3"),
    ({"kernels": ()}, "no kernels"),
    ({"name": ""}, "a name that is empty"),
    ({"name": "a\0"}, "a name that is empty"),
    ({"code": b"123"}, "whole words"),
    ({"twice": True}, "two kernels of one name"),
    ({"family": "gfx12"}, "not of gfx11"),
]


@pytest.mark.parametrize("given, words", WRONG)
def test_what_no_object_holds_is_refused(given: dict, words: str) -> None:
    descriptor = co.Descriptor.make(FAMILIES[given.get("family", "gfx11")])
    kernel = co.Kernel(given.get("name", "f"), given.get("code", bytes(4)), descriptor)
    kernels = given.get("kernels", (kernel,) * (2 if "twice" in given else 1))
    with pytest.raises(EncodingError, match=words):
        co.write(co.Target.parse("gfx1100"), kernels, b"", version=given.get("version", 5))


def test_the_tables_of_chips_and_fields_are_right() -> None:
    for family in FAMILIES:
        assert {row.word for row in rows(family).values()} >= {"entry", "rsrc1", "rsrc2", "properties"}, (
            family
        )
    assert len({row.number for row in CHIPS}) == len({row.name for row in CHIPS}) == len(CHIPS)
    for row in CHIPS:
        target = co.Target.parse(row.name)
        assert co.Target.of_flags(target.flags) == target, row.name
        assert row.family in FAMILIES, row.name


def test_kernels_that_share_long_code_are_refused() -> None:
    target = co.Target.parse("gfx1100")
    kernel = co.Kernel("k00", bytes(20000), co.Descriptor.make(target.family))
    more = tuple(co.Kernel(f"k{number:02}", bytes(4), kernel.descriptor) for number in range(1, 20))
    file = co.read(co.write(target, (kernel, *more), b"")).elf
    symbols = [
        one._replace(size=20000) if one.type == elf.FUNC else one
        for one in file.symbols(file.section(".symtab"))
    ]
    table = memoryview(elf.symbol_table(symbols, bytes(file.section(".strtab").data)))
    sections = [replace(one, data=table) if one.name == ".symtab" else one for one in file.sections]
    with pytest.raises(BadFile, match="longer than the file"):
        co.read(elf.write(replace(file, sections=tuple(sections))))


def test_targets_as_text() -> None:
    for name, flags in (("gfx950", 0x54F), ("gfx90a:sramecc+:xnack-", 0xE3F), ("gfx1100", 0x41)):
        assert co.Target.parse(name).flags == flags
        assert str(co.Target.of_flags(flags)) == name
    for wrong in ("gfx9999", "gfx1100:xnack+", "gfx950:xnack", "gfx950:xnack+:xnack-", ""):
        with pytest.raises(ConfigError):
            co.Target.parse(wrong)
    with pytest.raises(BadFile, match="0xff"):
        co.Target.of_flags(0xFF)


MINIMAL = [("next_free_vgpr", 1), ("next_free_sgpr", 1)]
DIRECTIVES = [  # chip, directives, fields that they give
    ("gfx1100", [], {"vgpr_granules": 0, "sgpr_granules": 0, "user_sgpr_count": 0, "wavefront_size32": 1}),
    ("gfx1100", [("next_free_vgpr", 187)], {"vgpr_granules": 23}),
    ("gfx1100", [("next_free_vgpr", 187), ("wavefront_size32", 0)], {"vgpr_granules": 46}),
    ("gfx950", [("next_free_sgpr", 53), ("accum_offset", 4)], {"sgpr_granules": 7, "accum_offset": 0}),
    ("gfx900", [("next_free_sgpr", 10), ("reserve_flat_scratch", 0)], {"sgpr_granules": 1}),
    ("gfx900:xnack-", [("next_free_sgpr", 6), ("reserve_flat_scratch", 0)], {"sgpr_granules": 0}),
    ("gfx906", [("user_sgpr_private_segment_buffer", 1), ("user_sgpr_queue_ptr", 1)], {"user_sgpr_count": 6}),
]


@pytest.mark.parametrize("chip, pairs, fields", DIRECTIVES)
def test_counts_of_registers_become_granules(chip: str, pairs: list, fields: dict) -> None:
    one = co.from_directives((dict(MINIMAL) | dict(pairs)).items(), co.Target.parse(chip))
    assert {name: one[name] for name in fields} == fields


REFUSED = [  # chip, directives, words of the error
    ("gfx1100", [*MINIMAL, ("tg_split", 1)], ".amdhsa_tg_split: no directive for gfx1100"),
    ("gfx1100", [*MINIMAL, ("next_free_vgpr", 2)], "a second one"),
    ("gfx1100", MINIMAL[1:], "no .amdhsa_next_free_vgpr"),
    ("gfx950", MINIMAL, "no .amdhsa_accum_offset"),
    ("gfx950", [*MINIMAL, ("accum_offset", 6)], "accum_offset 6"),
    ("gfx1100", [("next_free_vgpr", 257), MINIMAL[1]], "next_free_vgpr 257"),
    ("gfx1100", [*MINIMAL, ("ieee_mode", 2)], "ieee_mode of a gfx11 kernel can't be 2"),
    ("gfx1100", [*MINIMAL, ("user_sgpr_queue_ptr", 1), ("user_sgpr_count", 1)], "user_sgpr_count 1"),
    ("gfx1100", [*MINIMAL, ("wavefront_size32", 1), ("shared_vgpr_count", 1)], "shared_vgpr_count 1"),
    ("gfx1100", [*MINIMAL, ("reserve_vcc", 2)], "reserve_vcc 2"),
    ("gfx900", [*MINIMAL, ("reserve_xnack_mask", 0)], "reserve_xnack_mask 0"),
    ("gfx1200", [*MINIMAL, ("dx10_clamp", 1)], "no directive for gfx1200"),
]


@pytest.mark.parametrize("chip, pairs, words", REFUSED)
def test_a_wrong_directive_is_refused(chip: str, pairs: list, words: str) -> None:
    with pytest.raises(EncodingError, match=words):
        co.from_directives(pairs, co.Target.parse(chip))


def test_a_descriptor_with_bits_of_the_driver_has_no_directives() -> None:
    target = co.Target.parse("gfx1100")
    for one in (co.Descriptor.make(target.family, priority=1), co.Descriptor(target.family, 1 << 100)):
        with pytest.raises(EncodingError, match="no directives give"):
            directive_text("f", one, target)
    gfx900 = co.Target.parse("gfx900")
    with pytest.raises(EncodingError, match="15 granules"):
        co.directives(co.Descriptor.make(gfx900.family, sgpr_granules=15), gfx900)
    with pytest.raises(EncodingError, match="no field 'tg_split'"):
        co.Descriptor.make(target.family, tg_split=1)
    with pytest.raises(BadFile, match="63 bytes"):
        co.Descriptor.read(bytes(63), target.family)


METADATA = [
    {"amdhsa.version": [1, 2], "amdhsa.printf": ["1:1:4:%d\\n"], "a": None, "b": True, "c": -5, "d": 1 << 63},
    {"k": [[1, [2, 3]], {"x": {"y": ["a b", "", "true", "12", "it's"]}}, [], {}]},
    {"long": "x" * 300, "many": list(range(100)), "quoted": ": #", "sign": "- a"},
]


@pytest.mark.parametrize("value", METADATA)
def test_metadata_comes_back_from_bytes_and_from_text(value: dict) -> None:
    assert co.metadata.read(co.metadata.write(value)) == value
    assert co.metadata.parse(co.metadata.text(value)) == value


def test_metadata_on_one_line() -> None:
    given = "a: [1, -2, 'x, y']\nb:\n  - {.offset: 0, name: [a:b, {}, []]}\n  - 3"
    assert co.metadata.parse(given) == {
        "a": [1, -2, "x, y"],
        "b": [{".offset": 0, "name": ["a:b", {}, []]}, 3],
    }


KEY = b"\x81\xa1a"
NO_METADATA = [
    b"", b"\xc1", b"\x93\x01", b"\x01", b"\x81\x01\x02", b"\x80\x80", b"\x81\xa1\xff\x01",
    b"\xdd\xff\xff\xff\xff",
    KEY + b"\xcb" + bytes(8), KEY + b"\xc4\x01a", KEY + b"\xd4\x05a", KEY + b"\x91" * 2000,
    KEY + b"\x91" * 40 + b"\x01",
]  # fmt: skip


def test_wrong_metadata_is_refused() -> None:
    for data in NO_METADATA:
        with pytest.raises(BadFile, match="metadata"):
            co.metadata.read(data)
    lines = ("", "a", "a: 1\na: 2", "a:", "- 1", "a: 1\n  b: 2", "a:\n  - 1\n - 2", ": 1")
    flows = ("[1", "{b 1}", "[1]]", "{x: 1, x: 2}", "[,]", "[" * 3000, "{1: 2}", "['a]")
    for wrong in (*lines, *("a: " + flow for flow in flows)):
        with pytest.raises(EncodingError, match="metadata"):
            co.metadata.parse(wrong)
    for value in ({"a": 1.5}, {"a": 1 << 64}, {1: 2}):
        with pytest.raises(EncodingError):
            co.metadata.write(value)


def test_a_file_of_another_machine_is_refused() -> None:
    for changed in ({"machine": 62}, {"abi": 0}, {"abi_version": 1}, {"flags": 0xFF}):
        facts = {"machine": 224, "abi": 64, "abi_version": 3, "flags": 0x41} | changed
        with pytest.raises(BadFile, match=r"machine|no chip"):
            co.read(elf.write(elf.Elf(elf.ET_DYN, **facts)))
