"""AVX-512 F, VL, DQ, BW, and the few of CD, VPOPCNTDQ, BF16 and VNNI that a compiler wants: nothing but rows.

Operations that AVX has too come from the lists of table_avx.py. `needs` leaves out avx512f, and avx512vl for
128 and 256 bits: every EVEX row needs those. The syntax is explained in encoding.py; b32 and b64 are embedded
broadcasts. Embedded rounding ({er}, {sae}) has no place in Inst and no rows.

Source of encodings: Intel SDM volume 2. Of latencies and costs: as in table_avx.py.
"""

from __future__ import annotations

from typing import Any

from baregrad.isa.x86.encoding import EVEX, VEX, Row, row
from baregrad.isa.x86.table_avx import (
    ARITHMETIC,
    COMPARES,
    CONVERSIONS,
    EXTENSIONS,
    FUSED,
    FUSED_ORDERS,
    GATHERS,
    INTEGER,
    PACKED,
    SCALAR_FLOATS,
    SHIFTS,
)

ALL = "128/256/512"
UPPER = "256/512"
DQ, BW = "avx512dq", "avx512bw"

# fmt: off
# last letter of an integer name: W, broadcast, feature. vpmuludq, vpunpcklqdq: q. wd, dw: by the table below
ELEMENTS: dict[str, tuple[int, str, str]] = {
    "b": (0, "", BW), "w": (0, "", BW), "d": (0, "/b32", ""), "q": (1, "/b64", ""),
}
ODD_ELEMENTS: dict[str, tuple[int, str, str]] = {  # names whose last letter does not say it
    "vpackssdw": (0, "/b32", BW), "vpackusdw": (0, "/b32", BW), "vpunpcklwd": (0, "", BW), "vpunpckhwd": (0, "", BW),
    "vpunpckldq": (0, "/b32", ""), "vpunpckhdq": (0, "/b32", ""), "vpmaddwd": (0, "", BW),
}


def _element(name: str) -> tuple[int, str, str]:
    return ODD_ELEMENTS.get(name) or ELEMENTS[name[-1]]


_BINARY = "dst:V=w, a:V=r, b:V/M{e}=r"
_SHAPE = ("w", "imm", "mask", "n", "size")


def _packed(name: str, prefix: str, map: str, opcode: int, spec: str = _BINARY, **facts: Any) -> Row:  # Any: fields of Form
    """A row of all three lengths, unless `lengths` says otherwise; `e` is the broadcast element."""
    shape = {"w": 0} | {key: facts.pop(key) for key in _SHAPE if key in facts}
    element = facts.pop("e", "").lstrip("/")
    encoding = EVEX(facts.pop("lengths", ALL), prefix, map, opcode, **shape)
    return row(name, spec.format(e=element and f"/{element}"), encoding, **facts)


def _pair(stem: str, prefix: str, map: str, opcode: int, spec: str = _BINARY, **facts: Any) -> tuple[Row, Row]:  # as above
    """A row for 32-bit elements (ps or d, W0) and one for 64-bit elements (pd or q, W1)."""
    names = stem.split("|") if "|" in stem else [stem + "d", stem + "q"]
    return (_packed(names[0], prefix, map, opcode, spec, e="b32", w=0, **facts),
            _packed(names[1], prefix, map, opcode, spec, e="b64", w=1, **facts))


def _scalar(name: str, prefix: str, map: str, opcode: int, spec: str, **facts: Any) -> Row:  # as above
    """A row that ignores the length."""
    return _packed(name, prefix, map, opcode, spec, lengths="LIG", **facts)


_UNARY = "dst:V=w, src:V/M{e}=r"
_UNARY_IMM = "dst:V=w, src:V/M{e}=r, imm:imm8"
_BINARY_IMM = "dst:V=w, a:V=r, b:V/M{e}=r, imm:imm8"
_ACCUMULATE = "acc:V=rw, a:V=r, b:V/M{e}=r"
_TO_MASK = "dst:k=w, a:V=r, b:V/M{e}=r"
_TO_MASK_IMM = "dst:k=w, a:V=r, b:V/M{e}=r, imm:imm8"
_PERMUTE: dict[str, Any] = {"latency": 4, "cost": 1}  # Any: fields of Form

