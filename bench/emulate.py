"""The emulator of AMD's chips, one thread, in million wave-instructions a second: python -m bench.emulate.

Rows: a loop of vector instructions, the kernels of tests/vectors/triton at sizes of some 10^5 to 10^7
instructions with their geometric mean, a product of matrices in fp8, and starts with an empty cache, without
and with the templates that are shipped (`make warm` writes them).
Times are whole runs of a launch that was run before (so that all is compiled), the fastest of some; the load
of the machine is said because others' work is in them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from math import exp, log
from statistics import median
from time import perf_counter, process_time
from typing import Any

import numpy as np

from baregrad.emu.amd import Launch, Memory, Witness
from baregrad.engine.emulate import Fast
from baregrad.isa.amd import code_object
from baregrad.isa.amd.program import assemble
from baregrad.runtime import open_device
from tests.emu.amd import references
from tests.emu.amd.test_kernels import ALL, THREADS, raw
from tests.isa.amd.triton import kernel

BARS = {"loop": 25.0, "mean": 10.0, "cold": 2.0, "gemm": 4.0, "witness": 0.02}
BUDGET = 1 << 32
LOOP = """.amdgcn_target "amdgcn-amd-amdhsa--gfx1100"
.text
.p2align 8
k:
s_mov_b32 s6, {rounds}
v_cvt_f32_u32_e32 v1, v0
v_mov_b32_e32 v2, 1.0
v_mov_b32_e32 v3, 0.5
.Lagain:
v_add_f32_e32 v4, v1, v2
v_mul_f32_e32 v5, v4, v3
v_fma_f32 v6, v4, v5, v3
v_sub_f32_e32 v7, v6, v1
v_max_f32_e32 v8, v7, v5
v_min_f32_e32 v9, v8, v6
v_add_nc_u32_e32 v10, v10, v0
v_xor_b32_e32 v11, v10, v9
v_and_b32_e32 v12, v11, v10
v_lshlrev_b32_e32 v13, 3, v12
v_or_b32_e32 v14, v13, v0
v_fma_f32 v1, v5, v3, v2
v_cmp_lt_f32_e32 vcc_lo, v1, v9
v_cndmask_b32_e32 v15, v13, v14, vcc_lo
v_add_nc_u32_e32 v10, v15, v10
v_mul_f32_e32 v2, v3, v2
s_sub_u32 s6, s6, 1
s_cmp_lg_u32 s6, 0
s_cbranch_scc1 .Lagain
s_endpgm
.Lend:
.size k, .Lend-k
.amdhsa_kernel k
.amdhsa_next_free_vgpr 16
.amdhsa_next_free_sgpr 32
.amdhsa_float_denorm_mode_32 3
.amdhsa_float_denorm_mode_16_64 3
.amdhsa_wavefront_size32 1
.end_amdhsa_kernel
"""
ROUNDS = 200_000
# Sizes at which a launch is no longer its beginning: those of the functions of references.py.
MANY, SIDE = 300_000, 512
AGAIN = {"scan": 512, "sort": 256}  # kernels of one workgroup: so many do the same work
SIZES: dict[str, tuple[int, ...]] = {
    "add": (MANY,), "softmax": (1000, 777), "layernorm": (1000, 777), "gelu": (MANY,), "atomics": (MANY,),
    "philox": (MANY,), "integers": (MANY,), "convert": (MANY,), "double": (MANY,), "trig": (MANY,),
    "transpose": (1000, 1000), "argmax": (2000,), "attention": (1024,), "matmul_f32": (SIDE, SIDE, SIDE),
    "matmul_f16": (SIDE, SIDE, SIDE), "matmul_bf16": (SIDE, SIDE, SIDE), "matmul_i8": (SIDE, SIDE, SIDE),
    "matmul_fp8": (SIDE, SIDE, SIDE), "gemm_fp8": (SIDE, SIDE, SIDE), "matmul_mxfp4": (256, 256, 1024),
}  # fmt: skip
COLD = (("attention", "gfx1100"), ("matmul_fp8", "gfx1100"))
GEMM = 1024


def launch_of(name: str, chip: str, sizes: tuple[int, ...], again: int = 1) -> Launch:
    """A kernel of Triton on random inputs; `again`: so many times its grid."""
    made = references.LAUNCHES[name](*sizes)
    args: list[Any] = [one.copy() if isinstance(one, np.ndarray) else one for one in made.args]
    entry = kernel(name, chip)
    given = [raw(one) for one in args]
    grid = (made.grid[0] * again, *made.grid[1:])
    return Launch(entry, entry.kernels[0].name, grid, (THREADS[chip], 1, 1), given, lds=65536)  # type: ignore[arg-type]


def rate(launch: Launch, runner: Any, *, runs: int = 3) -> tuple[float, int, float]:
    """Million instructions a second, instructions, and the seconds of the fastest run but the first."""
    best = 1e9
    count = launch.run(runner, BUDGET).instructions
    for _ in range(runs):
        start = perf_counter()
        launch.run(runner, BUDGET)
        best = min(best, perf_counter() - start)
    return count / best / 1e6, count, best


def loop(rounds: int) -> Launch:
    """The loop of 16 vector instructions, on one wave of 32 lanes."""
    one = code_object.read(assemble(LOOP.format(rounds=rounds)))
    return Launch(one, "k", (1, 1, 1), (32, 1, 1), b"", memory=Memory(1 << 20))


def say(what: str, value: float, unit: str, bar: float, most: bool = False) -> None:
    """A row: the bar is the least, or the most, that was promised."""
    met = value <= bar if most else value >= bar
    sys.stdout.write(f"  {what:44} {value:9.3f} {unit:10} bar {bar:6.2f} {'ok' if met else 'MISSED'}\n")
    sys.stdout.flush()


def kernels() -> list[float]:
    """All kernels of Triton."""
    found = []
    for name, chip in ALL:
        speed, count, best = rate(
            launch_of(name, chip, SIZES.get(name, ()), AGAIN.get(name, 1)), Fast(open_device("cpu"))
        )
        found.append(speed)
        sys.stdout.write(f"    {name:14} {chip:8} {speed:8.2f} million/s {count:9} in {best * 1e3:8.2f} ms\n")
        sys.stdout.flush()
    return found


def cold(name: str, chip: str, how: str) -> None:
    """In a process of its own: a kernel's first workgroup, with the templates that came with the package
    ("shipped") or without. Prints seconds, those of the processor, instructions of its code, and templates
    that were compiled.
    """
    launch, fast = launch_of(name, chip, ()), Fast(open_device("cpu"))
    if how != "shipped":
        fast.templates(launch.arch, launch.layout).shipped = "they are not wanted"
    start, used = perf_counter(), process_time()
    fast.run(launch.group((0, 0, 0)), BUDGET)
    seconds, used = perf_counter() - start, process_time() - used
    (native,) = fast.natives
    sys.stdout.write(f"{seconds} {used} {len(native.order)} {native.templates.compiled}\n")


def starts() -> None:
    """Kernels with an empty cache: all templates compiled, and those that are shipped taken."""
    for name, chip in COLD:
        for how in ("compiled", "shipped"):
            start(name, chip, how)


def start(name: str, chip: str, how: str) -> None:
    """A kernel with an empty cache."""
    seconds, used, whole, found = [], [], [], [""] * 4
    for _ in range(3):
        with tempfile.TemporaryDirectory() as empty:
            command = [sys.executable, "-m", "bench.emulate", "cold", name, chip, how]
            began = perf_counter()
            done = subprocess.run(command, check=True, capture_output=True, text=True,
                                  env={**os.environ, "BG_CACHE_DIR": empty})  # fmt: skip
            whole.append(perf_counter() - began)
        found = done.stdout.split()
        seconds.append(float(found[0]))
        used.append(float(found[1]))
    if how == "compiled":
        what = f"cold {name} {chip}: {found[2]} instructions, {found[3]} templates"
    else:
        what = f"  cold cache, shipped templates ({found[3]} compiled)"
    say(what, median(seconds), "s", BARS["cold"], most=True)
    sys.stdout.write(
        f"    of the processor's time {median(used):.2f} s; with Python's start, imports and inputs "
        f"{median(whole):.2f} s\n"
    )


def main() -> int:
    """All rows, or one of loop, kernels, gemm, cold."""
    if sys.argv[1:2] == ["cold"] and len(sys.argv) == 5:
        cold(*sys.argv[2:])
        return 0
    wanted = sys.argv[1:] or ["loop", "kernels", "gemm", "cold"]
    sys.stdout.write(f"emulator of AMD's chips, one thread; load {os.getloadavg()[0]:.1f}\n")
    if "loop" in wanted:
        say("16 vector instructions in a loop, 32 lanes", rate(loop(ROUNDS), Fast(open_device("cpu")))[0],
            "million/s", BARS["loop"])  # fmt: skip
        say("the same on the witness", rate(loop(200), Witness())[0], "million/s", BARS["witness"])
    if "kernels" in wanted:
        found = kernels()
        mean = exp(sum(map(log, found)) / len(found))
        say(f"geometric mean of {len(found)} kernels of Triton", mean, "million/s", BARS["mean"])
    if "gemm" in wanted:
        launch = launch_of("gemm_fp8", "gfx950", (GEMM, GEMM, GEMM))
        _, count, best = rate(launch, Fast(open_device("cpu")), runs=2)
        say(f"gemm_fp8 {GEMM}^3 gfx950 ({count} instructions)", best, "s", BARS["gemm"], most=True)
    if "cold" in wanted:
        starts()
    sys.stdout.write(f"load {os.getloadavg()[0]:.1f}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
