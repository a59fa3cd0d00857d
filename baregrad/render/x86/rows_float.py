"""Selection rows for float32 and float64, scalars and vectors: nothing but rows. rows.py explains them.

A scalar is the lowest lane of an xmm register; its upper lanes are garbage that nothing looks at,
so bitwise and blend instructions may work on all of them. vmaxps gives its second source for equal
values and for a NaN in either.
"""

from __future__ import annotations

from baregrad.ir import ops
from baregrad.render.x86.rows import BOOL, F32, F64, FLOATS, HALF, I32, I64, INT4, U32, U64, Row, casts, row

# The predicates of vcmp<s> (SDM CMPPD, table 3-1), quiet: a NaN makes all but "not equal" false
_PREDICATES = ((ops.CMPLT, 0x11), (ops.CMPLE, 0x12), (ops.CMPEQ, 0x00), (ops.CMPNE, 0x04))

# fmt: off
FLOAT_ROWS: tuple[Row, ...] = (
    row(ops.ADD, FLOATS, "sv", "vadd<s> d, a, b"),
    row(ops.SUB, FLOATS, "sv", "vsub<s> d, a, b"),
    row(ops.MUL, FLOATS, "sv", "vmul<s> d, a, b"),
    row(ops.DIV, FLOATS, "sv", "vdiv<s> d, a, b"),
    row(ops.FMA, FLOATS, "sv", "vmovups d, a; vfmadd213<s> d, b, c",           when="c_constant"),
    row(ops.FMA, FLOATS, "sv", "vmovups d, c; vfmadd231<s> d, a, b"),
    row(ops.SQRT, FLOATS, "s", "vsqrt<s> d, a, a"),
    row(ops.SQRT, FLOATS, "v", "vsqrt<s> d, a"),
    row(ops.RECIPROCAL, FLOATS, "sv", "vdiv<s> d, =<f>:1.0, a"),
    row(ops.NEG, FLOATS, "sv", "vpxor<q> d, a, [<sign>]"),
    row(ops.TRUNC, FLOATS, "s", "vrndscale<s> d, a, a, #11",                    wide=True),
    row(ops.FLOOR, FLOATS, "s", "vrndscale<s> d, a, a, #9",                     wide=True),
    row(ops.TRUNC, FLOATS, "v", "vrndscale<s> d, a, #11",                       wide=True),
    row(ops.FLOOR, FLOATS, "v", "vrndscale<s> d, a, #9",                        wide=True),
    row(ops.TRUNC, FLOATS, "s", "vround<s> d, a, a, #11",                       wide=False),
    row(ops.FLOOR, FLOATS, "s", "vround<s> d, a, a, #9",                        wide=False),
    row(ops.TRUNC, FLOATS, "v", "vround<s> d, a, #11",                          wide=False),
    row(ops.FLOOR, FLOATS, "v", "vround<s> d, a, #9",                           wide=False),

    # MAX, MIN: a NaN in b passes by itself, one in a must be put back; adding 0 makes +0 of -0
    *(line for op, name in ((ops.MAX, "vmax"), (ops.MIN, "vmin")) for line in (
        row(op, FLOATS, "sv", f"{name}<s> d, a, b",                            when="a_number"),
        row(op, FLOATS, "sv", f"{name}<s> d, b, a",                            when="b_not_zero"),
        row(op, FLOATS, "sv", f"{name}<s> t, b, a; vadd<s> d, t, b",           when="b_plus_zero"),
        row(op, FLOATS, "sv", f"{name}<s> t, a, b; vcmp<s> k.k, a, a, #3; vblendm<p> d{{k}}, t, a",
            wide=True),
        row(op, FLOATS, "sv", f"{name}<s> t, a, b; vcmp<s> u, a, a, #3; vblendv<p> d, t, a, u", wide=False),
    )),

    # Compares and choices: a scalar bool is 0 or 1 in a general register
    *(line for op, number in _PREDICATES for line in (
        row(op, FLOATS, "s", f"vcmp<s> k.k, a, b, #{number}; kmovw d, k.k",     wide=True),
        row(op, FLOATS, "s", f"vcmp<s> t, a, b, #{number}; vmovd u.32, t; mov d, u.32; and d, #1",
            wide=False),
        row(op, FLOATS, "v", f"vcmp<s> d, a, b, #{number}"),
    )),
    row(ops.SELECT, FLOATS, "s", "kmovw k.k, a; vblendm<p> d{k}, c, b",         wide=True),
    row(ops.SELECT, F32, "s", "vmovd t, a; vpslld t, t, #31; vblendvps d, c, b, t", wide=False),
    row(ops.SELECT, F64, "s", "vmovd t, a; vpsllq t, t, #63; vblendvpd d, c, b, t", wide=False),

    # Casts to float32: rounded once
    casts(I32, F32, "s", "vcvtsi2ss d, =f32:0.0, a"),
    casts(I64, F32, "s", "vcvtsi2ss d, =f32:0.0, a"),
    casts(U32 + BOOL, F32, "s", "mov t.32, a; vcvtsi2ss d, =f32:0.0, t.64"),
    casts(U64, F32, "s", "vcvtusi2ss d, =f32:0.0, a",                          wide=True),
    # Above 2**63: half of it with the lost bit kept sticky, converted, doubled
    casts(U64, F32, "s", "mov t.64, a; shr t.64, #1; mov u.64, a; and u.64, #1; or t.64, u.64; "
        "test a, a; cmovns t.64, a"
        "; vcvtsi2ss f, =f32:0.0, t.64; vaddss g, f, f; mov u.64, a; sar u.64, #63; vmovd m, u.32"
        "; vblendvps d, f, g, m",                                              wide=False),
    casts(I32, F32, "v", "vcvtdq2ps d, a"),
    casts(U32, F32, "v", "vcvtudq2ps d, a",                                    wide=True),
    # Upper and lower 16 bits are exact, their sum is rounded once
    casts(U32, F32, "v", "vpsrld t, a, #16; vcvtdq2ps t, t; vmulps t, t, [f32:65536.0]; "
        "vpand u, a, [u32:0xffff]"
        "; vcvtdq2ps u, u; vaddps d, t, u",                                    wide=False),
    casts(I64, F32, "v", "vcvtqq2ps d, a",                                     wide=True),
    casts(U64, F32, "v", "vcvtuqq2ps d, a",                                    wide=True),
    casts(BOOL, F32, "v", "vbroadcastss d{a}z, [f32:1.0]",                     wide=True),
    casts(BOOL, F32, "v", "vpand d, a, [f32:1.0]",                             wide=False),

    # Casts from float32: toward zero, saturated, NaN gives 0. The hardware gives 0x80… out of range
    casts(F32, BOOL, "s", "vcmpss k.k, a, =f32:0.0, #4; kmovw d, k.k",         wide=True),
    casts(F32, BOOL, "s", "vcmpss t, a, =f32:0.0, #4; vmovd u.32, t; mov d, u.32; and d, #1", wide=False),
    casts(F32, BOOL, "v", "vcmpps d, a, =f32:0.0, #4"),
    casts(F32, I32, "s", "vcmpss k.k, a, a, #7; vmovups t{k}z, a; vminss t, t, [f32:2147483648.0]; "
        "vmaxss t, t, [f32:-2147483648.0]"
        "; vcvttss2si r.64, t; mov u.64, #0x7fffffff; cmp r.64, u.64; cmovg r.64, u.64; "
        "mov d, r.32", wide=True),
    casts(F32, I32, "s", "vcmpss u, a, a, #7; vandps t, u, a; vminss t, t, [f32:2147483648.0]; "
        "vmaxss t, t, [f32:-2147483648.0]"
        "; vcvttss2si r.64, t; mov v.64, #0x7fffffff; cmp r.64, v.64; cmovg r.64, v.64; "
        "mov d, r.32", wide=False),
    casts(F32, I64, "s", "vcmpss k.k, a, a, #7; vmovups t{k}z, a; vcvttss2si r.64, t; "
        "mov u.64, #0x7fffffffffffffff"
        "; vucomiss t, [f32:9223372036854775808.0]; cmovae r.64, u.64; mov d, r.64", wide=True),
    casts(F32, I64, "s", "vcmpss u, a, a, #7; vandps t, u, a; vcvttss2si r.64, t; "
        "mov v.64, #0x7fffffffffffffff"
        "; vucomiss t, [f32:9223372036854775808.0]; cmovae r.64, v.64; mov d, r.64", wide=False),
    casts(F32, U32 + U64, "s", "vmaxss t, a, =f32:0.0; vcvttss2usi d, t",      wide=True),
    casts(F32, U32, "s", "vmaxss t, a, =f32:0.0; vminss t, t, [f32:4294967296.0]; vcvttss2si r.64, t; "
        "mov u.32, #-1"
        "; cmp r.64, u.64; cmova r.64, u.64; mov d, r.32",                     wide=False),
    casts(F32, U64, "s", "vmaxss t, a, =f32:0.0; vcvttss2si r.64, t; vsubss u, t, [f32:9223372036854775808.0]"
        "; vcvttss2si s.64, u; mov o.64, #-0x8000000000000000; xor s.64, o.64; "
        "vucomiss t, [f32:9223372036854775808.0]"
        "; cmovae r.64, s.64; mov o.64, #-1; vucomiss t, [f32:18446744073709551616.0]; "
        "cmovae r.64, o.64; mov d, r.64", wide=False),
    casts(F32, I32, "v", "vcmpps k.k, a, a, #7; vcvttps2dq t{k}z, a; vcmpps m.k, a, [f32:2147483648.0], #0x1d"
        "; vpblendmd d{m}, t, [i32:0x7fffffff]",                               wide=True),
    casts(F32, I32, "v", "vcvttps2dq t, a; vcmpps u, a, =f32:2147483648.0, #0x1d; vpxor t, t, u; "
        "vcmpps u, a, a, #7"
        "; vpand d, t, u",                                                     wide=False),
    casts(F32, U32, "v", "vmaxps t, a, =f32:0.0; vcvttps2udq d, t",            wide=True),
    casts(F32, U32, "v", "vmaxps t, a, =f32:0.0; vcmpps u, t, [f32:2147483648.0], #0x1d; "
        "vpand v, u, [f32:2147483648.0]"
        "; vsubps v, t, v; vcvttps2dq v, v; vpand u, u, [u32:0x80000000]; vpxor v, v, u"
        "; vcmpps u, t, [f32:4294967296.0], #0x1d; vpor d, v, u",              wide=False),
    casts(F32, I64, "v", "vcmpps k.k, a, a, #7; vcvttps2qq t{k}z, a; "
        "vcmpps m.k, a, [f32:9223372036854775808.0], #0x1d"
        "; vpblendmq d{m}, t, [i64:0x7fffffffffffffff]",                       wide=True),
    casts(F32, U64, "v", "vmaxps t.h, a, =f32:0.0; vcvttps2uqq d, t.h",        wide=True),
    casts(F32, HALF, "sv", "vmovups d, a"),
    casts(HALF, F32, "sv", "vcvtps2ph t.h, a, #0; vcvtph2ps d, t.h"),
    row(ops.BITCAST, F32, "s", "vmovd d, a",                                   source=INT4),
    row(ops.BITCAST, INT4, "s", "vmovd d, a",                                  source=F32),
    row(ops.BITCAST, F32, "s", "vmovups d, a",                                 source=F32),
)
# fmt: on
