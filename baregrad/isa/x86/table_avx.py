"""AVX, AVX2, FMA and F16C: one form per line, as in the manual; nothing but rows.

The lists of operations that AVX-512 has under the same name and opcode are public: table_avx512.py reads
them, so that an opcode or a latency stands once. The syntax is explained in encoding.py: V and M are a
register and memory of the whole vector length, H Q E and MH MQ ME of a half, a quarter, an eighth.

Source of encodings: Intel SDM volume 2. Latencies (cycles, register operands; folded loads add 5 to 8) and
costs (cycles of its unit) are approximate: about the larger of the public figures for Zen 4 and Golden Cove
(uops.info). Chains of dependent instructions on a Zen 5 were at most one cycle slower.
"""

from __future__ import annotations

from typing import Any

from baregrad.isa.x86.encoding import VEX, Row, row

BOTH = "128/256"
WIDE = "avx/avx2"  # what integer rows need at 128 and at 256 bits

# fmt: off
# stem, opcode, latency and cost of ss, sd, ps, pd
ARITHMETIC: tuple[tuple[str, int, int, float], ...] = (
    ("add", 0x58, 4, 0.5), ("mul", 0x59, 4, 0.5), ("sub", 0x5C, 4, 0.5),
    ("min", 0x5D, 4, 0.5), ("max", 0x5F, 4, 0.5), ("div", 0x5E, 13, 5),
)
"""Float operations of two sources (SDM: ADDPS, …)."""

# suffix, prefix, W of EVEX and FMA, memory of one element
PACKED = (("ps", "", 0, "32"), ("pd", "66", 1, "64"))
SCALAR_FLOATS = (("ss", "F3", 0, "32"), ("sd", "F2", 1, "64"))

# operation, opcode of its 132 form in ps (+1: scalar, +0x10: 213, +0x20: 231)
FUSED = (("vfmadd", 0x98), ("vfmsub", 0x9A), ("vfnmadd", 0x9C), ("vfnmsub", 0x9E))
FUSED_ORDERS = (("132", 0x00), ("213", 0x10), ("231", 0x20))

# name, map, opcode, latency: dst = op(a, b) on whole vectors; EVEX has the same, by the last letter of the name
INTEGER: tuple[tuple[str, str, int, int], ...] = (
    ("vpaddb", "0F", 0xFC, 1), ("vpaddw", "0F", 0xFD, 1), ("vpaddd", "0F", 0xFE, 1), ("vpaddq", "0F", 0xD4, 1),
    ("vpsubb", "0F", 0xF8, 1), ("vpsubw", "0F", 0xF9, 1), ("vpsubd", "0F", 0xFA, 1), ("vpsubq", "0F", 0xFB, 1),
    ("vpmullw", "0F", 0xD5, 5), ("vpmulhw", "0F", 0xE5, 5), ("vpmulhuw", "0F", 0xE4, 5), ("vpmulld", "0F38", 0x40, 10),
    ("vpmuludq", "0F", 0xF4, 5), ("vpmuldq", "0F38", 0x28, 5),
    ("vpminsb", "0F38", 0x38, 1), ("vpminub", "0F", 0xDA, 1), ("vpmaxsb", "0F38", 0x3C, 1), ("vpmaxub", "0F", 0xDE, 1),
    ("vpminsw", "0F", 0xEA, 1), ("vpminuw", "0F38", 0x3A, 1), ("vpmaxsw", "0F", 0xEE, 1), ("vpmaxuw", "0F38", 0x3E, 1),
    ("vpminsd", "0F38", 0x39, 1), ("vpminud", "0F38", 0x3B, 1), ("vpmaxsd", "0F38", 0x3D, 1), ("vpmaxud", "0F38", 0x3F, 1),
    ("vpshufb", "0F38", 0x00, 1), ("vpunpcklbw", "0F", 0x60, 1), ("vpunpckhbw", "0F", 0x68, 1),
    ("vpunpcklwd", "0F", 0x61, 1), ("vpunpckhwd", "0F", 0x69, 1), ("vpunpckldq", "0F", 0x62, 1),
    ("vpunpckhdq", "0F", 0x6A, 1), ("vpunpcklqdq", "0F", 0x6C, 1), ("vpunpckhqdq", "0F", 0x6D, 1),
    ("vpackssdw", "0F", 0x6B, 2), ("vpacksswb", "0F", 0x63, 2), ("vpackuswb", "0F", 0x67, 2), ("vpackusdw", "0F38", 0x2B, 2),
    ("vpmaddwd", "0F", 0xF5, 5), ("vpmaddubsw", "0F38", 0x04, 5), ("vpsadbw", "0F", 0xF6, 3),
)
"""Integer operations of two sources (SDM: PADDB/PADDW/PADDD/PADDQ, …)."""

