"""What is added: one row for each kind of thing, written into a copy of the package as a person would do it.

An addition is (file, line that it comes after or before, text). More than one file for a thing is more than
one place; which they are is said in ARCHITECTURE.md, "One place for each thing", and there are no others.
"""

from __future__ import annotations

from typing import NamedTuple


class Addition(NamedTuple):
    """Text written into a file after (or, if `before`, before) the one line that begins with `anchor`."""

    file: str
    anchor: str
    text: str
    before: bool = False


class NewFile(NamedTuple):
    """A file that was not there."""

    file: str
    text: str


TOY_DEVICES = '''"""Devices that a test added."""

from baregrad.runtime.null import NullDevice
from baregrad.runtime.reference import ReferenceDevice


class ToyNull(NullDevice):
    """Runs nothing."""

    name = "toy_null"


class ToyReference(ReferenceDevice):
    """Interprets."""

    name = "toy_reference"
'''

TOY_VERB = '''"""`baregrad toy`."""

import click


@click.command(name="toy")
def command() -> None:
    """Say so."""
    click.echo("toy says so")
'''

ADDITIONS: dict[str, tuple[Addition | NewFile, ...]] = {
    "an op": (
        Addition(
            "ir/ops.py",
            "FMA        = ",
            """SOFTSIGN = alu("softsign", "a / (1 + |a|).", 1, "float",
               lambda a: math.copysign(1.0, a) if math.isinf(a) else a / (1.0 + abs(a)),
               samples=FLOATS, ulp=2,
               gradient=lambda g, y, a: (g * (1.0 - y.maximum(-y)) * (1.0 - y.maximum(-y)),))
TWICE = alu("twice", "a + a.", 1, "float", lambda a: a + a, samples=FLOATS)
LONELY = alu("lonely", "An op that no target has.", 1, "float", lambda a: a, samples=FLOATS)
""",
        ),
        Addition(
            "ir/decompose/table.py",
            "    Decomposition(ops.MAX, ",
            "    Decomposition(ops.SOFTSIGN, lambda a: a / (a.maximum(-a) + 1.0), ulp=1.0),\n",
        ),
    ),
    "a dtype": (
        Addition(
            "dtype/table.py",
            "float8e5m2 = ",
            'float8e3m4 = DType("float8e3m4", 8, Kind.FLOAT, 3, 4, "B")\n',
        ),
        Addition("dtype/promote.py", '    "float8e5m2": ', '    "float8e3m4": "float16 bfloat16",\n'),
    ),
    "an instruction": (
        Addition(
            "isa/x86/table_avx.py",
            "AVX: tuple[Row, ...] = (",
            '    row("vphminposuw", "dst:xmm=w, src:xmm/m128=r", VEX(128, "66", "0F38", 0x41), latency=4,\n'
            '        needs="avx"),\n',
        ),
        Addition(
            "isa/x86/table_scalar.py",
            "SCALAR: tuple[Row, ...] = (",
            '    row("xlatb", "value:al=rw, table:rbx=r", LEGACY(0xD7), memory="r", latency=5),\n',
        ),
    ),
    "a rewrite rule": (
        Addition(
            "ir/rules/identities.py",
            '        ("or_absorb", ',
            '        ("or_of_xor", (x ^ y) | y, x | y, bits),\n',
        ),
    ),
    "an optimisation": (
        Addition(
            "kernel/opts.py",
            '        Row("move", ',
            '        Row("behind", "axis other: nested inside another axis", _move_why,\n'
            "            lambda shape, name, other: _move(shape, other, name)),\n",
        ),
    ),
    "a selection": (
        Addition(
            "render/x86/rows_float.py",
            "FLOAT_ROWS: tuple[Row, ...] = (",
            '    row(ops.TWICE, F32, "sv", "vadd<s> d, a, a"),\n',
        ),
        Addition("render/targets.py", '    "bitcast",', '    "twice",\n'),
    ),
    "a target": (
        Addition(
            "render/targets.py",
            "TARGETS: tuple",
            "NARROW = replace(AVX512, name='x86-64-narrow', features=X86_WIDE | {'avx512_bf16'},\n"
            "                 vector_bytes=32, max_lanes=8)\n",
            before=True,
        ),
        Addition("render/targets.py", "from collections.abc", "from dataclasses import replace\n"),
        Addition("render/targets.py", '"""Best first', "TARGETS = (NARROW, *TARGETS)\n"),
    ),
    "a device": (
        NewFile("runtime/toy.py", TOY_DEVICES),
        Addition(
            "runtime/device.py",
            '    "null": DeviceRow(',
            '    "toy_null": DeviceRow("baregrad.runtime.toy", "ToyNull", "a toy that runs nothing"),\n'
            '    "toy_reference": DeviceRow("baregrad.runtime.toy", "ToyReference",\n'
            '                               "a toy that interprets", wants=("execute",)),\n',
        ),
    ),
    "a switch": (
        Addition(
            "base/config.py",
            '    device: str = knob("", "BG_DEVICE"',
            '    toy: int = knob(3, "BG_TOY", "how many toys", in_cache_key=True, choices=(3, 4))\n',
        ),
    ),
    "a verb": (
        NewFile("cli/toy.py", TOY_VERB),
        Addition("cli/__init__.py", '    "config": ', '    "toy": ("baregrad.cli.toy", "say so"),\n'),
    ),
}


def write(thing: Addition | NewFile, text: str) -> str:
    """A file's text with an addition; the anchor must stand there once."""
    if isinstance(thing, NewFile):
        assert not text, f"{thing.file} is there already"
        return thing.text
    lines = text.splitlines(keepends=True)
    places = [n for n, line in enumerate(lines) if line.startswith(thing.anchor)]
    assert len(places) == 1, f"{thing.file}: {len(places)} lines begin with {thing.anchor!r}"
    at = places[0] + (not thing.before)
    return "".join([*lines[:at], thing.text, *lines[at:]])
