"""From a KERNEL graph to a loaded kernel: looked up in memory, then on disk, and compiled only if it is
nowhere.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter

from baregrad.base.cache import memo
from baregrad.base.config import cache_key_fields, config
from baregrad.base.events import emit
from baregrad.engine import disk
from baregrad.ir import UOp, text
from baregrad.kernel import optimize
from baregrad.lower import lower
from baregrad.render import Program, render, target_for
from baregrad.runtime import Device, Kernel
from baregrad.target import Target


@dataclass(frozen=True, slots=True)
class Compiled:
    """A kernel that is loaded on a device, the grid that it is launched on, and what it was made from."""

    kernel: Kernel
    grid: int
    program: Program | None
    ast: UOp | None = None


@memo
def _table(device: Device, settings: tuple[object, ...]) -> dict[UOp, Compiled]:
    """The kernels that are loaded on a device under some settings."""
    return {}


def target_of(device: Device) -> Target:
    """What the compiler may use on a device."""
    return _target(device, cache_key_fields())


@memo
def _target(device: Device, settings: tuple[object, ...]) -> Target:
    """The row of the device's features, less those switched off, with this machine's cores and caches."""
    facts, switches = device.target_facts(), config()
    present = facts.features
    if switches.features:
        present &= frozenset(switches.features.split(","))
    row = target_for(facts.arch, present)
    return replace(
        row,
        threads=switches.threads or facts.cores,
        l1_bytes=facts.caches.get("l1d", row.l1_bytes),
        l2_bytes=facts.caches.get("l2", row.l2_bytes),
        l3_bytes=facts.caches.get("l3", row.l3_bytes),
    )


def compile_kernel(device: Device, ast: UOp) -> Compiled:
    """The loaded kernel of a KERNEL graph.

    Errors: CompileError, naming pass and kernel.
    """
    table = _table(device, cache_key_fields())
    found = table.get(ast)
    if found is None:
        program = _program(target_of(device), ast)
        kernel = device.load(program.code, program.name)
        found = table[ast] = Compiled(kernel, program.grid, program, ast)
    return found


def _program(target: Target, ast: UOp) -> Program:
    """From the disk, or compiled and put there."""
    switches = config()
    use_disk = switches.cache and switches.debug < 3  # who looks at passes wants them run
    key = disk.key(text(ast), target) if use_disk else ""
    program = disk.load(key) if use_disk else None
    if program is not None:
        emit("cached", name=program.name, program=program)
        return program
    started = perf_counter()
    with no_collections():
        program = compile_program(ast, target)
    emit("compiled", name=program.name, seconds=perf_counter() - started, program=program, ast=ast)
    if use_disk:
        disk.store(key, program)
    return program


@contextmanager
def no_collections() -> Iterator[None]:
    """Let Python's collector of cycles rest for some milliseconds.

    A kernel takes 100,000 objects, nearly all of them freed without it; it would walk through the heap of the
    whole program meanwhile (a seventh of the time to compile; more beside large libraries). Only who found it
    at work starts it again.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def compile_program(ast: UOp, target: Target) -> Program:
    """Every pass from KERNEL to bytes; who listens to "pass" events is told of each step."""
    name = ast.arg or "kernel"
    emit("pass", name="schedule", of=name, text=partial(text, ast), graph=ast)
    optimized = optimize(ast, target)
    emit("pass", name="kernel.optimize", of=name, text=partial(text, optimized), graph=optimized)
    linear = lower(optimized, target)
    emit("pass", name="lower", of=name, text=partial(text, linear.uops), graph=linear.uops)
    program = render(linear, target)
    emit("pass", name="render", of=name, text=lambda: program.listing, graph=program)
    return program