FLOATS: tuple[Row, ...] = (
    # Scalar
    *(line for s, prefix, w, e in SCALAR_FLOATS for line in (
        _scalar(f"vmov{s}",  prefix, "0F", 0x10, f"dst:xmm=w, src:m{e}=r", w=w, latency=7),
        _scalar(f"vmov{s}",  prefix, "0F", 0x11, f"dst:m{e}=w, src:xmm=r", w=w, mask="k", cost=1),
        _scalar(f"vmov{s}",  prefix, "0F", 0x10, "dst:xmm=w, a:xmm=r, b:xmm=r", w=w),
        _scalar(f"vsqrt{s}", prefix, "0F", 0x51, f"dst:xmm=w, a:xmm=r, b:xmm/m{e}=r", w=w, latency=20, cost=6),
        _scalar(f"vcmp{s}",  prefix, "0F", 0xC2, f"dst:k=w, a:xmm=r, b:xmm/m{e}=r, imm:imm8", w=w, imm="ib", mask="k", latency=4, cost=1),
        _scalar(f"vcvtsi2{s}",    prefix, "0F", 0x2A, "dst:xmm=w, a:xmm=r, b:R/MR=r", size="32/64", mask="", latency=7, cost=1),
        _scalar(f"vcvtusi2{s}",   prefix, "0F", 0x7B, "dst:xmm=w, a:xmm=r, b:R/MR=r", size="32/64", mask="", latency=7, cost=1),
        _scalar(f"vcvtt{s}2si",   prefix, "0F", 0x2C, f"dst:R=w, src:xmm/m{e}=r", size="32/64", mask="", latency=7, cost=1),
        _scalar(f"vcvt{s}2si",    prefix, "0F", 0x2D, f"dst:R=w, src:xmm/m{e}=r", size="32/64", mask="", latency=7, cost=1),
        _scalar(f"vcvtt{s}2usi",  prefix, "0F", 0x78, f"dst:R=w, src:xmm/m{e}=r", size="32/64", mask="", latency=7, cost=1),
        _scalar(f"vcvt{s}2usi",   prefix, "0F", 0x79, f"dst:R=w, src:xmm/m{e}=r", size="32/64", mask="", latency=7, cost=1),
        _scalar(f"vrndscale{s}",  "66", "0F3A", 0x0A + w, f"dst:xmm=w, a:xmm=r, b:xmm/m{e}=r, imm:imm8", w=w, imm="ib", latency=8, cost=1),
        _scalar(f"vscalef{s}",    "66", "0F38", 0x2D, f"dst:xmm=w, a:xmm=r, b:xmm/m{e}=r", w=w, latency=6, cost=1),
        _scalar(f"vgetexp{s}",    "66", "0F38", 0x43, f"dst:xmm=w, a:xmm=r, b:xmm/m{e}=r", w=w, latency=4),
        _scalar(f"vgetmant{s}",   "66", "0F3A", 0x27, f"dst:xmm=w, a:xmm=r, b:xmm/m{e}=r, imm:imm8", w=w, imm="ib", latency=4),
        _scalar(f"vfpclass{s}",   "66", "0F3A", 0x67, f"dst:k=w, src:xmm/m{e}=r, imm:imm8", w=w, imm="ib", mask="k", needs=DQ, latency=4, cost=1),
    )),
    *(_scalar(f"v{stem}{s}", prefix, "0F", opcode, f"dst:xmm=w, a:xmm=r, b:xmm/m{e}=r", w=w, latency=latency, cost=cost)
      for stem, opcode, latency, cost in ARITHMETIC for s, prefix, w, e in SCALAR_FLOATS),
    *(_scalar(f"{name}{order}{s}", "66", "0F38", opcode + 1 + step, f"acc:xmm=rw, a:xmm=r, b:xmm/m{e}=r", w=w, latency=4)
      for name, opcode in FUSED for order, step in FUSED_ORDERS for s, _, w, e in SCALAR_FLOATS),
    _scalar("vucomiss",  "",   "0F", 0x2E, "a:xmm=r, b:xmm/m32=r", w=0, mask="", flags="w", latency=6, cost=1),
    _scalar("vucomisd",  "66", "0F", 0x2E, "a:xmm=r, b:xmm/m64=r", w=1, mask="", flags="w", latency=6, cost=1),
    _scalar("vcomiss",   "",   "0F", 0x2F, "a:xmm=r, b:xmm/m32=r", w=0, mask="", flags="w", latency=6, cost=1),
    _scalar("vcomisd",   "66", "0F", 0x2F, "a:xmm=r, b:xmm/m64=r", w=1, mask="", flags="w", latency=6, cost=1),
    _scalar("vcvtss2sd", "F3", "0F", 0x5A, "dst:xmm=w, a:xmm=r, b:xmm/m32=r", w=0, latency=5, cost=1),
    _scalar("vcvtsd2ss", "F2", "0F", 0x5A, "dst:xmm=w, a:xmm=r, b:xmm/m64=r", w=1, latency=5, cost=1),
    row("vmovd",      "dst:xmm=w, src:r32/m32=r",  EVEX(128, "66", "0F", 0x6E, w=0, mask=""), latency=3, cost=1),
    row("vmovd",      "dst:r32/m32=w, src:xmm=r",  EVEX(128, "66", "0F", 0x7E, w=0, mask=""), latency=3, cost=1),
    row("vmovq",      "dst:xmm=w, src:r64=r",      EVEX(128, "66", "0F", 0x6E, w=1, mask=""), latency=3, cost=1),
    row("vmovq",      "dst:r64=w, src:xmm=r",      EVEX(128, "66", "0F", 0x7E, w=1, mask="", slots="MR"), latency=3, cost=1),
    row("vmovq",      "dst:xmm=w, src:xmm/m64=r",  EVEX(128, "F3", "0F", 0x7E, w=1, mask="")),
    row("vmovq",      "dst:m64=w, src:xmm=r",      EVEX(128, "66", "0F", 0xD6, w=1, mask=""), cost=1),

    # Packed
    *(_packed(f"v{stem}{s}", prefix, "0F", opcode, e=f"b{e}", w=w, latency=latency, cost=cost)
      for stem, opcode, latency, cost in ARITHMETIC for s, prefix, w, e in PACKED),
    *(line for name, opcode in FUSED for order, step in FUSED_ORDERS
      for line in _pair(f"{name}{order}ps|{name}{order}pd", "66", "0F38", opcode + step, _ACCUMULATE, latency=4)),
    *(line for s, prefix, w, e in PACKED for line in (
        _packed(f"vmovu{s}",  prefix, "0F", 0x10, "dst:V=w, src:V=r",   w=w, is_move=True),
        _packed(f"vmovu{s}",  prefix, "0F", 0x10, "dst:V=w, src:M=r",   w=w, latency=7),
        _packed(f"vmovu{s}",  prefix, "0F", 0x11, "dst:M=w, src:V=r", w=w, mask="k", cost=1),
        _packed(f"vmova{s}",  prefix, "0F", 0x28, "dst:V=w, src:V=r",   w=w, is_move=True),
        _packed(f"vmova{s}",  prefix, "0F", 0x28, "dst:V=w, src:M=r",   w=w, latency=7),
        _packed(f"vmova{s}",  prefix, "0F", 0x29, "dst:M=w, src:V=r", w=w, mask="k", cost=1),
        _packed(f"vmovnt{s}", prefix, "0F", 0x2B, "dst:M=w, src:V=r", w=w, mask="", cost=1),
        _packed(f"vsqrt{s}",  prefix, "0F", 0x51, _UNARY, e=f"b{e}", w=w, latency=20, cost=9),
        _packed(f"vand{s}",   prefix, "0F", 0x54, e=f"b{e}", w=w, needs=DQ),
        _packed(f"vandn{s}",  prefix, "0F", 0x55, e=f"b{e}", w=w, needs=DQ),
        _packed(f"vor{s}",    prefix, "0F", 0x56, e=f"b{e}", w=w, needs=DQ),
        _packed(f"vxor{s}",   prefix, "0F", 0x57, e=f"b{e}", w=w, needs=DQ),
        _packed(f"vcmp{s}",   prefix, "0F", 0xC2, _TO_MASK_IMM, e=f"b{e}", w=w, imm="ib", mask="k", latency=4, cost=1),
        _packed(f"vshuf{s}",  prefix, "0F", 0xC6, _BINARY_IMM, e=f"b{e}", w=w, imm="ib"),
        _packed(f"vunpckl{s}", prefix, "0F", 0x14, e=f"b{e}", w=w),
        _packed(f"vunpckh{s}", prefix, "0F", 0x15, e=f"b{e}", w=w),
        _packed(f"vrndscale{s}", "66", "0F3A", 0x08 + w, _UNARY_IMM, e=f"b{e}", w=w, imm="ib", latency=8, cost=1),
        _packed(f"vpermil{s}", "66", "0F3A", 0x04 + w, _UNARY_IMM, e=f"b{e}", w=w, imm="ib"),
        _packed(f"vpermil{s}", "66", "0F38", 0x0C + w, e=f"b{e}", w=w),
    )),
    *_pair("vblendmps|vblendmpd",   "66", "0F38", 0x65, mask="select"),
    *_pair("vscalefps|vscalefpd",   "66", "0F38", 0x2C, latency=6, cost=1),
    *_pair("vgetexpps|vgetexppd",   "66", "0F38", 0x42, _UNARY, latency=4),
    *_pair("vgetmantps|vgetmantpd", "66", "0F3A", 0x26, _UNARY_IMM, imm="ib", latency=4),
    *_pair("vrcp14ps|vrcp14pd",     "66", "0F38", 0x4C, _UNARY, latency=7, cost=2),
    *_pair("vrsqrt14ps|vrsqrt14pd", "66", "0F38", 0x4E, _UNARY, latency=7, cost=2),
    *_pair("vreduceps|vreducepd",   "66", "0F3A", 0x56, _UNARY_IMM, imm="ib", needs=DQ, latency=6, cost=1),
    *_pair("vrangeps|vrangepd",     "66", "0F3A", 0x50, _BINARY_IMM, imm="ib", needs=DQ, latency=4, cost=1),
    *_pair("vfixupimmps|vfixupimmpd", "66", "0F3A", 0x54, "acc:V=rw, a:V=r, b:V/M{e}=r, imm:imm8", imm="ib", latency=4, cost=1),
    *_pair("vfpclassps|vfpclasspd", "66", "0F3A", 0x66, "dst:k=w, src:V/M{e}=r, imm:imm8", imm="ib", mask="k", needs=DQ, latency=4, cost=1),
    *_pair("vpermps|vpermpd",       "66", "0F38", 0x16, lengths=UPPER, **_PERMUTE),
    *_pair("vpermt2ps|vpermt2pd",   "66", "0F38", 0x7F, _ACCUMULATE, **_PERMUTE),
    *_pair("vpermi2ps|vpermi2pd",   "66", "0F38", 0x77, _ACCUMULATE, **_PERMUTE),
    *_pair("vshuff32x4|vshuff64x2", "66", "0F3A", 0x23, _BINARY_IMM, imm="ib", lengths=UPPER, **_PERMUTE),
    _packed("vpermpd",    "66", "0F3A", 0x01, _UNARY_IMM, e="b64", w=1, imm="ib", lengths=UPPER, **_PERMUTE),
    _packed("vmovshdup",  "F3", "0F", 0x16, _UNARY),
    _packed("vmovsldup",  "F3", "0F", 0x12, _UNARY),
    _packed("vmovddup",   "F2", "0F", 0x12, "dst:V=w, src:xmm/m64=r", w=1, lengths="128"),
    _packed("vmovddup",   "F2", "0F", 0x12, _UNARY, w=1, lengths=UPPER),
    _packed("vmovhlps",   "", "0F", 0x12, "dst:xmm=w, a:xmm=r, b:xmm=r", lengths="128", mask=""),
    _packed("vmovlhps",   "", "0F", 0x16, "dst:xmm=w, a:xmm=r, b:xmm=r", lengths="128", mask=""),
    _packed("vinsertps",  "66", "0F3A", 0x21, "dst:xmm=w, a:xmm=r, b:xmm/m32=r, imm:imm8", imm="ib", lengths="128", mask=""),
    _packed("vextractps", "66", "0F3A", 0x17, "dst:r32/m32=w, src:xmm=r, imm:imm8", imm="ib", lengths="128", mask="", latency=4, cost=1),
    *(line for s, code, w in (("ps", 0x8A, 0), ("pd", 0x8A, 1), ("d", 0x8B, 0), ("q", 0x8B, 1)) for line in (
        _packed(f"v{'p' * (len(s) == 1)}compress{s}", "66", "0F38", code, "dst:V/M=w, src:V=r", w=w, n=4 << w, latency=6, cost=2),
        _packed(f"v{'p' * (len(s) == 1)}expand{s}", "66", "0F38", code - 2, "dst:V=w, src:V/M=r", w=w, n=4 << w, latency=6, cost=2),
    )),
)

