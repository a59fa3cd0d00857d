"""Selection rows for vectors of integers and for masks: nothing but rows. rows.py explains them.

With AVX-512 a bool vector is a mask register, whose bits above the lanes mean nothing. Without, it
is a vector with all bits of a lane set or none, with lanes as wide as those of the data that it
goes with (select.py brings it to that).
"""

from __future__ import annotations

from baregrad import dtype as dt
from baregrad.ir import ops
from baregrad.render.x86.rows import (
    BOOL,
    BYTES,
    F32,
    F64,
    FLOATS,
    I32,
    I64,
    INT4,
    INT8,
    INTS,
    SIGNED,
    U32,
    U64,
    WORDS,
    Row,
    casts,
    row,
)

_PREDICATES = ((ops.CMPEQ, 0), (ops.CMPLT, 1), (ops.CMPLE, 2), (ops.CMPNE, 4))
_NO = "[i64:-1]"  # exclusive or with it turns a mask of AVX around
_FLIP = (
    "vpxor t, a, [u64:0x8000000000000000]; vpxor u, b, [u64:0x8000000000000000]"  # orders unsigned as signed
)
_PRODUCT64 = (
    "vpsrlq t, b, #32; vpmuludq t, t, a; vpsrlq u, a, #32; vpmuludq u, u, b; vpaddq t, t, u; vpsllq t, t, #32"
)
_ARITHMETIC64 = "vpsrlq t, a, #b; vpcmpgtq u, =i64:0, a; vpsllq u, u, #b:rest; vpor d, t, u"

