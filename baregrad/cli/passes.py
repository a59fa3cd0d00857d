"""`baregrad passes FILE.py`: a program is run, and its kernels are shown after each pass, down to bytes."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import click

from baregrad.base import Event, listen, override
from baregrad.viz import assembly


@click.command(name="passes")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("arguments", nargs=-1)
@click.option("--kernel", default="", help="Only kernels whose name contains this.")
@click.option("--only", default="", help="Only the passes whose name contains this.")
def command(file: Path, arguments: tuple[str, ...], kernel: str, only: str) -> None:
    """Run FILE with its ARGUMENTS and show its kernels after each pass, down to bytes."""

    def hear(event: Event) -> None:
        facts = event.facts
        name = facts["name"] if event.kind == "compiled" else facts["of"]
        title = "bytes" if event.kind == "compiled" else facts["name"]
        if kernel not in name or only not in title:
            return
        value = assembly(facts["program"].code) if event.kind == "compiled" else facts["text"]()
        click.echo(f"== {name} after {title}\n{value}\n")

    sys.argv = [str(file), *arguments]
    with override(cache=False), listen(hear, "pass", "compiled"):  # a kernel from the cache has no passes
        runpy.run_path(str(file), run_name="__main__")