# name, map, opcode, latency: compares, which write a vector here and a mask in EVEX
COMPARES: tuple[tuple[str, str, int], ...] = (
    ("vpcmpeqb", "0F", 0x74), ("vpcmpeqw", "0F", 0x75), ("vpcmpeqd", "0F", 0x76), ("vpcmpeqq", "0F38", 0x29),
    ("vpcmpgtb", "0F", 0x64), ("vpcmpgtw", "0F", 0x65), ("vpcmpgtd", "0F", 0x66), ("vpcmpgtq", "0F38", 0x37),
)

# name, opcode and /digit by an immediate, opcode by the low element of an xmm
SHIFTS: tuple[tuple[str, int, int, int], ...] = (
    ("vpsllw", 0x71, 6, 0xF1), ("vpslld", 0x72, 6, 0xF2), ("vpsllq", 0x73, 6, 0xF3),
    ("vpsrlw", 0x71, 2, 0xD1), ("vpsrld", 0x72, 2, 0xD2), ("vpsrlq", 0x73, 2, 0xD3),
    ("vpsraw", 0x71, 4, 0xE1), ("vpsrad", 0x72, 4, 0xE2),
)

# name, opcode, part of a vector that the source is
EXTENSIONS: tuple[tuple[str, int, str], ...] = tuple(
    (f"vpmov{sign}x{sizes}", base + n, part)
    for sign, base in (("s", 0x20), ("z", 0x30))
    for n, (sizes, part) in enumerate((("bw", "H"), ("bd", "Q"), ("bq", "E"), ("wd", "H"), ("wq", "Q"), ("dq", "H")))
)

# name, prefix, opcode, operands with {e} for the broadcast element of EVEX, W of EVEX, latency
CONVERSIONS: tuple[tuple[str, str, int, str, int, int], ...] = (
    ("vcvtdq2ps",  "",   0x5B, "dst:V=w, src:V/M{e}=r",  0, 4),
    ("vcvtps2dq",  "66", 0x5B, "dst:V=w, src:V/M{e}=r",  0, 4),
    ("vcvttps2dq", "F3", 0x5B, "dst:V=w, src:V/M{e}=r",  0, 4),
    ("vcvtdq2pd",  "F3", 0xE6, "dst:V=w, src:H/MH{e}=r", 0, 7),
    ("vcvtpd2dq",  "F2", 0xE6, "dst:H=w, src:V/M{e}=r",  1, 7),
    ("vcvttpd2dq", "66", 0xE6, "dst:H=w, src:V/M{e}=r",  1, 7),
    ("vcvtps2pd",  "",   0x5A, "dst:V=w, src:H/MH{e}=r", 0, 7),
    ("vcvtpd2ps",  "66", 0x5A, "dst:H=w, src:V/M{e}=r",  1, 7),
)

# name, opcode, W, operands but for the mask: index, part that the destination is; n is the element's bytes
GATHERS: tuple[tuple[str, int, int, str, str], ...] = (
    ("vpgatherdd", 0x90, 0, "vm32V", "V"), ("vpgatherdq", 0x90, 1, "vm32H", "V"),
    ("vpgatherqd", 0x91, 0, "vm64V", "H"), ("vpgatherqq", 0x91, 1, "vm64V", "V"),
    ("vgatherdps", 0x92, 0, "vm32V", "V"), ("vgatherdpd", 0x92, 1, "vm32H", "V"),
    ("vgatherqps", 0x93, 0, "vm64V", "H"), ("vgatherqpd", 0x93, 1, "vm64V", "V"),
)


_SHAPE = ("w", "imm")


