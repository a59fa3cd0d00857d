"""The stored tables are whole: counts, fields, opcodes, trees."""

from __future__ import annotations

import subprocess
import sys

import pytest

from baregrad.base.errors import ConfigError, EncodingError
from baregrad.isa.amd import ARCHS, tables
from baregrad.isa.amd.assembler import parse
from baregrad.isa.amd.decode import decode
from baregrad.isa.amd.forms import forms

COUNTS = {"rdna3": (1464, 1320), "rdna4": (1565, 1401), "cdna3": (1480, 1385), "cdna4": (1573, 1520)}
NAMES = [row.name for row in ARCHS]


@pytest.mark.parametrize("name", NAMES)
def test_every_entry_is_there(name: str) -> None:
    found = tables(name)
    assert (len(found.instructions), sum(i.body >= 0 for i in found.instructions)) == COUNTS[name]
    assert tables(found.arch.chip) is found or tables(found.arch.chip) == found


@pytest.mark.parametrize("name", NAMES)
def test_fields_do_not_overlap_and_opcodes_fit(name: str) -> None:
    found = tables(name)
    for one in found.formats.values():
        taken: dict[int, str] = {}
        for field in one.fields.values():
            for high, low in field.parts:
                assert high >= low, f"{one.name}.{field.name}"
                for bit in range(low, high + 1):
                    assert bit not in taken, f"bit {bit} of {one.name} is {field.name} and {taken[bit]}"
                    taken[bit] = field.name
        if one.encoding:
            assert len(one.encoding) == one.fields["ENCODING"].width, f"{one.name}: {one.encoding}"
    for entry in found.instructions:
        op = found.formats[entry.format].fields.get("OP") if entry.format in found.formats else None
        assert op is None or entry.opcode < 1 << op.width, f"{entry.name} {entry.opcode}"


@pytest.mark.parametrize("name", NAMES)
def test_an_opcode_has_one_name(name: str) -> None:
    names: dict[tuple[str, int], str] = {}
    for entry in tables(name).instructions:
        assert names.setdefault((entry.format, entry.opcode), entry.name) == entry.name, entry


@pytest.mark.parametrize("name", NAMES)
def test_every_tree_is_read(name: str) -> None:
    found = tables(name)
    assert all(isinstance(found.tree(entry), tuple) for entry in found.instructions if entry.body >= 0)


def test_an_unknown_architecture_is_refused() -> None:
    with pytest.raises(ConfigError, match="rdna3"):
        tables("gfx9999")


def test_no_table_is_read_before_it_is_used() -> None:
    code = """
import sys
opened = []
def hook(event, given):
    if event == "open" and "manual.json" in str(given[0]):
        opened.append(given[0])
sys.addaudithook(hook)
import baregrad.isa
print([name for name in sys.modules if name.startswith(("baregrad.isa.amd", "baregrad.isa.x86"))], opened)
import baregrad.isa.amd.assembler, baregrad.isa.amd.decode, baregrad.isa.amd.dsl
print(opened)
baregrad.isa.amd.tables("gfx950")
print([str(name).split("/")[-3] for name in opened])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[] []", "[]", "['cdna4']"]


@pytest.mark.parametrize("chip", [one.chip for one in ARCHS if not one.forms])
def test_chips_with_tables_alone_are_refused_by_name(chip: str) -> None:
    assert tables(chip).instructions
    for ask in (lambda: forms(chip), lambda: parse(chip, "s_nop 0"), lambda: decode(chip, bytes(4))):
        with pytest.raises(EncodingError, match=f"no instructions of {chip}"):
            ask()
