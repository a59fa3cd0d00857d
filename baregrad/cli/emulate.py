"""`baregrad emulate`: a kernel of a code object, run without its chip (emu/amd).

What arguments look like is in ARGUMENTS; a single step, a trace and breakpoints are of emu/amd/watch.py.
"""

from __future__ import annotations

import ast
import hashlib
import re
import time
from pathlib import Path
from random import Random
from typing import Any

import click

from baregrad import dtype as dt
from baregrad.base import load

ARGUMENTS = """An argument is a number (3, 0x10, 1.5); memory of zeros, f32[300], or filled, f32[300]=2.5,
=range, =random; a file, x.npy or x.bin. Memory may be written back behind the run: f32[300]>out.npy."""
TYPES = {"f16": dt.float16, "bf16": dt.bfloat16, "f32": dt.float32, "f64": dt.float64, "i8": dt.int8,
         "i16": dt.int16, "i32": dt.int32, "i64": dt.int64, "u8": dt.uint8, "u16": dt.uint16,
         "u32": dt.uint32, "u64": dt.uint64}  # fmt: skip
CODES = {"f16": "<f2", "f32": "<f4", "f64": "<f8", "i8": "|i1", "i16": "<i2", "i32": "<i4", "i64": "<i8",
         "u8": "|u1", "u16": "<u2", "u32": "<u4", "u64": "<u8"}  # fmt: skip
MEMORY = re.compile(r"(\w+)\[(\d+)\](?:=(.+))?")
NPY = b"\x93NUMPY"
SHOWN = 6  # values of a result


class Buffer:
    """Memory that is an argument: its type ("" if nobody said), its bytes, and the file that takes it."""

    def __init__(self, type: str, data: bytearray, out: str) -> None:
        self.type, self.data, self.out, self.before = type, data, out, bytes(data)

    def line(self, number: int) -> str:
        """What it is now: a digest, and the first values."""
        digest = hashlib.sha256(self.data).hexdigest()[:16]
        text = f"argument {number}: {len(self.data)} bytes, {digest}"
        if self.type:
            size = TYPES[self.type].itemsize * SHOWN
            values = dt.unpack(TYPES[self.type], bytes(self.data[:size]))
            text += "  " + " ".join(f"{value:.7g}" for value in values)
        return text + ("" if self.data != self.before else "  (unchanged)")

    def write(self) -> None:
        """Write it to its file."""
        head = header(self.type, len(self.data)) if self.out.endswith(".npy") else b""
        Path(self.out).write_bytes(head + self.data)


def header(type: str, size: int) -> bytes:
    """The head of a .npy file."""
    code = CODES.get(type, "|u1")
    count = size // TYPES[type].itemsize if type in CODES else size
    text = f"{{'descr': '{code}', 'fortran_order': False, 'shape': ({count},), }}"
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return NPY + b"\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def from_npy(content: bytes, name: str) -> tuple[str, bytes]:
    """The type and the bytes of a .npy file."""
    wide = 4 if content[6] > 1 else 2
    begin = 8 + wide
    end = begin + int.from_bytes(content[8:begin], "little")
    try:
        found = ast.literal_eval(content[begin:end].decode("latin1"))
        code = found["descr"]
    except (ValueError, SyntaxError, KeyError, TypeError) as error:
        raise click.BadParameter(f"{name}: its head says nothing") from error
    return next((type for type, known in CODES.items() if known == code), ""), content[end:]


def number_of(text: str) -> int | float | None:
    """The number that a text is, None if it is none."""
    try:
        return int(text, 0)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return None


def argument(text: str, rng: Random) -> int | float | Buffer:
    """An argument of its text."""
    number = number_of(text)
    if number is not None:
        return number
    source, _, out = text.partition(">")
    match = MEMORY.fullmatch(source)
    if match is not None and match[1] in TYPES:
        return Buffer(match[1], filled(match[1], int(match[2]), match[3] or "0", rng), out)
    if not Path(source).is_file():
        raise click.BadParameter(f"{source!r} is no number, no memory and no file. {ARGUMENTS}")
    content = Path(source).read_bytes()
    type, content = from_npy(content, source) if content.startswith(NPY) else ("", content)
    return Buffer(type, bytearray(content), out)


def filled(type: str, count: int, how: str, rng: Random) -> bytearray:
    """Memory of a type, filled."""
    dtype = TYPES[type]
    if how == "range":
        values: list[Any] = list(range(count))  # Any: numbers of the type
    elif how == "random":
        whole = type[0] in "iu"
        values = [
            rng.randrange(100) if whole else dt.round_to(dtype, rng.uniform(-1, 1)) for _ in range(count)
        ]
    else:
        values = [int(how, 0) if type[0] in "iu" else dt.round_to(dtype, float(how))] * count
    return bytearray(dt.pack(dtype, values))