def _packed(name: str, prefix: str, map: str, opcode: int, **facts: Any) -> Row:  # Any: fields of Form
    """A row of both lengths, three operands and AVX, unless `spec`, `lengths` and `needs` say otherwise."""
    shape = {key: facts.pop(key) for key in _SHAPE if key in facts}
    spec = facts.pop("spec", "dst:V=w, a:V=r, b:V/M=r")
    encoding = VEX(facts.pop("lengths", BOTH), prefix, map, opcode, **shape)
    return row(name, spec, encoding, **{"needs": "avx"} | facts)


_SHUFFLE = "dst:V=w, a:V=r, b:V/M=r, imm:imm8"
_UNARY = "dst:V=w, src:V/M=r"
_UNARY_IMM = "dst:V=w, src:V/M=r, imm:imm8"

AVX: tuple[Row, ...] = (
    # Scalar floats
    *(line for s, prefix, _, e in SCALAR_FLOATS for line in (
        row(f"vmov{s}",  f"dst:xmm=w, src:m{e}=r",               VEX("LIG", prefix, "0F", 0x10), needs="avx", latency=7),
        row(f"vmov{s}",  f"dst:m{e}=w, src:xmm=r",               VEX("LIG", prefix, "0F", 0x11), needs="avx", cost=1),
        row(f"vmov{s}",  "dst:xmm=w, a:xmm=r, b:xmm=r",          VEX("LIG", prefix, "0F", 0x10), needs="avx"),
        row(f"vsqrt{s}", f"dst:xmm=w, a:xmm=r, b:xmm/m{e}=r",    VEX("LIG", prefix, "0F", 0x51), latency=20, cost=6, needs="avx"),
        row(f"vcmp{s}",  f"dst:xmm=w, a:xmm=r, b:xmm/m{e}=r, imm:imm8", VEX("LIG", prefix, "0F", 0xC2, imm="ib"), latency=4, needs="avx"),
        row(f"vcvtsi2{s}", "dst:xmm=w, a:xmm=r, b:R/MR=r",       VEX("LIG", prefix, "0F", 0x2A, size="32/64"), latency=7, cost=1, needs="avx"),
        row(f"vcvtt{s}2si", f"dst:R=w, src:xmm/m{e}=r",          VEX("LIG", prefix, "0F", 0x2C, size="32/64"), latency=7, cost=1, needs="avx"),
        row(f"vcvt{s}2si", f"dst:R=w, src:xmm/m{e}=r",           VEX("LIG", prefix, "0F", 0x2D, size="32/64"), latency=7, cost=1, needs="avx"),
    )),
    *(row(f"v{stem}{s}", f"dst:xmm=w, a:xmm=r, b:xmm/m{e}=r",    VEX("LIG", prefix, "0F", opcode), latency=latency, cost=cost, needs="avx")
      for stem, opcode, latency, cost in ARITHMETIC for s, prefix, _, e in SCALAR_FLOATS),
    row("vucomiss",   "a:xmm=r, b:xmm/m32=r",                    VEX("LIG", "",   "0F", 0x2E), flags="w", latency=6, cost=1, needs="avx"),
    row("vucomisd",   "a:xmm=r, b:xmm/m64=r",                    VEX("LIG", "66", "0F", 0x2E), flags="w", latency=6, cost=1, needs="avx"),
    row("vcomiss",    "a:xmm=r, b:xmm/m32=r",                    VEX("LIG", "",   "0F", 0x2F), flags="w", latency=6, cost=1, needs="avx"),
    row("vcomisd",    "a:xmm=r, b:xmm/m64=r",                    VEX("LIG", "66", "0F", 0x2F), flags="w", latency=6, cost=1, needs="avx"),
    row("vcvtss2sd",  "dst:xmm=w, a:xmm=r, b:xmm/m32=r",         VEX("LIG", "F3", "0F", 0x5A), latency=5, cost=1, needs="avx"),
    row("vcvtsd2ss",  "dst:xmm=w, a:xmm=r, b:xmm/m64=r",         VEX("LIG", "F2", "0F", 0x5A), latency=5, cost=1, needs="avx"),
    row("vroundss",   "dst:xmm=w, a:xmm=r, b:xmm/m32=r, imm:imm8", VEX("LIG", "66", "0F3A", 0x0A, imm="ib"), latency=8, cost=1, needs="avx"),
    row("vroundsd",   "dst:xmm=w, a:xmm=r, b:xmm/m64=r, imm:imm8", VEX("LIG", "66", "0F3A", 0x0B, imm="ib"), latency=8, cost=1, needs="avx"),
    row("vrcpss",     "dst:xmm=w, a:xmm=r, b:xmm/m32=r",         VEX("LIG", "F3", "0F", 0x53), latency=4, cost=1, needs="avx"),
    row("vrsqrtss",   "dst:xmm=w, a:xmm=r, b:xmm/m32=r",         VEX("LIG", "F3", "0F", 0x52), latency=4, cost=1, needs="avx"),
    row("vmovd",      "dst:xmm=w, src:r32/m32=r",                VEX(128, "66", "0F", 0x6E, w=0), latency=3, cost=1, needs="avx"),
    row("vmovd",      "dst:r32/m32=w, src:xmm=r",                VEX(128, "66", "0F", 0x7E, w=0), latency=3, cost=1, needs="avx"),
    row("vmovq",      "dst:xmm=w, src:r64=r",                    VEX(128, "66", "0F", 0x6E, w=1), latency=3, cost=1, needs="avx"),
    row("vmovq",      "dst:r64=w, src:xmm=r",                    VEX(128, "66", "0F", 0x7E, w=1, slots="MR"), latency=3, cost=1, needs="avx"),
    row("vmovq",      "dst:xmm=w, src:xmm/m64=r",                VEX(128, "F3", "0F", 0x7E), needs="avx"),
    row("vmovq",      "dst:m64=w, src:xmm=r",                    VEX(128, "66", "0F", 0xD6), cost=1, needs="avx"),

    # Fused multiply-add: 132 is acc = acc*b ± a, 213 acc = a*acc ± b, 231 acc = a*b ± acc
    *(row(f"{name}{order}{s}", "acc:V=rw, a:V=r, b:V/M=r",       VEX(BOTH, "66", "0F38", opcode + step, w=w), latency=4, needs="fma")
      for name, opcode in FUSED for order, step in FUSED_ORDERS for s, _, w, _e in PACKED),
    *(row(f"{name}{order}{s}", f"acc:xmm=rw, a:xmm=r, b:xmm/m{e}=r", VEX("LIG", "66", "0F38", opcode + 1 + step, w=w), latency=4, needs="fma")
      for name, opcode in FUSED for order, step in FUSED_ORDERS for s, _, w, e in SCALAR_FLOATS),

    # Packed floats
    *(_packed(f"v{stem}{s}", prefix, "0F", opcode, latency=latency, cost=cost)
      for stem, opcode, latency, cost in ARITHMETIC for s, prefix, _, _e in PACKED),
    *(line for s, prefix, _, e in PACKED for line in (
        row(f"vmovu{s}",  "dst:V=w, src:V=r",    VEX(BOTH, prefix, "0F", 0x10), needs="avx", is_move=True),
        row(f"vmovu{s}",  "dst:V=w, src:M=r",    VEX(BOTH, prefix, "0F", 0x10), needs="avx", latency=7),
        row(f"vmovu{s}",  "dst:M=w, src:V=r",    VEX(BOTH, prefix, "0F", 0x11), needs="avx", cost=1),
        row(f"vmova{s}",  "dst:V=w, src:V=r",    VEX(BOTH, prefix, "0F", 0x28), needs="avx", is_move=True),
        row(f"vmova{s}",  "dst:V=w, src:M=r",    VEX(BOTH, prefix, "0F", 0x28), needs="avx", latency=7),
        row(f"vmova{s}",  "dst:M=w, src:V=r",    VEX(BOTH, prefix, "0F", 0x29), needs="avx", cost=1),
        row(f"vmovnt{s}", "dst:M=w, src:V=r",    VEX(BOTH, prefix, "0F", 0x2B), needs="avx", cost=1),
        row(f"vmovl{s}",  "dst:xmm=w, a:xmm=r, b:m64=r", VEX(128, prefix, "0F", 0x12), needs="avx", latency=8),
        row(f"vmovl{s}",  "dst:m64=w, src:xmm=r", VEX(128, prefix, "0F", 0x13), needs="avx", cost=1),
        row(f"vmovh{s}",  "dst:xmm=w, a:xmm=r, b:m64=r", VEX(128, prefix, "0F", 0x16), needs="avx", latency=8),
        row(f"vmovh{s}",  "dst:m64=w, src:xmm=r", VEX(128, prefix, "0F", 0x17), needs="avx", cost=1),
        _packed(f"vsqrt{s}", prefix, "0F", 0x51, spec=_UNARY, latency=20, cost=9),
        _packed(f"vand{s}",  prefix, "0F", 0x54),
        _packed(f"vandn{s}", prefix, "0F", 0x55),
        _packed(f"vor{s}",   prefix, "0F", 0x56),
        _packed(f"vxor{s}",  prefix, "0F", 0x57),
        _packed(f"vcmp{s}",  prefix, "0F", 0xC2, spec=_SHUFFLE, imm="ib", latency=4),
        _packed(f"vshuf{s}", prefix, "0F", 0xC6, spec=_SHUFFLE, imm="ib"),
        _packed(f"vunpckl{s}", prefix, "0F", 0x14),
        _packed(f"vunpckh{s}", prefix, "0F", 0x15),
        row(f"vmovmsk{s}", "dst:r32=w, src:V=r", VEX(BOTH, prefix, "0F", 0x50), needs="avx", latency=5, cost=1),
    )),
    _packed("vroundps",   "66", "0F3A", 0x08, spec=_UNARY_IMM, imm="ib", latency=8),
    _packed("vroundpd",   "66", "0F3A", 0x09, spec=_UNARY_IMM, imm="ib", latency=8),
    _packed("vrcpps",     "", "0F", 0x53, spec=_UNARY, latency=4, cost=1),
    _packed("vrsqrtps",   "", "0F", 0x52, spec=_UNARY, latency=4, cost=1),
    _packed("vhaddps",    "F2", "0F", 0x7C, latency=6, cost=2),
    _packed("vhaddpd",    "66", "0F", 0x7C, latency=6, cost=2),
    _packed("vaddsubps",  "F2", "0F", 0xD0, latency=4),
    _packed("vblendps",   "66", "0F3A", 0x0C, spec=_SHUFFLE, imm="ib"),
    _packed("vblendpd",   "66", "0F3A", 0x0D, spec=_SHUFFLE, imm="ib"),
    _packed("vblendvps",  "66", "0F3A", 0x4A, spec="dst:V=w, a:V=r, b:V/M=r, mask:V=r", w=0, latency=3, cost=1),
    _packed("vblendvpd",  "66", "0F3A", 0x4B, spec="dst:V=w, a:V=r, b:V/M=r, mask:V=r", w=0, latency=3, cost=1),
    _packed("vtestps",    "66", "0F38", 0x0E, spec="a:V=r, b:V/M=r", w=0, flags="w", latency=6, cost=1),
    _packed("vtestpd",    "66", "0F38", 0x0F, spec="a:V=r, b:V/M=r", w=0, flags="w", latency=6, cost=1),
    _packed("vmovshdup",  "F3", "0F", 0x16, spec=_UNARY),
    _packed("vmovsldup",  "F3", "0F", 0x12, spec=_UNARY),
    _packed("vmovddup",   "F2", "0F", 0x12, spec="dst:V=w, src:xmm/m64=r", lengths="128"),
    _packed("vmovddup",   "F2", "0F", 0x12, spec="dst:V=w, src:V/M=r", lengths="256"),
    row("vmovhlps",       "dst:xmm=w, a:xmm=r, b:xmm=r",         VEX(128, "", "0F", 0x12), needs="avx"),
    row("vmovlhps",       "dst:xmm=w, a:xmm=r, b:xmm=r",         VEX(128, "", "0F", 0x16), needs="avx"),
    row("vinsertps",      "dst:xmm=w, a:xmm=r, b:xmm/m32=r, imm:imm8", VEX(128, "66", "0F3A", 0x21, imm="ib"), needs="avx"),
    row("vextractps",     "dst:r32/m32=w, src:xmm=r, imm:imm8",  VEX(128, "66", "0F3A", 0x17, imm="ib"), latency=4, cost=1, needs="avx"),

    # Integers
    *(_packed(name, "66", map, opcode, latency=latency, needs=WIDE) for name, map, opcode, latency in INTEGER),
    *(_packed(name, "66", map, opcode, latency=3 if name == "vpcmpgtq" else 1, needs=WIDE) for name, map, opcode in COMPARES),
    *(row(name, "dst:V=w, src:V=r, imm:imm8",          VEX(BOTH, "66", "0F", opcode, digit=digit, imm="ib"), latency=2, needs=WIDE)
      for name, opcode, digit, _ in SHIFTS),
    *(row(name, "dst:V=w, a:V=r, count:xmm/m128=r",    VEX(BOTH, "66", "0F", opcode), latency=4, cost=1, needs=WIDE)
      for name, _, _d, opcode in SHIFTS),
    row("vpslldq",    "dst:V=w, src:V=r, imm:imm8",    VEX(BOTH, "66", "0F", 0x73, digit=7, imm="ib"), needs=WIDE),
    row("vpsrldq",    "dst:V=w, src:V=r, imm:imm8",    VEX(BOTH, "66", "0F", 0x73, digit=3, imm="ib"), needs=WIDE),
    _packed("vpsllvd", "66", "0F38", 0x47, w=0, needs="avx2"),
    _packed("vpsllvq", "66", "0F38", 0x47, w=1, needs="avx2"),
    _packed("vpsrlvd", "66", "0F38", 0x45, w=0, needs="avx2"),
    _packed("vpsrlvq", "66", "0F38", 0x45, w=1, needs="avx2"),
    _packed("vpsravd", "66", "0F38", 0x46, w=0, needs="avx2"),
    _packed("vpand",  "66", "0F", 0xDB, needs=WIDE),
    _packed("vpandn", "66", "0F", 0xDF, needs=WIDE),
    _packed("vpor",   "66", "0F", 0xEB, needs=WIDE),
    _packed("vpxor",  "66", "0F", 0xEF, needs=WIDE),
    _packed("vpabsb", "66", "0F38", 0x1C, spec=_UNARY, needs=WIDE),
    _packed("vpabsw", "66", "0F38", 0x1D, spec=_UNARY, needs=WIDE),
    _packed("vpabsd", "66", "0F38", 0x1E, spec=_UNARY, needs=WIDE),
    _packed("vphaddd", "66", "0F38", 0x02, latency=3, cost=2, needs=WIDE),
    _packed("vpshufd",  "66", "0F", 0x70, spec=_UNARY_IMM, imm="ib", needs=WIDE),
    _packed("vpshufhw", "F3", "0F", 0x70, spec=_UNARY_IMM, imm="ib", needs=WIDE),
    _packed("vpshuflw", "F2", "0F", 0x70, spec=_UNARY_IMM, imm="ib", needs=WIDE),
    _packed("vpalignr", "66", "0F3A", 0x0F, spec=_SHUFFLE, imm="ib", needs=WIDE),
    _packed("vpblendd", "66", "0F3A", 0x02, spec=_SHUFFLE, imm="ib", w=0, needs="avx2"),
    _packed("vpblendw", "66", "0F3A", 0x0E, spec=_SHUFFLE, imm="ib", needs=WIDE),
    _packed("vpblendvb", "66", "0F3A", 0x4C, spec="dst:V=w, a:V=r, b:V/M=r, mask:V=r", w=0, latency=3, cost=1, needs=WIDE),
    _packed("vptest",   "66", "0F38", 0x17, spec="a:V=r, b:V/M=r", flags="w", latency=6, cost=1),
    row("vpmovmskb",  "dst:r32=w, src:V=r",            VEX(BOTH, "66", "0F", 0xD7), latency=5, cost=1, needs=WIDE),
    row("vpinsrb",    "dst:xmm=w, a:xmm=r, b:r32/m8=r, imm:imm8",  VEX(128, "66", "0F3A", 0x20, w=0, imm="ib"), latency=4, cost=1, needs="avx"),
    row("vpinsrw",    "dst:xmm=w, a:xmm=r, b:r32/m16=r, imm:imm8", VEX(128, "66", "0F", 0xC4, w=0, imm="ib"), latency=4, cost=1, needs="avx"),
    row("vpinsrd",    "dst:xmm=w, a:xmm=r, b:r32/m32=r, imm:imm8", VEX(128, "66", "0F3A", 0x22, w=0, imm="ib"), latency=4, cost=1, needs="avx"),
    row("vpinsrq",    "dst:xmm=w, a:xmm=r, b:r64/m64=r, imm:imm8", VEX(128, "66", "0F3A", 0x22, w=1, imm="ib"), latency=4, cost=1, needs="avx"),
    row("vpextrb",    "dst:r32/m8=w, src:xmm=r, imm:imm8",  VEX(128, "66", "0F3A", 0x14, w=0, imm="ib"), latency=4, cost=1, needs="avx"),
    row("vpextrw",    "dst:r32/m16=w, src:xmm=r, imm:imm8", VEX(128, "66", "0F3A", 0x15, w=0, imm="ib"), latency=4, cost=1, needs="avx"),
    row("vpextrd",    "dst:r32/m32=w, src:xmm=r, imm:imm8", VEX(128, "66", "0F3A", 0x16, w=0, imm="ib"), latency=4, cost=1, needs="avx"),
    row("vpextrq",    "dst:r64/m64=w, src:xmm=r, imm:imm8", VEX(128, "66", "0F3A", 0x16, w=1, imm="ib"), latency=4, cost=1, needs="avx"),
    row("vmovdqu",    "dst:V=w, src:V=r",              VEX(BOTH, "F3", "0F", 0x6F), needs="avx", is_move=True),
    row("vmovdqu",    "dst:V=w, src:M=r",              VEX(BOTH, "F3", "0F", 0x6F), needs="avx", latency=7),
    row("vmovdqu",    "dst:M=w, src:V=r",              VEX(BOTH, "F3", "0F", 0x7F), needs="avx", cost=1),
    row("vmovdqa",    "dst:V=w, src:V=r",              VEX(BOTH, "66", "0F", 0x6F), needs="avx", is_move=True),
    row("vmovdqa",    "dst:V=w, src:M=r",              VEX(BOTH, "66", "0F", 0x6F), needs="avx", latency=7),
    row("vmovdqa",    "dst:M=w, src:V=r",              VEX(BOTH, "66", "0F", 0x7F), needs="avx", cost=1),
    row("vmovntdq",   "dst:M=w, src:V=r",              VEX(BOTH, "66", "0F", 0xE7), needs="avx", cost=1),
    row("vmovntdqa",  "dst:V=w, src:M=r",              VEX(BOTH, "66", "0F38", 0x2A), needs=WIDE, latency=7),

    # Conversions
    *(_packed(name, prefix, "0F", opcode, spec=spec.format(e=""), latency=latency) for name, prefix, opcode, spec, _, latency in CONVERSIONS),
    *(_packed(name, "66", "0F38", opcode, spec=f"dst:V=w, src:{part}/M{part}=r", latency=4, needs=WIDE) for name, opcode, part in EXTENSIONS),
    _packed("vcvtph2ps",  "66", "0F38", 0x13, spec="dst:V=w, src:H/MH=r", w=0, latency=7, cost=1, needs="f16c"),
    _packed("vcvtps2ph",  "66", "0F3A", 0x1D, spec="dst:H/MH=w, src:V=r, imm:imm8", w=0, imm="ib", latency=7, cost=1, needs="f16c"),

    # Broadcasts and permutations
    _packed("vbroadcastss", "66", "0F38", 0x18, spec="dst:V=w, src:xmm/m32=r", w=0, latency=3, cost=1, needs="avx2"),
    _packed("vbroadcastsd", "66", "0F38", 0x19, spec="dst:V=w, src:xmm/m64=r", w=0, latency=3, cost=1, needs="avx2", lengths="256"),
    _packed("vbroadcastf128", "66", "0F38", 0x1A, spec="dst:ymm=w, src:m128=r", w=0, lengths="256", latency=7),
    _packed("vbroadcasti128", "66", "0F38", 0x5A, spec="dst:ymm=w, src:m128=r", w=0, needs="avx2", lengths="256", latency=7),
    _packed("vpbroadcastb", "66", "0F38", 0x78, spec="dst:V=w, src:xmm/m8=r",  w=0, latency=3, cost=1, needs="avx2"),
    _packed("vpbroadcastw", "66", "0F38", 0x79, spec="dst:V=w, src:xmm/m16=r", w=0, latency=3, cost=1, needs="avx2"),
    _packed("vpbroadcastd", "66", "0F38", 0x58, spec="dst:V=w, src:xmm/m32=r", w=0, latency=3, cost=1, needs="avx2"),
    _packed("vpbroadcastq", "66", "0F38", 0x59, spec="dst:V=w, src:xmm/m64=r", w=0, latency=3, cost=1, needs="avx2"),
    _packed("vpermilps",  "66", "0F3A", 0x04, spec=_UNARY_IMM, imm="ib", w=0),
    _packed("vpermilps",  "66", "0F38", 0x0C, w=0),
    _packed("vpermilpd",  "66", "0F3A", 0x05, spec=_UNARY_IMM, imm="ib", w=0),
    _packed("vpermilpd",  "66", "0F38", 0x0D, w=0),
    _packed("vpermps",    "66", "0F38", 0x16, w=0, latency=4, cost=1, needs="avx2", lengths="256"),
    _packed("vpermd",     "66", "0F38", 0x36, w=0, latency=4, cost=1, needs="avx2", lengths="256"),
    _packed("vpermq",     "66", "0F3A", 0x00, spec=_UNARY_IMM, imm="ib", w=1, latency=4, cost=1, needs="avx2", lengths="256"),
    _packed("vpermpd",    "66", "0F3A", 0x01, spec=_UNARY_IMM, imm="ib", w=1, latency=4, cost=1, needs="avx2", lengths="256"),
    _packed("vperm2f128", "66", "0F3A", 0x06, spec=_SHUFFLE, imm="ib", w=0, latency=4, cost=1, lengths="256"),
    _packed("vperm2i128", "66", "0F3A", 0x46, spec=_SHUFFLE, imm="ib", w=0, latency=4, cost=1, needs="avx2", lengths="256"),
    row("vextractf128", "dst:xmm/m128=w, src:ymm=r, imm:imm8", VEX(256, "66", "0F3A", 0x19, w=0, imm="ib"), latency=4, cost=1, needs="avx"),
    row("vextracti128", "dst:xmm/m128=w, src:ymm=r, imm:imm8", VEX(256, "66", "0F3A", 0x39, w=0, imm="ib"), latency=4, cost=1, needs="avx2"),
    row("vinsertf128", "dst:ymm=w, a:ymm=r, b:xmm/m128=r, imm:imm8", VEX(256, "66", "0F3A", 0x18, w=0, imm="ib"), latency=4, cost=1, needs="avx"),
    row("vinserti128", "dst:ymm=w, a:ymm=r, b:xmm/m128=r, imm:imm8", VEX(256, "66", "0F3A", 0x38, w=0, imm="ib"), latency=4, cost=1, needs="avx2"),

    # Masked moves and gathers; a gather's three registers must differ, and its mask comes out as zero
    *(line for name, load, store, w, needs in (
        ("vmaskmovps", 0x2C, 0x2E, 0, "avx"), ("vmaskmovpd", 0x2D, 0x2F, 0, "avx"),
        ("vpmaskmovd", 0x8C, 0x8E, 0, "avx2"), ("vpmaskmovq", 0x8C, 0x8E, 1, "avx2"),
    ) for line in (
        row(name, "dst:V=w, mask:V=r, src:M=r",        VEX(BOTH, "66", "0F38", load, w=w), latency=8, needs=needs),
        row(name, "dst:M=w, mask:V=r, src:V=r",        VEX(BOTH, "66", "0F38", store, w=w, slots="MVR"), cost=1, needs=needs),
    )),
    *(row(name, f"dst:{part}=rw!, src:{index}=r, mask:{part}=rw!", VEX(BOTH, "66", "0F38", opcode, w=w, slots="RMV"), latency=20, cost=8, needs="avx2")
      for name, opcode, w, index, part in GATHERS),

    # State
    row("vzeroupper", "",                              VEX(128, "", "0F", 0x77), needs="avx", cost=1),
    row("vldmxcsr",   "src:m32=r",                     VEX(128, "", "0F", 0xAE, digit=2), latency=7, cost=3, needs="avx"),
    row("vstmxcsr",   "dst:m32=w",                     VEX(128, "", "0F", 0xAE, digit=3), latency=7, cost=1, needs="avx"),
)
# fmt: on
