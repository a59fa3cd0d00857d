"""Selection rows for integers and bools in general registers: nothing but rows. rows.py explains them.

A bool is 0 or 1 in 32 bits. `lea` adds without flags and into any register; `mov d, a` before an
instruction that changes its operand is what the allocator removes.
"""

from __future__ import annotations

from baregrad import dtype as dt
from baregrad.ir import ops
from baregrad.render.x86.rows import (
    BOOL,
    BYTES,
    I32,
    I64,
    INT4,
    INT8,
    INTS,
    SIGNED,
    U32,
    UNSIGNED,
    WORDS,
    Row,
    casts,
    row,
)

# a // b of 64 bits by idiv, which traps for 0 and for the least integer by -1: those divide by 1 instead
_DIVIDE64 = """
    mov u, a; neg u; mov q, a; cmp b, #-1; cmove q, u
    mov v, b; mov o, #1; lea t, [b+1]; cmp t, #1; cmovbe v, o
    cqo q, r; idiv q, r, v
"""
_UNSIGNED = (
    "mov v, b; mov o, #1; test b, b; cmove v, o; mov q, a; mov r, #0; div q, r, v; mov o, #0; test b, b"
)

# fmt: off
SCALAR_ROWS: tuple[Row, ...] = (
    row(ops.ADD, INTS, "s", "lea d, [a+#b]",                                   when="imm"),
    row(ops.ADD, INTS, "s", "lea d, [a+b]"),
    row(ops.SUB, INTS, "s", "lea d, [a+#b:neg]",                               when="imm"),
    row(ops.SUB, INTS, "s", "mov d, a; sub d, b"),
    row(ops.MUL, INTS, "s", "mov d, a; shl d, #b:log2",                        when="power"),
    row(ops.MUL, INTS, "s", "imul d, a, #b",                                   when="imm"),
    row(ops.MUL, INTS, "s", "mov d, a; imul d, b"),
    row(ops.NEG, INTS, "s", "mov d, a; neg d"),
    row(ops.NOT, INTS, "s", "mov d, a; not d"),
    row(ops.AND, INTS, "s", "mov d, a; and d, #b",                             when="imm"),
    row(ops.AND, INTS + BOOL, "s", "mov d, a; and d, b"),
    row(ops.OR,  INTS, "s", "mov d, a; or d, #b",                              when="imm"),
    row(ops.OR,  INTS + BOOL, "s", "mov d, a; or d, b"),
    row(ops.XOR, INTS, "s", "mov d, a; xor d, #b",                             when="imm"),
    row(ops.XOR, INTS + BOOL, "s", "mov d, a; xor d, b"),
    row(ops.NOT, BOOL, "s", "mov d, a; xor d, #1"),
    row(ops.MAX, BOOL, "s", "mov d, a; or d, b"),
    row(ops.MIN, BOOL, "s", "mov d, a; and d, b"),
    row(ops.ADD, BOOL, "s", "mov d, a; or d, b"),
    row(ops.MUL, BOOL, "s", "mov d, a; and d, b"),
    row(ops.MAX, INTS, "s", "mov d, b; cmp a, b; cmov<gt> d, a"),
    row(ops.MIN, INTS, "s", "mov d, b; cmp a, b; cmov<lt> d, a"),

    # Shifts: the hardware takes a count modulo the width
    row(ops.SHL, INTS, "s", "mov d, a; shl d, #b",                             when="count"),
    row(ops.SHL, INTS, "s", "mov d, #0",                                       when="far"),
    row(ops.SHL, INTS, "s", "shlx t, a, b; mov d, #0; cmp b, #<n>; cmovb d, t"),
    row(ops.SHR, INTS, "s", "mov d, a; <right> d, #b",                         when="count"),
    row(ops.SHR, SIGNED, "s", "mov d, a; sar d, #<m>",                         when="far"),
    row(ops.SHR, SIGNED, "s", "mov t, #<m>; cmp b, t; cmovbe t, b; sarx d, a, t"),
    row(ops.SHR, UNSIGNED, "s", "mov d, #0",                                   when="far"),
    row(ops.SHR, UNSIGNED, "s", "shrx t, a, b; mov d, #0; cmp b, #<n>; cmovb d, t"),

    # Division: select.py divides by other constants with multiplications
    row(ops.IDIV, INTS, "s", "mov d, a; <right> d, #b:log2",                   when="power"),
    row(ops.MOD,  INTS, "s", "mov d, a; and d, #b:less",                       when="power"),
    row(ops.IDIV, I32, "s", "movsxd q.64, a; movsxd v.64, b; mov o.64, #1; test v.64, v.64; cmove v.64, o.64"
        "; cqo q.64, r.64; idiv q.64, r.64, v.64"
        "; mov y.64, r.64; xor y.64, v.64; sar y.64, #63; test r.64, r.64; cmove y.64, r.64; add q.64, y.64"
        "; mov o.64, #0; test b, b; cmove q.64, o.64; mov d, q.32"),
    row(ops.MOD,  I32, "s", "movsxd q.64, a; movsxd v.64, b; mov o.64, #1; test v.64, v.64; cmove v.64, o.64"
        "; cqo q.64, r.64; idiv q.64, r.64, v.64"
        "; mov y.64, r.64; xor y.64, v.64; sar y.64, #63; test r.64, r.64; cmove y.64, r.64; and y.64, v.64"
        "; add r.64, y.64; test b, b; cmove r.32, a; mov d, r.32"),
    row(ops.IDIV, I64, "s", _DIVIDE64 + "; mov y, r; xor y, v; sar y, #63; test r, r; cmove y, r; add q, y"
        "; mov o, #0; test b, b; cmove q, o; mov d, q"),
    row(ops.MOD,  I64, "s", _DIVIDE64 + "; mov y, r; xor y, v; sar y, #63; test r, r; cmove y, r; "
        "and y, v; add r, y"
        "; test b, b; cmove r, a; mov d, r"),
    row(ops.IDIV, UNSIGNED, "s", _UNSIGNED + "; cmove q, o; mov d, q"),
    row(ops.MOD,  UNSIGNED, "s", _UNSIGNED + "; cmove r, a; mov d, r"),

    # Compares and choices
    row(ops.CMPLT, INTS, "s", "cmp a, #b; set<lt> t.8; movzx d, t.8",          when="imm_source"),
    row(ops.CMPLT, INTS, "s", "cmp a, b; set<lt> t.8; movzx d, t.8"),
    row(ops.CMPLE, INTS, "s", "cmp a, #b; set<le> t.8; movzx d, t.8",          when="imm_source"),
    row(ops.CMPLE, INTS, "s", "cmp a, b; set<le> t.8; movzx d, t.8"),
    row(ops.CMPEQ, INTS, "s", "cmp a, #b; sete t.8; movzx d, t.8",             when="imm_source"),
    row(ops.CMPEQ, INTS + BOOL, "s", "cmp a, b; sete t.8; movzx d, t.8"),
    row(ops.CMPNE, INTS, "s", "cmp a, #b; setne t.8; movzx d, t.8",            when="imm_source"),
    row(ops.CMPNE, INTS + BOOL, "s", "cmp a, b; setne t.8; movzx d, t.8"),
    row(ops.CMPLT, BOOL, "s", "cmp a, b; setb t.8; movzx d, t.8"),
    row(ops.CMPLE, BOOL, "s", "cmp a, b; setbe t.8; movzx d, t.8"),
    row(ops.SELECT, INTS + BOOL, "s", "mov d, c; test a, a; cmovne d, b"),

    # Casts
    casts(I32, INT8, "s", "movsxd d, a"),
    casts(U32, INT8, "s", "mov d.32, a"),
    casts(BOOL, INT8, "s", "mov d.32, a"),
    casts(BOOL, INT4, "s", "mov d, a"),
    casts(INT8, INT4, "s", "mov d, a.32"),
    casts(INT4, INT4, "s", "mov d, a"),
    casts(INT8, INT8, "s", "mov d, a"),
    casts(I32, BYTES + WORDS, "s", "mov d, a"),
    casts((dt.int8,), I32, "s", "movsx d, a.8"),
    casts((dt.uint8,), I32, "s", "movzx d, a.8"),
    casts((dt.int16,), I32, "s", "movsx d, a.16"),
    casts((dt.uint16,), I32, "s", "movzx d, a.16"),
    casts(INTS, BOOL, "s", "test a, a; setne t.8; movzx d, t.8"),
    row(ops.BITCAST, INT4, "s", "mov d, a",                                    source=INT4),
    row(ops.BITCAST, INT8, "s", "mov d, a",                                    source=INT8),
    row(ops.BITCAST, BOOL, "s", "mov d, a",                                    source=BOOL),
)
# fmt: on