# fmt: off
VECTOR_ROWS: tuple[Row, ...] = (
    row(ops.ADD, INTS, "v", "vpadd<e> d, a, b"),
    row(ops.SUB, INTS, "v", "vpsub<e> d, a, b"),
    row(ops.NEG, INTS, "v", "vpsub<e> d, =i64:0, a"),
    row(ops.MUL, INT4, "v", "vpslld d, a, #b:log2",                            when="power"),
    row(ops.MUL, INT8, "v", "vpsllq d, a, #b:log2",                            when="power"),
    row(ops.MUL, INT4, "v", "vpmulld d, a, b"),
    row(ops.MUL, INT8, "v", "vpmullq d, a, b",                                 wide=True),
    row(ops.MUL, INT8, "v", _PRODUCT64 + "; vpmuludq u, a, b; vpaddq d, t, u", wide=False),
    row(ops.AND, INTS, "v", "vpand<q> d, a, b"),
    row(ops.OR,  INTS, "v", "vpor<q> d, a, b"),
    row(ops.XOR, INTS, "v", "vpxor<q> d, a, b"),
    row(ops.NOT, INTS, "v", "vpxor<q> d, a, [i64:-1]"),
    row(ops.MAX, INT4, "v", "vpmax<max>d d, a, b"),
    row(ops.MIN, INT4, "v", "vpmin<max>d d, a, b"),
    row(ops.MAX, INT8, "v", "vpmax<max>q d, a, b",                             wide=True),
    row(ops.MIN, INT8, "v", "vpmin<max>q d, a, b",                             wide=True),
    row(ops.MAX, I64, "v", "vpcmpgtq t, a, b; vblendvpd d, b, a, t",           wide=False),
    row(ops.MIN, I64, "v", "vpcmpgtq t, a, b; vblendvpd d, a, b, t",           wide=False),
    row(ops.MAX, U64, "v", _FLIP + "; vpcmpgtq t, t, u; vblendvpd d, b, a, t", wide=False),
    row(ops.MIN, U64, "v", _FLIP + "; vpcmpgtq t, t, u; vblendvpd d, a, b, t", wide=False),

    # Shifts: counts beyond the width do what the op means; only arithmetic ones of 64 bits need AVX-512
    row(ops.SHL, INTS, "v", "vpsll<e> d, a, #b",                               when="count"),
    row(ops.SHL, INTS, "v", "vpsllv<e> d, a, b"),
    row(ops.SHR, INT4 + U64, "v", "<sra><e> d, a, #b",                         when="count"),
    row(ops.SHR, INT4 + U64, "v", "<sra>v<e> d, a, b"),
    row(ops.SHR, I64, "v", "vpsraq d, a, #b",                                  when="count", wide=True),
    row(ops.SHR, I64, "v", "vpsravq d, a, b",                                  wide=True),
    row(ops.SHR, I64, "v", _ARITHMETIC64,                                      when="count", wide=False),
    # Shifted, its sign brought back by exclusive or and subtraction; counts outside 0..63 take the sign alone
    row(ops.SHR, I64, "v", "vpsrlvq t, a, b; vpsrlvq u, =u64:0x8000000000000000, b; vpxor t, t, u; "
        "vpsubq t, t, u"
        "; vpcmpgtq s, =i64:0, a; vpsrlq u, b, #6; vpcmpeqq u, u, =i64:0; vblendvpd d, s, t, u", wide=False),
    row(ops.IDIV, INT4, "v", "<sra><e> d, a, #b:log2",                         when="power"),
    row(ops.IDIV, I64, "v", "vpsraq d, a, #b:log2",                            when="power", wide=True),
    row(ops.IDIV, U64, "v", "vpsrlq d, a, #b:log2",                            when="power"),
    row(ops.MOD,  INTS, "v", "vpand<q> d, a, [<i>:b-1]",                       when="power"),

    # Compares
    *(row(op, INTS, "v", f"vpcmp<u><e> d, a, b, #{number}", wide=True) for op, number in _PREDICATES),
    row(ops.CMPEQ, INTS, "v", "vpcmpeq<e> d, a, b",                            wide=False),
    row(ops.CMPNE, INTS, "v", f"vpcmpeq<e> t, a, b; vpxor d, t, {_NO}",        wide=False),
    row(ops.CMPLT, SIGNED, "v", "vpcmpgt<e> d, b, a",                          wide=False),
    row(ops.CMPLE, SIGNED, "v", f"vpcmpgt<e> t, a, b; vpxor d, t, {_NO}",      wide=False),
    row(ops.CMPLE, U32, "v", "vpmaxud t, a, b; vpcmpeqd d, t, b",              wide=False),
    row(ops.CMPLT, U32, "v", f"vpmaxud t, a, b; vpcmpeqd t, t, a; vpxor d, t, {_NO}", wide=False),
    row(ops.CMPLT, U64, "v", _FLIP + "; vpcmpgtq d, u, t",                     wide=False),
    row(ops.CMPLE, U64, "v", _FLIP + f"; vpcmpgtq t, t, u; vpxor d, t, {_NO}", wide=False),

    # Choices: where the mask is off there is c
    row(ops.SELECT, FLOATS, "v", "vmovu<p> d{a}z, b",                          when="c_zero", wide=True),
    row(ops.SELECT, FLOATS, "v", "vblendm<p> d{a}, c, b",                      wide=True),
    row(ops.SELECT, INTS, "v", "vpblendm<e> d{a}, c, b",                       wide=True),
    row(ops.SELECT, F32 + INT4, "v", "vblendvps d, c, b, a",                   wide=False),
    row(ops.SELECT, F64 + INT8, "v", "vblendvpd d, c, b, a",                   wide=False),

    # Masks
    row(ops.AND, BOOL, "v", "kandw d, a, b",                                   wide=True),
    row(ops.OR,  BOOL, "v", "korw d, a, b",                                    wide=True),
    row(ops.XOR, BOOL, "v", "kxorw d, a, b",                                   wide=True),
    row(ops.NOT, BOOL, "v", "knotw d, a",                                      wide=True),
    row(ops.MAX, BOOL, "v", "korw d, a, b",                                    wide=True),
    row(ops.MIN, BOOL, "v", "kandw d, a, b",                                   wide=True),
    row(ops.ADD, BOOL, "v", "korw d, a, b",                                    wide=True),
    row(ops.MUL, BOOL, "v", "kandw d, a, b",                                   wide=True),
    row(ops.CMPEQ, BOOL, "v", "kxnorw d, a, b",                                wide=True),
    row(ops.CMPNE, BOOL, "v", "kxorw d, a, b",                                 wide=True),
    row(ops.CMPLT, BOOL, "v", "kandnw d, a, b",                                wide=True),
    row(ops.CMPLE, BOOL, "v", "knotw t.k, a; korw d, t.k, b",                  wide=True),
    row(ops.SELECT, BOOL, "v", "kandw t.k, a, b; kandnw u.k, a, c; korw d, t.k, u.k", wide=True),
    row(ops.AND, BOOL, "v", "vpand d, a, b",                                   wide=False),
    row(ops.OR,  BOOL, "v", "vpor d, a, b",                                    wide=False),
    row(ops.XOR, BOOL, "v", "vpxor d, a, b",                                   wide=False),
    row(ops.NOT, BOOL, "v", f"vpxor d, a, {_NO}",                              wide=False),
    row(ops.MAX, BOOL, "v", "vpor d, a, b",                                    wide=False),
    row(ops.MIN, BOOL, "v", "vpand d, a, b",                                   wide=False),
    row(ops.ADD, BOOL, "v", "vpor d, a, b",                                    wide=False),
    row(ops.MUL, BOOL, "v", "vpand d, a, b",                                   wide=False),
    row(ops.CMPEQ, BOOL, "v", f"vpxor t, a, b; vpxor d, t, {_NO}",             wide=False),
    row(ops.CMPNE, BOOL, "v", "vpxor d, a, b",                                 wide=False),
    row(ops.CMPLT, BOOL, "v", "vpandn d, a, b",                                wide=False),
    row(ops.CMPLE, BOOL, "v", f"vpxor t, a, {_NO}; vpor d, t, b",              wide=False),
    row(ops.SELECT, BOOL, "v", "vpand t, a, b; vpandn u, a, c; vpor d, t, u",  wide=False),

    # Casts. An xmm holds the two 64-bit halves that vpermq brings together
    casts(INT4, INT4, "v", "vmovups d, a"),
    casts(I32, BYTES + WORDS, "v", "vmovups d, a"),
    casts((dt.int8,), I32, "v", "vpslld t, a, #24; vpsrad d, t, #24"),
    casts((dt.uint8,), I32, "v", "vpand<q> d, a, [u32:0xff]"),
    casts((dt.int16,), I32, "v", "vpslld t, a, #16; vpsrad d, t, #16"),
    casts((dt.uint16,), I32, "v", "vpand<q> d, a, [u32:0xffff]"),
    casts(INT8, INT8, "v", "vmovups d, a"),
    casts(I32, INT8, "v", "vpmovsxdq d, a"),
    casts(U32, INT8, "v", "vpmovzxdq d, a"),
    casts(INT8, INT4, "v", "vpmovqd d, a",                                     wide=True),
    casts(INT8, INT4, "v", "vpshufd t, a, #8; vpermq t.y, t.y, #8; vmovups d, t.x", wide=False),
    casts(BOOL, INT4, "v", "vpbroadcastd d{a}z, [i32:1]",                      wide=True),
    casts(BOOL, INT8, "v", "vpbroadcastq d{a}z, [i64:1]",                      wide=True),
    casts(BOOL, INT4, "v", "vpsrld d, a, #31",                                 wide=False),
    casts(BOOL, INT8, "v", "vpsrlq d, a, #63",                                 wide=False),
    casts(INT4, BOOL, "v", "vptestmd d, a, a",                                 wide=True),
    casts(INT8, BOOL, "v", "vptestmq d, a, a",                                 wide=True),
    casts(INT4, BOOL, "v", f"vpcmpeqd t, a, =i64:0; vpxor d, t, {_NO}",        wide=False),
    casts(INT8, BOOL, "v", f"vpcmpeqq t, a, =i64:0; vpxor d, t, {_NO}",        wide=False),
)
# fmt: on
