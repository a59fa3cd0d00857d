"""`baregrad disasm`: machine code as instructions, by the decoders of isa/x86 and isa/amd."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from baregrad.base import load
from baregrad.base.errors import BaregradError
from baregrad.cli.lines import filtered


@click.command(name="disasm")
@click.argument("kernel", required=False)
@click.option("--hex", "digits", help="Bytes in hexadecimal, with or without spaces.")
@click.option(
    "--file",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file of raw machine code.",
)
@click.option(
    "--arch", default="", help="The chip of raw code: gfx1100, gfx950, ... (a code object says it)."
)
@click.option("--lines", is_flag=True, help="Bytes in hexadecimal a line in, an instruction a line out.")
@click.option("--source", is_flag=True, help="A code object as a file that `baregrad asm` takes.")
def command(
    kernel: str | None, digits: str | None, path: Path | None, arch: str, lines: bool, source: bool
) -> None:
    """Show machine code: of the KERNEL in the cache with this name (or key), a file, or bytes.

    A KERNEL that is a file's name is AMD's: a code object, or raw code with --arch. Without any of them, list
    the kernels in the cache.
    """
    if sum(given is not None for given in (kernel, digits, path)) > 1:
        raise click.UsageError("give one of KERNEL, --hex and --file")
    if lines and not arch:
        raise click.UsageError("--lines needs --arch: gfx1100, gfx950, ...")
    if kernel is not None and (lines or arch or Path(kernel).is_file()):
        _show_amd(kernel, arch, lines=lines, source=source)
    elif digits is not None:
        click.echo(_assembly(_parsed(digits)))
    elif path is not None:
        click.echo(_assembly(path.read_bytes()))
    elif kernel is not None:
        _show_kernels(kernel)
    else:
        for key, program in _kernels():
            click.echo(f"{key[:16]}  {len(program.code):>7} bytes  {program.name}")


def _assembly(code: bytes) -> str:
    """x86-64's machine code as text; what shows it is loaded here, since lines of AMD's do not want it."""
    return str(load("baregrad.viz").assembly(code))


def _kernels() -> list[tuple[str, Any]]:  # Any: engine's Program, which is loaded when it is wanted
    """The kernels of the cache, with their keys."""
    return list(load("baregrad.engine.disk").entries())


def _show_amd(name: str, arch: str, *, lines: bool, source: bool) -> None:
    """A code object, raw code, or lines of bytes."""
    with click.open_file(name, "rb") as file:
        data = file.read()
    if lines:
        _show_lines(arch, data.decode(errors="replace").splitlines())
        return
    program = load("baregrad.isa.amd.program")
    if arch and not data.startswith(b"\x7fELF"):
        _listed(program.listing(arch, data))
    else:
        found = load("baregrad.isa.amd.code_object").read(data, name)
        if source:
            click.echo(program.disassemble(found), nl=False)
            return
        for one in found.kernels:
            click.echo(f"{one.name}: {len(one.code)} bytes for {found.target}")
            _listed(program.listing(found.target.chip.name, one.code, program.kernel_wave(one)))


def _listed(lines: Iterable[Any]) -> None:  # Any: program.Line, which is loaded when it is wanted
    for line in lines:
        goes = f"  -> {line.target:x}" if line.target >= 0 else ""
        click.echo(f"{line.at:8x}  {line.data.hex():<24}  {line.text or '(no instruction)'}{goes}")


def _show_lines(arch: str, lines: list[str]) -> None:
    """The instruction of each line of bytes, or why there is none."""
    decode, text = load("baregrad.isa.amd.decode").decode, load("baregrad.isa.amd.text").text

    def change(line: str) -> str:
        try:
            if "x" in line or "," in line:
                line = line.replace("0x", "").replace(",", " ")
            data = bytes.fromhex(line)
            inst, size = decode(arch, data)
        except (ValueError, BaregradError) as error:
            return f"error: {getattr(error, 'what', error)}"
        if size != len(data):
            return f"error: {len(data) - size} bytes are left behind {size}"
        return str(text(inst))

    filtered(lines, change)


def _parsed(digits: str) -> bytes:
    try:
        return bytes.fromhex(digits.replace("0x", "").replace(",", " "))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--hex") from None


def _show_kernels(wanted: str) -> None:
    found = [(k, p) for k, p in _kernels() if p.name == wanted or k.startswith(wanted)]
    if not found:
        raise click.UsageError(f"no kernel {wanted!r} in the cache: call disasm without arguments for a list")
    for key, program in found:
        click.echo(f"{program.name}  ({key[:16]}, grid {program.grid}, {program.slots} arguments)")
        click.echo(_assembly(program.code))
