"""`baregrad disasm`: machine code as instructions, by the decoder of isa/x86."""

from __future__ import annotations

from pathlib import Path

import click

from baregrad.engine import disk
from baregrad.viz import assembly


@click.command(name="disasm")
@click.argument("kernel", required=False)
@click.option("--hex", "digits", help="Bytes in hexadecimal, with or without spaces.")
@click.option(
    "--file",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file of raw machine code.",
)
def command(kernel: str | None, digits: str | None, path: Path | None) -> None:
    """Show machine code: of the KERNEL in the cache with this name (or key), a file, or bytes.

    Without any of them, list the kernels in the cache.
    """
    if sum(given is not None for given in (kernel, digits, path)) > 1:
        raise click.UsageError("give one of KERNEL, --hex and --file")
    if digits is not None:
        click.echo(assembly(_parsed(digits)))
    elif path is not None:
        click.echo(assembly(path.read_bytes()))
    elif kernel is not None:
        _show_kernels(kernel)
    else:
        for key, program in disk.entries():
            click.echo(f"{key[:16]}  {len(program.code):>7} bytes  {program.name}")


def _parsed(digits: str) -> bytes:
    try:
        return bytes.fromhex(digits.replace("0x", "").replace(",", " "))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--hex") from None


def _show_kernels(wanted: str) -> None:
    found = [(k, p) for k, p in disk.entries() if p.name == wanted or k.startswith(wanted)]
    if not found:
        raise click.UsageError(f"no kernel {wanted!r} in the cache: call disasm without arguments for a list")
    for key, program in found:
        click.echo(f"{program.name}  ({key[:16]}, grid {program.grid}, {program.slots} arguments)")
        click.echo(assembly(program.code))