INTEGERS: tuple[Row, ...] = (
    *(_packed(name, "66", map, opcode, e=e, w=w, needs=needs, latency=latency)
      for name, map, opcode, latency in INTEGER if name != "vpsadbw" for w, e, needs in (_element(name),)),
    _packed("vpsadbw", "66", "0F", 0xF6, mask="", needs=BW, latency=3),
    _packed("vpmullq", "66", "0F38", 0x40, e="b64", w=1, needs=DQ, latency=15, cost=1.5),
    *(line for sign, least, most in (("s", 0x39, 0x3D), ("u", 0x3B, 0x3F)) for line in (
        _packed(f"vpmin{sign}q", "66", "0F38", least, e="b64", w=1, latency=3),
        _packed(f"vpmax{sign}q", "66", "0F38", most, e="b64", w=1, latency=3),
    )),
    *(_packed(name, "66", map, opcode, _TO_MASK, e=e, w=w, mask="k", needs=needs, latency=4, cost=1)
      for name, map, opcode in COMPARES for w, e, needs in (_element(name),)),
    *_pair("vpcmp",  "66", "0F3A", 0x1F, _TO_MASK_IMM, imm="ib", mask="k", latency=4, cost=1),
    *_pair("vpcmpu", "66", "0F3A", 0x1E, _TO_MASK_IMM, imm="ib", mask="k", latency=4, cost=1),
    *(_packed(name, "66", "0F3A", opcode, _TO_MASK_IMM, w=w, imm="ib", mask="k", needs=BW, latency=4, cost=1)
      for name, opcode, w in (("vpcmpb", 0x3F, 0), ("vpcmpw", 0x3F, 1), ("vpcmpub", 0x3E, 0), ("vpcmpuw", 0x3E, 1))),
    *(line for name, prefix in (("vptestm", "66"), ("vptestnm", "F3")) for line in (
        *_pair(name, prefix, "0F38", 0x27, _TO_MASK, mask="k", latency=4, cost=1),
        _packed(f"{name}b", prefix, "0F38", 0x26, _TO_MASK, w=0, mask="k", needs=BW, latency=4, cost=1),
        _packed(f"{name}w", prefix, "0F38", 0x26, _TO_MASK, w=1, mask="k", needs=BW, latency=4, cost=1),
    )),
    *_pair("vpand",  "66", "0F", 0xDB),
    *_pair("vpandn", "66", "0F", 0xDF),
    *_pair("vpor",   "66", "0F", 0xEB),
    *_pair("vpxor",  "66", "0F", 0xEF),
    *_pair("vpternlog", "66", "0F3A", 0x25, "dst:V=rw, a:V=r, b:V/M{e}=r, imm:imm8", imm="ib"),
    _packed("vpabsb", "66", "0F38", 0x1C, _UNARY, needs=BW),
    _packed("vpabsw", "66", "0F38", 0x1D, _UNARY, needs=BW),
    _packed("vpabsd", "66", "0F38", 0x1E, _UNARY, e="b32"),
    _packed("vpabsq", "66", "0F38", 0x1F, _UNARY, e="b64", w=1),
    *_pair("vplzcnt",  "66", "0F38", 0x44, _UNARY, needs="avx512cd", latency=4),
    *_pair("vpconflict", "66", "0F38", 0xC4, _UNARY, needs="avx512cd", latency=17, cost=12),
    *_pair("vpopcnt",  "66", "0F38", 0x55, _UNARY, needs="avx512_vpopcntdq", latency=3),

    # Shifts by an immediate (SDM: the destination is VEX.vvvv), by one count, by a vector of counts
    *(row(name, f"dst:V=w, src:V/M{e}=r, imm:imm8", EVEX(ALL, "66", "0F", opcode, w=w, digit=digit, imm="ib"), latency=2, needs=needs)
      for name, opcode, digit, _ in SHIFTS for w, e, needs in (_element(name),)),
    *(_packed(name, "66", "0F", opcode, "dst:V=w, a:V=r, count:xmm/m128=r", w=w, needs=needs, latency=4, cost=1)
      for name, _, _d, opcode in SHIFTS for w, e, needs in (_element(name),)),
    *(row(name, f"dst:V=w, src:V/M/{e}=r, imm:imm8", EVEX(ALL, "66", "0F", 0x72, w=w, digit=digit, imm="ib"))
      for name, digit, w, e in (("vpsraq", 4, 1, "b64"), ("vprold", 1, 0, "b32"), ("vprolq", 1, 1, "b64"),
                                ("vprord", 0, 0, "b32"), ("vprorq", 0, 1, "b64"))),
    _packed("vpsraq",  "66", "0F", 0xE2, "dst:V=w, a:V=r, count:xmm/m128=r", w=1, latency=4, cost=1),
    row("vpslldq", "dst:V=w, src:V/M=r, imm:imm8", EVEX(ALL, "66", "0F", 0x73, digit=7, imm="ib", mask=""), needs=BW),
    row("vpsrldq", "dst:V=w, src:V/M=r, imm:imm8", EVEX(ALL, "66", "0F", 0x73, digit=3, imm="ib", mask=""), needs=BW),
    *_pair("vpsllv",   "66", "0F38", 0x47),
    *_pair("vpsrlv",   "66", "0F38", 0x45),
    *_pair("vpsrav",   "66", "0F38", 0x46),
    *_pair("vprolv",   "66", "0F38", 0x15),
    *_pair("vprorv",   "66", "0F38", 0x14),
    _packed("vpsllvw", "66", "0F38", 0x12, w=1, needs=BW),
    _packed("vpsrlvw", "66", "0F38", 0x10, w=1, needs=BW),
    _packed("vpsravw", "66", "0F38", 0x11, w=1, needs=BW),

    # Moves, blends, permutations
    *(line for name, prefix, w, needs in (
        ("vmovdqu8", "F2", 0, BW), ("vmovdqu16", "F2", 1, BW), ("vmovdqu32", "F3", 0, ""), ("vmovdqu64", "F3", 1, ""),
        ("vmovdqa32", "66", 0, ""), ("vmovdqa64", "66", 1, ""),
    ) for line in (
        _packed(name, prefix, "0F", 0x6F, "dst:V=w, src:V=r",   w=w, needs=needs, is_move=True),
        _packed(name, prefix, "0F", 0x6F, "dst:V=w, src:M=r",   w=w, needs=needs, latency=7),
        _packed(name, prefix, "0F", 0x7F, "dst:M=w, src:V=r", w=w, needs=needs, mask="k", cost=1),
    )),
    _packed("vmovntdq",  "66", "0F", 0xE7, "dst:M=w, src:V=r", mask="", cost=1),
    _packed("vmovntdqa", "66", "0F38", 0x2A, "dst:V=w, src:M=r", mask="", latency=7),
    *_pair("vpblendm", "66", "0F38", 0x64, mask="select"),
    _packed("vpblendmb", "66", "0F38", 0x66, w=0, mask="select", needs=BW),
    _packed("vpblendmw", "66", "0F38", 0x66, w=1, mask="select", needs=BW),
    *_pair("vperm",    "66", "0F38", 0x36, lengths=UPPER, **_PERMUTE),
    *_pair("vpermt2",  "66", "0F38", 0x7E, _ACCUMULATE, **_PERMUTE),
    *_pair("vpermi2",  "66", "0F38", 0x76, _ACCUMULATE, **_PERMUTE),
    *_pair("vshufi32x4|vshufi64x2", "66", "0F3A", 0x43, _BINARY_IMM, imm="ib", lengths=UPPER, **_PERMUTE),
    *_pair("valign",   "66", "0F3A", 0x03, _BINARY_IMM, imm="ib", **_PERMUTE),
    _packed("vpermq",   "66", "0F3A", 0x00, _UNARY_IMM, e="b64", w=1, imm="ib", lengths=UPPER, **_PERMUTE),
    _packed("vpermw",   "66", "0F38", 0x8D, w=1, needs=BW, latency=6, cost=1),
    _packed("vpermt2w", "66", "0F38", 0x7D, _ACCUMULATE, w=1, needs=BW, latency=6, cost=2),
    _packed("vpshufd",  "66", "0F", 0x70, _UNARY_IMM, e="b32", imm="ib"),
    _packed("vpshufhw", "F3", "0F", 0x70, _UNARY_IMM, imm="ib", needs=BW),
    _packed("vpshuflw", "F2", "0F", 0x70, _UNARY_IMM, imm="ib", needs=BW),
    _packed("vpalignr", "66", "0F3A", 0x0F, _BINARY_IMM, imm="ib", needs=BW),
    _packed("vpinsrb",  "66", "0F3A", 0x20, "dst:xmm=w, a:xmm=r, b:r32/m8=r, imm:imm8", imm="ib", lengths="128", mask="", needs=BW, latency=4, cost=1),
    _packed("vpinsrw",  "66", "0F", 0xC4, "dst:xmm=w, a:xmm=r, b:r32/m16=r, imm:imm8", imm="ib", lengths="128", mask="", needs=BW, latency=4, cost=1),
    _packed("vpinsrd",  "66", "0F3A", 0x22, "dst:xmm=w, a:xmm=r, b:r32/m32=r, imm:imm8", imm="ib", lengths="128", mask="", needs=DQ, latency=4, cost=1),
    _packed("vpinsrq",  "66", "0F3A", 0x22, "dst:xmm=w, a:xmm=r, b:r64/m64=r, imm:imm8", w=1, imm="ib", lengths="128", mask="", needs=DQ, latency=4, cost=1),
    _packed("vpextrb",  "66", "0F3A", 0x14, "dst:r32/m8=w, src:xmm=r, imm:imm8", imm="ib", lengths="128", mask="", needs=BW, latency=4, cost=1),
    _packed("vpextrw",  "66", "0F3A", 0x15, "dst:r32/m16=w, src:xmm=r, imm:imm8", imm="ib", lengths="128", mask="", needs=BW, latency=4, cost=1),
    _packed("vpextrd",  "66", "0F3A", 0x16, "dst:r32/m32=w, src:xmm=r, imm:imm8", imm="ib", lengths="128", mask="", needs=DQ, latency=4, cost=1),
    _packed("vpextrq",  "66", "0F3A", 0x16, "dst:r64/m64=w, src:xmm=r, imm:imm8", w=1, imm="ib", lengths="128", mask="", needs=DQ, latency=4, cost=1),

    # Parts of a vector: name after vextract / vinsert / vbroadcast; opcodes of extract and broadcast; W, part, lengths, feature
    *(line for part, code, broadcast, w, memory, lengths, needs in (
        ("f32x4", 0x19, 0x1A, 0, "xmm/m128", UPPER, ""), ("f64x2", 0x19, 0x1A, 1, "xmm/m128", UPPER, DQ),
        ("f32x8", 0x1B, 0x1B, 0, "ymm/m256", "512", DQ), ("f64x4", 0x1B, 0x1B, 1, "ymm/m256", "512", ""),
        ("i32x4", 0x39, 0x5A, 0, "xmm/m128", UPPER, ""), ("i64x2", 0x39, 0x5A, 1, "xmm/m128", UPPER, DQ),
        ("i32x8", 0x3B, 0x5B, 0, "ymm/m256", "512", DQ), ("i64x4", 0x3B, 0x5B, 1, "ymm/m256", "512", ""),
    ) for line in (
        _packed(f"vextract{part}", "66", "0F3A", code, f"dst:{memory}=w, src:V=r, imm:imm8", w=w, imm="ib", lengths=lengths, needs=needs, **_PERMUTE),
        _packed(f"vinsert{part}", "66", "0F3A", code - 1, f"dst:V=w, a:V=r, b:{memory}=r, imm:imm8", w=w, imm="ib", lengths=lengths, needs=needs, **_PERMUTE),
        _packed(f"vbroadcast{part}", "66", "0F38", broadcast, f"dst:V=w, src:{memory[4:]}=r", w=w, lengths=lengths, needs=needs, latency=7),
    )),
    _packed("vbroadcastss", "66", "0F38", 0x18, "dst:V=w, src:xmm/m32=r", latency=3, cost=1),
    _packed("vbroadcastsd", "66", "0F38", 0x19, "dst:V=w, src:xmm/m64=r", w=1, lengths=UPPER, latency=3, cost=1),
    *(line for s, code, w, kind, gpr, gpr_code, needs in (
        ("b", 0x78, 0, "m8", "r32", 0x7A, BW), ("w", 0x79, 0, "m16", "r32", 0x7B, BW),
        ("d", 0x58, 0, "m32", "r32", 0x7C, ""), ("q", 0x59, 1, "m64", "r64", 0x7C, ""),
    ) for line in (
        _packed(f"vpbroadcast{s}", "66", "0F38", code, f"dst:V=w, src:xmm/{kind}=r", w=w, needs=needs, latency=3, cost=1),
        _packed(f"vpbroadcast{s}", "66", "0F38", gpr_code, f"dst:V=w, src:{gpr}=r", w=w, needs=needs, latency=4, cost=1),
    )),

    # Conversions
    *(_packed(name, prefix, "0F", opcode, spec, e="b64" if w else "b32", w=w, latency=latency)
      for name, prefix, opcode, spec, w, latency in CONVERSIONS),
    *(_packed(name, prefix, "0F", opcode, spec, e=e, w=w, needs=needs, latency=4 if "H" not in spec else 7)
      for name, prefix, opcode, spec, e, w, needs in (
        ("vcvtudq2ps",   "F2", 0x7A, _UNARY, "b32", 0, ""),
        ("vcvtps2udq",   "",   0x79, _UNARY, "b32", 0, ""),
        ("vcvttps2udq",  "",   0x78, _UNARY, "b32", 0, ""),
        ("vcvtudq2pd",   "F3", 0x7A, "dst:V=w, src:H/MH{e}=r", "b32", 0, ""),
        ("vcvtpd2udq",   "",   0x79, "dst:H=w, src:V/M{e}=r", "b64", 1, ""),
        ("vcvttpd2udq",  "",   0x78, "dst:H=w, src:V/M{e}=r", "b64", 1, ""),
        ("vcvtqq2ps",    "",   0x5B, "dst:H=w, src:V/M{e}=r", "b64", 1, DQ),
        ("vcvtuqq2ps",   "F2", 0x7A, "dst:H=w, src:V/M{e}=r", "b64", 1, DQ),
        ("vcvtqq2pd",    "F3", 0xE6, _UNARY, "b64", 1, DQ),
        ("vcvtuqq2pd",   "F3", 0x7A, _UNARY, "b64", 1, DQ),
        ("vcvtps2qq",    "66", 0x7B, "dst:V=w, src:H/MH{e}=r", "b32", 0, DQ),
        ("vcvttps2qq",   "66", 0x7A, "dst:V=w, src:H/MH{e}=r", "b32", 0, DQ),
        ("vcvttps2uqq",  "66", 0x78, "dst:V=w, src:H/MH{e}=r", "b32", 0, DQ),
        ("vcvtpd2qq",    "66", 0x7B, _UNARY, "b64", 1, DQ),
        ("vcvttpd2qq",   "66", 0x7A, _UNARY, "b64", 1, DQ),
        ("vcvttpd2uqq",  "66", 0x78, _UNARY, "b64", 1, DQ),
    )),
    *(_packed(name, "66", "0F38", opcode, f"dst:V=w, src:{part}/M{part}=r", needs=BW if name.endswith("bw") else "", latency=4, cost=1)
      for name, opcode, part in EXTENSIONS),
    *(_packed(f"vpmov{how}{sizes}", "F3", "0F38", base + n, f"dst:{part}/M{part}=w, src:V=r", needs=BW if sizes == "wb" else "", latency=5, cost=2)
      for how, base in (("", 0x30), ("s", 0x20), ("us", 0x10))
      for n, (sizes, part) in enumerate((("wb", "H"), ("db", "Q"), ("qb", "E"), ("dw", "H"), ("qw", "Q"), ("qd", "H")))),
    _packed("vcvtph2ps", "66", "0F38", 0x13, "dst:V=w, src:H/MH=r", latency=7, cost=1),
    _packed("vcvtps2ph", "66", "0F3A", 0x1D, "dst:H/MH=w, src:V=r, imm:imm8", imm="ib", latency=7, cost=1),
    _packed("vcvtne2ps2bf16", "F2", "0F38", 0x72, e="b32", needs="avx512_bf16", latency=8, cost=2),
    _packed("vcvtneps2bf16", "F3", "0F38", 0x72, "dst:H=w, src:V/M{e}=r", e="b32", needs="avx512_bf16", latency=8, cost=2),
    _packed("vdpbf16ps", "F3", "0F38", 0x52, _ACCUMULATE, e="b32", needs="avx512_bf16", latency=10, cost=1),
    _packed("vpdpbusd",  "66", "0F38", 0x50, _ACCUMULATE, e="b32", needs="avx512_vnni", latency=5),
    _packed("vpdpwssd",  "66", "0F38", 0x52, _ACCUMULATE, e="b32", needs="avx512_vnni", latency=5),
)

