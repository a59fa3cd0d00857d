"""Compiles the templates that come with the package: baregrad/engine/emulate/warm, a file for each chip and
level of processors.

`python tools/warm_templates.py [--chip NAME] [--target NAME] [--jobs N] [--out DIR]`, which `make warm` runs.
Nothing runs what is compiled, so that any machine makes the files for all. Which templates there are is in
engine/emulate/usual.py; what is in a file depends on the compiler's source, so that every change of that
makes them anew. Those that are there and right are left alone.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from time import perf_counter

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

sys.path.insert(0, str(Path(__file__).parents[1]))
from baregrad.base.errors import BadFile
from baregrad.emu.amd import Layout, layout
from baregrad.engine.emulate import shipped, usual
from baregrad.isa.amd.archs import ARCHS
from baregrad.render import AVX2, AVX512, Program

TARGETS = {target.name: target for target in (AVX512, AVX2)}
CHIPS = {arch.chip: arch for arch in ARCHS if arch.forms}
CHUNK = 32
Made = list[tuple[bytes, Program | None]]
WORK: dict[str, tuple[Layout, list[tuple[str, usual.Recipe]]]] = {}  # filled before processes fork


def made(chip: str, target: str, begin: int) -> Made:
    """A chunk of a file's templates, in a process of its own."""
    cells, rows = WORK[chip]
    return [
        (shipped.digest(text), bare(recipe.made(cells, TARGETS[target])))
        for text, recipe in rows[begin : begin + CHUNK]
    ]


def bare(program: Program | None) -> Program | None:
    """Without the way to its listing, which stays in its process."""
    return program and Program(program.name, program.code, program.grid, program.slots)


def wanted(chip: str) -> None:
    """Find what a chip's templates are made of."""
    arch = CHIPS[chip]
    cells = layout(arch.name, arch.lanes[0])
    WORK[chip] = cells, list(usual.recipes(usual.usual(chip), cells).items())


def missing(chips: list[str], targets: list[str], out: Path) -> Iterator[tuple[str, str]]:
    """The files that are not there, or of another compiler."""
    shipped.compiler()  # as the source is now
    for chip in chips:
        for target in targets:
            try:
                shipped.Archive(out / shipped.path_of(chip, TARGETS[target]).name, TARGETS[target])
            except (FileNotFoundError, BadFile):
                yield chip, target


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--chip", choices=CHIPS, action="append")
    parser.add_argument("--target", choices=TARGETS, action="append")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=shipped.DIRECTORY)
    given = parser.parse_args()
    files = list(missing(given.chip or list(CHIPS), given.target or list(TARGETS), given.out))
    for chip in {chip for chip, _ in files}:
        wanted(chip)
    start = perf_counter()
    columns = (TextColumn("{task.description:24}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    fork = multiprocessing.get_context("fork")  # processes that know the recipes
    with Progress(*columns) as shown, ProcessPoolExecutor(given.jobs, mp_context=fork) as pool:
        for chip, target in files:
            write(chip, target, given.out, pool, shown)
    print(f"{len(files)} files in {perf_counter() - start:.0f} s, {given.jobs} processes")


def write(chip: str, target: str, out: Path, pool: ProcessPoolExecutor, shown: Progress) -> None:
    """Write a file."""
    count = len(WORK[chip][1])
    bar = shown.add_task(f"{chip} {target}", total=count)
    chunks = [pool.submit(made, chip, target, begin) for begin in range(0, count, CHUNK)]
    programs: dict[bytes, Program] = {}
    for chunk in as_completed(chunks):
        found = chunk.result()
        programs.update((key, program) for key, program in found if program is not None)
        shown.advance(bar, len(found))
    path = out / shipped.path_of(chip, TARGETS[target]).name
    shipped.write(path, TARGETS[target], programs)
    shown.print(f"{path.name}: {len(programs)} of {count} templates, {path.stat().st_size / 2**20:.2f} MiB")


if __name__ == "__main__":
    main()
