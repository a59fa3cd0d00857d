"""Selection rows for casts and bitcasts from and to float64: nothing but rows. rows.py explains them.

float64 holds every 32-bit integer, so that clamping before the conversion is exact. Without AVX-512 integers
become floats by their bits: 32 of them below the exponent of 2**52 or 2**84 are a float64, from which that
power is subtracted; what they meet last is the one addition that rounds. Other rows of float64 are in
rows_float.py.
"""

from __future__ import annotations

from baregrad.ir import ops
from baregrad.render.x86.rows import BOOL, F32, F64, I32, I64, INT8, U32, U64, Row, casts, row

_NUMBER = "vcmpsd k.k, a, a, #7; vmovupd t{k}z, a"  # a, and 0 for a NaN
_NUMBER_AVX = "vcmpsd u, a, a, #7; vandpd t, u, a"
_NUMBERS = _NUMBER.replace("sd", "pd")
_NUMBERS_AVX = _NUMBER_AVX.replace("sd", "pd")
_CLAMP32 = "vminsd t, t, [f64:2147483647.0]; vmaxsd t, t, [f64:-2147483648.0]; vcvttsd2si d, t"
_TO_I64 = (
    "vcvttsd2si r.64, t; mov u.64, #0x7fffffffffffffff"
    "; vucomisd t, [f64:9223372036854775808.0]; cmovae r.64, u.64; mov d, r.64"
)

# fmt: off
DOUBLE_ROWS: tuple[Row, ...] = (
    casts(F32, F64, "s", "vcvtss2sd d, a, a"),
    casts(F64, F32, "s", "vcvtsd2ss d, a, a"),
    casts(F32, F64, "v", "vcvtps2pd d, a"),
    casts(F64, F32, "v", "vcvtpd2ps d, a"),

    # To float64: only 64-bit integers are rounded
    casts(I32 + I64, F64, "s", "vcvtsi2sd d, =f64:0.0, a"),
    casts(U32 + BOOL, F64, "s", "mov t.32, a; vcvtsi2sd d, =f64:0.0, t.64"),
    casts(U64, F64, "s", "vcvtusi2sd d, =f64:0.0, a",                          wide=True),
    # Above 2**63: half of it with the lost bit kept sticky, converted, doubled
    casts(U64, F64, "s", "mov t.64, a; shr t.64, #1; mov u.64, a; and u.64, #1; or t.64, u.64; "
        "test a, a; cmovns t.64, a"
        "; vcvtsi2sd f, =f64:0.0, t.64; vaddsd g, f, f; vmovq m, a; vblendvpd d, f, g, m", wide=False),
    casts(I32, F64, "v", "vcvtdq2pd d, a"),
    casts(U32, F64, "v", "vcvtudq2pd d, a",                                    wide=True),
    casts(U32, F64, "v", "vpmovzxdq t, a; vpor t, t, [u64:0x4330000000000000]"
        "; vsubpd d, t, [f64:4503599627370496.0]",                             wide=False),
    casts(I64, F64, "v", "vcvtqq2pd d, a",                                     wide=True),
    casts(U64, F64, "v", "vcvtuqq2pd d, a",                                    wide=True),
    # Upper half + 2**84 (signed: + 2**63 too), less that and 2**52; then the lower half + 2**52
    casts(I64, F64, "v", "vpsrlq t, a, #32; vpxor t, t, [u64:0x4530000080000000]"
        "; vsubpd t, t, [u64:0x4530000080100000]; vpand u, a, [u64:0xffffffff]"
        "; vpor u, u, [u64:0x4330000000000000]; vaddpd d, t, u",               wide=False),
    casts(U64, F64, "v", "vpsrlq t, a, #32; vpor t, t, [u64:0x4530000000000000]"
        "; vsubpd t, t, [u64:0x4530000000100000]; vpand u, a, [u64:0xffffffff]"
        "; vpor u, u, [u64:0x4330000000000000]; vaddpd d, t, u",               wide=False),
    casts(BOOL, F64, "v", "vpbroadcastq d{a}z, [f64:1.0]",                     wide=True),
    casts(BOOL, F64, "v", "vpand d, a, [f64:1.0]",                             wide=False),

    # From float64: toward zero, saturated, NaN gives 0. The hardware gives 0x80… out of range
    casts(F64, BOOL, "s", "vcmpsd k.k, a, =f64:0.0, #4; kmovw d, k.k",         wide=True),
    casts(F64, BOOL, "s", "vcmpsd t, a, =f64:0.0, #4; vmovd u.32, t; mov d, u.32; and d, #1", wide=False),
    casts(F64, BOOL, "v", "vcmppd d, a, =f64:0.0, #4"),
    casts(F64, I32, "s", f"{_NUMBER}; {_CLAMP32}",                             wide=True),
    casts(F64, I32, "s", f"{_NUMBER_AVX}; {_CLAMP32}",                         wide=False),
    casts(F64, I64, "s", f"{_NUMBER}; {_TO_I64}",                              wide=True),
    casts(F64, I64, "s", f"{_NUMBER_AVX}; {_TO_I64}".replace("u.64", "v.64"),  wide=False),
    casts(F64, U32 + U64, "s", "vmaxsd t, a, =f64:0.0; vcvttsd2usi d, t",      wide=True),
    casts(F64, U32, "s", "vmaxsd t, a, =f64:0.0; vminsd t, t, [f64:4294967295.0]; vcvttsd2si r.64, t"
        "; mov d, r.32",                                                       wide=False),
    casts(F64, U64, "s", "vmaxsd t, a, =f64:0.0; vcvttsd2si r.64, t; vsubsd u, t, [f64:9223372036854775808.0]"
        "; vcvttsd2si s.64, u; mov o.64, #-0x8000000000000000; xor s.64, o.64; "
        "vucomisd t, [f64:9223372036854775808.0]"
        "; cmovae r.64, s.64; mov o.64, #-1; vucomisd t, [f64:18446744073709551616.0]; "
        "cmovae r.64, o.64; mov d, r.64",                                      wide=False),
    casts(F64, I32, "v", f"{_NUMBERS}; vminpd t, t, [f64:2147483647.0]; vcvttpd2dq d, t", wide=True),
    casts(F64, I32, "v", f"{_NUMBERS_AVX}; vminpd t, t, [f64:2147483647.0]; vcvttpd2dq d, t", wide=False),
    casts(F64, U32, "v", "vmaxpd t, a, =f64:0.0; vcvttpd2udq d, t",            wide=True),
    casts(F64, U32, "v", "vmaxpd t, a, =f64:0.0; vminpd t, t, [f64:4294967295.0]; vroundpd t, t, #11"
        "; vaddpd t, t, [f64:4503599627370496.0]; vpshufd t, t, #8; vpermq t.y, t.y, #8; vmovups d, t.x",
        wide=False),
    casts(F64, I64, "v", "vcmppd k.k, a, a, #7; vcvttpd2qq t{k}z, a; "
        "vcmppd m.k, a, [f64:9223372036854775808.0], #0x1d"
        "; vpblendmq d{m}, t, [i64:0x7fffffffffffffff]",                       wide=True),
    casts(F64, U64, "v", "vmaxpd t, a, =f64:0.0; vcvttpd2uqq d, t",            wide=True),
    row(ops.BITCAST, F64, "s", "vmovq d, a",                                   source=INT8),
    row(ops.BITCAST, INT8, "s", "vmovq d, a",                                  source=F64),
    row(ops.BITCAST, F64, "s", "vmovups d, a",                                 source=F64),
)
# fmt: on