# letter: prefix and W of kmov with memory and of logic; of kmov with a general register; register; memory; feature
_MASKS = (
    ("b", "66", 0, "66", 0, "r32", "m8", DQ), ("w", "", 0, "", 0, "r32", "m16", ""),
    ("d", "66", 1, "F2", 0, "r32", "m32", BW), ("q", "", 1, "F2", 1, "r64", "m64", BW),
)
_KLOGIC = (("kand", 0x41), ("kandn", 0x42), ("kor", 0x45), ("kxnor", 0x46), ("kxor", 0x47), ("kadd", 0x4A))

MASKS: tuple[Row, ...] = (
    *(line for s, prefix, w, gprefix, gw, gpr, memory, needs in _MASKS for line in (
        row(f"kmov{s}",    "dst:k=w, src:k=r",          VEX(128, prefix, "0F", 0x90, w=w), needs=f"avx512f {needs}", is_move=True),
        row(f"kmov{s}",    f"dst:k=w, src:{memory}=r",   VEX(128, prefix, "0F", 0x90, w=w), needs=f"avx512f {needs}", latency=6),
        row(f"kmov{s}",    f"dst:{memory}=w, src:k=r",   VEX(128, prefix, "0F", 0x91, w=w), needs=f"avx512f {needs}", cost=1),
        row(f"kmov{s}",    f"dst:k=w, src:{gpr}=r",      VEX(128, gprefix, "0F", 0x92, w=gw), needs=f"avx512f {needs}", latency=3, cost=1),
        row(f"kmov{s}",    f"dst:{gpr}=w, src:k=r",      VEX(128, gprefix, "0F", 0x93, w=gw), needs=f"avx512f {needs}", latency=3, cost=1),
        row(f"knot{s}",    "dst:k=w, src:k=r",           VEX(128, prefix, "0F", 0x44, w=w), needs=f"avx512f {needs}", cost=1),
        row(f"kortest{s}", "a:k=r, b:k=r",               VEX(128, prefix, "0F", 0x98, w=w, slots="RM"), flags="w", needs=f"avx512f {needs}", latency=2, cost=1),
        row(f"ktest{s}",   "a:k=r, b:k=r",               VEX(128, prefix, "0F", 0x99, w=w, slots="RM"), flags="w", needs=f"avx512f {needs or DQ}", latency=2, cost=1),
        *(row(f"{name}{s}", "dst:k=w, a:k=r, b:k=r",     VEX(256, prefix, "0F", opcode, w=w), latency=4 if name == "kadd" else 1, cost=1,
              needs=f"avx512f {needs or (DQ if name == 'kadd' else '')}") for name, opcode in _KLOGIC),
    )),
    *(row(f"kshift{way}{s}", "dst:k=w, src:k=r, imm:imm8", VEX(128, "66", "0F3A", opcode + high, w=w, imm="ib"), needs=f"avx512f {needs}", latency=4, cost=1)
      for way, opcode in (("l", 0x32), ("r", 0x30)) for s, high, w, needs in (("b", 0, 0, DQ), ("w", 0, 1, ""), ("d", 1, 0, BW), ("q", 1, 1, BW))),
    row("kunpckbw", "dst:k=w, a:k=r, b:k=r", VEX(256, "66", "0F", 0x4B, w=0), needs="avx512f", latency=4, cost=1),
    row("kunpckwd", "dst:k=w, a:k=r, b:k=r", VEX(256, "", "0F", 0x4B, w=0), needs="avx512f avx512bw", latency=4, cost=1),
    row("kunpckdq", "dst:k=w, a:k=r, b:k=r", VEX(256, "", "0F", 0x4B, w=1), needs="avx512f avx512bw", latency=4, cost=1),
    *(line for s, code, w, needs in (("b", 0x28, 0, BW), ("w", 0x28, 1, BW), ("d", 0x38, 0, DQ), ("q", 0x38, 1, DQ)) for line in (
        _packed(f"vpmovm2{s}", "F3", "0F38", code, "dst:V=w, src:k=r", w=w, mask="", needs=needs, latency=3),
        _packed(f"vpmov{s}2m", "F3", "0F38", code + 1, "dst:k=w, src:V=r", w=w, mask="", needs=needs, latency=3, cost=1),
    )),

    # Gathers and scatters: the mask is required and comes out as zero; a gather's destination is not its index
    *(_packed(name, "66", "0F38", opcode, f"dst:{part}=rw!, src:{index}=r", w=w, mask="must", n=4 << w, latency=25, cost=12)
      for name, opcode, w, index, part in GATHERS),
    *(_packed(name.replace("gather", "scatter"), "66", "0F38", opcode + 0x10, f"dst:{index}=w, src:{part}=r", w=w, mask="must", n=4 << w, latency=25, cost=16)
      for name, opcode, w, index, part in GATHERS),
)
# fmt: on

AVX512 = FLOATS + INTEGERS + MASKS
"""All rows of this table."""
