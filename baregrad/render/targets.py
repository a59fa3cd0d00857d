"""One row a target: what its machine has, so that passes ask the row instead of a chip's name.

`target_for` chooses the row for a device from its architecture and features (runtime reads them). Which ops
are native is what the renderer has rows for: see x86/rows_*.py, text/c_rows.py. The record is in
baregrad/target.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from baregrad.base.errors import DeviceError
from baregrad.target import Target

X86_DTYPES = frozenset(("bool", "int32", "int64", "uint32", "uint64", "float32", "float64"))
X86_STORED = frozenset(("int8", "uint8", "int16", "uint16", "float16"))
X86_OPS = frozenset((
    "add", "sub", "mul", "div", "neg", "idiv", "mod", "max", "min", "and", "or", "xor", "not", "shl", "shr",
    "cmplt", "cmple", "cmpeq", "cmpne", "select", "sqrt", "reciprocal", "trunc", "floor", "fma", "cast",
    "bitcast",
))  # fmt: skip
X86_BASE = frozenset(("avx", "avx2", "fma", "f16c", "bmi1", "bmi2"))
X86_WIDE = X86_BASE | {"avx512f", "avx512vl", "avx512dq", "avx512bw"}
C_DTYPES = frozenset((
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64",
))  # fmt: skip
C_OPS = X86_OPS | {
    "exp", "log", "exp2", "log2", "expm1", "log1p", "log10", "sin", "cos", "tan", "asin", "acos", "atan",
    "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "erfc", "pow", "cbrt", "rsqrt",
}  # fmt: skip

# max_lanes: masks have a lane for each 4-byte element at most, so that every bool vector fits one register.
# fmt: off
AVX512 = Target("x86-64-avx512", "x86-64", features=X86_WIDE, vector_bytes=64, vector_registers=32,
                mask_registers=8, gprs=14, native_ops=X86_OPS, native_dtypes=X86_DTYPES,
                storage_dtypes=X86_STORED, max_lanes=16,
                local_bytes=512 * 1024)
AVX2   = Target("x86-64-avx2", "x86-64", features=X86_BASE, vector_bytes=32, vector_registers=16,
                gprs=14, native_ops=X86_OPS, native_dtypes=X86_DTYPES,
                storage_dtypes=X86_STORED, max_lanes=8,
                local_bytes=512 * 1024)
# Not run here: what these are made into is checked by decoding it and by the emulator
AVX512_WINDOWS = replace(AVX512, name="x86-64-avx512-windows", arch="x86-64-windows", convention="windows")
AVX2_WINDOWS   = replace(AVX2, name="x86-64-avx2-windows", arch="x86-64-windows", convention="windows")
C      = Target("c", "c", vector_bytes=32, least_vector_bytes=8, vector_registers=16, gprs=14,
                native_ops=C_OPS, native_dtypes=C_DTYPES, max_lanes=32, local_bytes=512 * 1024)
# fmt: on

TARGETS: tuple[Target, ...] = (AVX512, AVX2, AVX512_WINDOWS, AVX2_WINDOWS, C)
"""Best first within an architecture; the first of all is what the null device is compiled for."""


def target_for(arch: str, features: Iterable[str]) -> Target:
    """The best row of an architecture whose features are all present; the first row where it has none.

    Errors: DeviceError for a CPU without AVX2, FMA and BMI.

    >>> target_for("c", ()).name, target_for("null", ()).name
    ('c', 'x86-64-avx512')
    """
    rows = [target for target in TARGETS if target.arch == arch]
    if not rows:
        return TARGETS[0]
    present = frozenset(features)
    for target in rows:
        if target.features <= present:
            return target
    missing = ", ".join(sorted(rows[-1].features - present))
    raise DeviceError(
        f"this CPU has no {missing}",
        why="machine code is made for x86-64 with AVX2, FMA and BMI, or more",
        mend="use a device that needs no machine code of ours, such as c or the reference device",
    )


def host_target(features: Iterable[str]) -> Target:
    """The best row whose features a CPU all has.

    Errors: DeviceError for a CPU without AVX2, FMA and BMI.

    >>> host_target(AVX2.features | {"sse2"}).name
    'x86-64-avx2'
    """
    return target_for("x86-64", features)
