"""`baregrad asm`: AMD's assembly to code objects, or lines of it to bytes."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from baregrad.base import load
from baregrad.base.errors import BaregradError
from baregrad.cli.lines import filtered
from baregrad.isa.amd.assembler import parse
from baregrad.isa.amd.inst import encode


@click.command(name="asm")
@click.argument("source", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option(
    "--arch", default="", help="The chip: gfx1100, gfx950, ...; a file says it with .amdgcn_target."
)
@click.option("--lines", is_flag=True, help="An instruction a line in, its bytes in hexadecimal a line out.")
@click.option(
    "--out", "-o", type=click.Path(path_type=Path), help="Where the code object goes: SOURCE.hsaco else."
)
def command(source: Path, arch: str, lines: bool, out: Path | None) -> None:
    """Assemble SOURCE (- for standard input), in LLVM's syntax."""
    with click.open_file(str(source), encoding="utf-8") as file:
        text = file.read()
    if lines:
        if not arch:
            raise click.UsageError("--lines needs --arch: gfx1100, gfx950, ...")
        filtered(text.splitlines(), lambda line: assembled(arch, line))
        return
    made: bytes = load("baregrad.isa.amd.program").assemble(text, arch)
    if out is None and str(source) == "-":
        sys.stdout.buffer.write(made)
        return
    place = out or source.with_suffix(".hsaco")
    place.write_bytes(made)
    click.echo(f"{place}: {len(made)} bytes")


def assembled(arch: str, line: str) -> str:
    """The bytes of a line, or why there are none."""
    try:
        return encode(parse(arch, line)).hex()
    except BaregradError as error:
        return f"error: {error.what}"
