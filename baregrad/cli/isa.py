"""`baregrad isa`: instruction sets extracted from the vendors' manuals."""

from __future__ import annotations

from pathlib import Path

import click

from baregrad.base import errors
from baregrad.isa.amd import extract
from baregrad.isa.amd.explain import explain


@click.group(name="isa")
def command() -> None:
    """Instruction sets: extract their tables from a manual, explain an instruction."""


@command.command(name="explain")
@click.argument("name")
@click.option("--arch", required=True, help="Chip: gfx1100, gfx950, ...")
@click.option("--wave", type=click.Choice(["32", "64"]), help="Lanes of a wave; else what the chip prefers.")
def explain_command(name: str, arch: str, wave: str | None) -> None:
    """Print all that is known of an instruction: encoding, operands, effects, latency class, meaning."""
    click.echo(explain(name, arch, int(wave or 0)))


@command.command(name="extract")
@click.option("--arch", required=True, help="Name of the architecture: rdna3, cdna4, ...")
@click.option(
    "--manual", "manuals", multiple=True, required=True, type=click.Path(exists=True, path_type=Path),
    help="The manual (.pdf), or a conversion of it (.md); several conversions are merged.",
)  # fmt: skip
@click.option(
    "--out", type=click.Path(path_type=Path), help="Where the tables go (JSON); else they are not written."
)
@click.option("--check", is_flag=True, help="Say whether the tables in --out are current; write nothing.")
@click.option("--report", "report_to", type=click.Path(path_type=Path), help="Where the report goes.")
def extract_command(
    arch: str, manuals: tuple[Path, ...], out: Path | None, check: bool, report_to: Path | None
) -> None:
    """Read a manual into tables: formats, opcodes, and what each instruction does as a tree."""
    manual = extract.extract(arch, manuals)
    text, said = extract.show(manual), extract.report(manual)
    if report_to is not None:
        report_to.write_text(said, encoding="utf-8")
    click.echo(said.partition("\n")[0].lstrip("# "))
    if check:
        stored = out.read_text(encoding="utf-8") if out is not None and out.exists() else ""
        if stored != text:
            raise errors.BadFile(
                f"{out} is not what the manual says",
                why="the tables, the manual or the extraction changed since it was written",
                mend="extract again without --check and look at the difference",
            )
        click.echo("the tables are current")
    elif out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