def three(text: str, name: str) -> tuple[int, int, int]:
    """X, X,Y or X,Y,Z."""
    try:
        parts = [int(part, 0) for part in text.split(",")]
    except ValueError:
        raise click.BadParameter(f"{text!r} is not X,Y,Z", param_hint=name) from None
    if not 1 <= len(parts) <= 3:
        raise click.BadParameter(f"{text!r} is not X,Y,Z", param_hint=name)
    x, y, z = (*parts, 1, 1)[:3]
    return x, y, z


@click.command(name="emulate", epilog=ARGUMENTS)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--kernel", "name", default="", help="Which kernel; may be left out if there is one.")
@click.option("--grid", default="1", help="Workgroups: X,Y,Z.")
@click.option("--block", default="1", help="Work-items of a workgroup: X,Y,Z.")
@click.option("--args", "given", default="", help="Arguments, by spaces.")
@click.option("--lds", type=int, help="Bytes of LDS that the launch gives.")
@click.option("--budget", type=int, default=1 << 32, help="Instructions that may be done.")
@click.option("--mode", type=click.Choice(["witness", "fast", "both"]), default="witness",
              help="How it is run: both natively and by the witness, compared after each block.")  # fmt: skip
@click.option("--waits", is_flag=True, help="Fault where a wait for a load is missing.")
@click.option("--strict", is_flag=True, help="Fault where waves have ended that others wait for.")
@click.option("--trace", is_flag=True, help="Show every instruction with what it changes.")
@click.option("--break", "breaks", multiple=True, help="Show it at an offset of the code (0x40) or a name.")
@click.option("--watch", "watched", multiple=True, help="Show what changes a register (v5, s[0:1], vcc_lo).")
@click.option("--seed", type=int, default=0, help="Of =random.")
def command(  # noqa: PLR0913 - options
    file: Path, name: str, grid: str, block: str, given: str, lds: int | None, budget: int,
    mode: str, waits: bool,
    strict: bool, trace: bool, breaks: tuple[str, ...], watched: tuple[str, ...], seed: int,
) -> None:  # fmt: skip
    """Run a kernel of the code object FILE, and show what became of its memory."""
    amd = load("baregrad.emu.amd")
    one = load("baregrad.isa.amd.code_object").read(file.read_bytes(), str(file))
    if not name and len(one.kernels) != 1:
        raise click.UsageError(f"--kernel is one of {', '.join(kernel.name for kernel in one.kernels)}")
    if mode != "witness" and (trace or breaks or watched or waits or strict):
        raise click.UsageError(
            f"--mode {mode} only runs: trace, break, watch, waits and strict are the witness's"
        )
    name = name or one.kernels[0].name
    rng = Random(seed)
    args = [argument(text, rng) for text in given.split()]
    values = [arg.data if isinstance(arg, Buffer) else arg for arg in args]
    sizes = three(grid, "--grid"), three(block, "--block")
    begin = time.perf_counter()
    if trace or breaks or watched:
        launch = amd.Launch(one, name, *sizes, values, lds=lds)
        done = watch(amd, launch, breaks, watched, budget, everything=trace)
    else:
        runner = amd.Witness(strict=strict, waits=waits)
        if mode != "witness":
            device = load("baregrad.runtime").open_device("cpu")
            fast = load("baregrad.engine.emulate")
            runner = fast.Fast(device) if mode == "fast" else fast.Both(device)
        done = amd.emulate(one, name, *sizes, values, lds=lds, runner=runner, budget=budget).instructions
    seconds = time.perf_counter() - begin
    click.echo(f"{name}: {done} instructions in {seconds:.2f} s, {done / seconds / 1e6:.4f} million/s")
    if mode != "witness" and runner.compiled:
        click.echo(runner.compiled)
    if mode == "both":
        click.echo(f"{runner.blocks} blocks were the same in both modes; words of other NaNs: {runner.nans}")
        click.echo(f"only by the witness: {runner.left} instructions, {runner.alone} workgroups")
    for number, arg in enumerate(args):
        if isinstance(arg, Buffer):
            click.echo(arg.line(number))
            if arg.out:
                arg.write()


def watch(
    amd: Any, launch: Any, breaks: tuple[str, ...], watched: tuple[str, ...], budget: int, *, everything: bool
) -> int:  # Any: emu.amd, which is loaded when it is wanted
    """Run an instruction at a time, and show those that are asked for; gives how many were done."""
    registers = [amd.register(text) for text in watched]
    stops = [int(text, 0) if text[0].isdigit() else text for text in breaks]
    done = 0
    for event in amd.steps(launch, watched=registers, budget=budget):
        done += 1
        if everything or amd.stops(event, stops, registers):
            click.echo(str(event))
    launch.back()
    return done
