"""What each x86 instruction does, by its name: nothing but rows. meanings.py makes trees of them.

The language is that of isa/meaning. A row holds for every form of a name: operands have the names of the other
tables, lane loops count the lanes of the form's own operands, masks ({k}, {z}) are put around the lanes by
meanings.py, and what a register has above a written operand is a fact of the machine (emu/x86). <…> stands for
what a form decides:

    <w> <2w> <top>     bits of the first operand, twice as many, one less
    <src> <imm>        the source: src, b, or imm as wide as the first operand; imm so
    <mask>             what a count is taken by: 63 for 64 bits, else 31
    <rest:32>          clears the bits of a register from there up (nothing, if the operand is memory)
    <rest:u64/u32>     the same, above as many u32 as src has u64
    <last> <last_b>    how many parts like dst src has, and like b dst has, less one
    <lanesu32>         how many u32 the first operand has, less one
    <twou32>           the same of twice as many
    <indices32>        how many elements of 32 bits a gather or scatter moves; <rest_gather32>: see <rest>
    <offu32>           clears element i of a register; nothing for memory
    <at_b>             0 if b is memory, else imm[7:6]
    <least> …          the bounds of conversions to <w> bits

A family is a loop over its members. Float results that are NaN have no particular payload (isa/meaning); what
hardware does with MXCSR is as it is set on entry to a program: round to nearest, no flushing, no traps.
Source: Intel SDM volume 2, by name; flags that it calls undefined are undefined here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from baregrad.isa.meaning import Function


class Meant(NamedTuple):
    """One row. `when` chooses among rows of a name: "" (any), "k" (the first operand is a mask register), or
    the names of the operands.
    """

    name: str
    text: str
    when: str = ""


ELEMENTS = {"b": 8, "w": 16, "d": 32, "q": 64}
FLOATS = {"ps": "f32", "pd": "f64"}
SCALARS = {"ss": "f32", "sd": "f64"}
MOVE = "for i in dst.{0} {{ dst.{0}[i] = src.{0}[i] }}"

# fmt: off
FUNCTIONS: dict[str, Function] = {
    "parity":     (("x",), "~(x[0] ^ x[1] ^ x[2] ^ x[3] ^ x[4] ^ x[5] ^ x[6] ^ x[7])"),
    "least":      (("a", "b"), "a < b ? a : b"),
    "greatest":   (("a", "b"), "a > b ? a : b"),
    # a relation (greater, less, equal, unordered) by four bits of a table
    "relation":   (("holds", "p", "a", "b"), "(holds[p] & (a > b)) | (holds[p + 1] & (a < b)) | "
                   "(holds[p + 2] & (a == b)) | (holds[p + 3] & ((a != a) | (b != b)))"),
    # … for each predicate, from the lowest: EQ LT LE UNORD, NEQ NLT NLE ORD, EQ_UQ NGE NGT FALSE, NEQ_OQ GE GT TRUE
    "float_is":   (("a", "b", "imm"), "relation(u64(0xF1530EAC79DB8624), u64(imm[3:0]) * 4, a, b)"),
    # EQ LT LE FALSE NE NLT NLE TRUE
    "integer_is": (("a", "b", "imm"), "relation(u64(0x71530624), u64(imm[2:0]) * 4, a, b)"),
    "whole":      (("x", "how"), "how == 3 ? trunc(x) : (how == 2 ? ceil(x) : (how == 1 ? floor(x) : even(x)))"),
    "clamp":      (("x", "low", "high"), "x < low ? low : (x > high ? high : x)"),
    # one step of a binary16 towards plus and minus infinity
    "above":      (("r",), "r == 0x8000 ? u16(1) : (r[15] ? r - 1 : r + 1)"),
    "below":      (("r",), "r == 0 ? u16(0x8001) : (r[15] ? r + 1 : r - 1)"),
    "half_down":  (("x", "r"), "f32(r.f16) > x ? below(r) : r"),
    "half_up":    (("x", "r"), "f32(r.f16) < x ? above(r) : r"),
    "half":       (("x", "how", "r"), "how == 0 ? r : ((how == 1) | ((how == 3) & (x > 0.0)) ? half_down(x, r) "
                   ": half_up(x, r))"),
}
"""Functions of the rows, for every type that their operations allow."""

CONDITIONS: dict[str, str] = {
    "o": "OF", "b": "CF", "e": "ZF", "be": "CF | ZF", "s": "SF", "p": "PF", "l": "SF ^ OF", "le": "ZF | (SF ^ OF)",
}
"""The conditions of even number; the next one of isa/x86's CONDITIONS is each one's opposite."""

OPPOSITE = {"o": "no", "b": "ae", "e": "ne", "be": "a", "s": "ns", "p": "np", "l": "ge", "le": "g"}

_ZSP = "; ZF = r == 0; SF = r[<top>]; PF = parity(r.u8[0])"
_CARRY = "; OF = {}[<top>]; AF = (dst ^ s ^ r)[4]" + _ZSP
_LOGIC = "; CF = 0; OF = 0; AF = undefined(u1)" + _ZSP
_SUB = "CF = dst < s" + _CARRY.format("((dst ^ s) & (dst ^ r))")
_PRODUCT = "; CF = o; OF = o; SF = undefined(u1); ZF = undefined(u1); PF = undefined(u1); AF = undefined(u1)"
_NO_FLAGS = "; " + "; ".join(f"{flag} = undefined(u1)" for flag in ("CF", "OF", "SF", "ZF", "PF", "AF"))
# fmt: on


def scalar_rows() -> Iterator[Meant]:
    """General registers."""
    # fmt: off
    yield Meant("mov", "dst = <src>")
    yield Meant("movzx", "dst = u<w>(src)")
    yield Meant("movsx", "dst = i<w>(src.i)")
    yield Meant("movsxd", "dst = i<w>(src.i)")
    yield Meant("lea", "dst = u<w>(address(src))")
    yield Meant("xchg", "t = a; a = b; b = t")
    yield Meant("add", "s = <src>; r = dst + s; CF = r < s" + _CARRY.format("((dst ^ r) & (s ^ r))") + "; dst = r")
    yield Meant("sub", "s = <src>; r = dst - s; " + _SUB + "; dst = r")
    yield Meant("neg", "s = dst; r = -s; CF = s != 0; OF = (s & r)[<top>]; AF = (s ^ r)[4]" + _ZSP + "; dst = r")
    yield Meant("inc", "s = u<w>(1); r = dst + s; OF = (~dst & r)[<top>]; AF = (dst ^ s ^ r)[4]" + _ZSP + "; dst = r")
    yield Meant("dec", "s = u<w>(1); r = dst - s; OF = (dst & ~r)[<top>]; AF = (dst ^ s ^ r)[4]" + _ZSP + "; dst = r")
    yield Meant("not", "dst = ~dst")
    # fmt: on


def product_rows() -> Iterator[Meant]:
    """Logic, products, quotients of general registers."""
    # fmt: off
    for name, sign in (("and", "&"), ("or", "|"), ("xor", "^")):
        yield Meant(name, f"r = dst {sign} <src>" + _LOGIC + "; dst = r")
    yield Meant("cmp", "s = <src>; r = a - s; " + _SUB.replace("dst", "a"))
    yield Meant("test", "r = a & <src>" + _LOGIC)
    wide = "i<2w>({}.i) * i<2w>({}.i)"
    signed = "; r = u<w>(p); o = p != i<2w>(r.i)" + _PRODUCT
    yield Meant("imul", f"p = {wide.format('dst', 'src')}" + signed + "; dst = r", "dst src")
    yield Meant("imul", f"p = {wide.format('src', '(<imm>)')}" + signed + "; dst = r", "dst src imm")
    yield Meant("imul", f"p = {wide.format('lo', 'by')}" + signed + "; hi = u<w>(p >> <w>); lo = r", "lo hi by")
    yield Meant("mul", "p = u<2w>(lo) * u<2w>(by); o = (p >> <w>) != 0" + _PRODUCT +
                "; lo = u<w>(p); hi = u<w>(p >> <w>)")
    yield Meant("div", "trap divide: by == 0; n = cat(hi, lo); q = quotient(n, u<2w>(by))"
                "; trap divide: q != u<2w>(u<w>(q)); lo = u<w>(q); hi = u<w>(remainder(n, u<2w>(by)))" + _NO_FLAGS)
    yield Meant("idiv", "trap divide: by == 0; n = cat(hi, lo).i; q = quotient(n, i<2w>(by.i))"
                "; trap divide: q != i<2w>(i<w>(q)); lo = u<w>(q); hi = u<w>(remainder(n, i<2w>(by.i)))" + _NO_FLAGS)
    yield Meant("cdq", "hi = lo.i >> 31")
    yield Meant("cqo", "hi = lo.i >> 63")
    yield Meant("cdqe", "acc = i64(acc.i32[0])")
    # fmt: on


def shift_rows() -> Iterator[Meant]:
    """Shifts, stack, jumps and conditions of general registers."""
    # fmt: off
    shifts = "; if c != 0 {{ r = {}; CF = {}; OF = undefined(u1); AF = undefined(u1)" + _ZSP + "; dst = r }}"
    for name, result, out in (("shl", "dst << c", "dst[u64(<w>) - c]"), ("shr", "dst >> c", "dst[c - 1]"),
                              ("sar", "(dst.i >> c).u", "(dst.i >> (c - 1))[0]")):
        yield Meant(name, "c = u64(count) & <mask>" + shifts.format(result, out))
    yield Meant("shlx", "dst = src << (u64(count) & <mask>)")
    yield Meant("shrx", "dst = src >> (u64(count) & <mask>)")
    yield Meant("sarx", "dst = src.i >> (u64(count) & <mask>)")
    yield Meant("rorx", "c = u64(count) & <mask>; dst = (src >> c) | (src << (u64(<w>) - c))")
    yield Meant("andn", "r = ~a & b; CF = 0; OF = 0; SF = r[<top>]; ZF = r == 0; AF = undefined(u1)"
                "; PF = undefined(u1); dst = r")
    yield Meant("mulx", "p = u<2w>(in) * u<2w>(by); lo = u<w>(p); hi = u<w>(p >> <w>)")
    yield Meant("push", "sp = sp - 8; store(sp, src)", "src sp")
    yield Meant("pop", "dst = load(u64, sp); sp = sp + 8", "dst sp")
    yield Meant("jmp", "rip = to")
    for name in ("nop", "pause", "lfence", "mfence", "sfence", "prefetcht0", "prefetcht1", "prefetchnta", "prefetchw"):
        yield Meant(name, "")  # they order and hasten memory, which is always in order here
    for name, text in CONDITIONS.items():
        for cc, condition in ((name, text), (OPPOSITE[name], f"~({text})")):
            yield Meant(f"set{cc}", f"dst = u8({condition})")
            yield Meant(f"cmov{cc}", f"dst = ({condition}) ? src : dst")
            yield Meant(f"j{cc}", f"if {condition} {{ rip = to }}")
    # fmt: on


# fmt: off
TWO = {"vadd": "A + B", "vsub": "A - B", "vmul": "A * B", "vdiv": "A / B",
       "vmin": "A < B ? A : B", "vmax": "A > B ? A : B"}  # the second one if equal or NaN
FUSED = {"vfmadd": "fma(X, Y, Z)", "vfmsub": "fma(X, Y, -Z)", "vfnmadd": "fma(-X, Y, Z)", "vfnmsub": "fma(-X, Y, -Z)"}
ORDERS = {"132": "acc b a", "213": "a acc b", "231": "a b acc"}  # X Y Z
# fmt: on


def packed_rows() -> Iterator[Meant]:
    """Floats: an expression of lanes."""
    # fmt: off
    for s, t in FLOATS.items():
        for stem, e in TWO.items():
            yield Meant(stem + s, _lanes(t, e, "a b"))
        for stem, e in FUSED.items():
            for order, names in ORDERS.items():
                yield Meant(f"{stem}{order}{s}", _fused(t, e, names, "i"))
        yield Meant(f"vsqrt{s}", _lanes(t, "sqrt(A)", "src"))
        yield Meant(f"vround{s}", _lanes(t, "whole(A, imm[2] ? u2(0) : imm[1:0])", "src"))
        yield Meant(f"vrndscale{s}", _lanes(t, _scaled(t), "src"))
        test = f"float_is(a.{t}[i], b.{t}[i], imm)"
        yield Meant(f"vcmp{s}", f"dst = 0; for i in a.{t} {{ dst[i] = {test} }}", "k")
        yield Meant(f"vcmp{s}", f"for i in dst.{t} {{ dst.u{t[1:]}[i] = {test} ? u{t[1:]}({ones(t)}) : 0 }}")
    # fmt: on


def lowest_rows() -> Iterator[Meant]:
    """Floats: an expression of the lowest lane, with the rest of a."""
    # fmt: off
    for s, t in SCALARS.items():
        rest = f"; dst[127:{t[1:]}] = a[127:{t[1:]}]"
        for stem, e in TWO.items():
            yield Meant(stem + s, f"r = {_at(t, e, 'a b', '0')}; dst.{t}[0] = r" + rest)
        for stem, e in FUSED.items():
            for order, names in ORDERS.items():
                yield Meant(f"{stem}{order}{s}", _fused(t, e, names, "0"))
        for name, e in ((f"vsqrt{s}", "sqrt(B)"), (f"vround{s}", "whole(B, imm[2] ? u2(0) : imm[1:0])"),
                        (f"vrndscale{s}", _scaled(t).replace("A", "B"))):
            yield Meant(name, f"r = {_at(t, e, 'a b', '0')}; dst.{t}[0] = r" + rest)
        test = f"float_is(a.{t}[0], b.{t}[0], imm)"
        yield Meant(f"vcmp{s}", f"dst = 0; dst[0] = {test}", "k")
        yield Meant(f"vcmp{s}", f"r = {test} ? u{t[1:]}({ones(t)}) : 0; dst.u{t[1:]}[0] = r" + rest)
        for name in ("vucomi", "vcomi"):
            yield Meant(name + s, f"x = a.{t}[0]; y = b.{t}[0]; PF = (x != x) | (y != y); ZF = PF | (x == y)"
                        "; CF = PF | (x < y); OF = 0; SF = 0; AF = 0")
        yield Meant(f"vmov{s}", f"dst.u{t[1:]}[0] = src.u{t[1:]}[0]<rest:{t[1:]}>", "dst src")
        yield Meant(f"vmov{s}", f"r = b.u{t[1:]}[0]; dst.u{t[1:]}[0] = r" + rest, "dst a b")
    # fmt: on


def ones(t: str) -> str:
    """All bits of a type's width."""
    return hex((1 << int(t[1:])) - 1)


def _at(t: str, e: str, names: str, i: str) -> str:
    """An expression over A, B (X, Y, Z) with elements of operands put in."""
    letters = "XYZ" if "X" in e else "AB"
    for letter, name in zip(letters, names.split(), strict=False):
        e = e.replace(letter, f"{name}.{t}[{i}]")
    return e


def _lanes(t: str, e: str, names: str) -> str:
    return f"for i in dst.{t} {{ dst.{t}[i] = {_at(t, e, names, 'i')} }}"


def _fused(t: str, e: str, names: str, i: str) -> str:
    text = f"acc.{t}[{i}] = {_at(t, e, names, i)}"
    return text if i == "0" else f"for i in acc.{t} {{ {text} }}"


def _scaled(t: str) -> str:
    """VRNDSCALE: 2**-M times the integer nearest to A * 2**M, M = imm[7:4]; where that overflows A is whole."""
    bits, mantissa, bias = (32, 23, 127) if t == "f32" else (64, 52, 1023)
    scale = f"((u{bits}(imm[7:4]) + {bias}) << {mantissa}).{t}"
    how = "imm[2] ? u2(0) : imm[1:0]"
    big = f"A * {scale} - A * {scale} != A * {scale} - A * {scale}"  # infinite
    return f"imm[7:4] == 0 ? whole(A, {how}) : ({big} ? A : whole(A * {scale}, {how}) / {scale})"


def conversion_rows() -> Iterator[Meant]:
    """Between floats and integers. Out of range there is the indefinite value: 0x80…, unsigned 0xFF…."""
    # fmt: off
    packed = (
        ("dq", "i32", "ps", "f32"), ("dq", "i32", "pd", "f64"), ("udq", "u32", "ps", "f32"), ("udq", "u32", "pd", "f64"),
        ("qq", "i64", "ps", "f32"), ("qq", "i64", "pd", "f64"), ("uqq", "u64", "ps", "f32"), ("uqq", "u64", "pd", "f64"),
    )
    for n, ti, s, tf in packed:
        yield Meant(f"vcvt{n}2{s}", _converted(ti, tf, f"{tf}(src.{ti}[i])"))
        for cut, rounding in (("t", "trunc"), ("", "even"))[: 1 if n == "uqq" else 2]:
            yield Meant(f"vcvt{cut}{s}2{n}", _converted(tf, ti, _to_integer(f"src.{tf}[i]", ti, tf, rounding)))
    yield Meant("vcvtps2pd", _converted("f32", "f64", "f64(src.f32[i])"))
    yield Meant("vcvtpd2ps", _converted("f64", "f32", "f32(src.f64[i])"))
    yield Meant("vcvtph2ps", _converted("f16", "f32", "f32(src.f16[i])"))
    yield Meant("vcvtps2ph", "for i in src.f32 { x = src.f32[i]; dst.f16[i] = "
                "half(x, imm[2] ? u2(0) : imm[1:0], f16(x).u).f16 }<rest:f32/f16>")
    yield Meant("vcvtss2sd", "r = f64(b.f32[0]); dst.f64[0] = r; dst[127:64] = a[127:64]")
    yield Meant("vcvtsd2ss", "r = f32(b.f64[0]); dst.f32[0] = r; dst[127:32] = a[127:32]")
    for s, t in SCALARS.items():
        rest = f"; dst[127:{t[1:]}] = a[127:{t[1:]}]"
        yield Meant(f"vcvtsi2{s}", f"r = {t}(b.i); dst.{t}[0] = r" + rest)
        yield Meant(f"vcvtusi2{s}", f"r = {t}(b); dst.{t}[0] = r" + rest)
        for cut, rounding in (("t", "trunc"), ("", "even")):
            for kind, n in (("i", "si"), ("u", "usi")):
                e = _to_integer(f"src.{t}[0]", f"{kind}<w>", t, rounding)
                yield Meant(f"vcvt{cut}{s}2{n}", f"dst = {e}")
    for sign, kind in (("s", "i"), ("z", "u")):
        for a, b in ("bw", "bd", "bq", "wd", "wq", "dq"):
            size, to = ELEMENTS[a], ELEMENTS[b]
            yield Meant(f"vpmov{sign}x{a}{b}", f"for i in dst.{kind}{to} {{ dst.{kind}{to}[i] = {kind}{to}(src.{kind}{size}[i]) }}")
    for a, b in ("wb", "db", "qb", "dw", "qw", "qd"):
        size, to = ELEMENTS[a], ELEMENTS[b]
        low, high, most = -(1 << to - 1), (1 << to - 1) - 1, (1 << to) - 1
        for how, e in (("", f"u{to}(src.u{size}[i])"), ("s", f"i{to}(clamp(src.i{size}[i], {low}, {high}))"),
                       ("us", f"u{to}(least(src.u{size}[i], {most}))")):
            yield Meant(f"vpmov{how}{a}{b}", f"for i in src.u{size} {{ dst.u{to}[i] = {e} }}<rest:u{size}/u{to}>")
    # fmt: on


def _converted(source: str, result: str, e: str) -> str:
    """A lane loop between elements of two sizes: the wider vector says how many lanes there are."""
    down = int(source[1:]) > int(result[1:])
    over = f"src.{source}" if down else f"dst.{result}"
    rest = f"<rest:{source}/{result}>" if down else ""
    return f"for i in {over} {{ dst.{result}[i] = {e} }}" + rest


def _to_integer(x: str, ti: str, tf: str, rounding: str) -> str:
    """A float as an integer, or the indefinite value."""
    if ti[1:] == "<w>":
        low, high, bad = (
            ("<least>", "<most>", "<indefinite>") if ti[0] == "i" else ("0.0", "<umost>", "<ones>")
        )
    else:
        n = int(ti[1:])
        low, high = (f"-{1 << n - 1}.0", f"{1 << n - 1}.0") if ti[0] == "i" else ("0.0", f"{1 << n}.0")
        bad = hex(1 << n - 1 if ti[0] == "i" else (1 << n) - 1)
    w = f"{rounding}({x})"
    return f"({w} >= {low}) & ({w} < {high}) ? {ti}({w}) : {bad}"


def integer_rows() -> Iterator[Meant]:
    """Vectors of integers."""
    # fmt: off
    for e, n in ELEMENTS.items():
        for name, text in (("vpadd", "A + B"), ("vpsub", "A - B")):
            yield Meant(name + e, _lanes(f"u{n}", text, "a b"))
        for sign, t in (("s", f"i{n}"), ("u", f"u{n}")):
            yield Meant(f"vpmin{sign}{e}", _lanes(t, "A < B ? A : B", "a b"))
            yield Meant(f"vpmax{sign}{e}", _lanes(t, "A > B ? A : B", "a b"))
        yield Meant(f"vpabs{e}", _lanes(f"i{n}", "A < 0 ? -A : A", "src"))
        for name, sign in (("vpcmpeq", "=="), ("vpcmpgt", ">")):
            yield from _test(name + e, n, f"a.i{n}[i] {sign} b.i{n}[i]")
        for u, t in (("", f"i{n}"), ("u", f"u{n}")):
            yield Meant(f"vpcmp{u}{e}", f"dst = 0; for i in a.{t} {{ dst[i] = integer_is(a.{t}[i], b.{t}[i], imm) }}")
        yield Meant(f"vptestm{e}", f"dst = 0; for i in a.u{n} {{ dst[i] = (a.u{n}[i] & b.u{n}[i]) != 0 }}")
        yield Meant(f"vptestnm{e}", f"dst = 0; for i in a.u{n} {{ dst[i] = (a.u{n}[i] & b.u{n}[i]) == 0 }}")
        yield Meant(f"vpbroadcast{e}", f"for i in dst.u{n} {{ dst.u{n}[i] = src.u{n}[0] }}")
        yield Meant(f"vpblendm{e}", f"for i in dst.u{n} {{ dst.u{n}[i] = b.u{n}[i] }}")
        yield Meant(f"vpmovm2{e}", f"for i in dst.u{n} {{ dst.u{n}[i] = src[i] ? u{n}({hex((1 << n) - 1)}) : 0 }}")
        yield Meant(f"vpmov{e}2m", f"dst = 0; for i in src.u{n} {{ dst[i] = src.i{n}[i] < 0 }}")
    # fmt: on


def word_rows() -> Iterator[Meant]:
    """Vectors of integers of 16 bits and more: products and shifts; sums of products."""
    # fmt: off
    for e, n in tuple(ELEMENTS.items())[1:]:
        yield Meant(f"vpmull{e}", _lanes(f"u{n}", "A * B", "a b"))
        for name, sign, t in (("sll", "<<", f"u{n}"), ("srl", ">>", f"u{n}"), ("sra", ">>", f"i{n}")):
            yield Meant(f"vp{name}{e}", _lanes(t, f"A {sign} imm", "src"), "dst src imm")
            yield Meant(f"vp{name}{e}", _lanes(t, f"A {sign} count.u64[0]", "a"))
            yield Meant(f"vp{name}v{e}", _lanes(t, f"A {sign} b.u{n}[i]", "a"))
    for name, e in (("vpmulhw", "i16((i32(A) * i32(B)) >> 16)"), ("vpmulhuw", "u16((u32(A) * u32(B)) >> 16)")):
        yield Meant(name, _lanes(e[:3], e, "a b"))
    for name, k in (("vpmuludq", "u"), ("vpmuldq", "i")):
        yield Meant(name, f"for i in dst.u64 {{ dst.{k}64[i] = {k}64(a.{k}32[i * 2]) * {k}64(b.{k}32[i * 2]) }}")
    yield Meant("vpslldq", "for i in dst.u128 { dst.u128[i] = src.u128[i] << (u64(imm) * 8) }")
    yield Meant("vpsrldq", "for i in dst.u128 { dst.u128[i] = src.u128[i] >> (u64(imm) * 8) }")
    yield Meant("vpdpbusd", "for i in acc.i32 { x = a.u32[i]; y = b.u32[i]; acc.i32[i] = acc.i32[i]"
                + "".join(f" + i32(x.u8[{j}]) * i32(y.i8[{j}])" for j in range(4)) + " }")
    yield Meant("vpdpwssd", "for i in acc.i32 { x = a.u32[i]; y = b.u32[i]; acc.i32[i] = acc.i32[i]"
                + "".join(f" + i32(x.i16[{j}]) * i32(y.i16[{j}])" for j in range(2)) + " }")
    # fmt: on


def logic_rows() -> Iterator[Meant]:
    """Bits of vectors."""
    # fmt: off
    for name, e in (("vpand", "A & B"), ("vpandn", "~A & B"), ("vpor", "A | B"), ("vpxor", "A ^ B")):
        for suffix, t in (("", "u64"), ("d", "u32"), ("q", "u64")):
            yield Meant(name + suffix, _lanes(t, e, "a b"))
        for s, t in (("ps", "u32"), ("pd", "u64")):
            yield Meant(f"v{name[2:]}{s}", _lanes(t, e, "a b"))
    for e, n in (("d", 32), ("q", 64)):
        bits = " | ".join(f"(imm[{p}] ? {'' if p & 4 else '~'}dst.u{n}[i] & {'' if p & 2 else '~'}a.u{n}[i] & "
                          f"{'' if p & 1 else '~'}b.u{n}[i] : 0)" for p in range(8))
        yield Meant(f"vpternlog{e}", f"for i in dst.u{n} {{ dst.u{n}[i] = {bits} }}")
    # fmt: on


def _test(name: str, n: int, test: str) -> Iterator[Meant]:
    """A compare: into a mask, or into lanes of all bits or none."""
    yield Meant(name, f"dst = 0; for i in a.u{n} {{ dst[i] = {test} }}", "k")
    yield Meant(name, f"for i in dst.u{n} {{ dst.u{n}[i] = {test} ? u{n}({hex((1 << n) - 1)}) : 0 }}")


def move_rows() -> Iterator[Meant]:
    """Moves, blends, permutations, parts of vectors."""
    # fmt: off
    for names, t in ((("vmovups", "vmovaps", "vmovntps", "vmovdqu32", "vmovdqa32"), "u32"),
                     (("vmovupd", "vmovapd", "vmovntpd", "vmovdqu64", "vmovdqa64", "vmovdqu", "vmovdqa", "vmovntdq", "vmovntdqa"), "u64"),
                     (("vmovdqu8",), "u8"), (("vmovdqu16",), "u16")):
        for name in names:
            yield Meant(name, MOVE.format(t))
    yield Meant("vmovd", "dst = u<w>(src.u32[0])")
    yield Meant("vmovq", "dst = u<w>(src.u64[0])")
    yield Meant("vbroadcastss", "for i in dst.u32 { dst.u32[i] = src.u32[0] }")
    yield Meant("vbroadcastsd", "for i in dst.u64 { dst.u64[i] = src.u64[0] }")
    for s, t, si in (("ps", "u32", "i32"), ("pd", "u64", "i64")):
        yield Meant(f"vblendm{s}", f"for i in dst.{t} {{ dst.{t}[i] = b.{t}[i] }}")
        yield Meant(f"vblendv{s}", f"for i in dst.{t} {{ dst.{t}[i] = mask.{si}[i] < 0 ? b.{t}[i] : a.{t}[i] }}")
        yield Meant(f"vblend{s}", f"for i in dst.{t} {{ dst.{t}[i] = imm[i] ? b.{t}[i] : a.{t}[i] }}")
        yield Meant(f"vmovmsk{s}", f"dst = 0; for i in src.{t} {{ dst[i] = src.{si}[i] < 0 }}")
        for name in (f"vmaskmov{s}", f"vpmaskmov{'d' if s == 'ps' else 'q'}"):
            yield Meant(name, f"for i in dst.{t} {{ if mask.{si}[i] < 0 {{ dst.{t}[i] = src.{t}[i] }} else {{ <off{t}> }} }}")
    yield Meant("vpblendvb", "for i in dst.u8 { dst.u8[i] = mask.i8[i] < 0 ? b.u8[i] : a.u8[i] }")
    yield Meant("vpblendd", "for i in dst.u32 { dst.u32[i] = imm[i] ? b.u32[i] : a.u32[i] }")
    yield Meant("vpmovmskb", "dst = 0; for i in src.i8 { dst[i] = src.i8[i] < 0 }")
    # fmt: on


def permute_rows() -> Iterator[Meant]:
    """Lanes that change their places."""
    # fmt: off
    for name, sizes in (("vunpck", (("ps", "u32"), ("pd", "u64"))),
                        ("vpunpck", (("bw", "u8"), ("wd", "u16"), ("dq", "u32"), ("qdq", "u64")))):
        for size, t in sizes:
            yield Meant(f"{name}l{size}", _unpacked(t, 0))
            yield Meant(f"{name}h{size}", _unpacked(t, 1))
    four = "(i & 0x3FFFFFFC) + u64(imm.u2[i & 3])"
    yield Meant("vpshufd", f"for i in dst.u32 {{ dst.u32[i] = src.u32[{four}] }}")
    yield Meant("vpermilps", f"for i in dst.u32 {{ dst.u32[i] = src.u32[{four}] }}", "dst src imm")
    yield Meant("vpermilpd", "for i in dst.u64 { dst.u64[i] = src.u64[(i & 62) + u64(imm[i])] }", "dst src imm")
    for name in ("vpermq", "vpermpd"):
        yield Meant(name, f"for i in dst.u64 {{ dst.u64[i] = src.u64[{four}] }}", "dst src imm")
    for name, t in (("vpermd", "u32"), ("vpermps", "u32"), ("vpermq", "u64"), ("vpermpd", "u64")):
        yield Meant(name, f"for i in dst.{t} {{ dst.{t}[i] = b.{t}[u64(a.{t}[i]) & <lanes{t}>] }}")
    for e, n in (("d", 32), ("q", 64)):
        yield Meant(f"valign{e}", f"x = cat(a, b); for i in dst.u{n} {{ dst.u{n}[i] = x.u{n}[i + (u64(imm) & <lanesu{n}>)] }}")
    yield Meant("vpalignr", "for i in dst.u8 { dst.u8[i] = cat(a.u128[i >> 4], b.u128[i >> 4]).u8[(i & 15) + u64(imm)] }")
    for name, n, low, high, to in (("vpackssdw", 32, -32768, 32767, "i16"), ("vpacksswb", 16, -128, 127, "i8"),
                                   ("vpackusdw", 32, 0, 65535, "u16"), ("vpackuswb", 16, 0, 255, "u8")):
        per = 128 // n
        yield Meant(name, f"for i in dst.{to} {{ s = (i & {per}) != 0 ? b : a; p = (i >> {per.bit_length()}) * {per} + (i & {per - 1})"
                    f"; dst.{to}[i] = {to}(clamp(s.i{n}[p], {low}, {high})) }}")
    # fmt: on


def table_rows() -> Iterator[Meant]:
    """Lanes chosen by other lanes, from one vector or two; shuffles of two."""
    # fmt: off
    for s, t in (("d", "u32"), ("q", "u64"), ("ps", "u32"), ("pd", "u64"), ("w", "u16")):
        place = f"{{}}.{t}[i]) & <two{t}>"
        yield Meant(f"vpermt2{s}", f"x = cat(b, acc); for i in acc.{t} {{ acc.{t}[i] = x.{t}[u64({place.format('a')}] }}")
        if s != "w":
            yield Meant(f"vpermi2{s}", f"x = cat(b, a); y = acc; for i in acc.{t} {{ acc.{t}[i] = x.{t}[u64({place.format('y')}] }}")
    yield Meant("vpermw", "for i in dst.u16 { dst.u16[i] = b.u16[u64(a.u16[i]) & <lanesu16>] }")
    yield Meant("vpermilps", "for i in dst.u32 { dst.u32[i] = a.u32[(i & 60) + u64(b.u32[i][1:0])] }", "dst a b")
    yield Meant("vpermilpd", "for i in dst.u64 { dst.u64[i] = a.u64[(i & 62) + u64(b.u64[i][1])] }", "dst a b")
    yield Meant("vshufps", "for i in dst.u32 { dst.u32[i] = ((i & 2) != 0 ? b : a).u32[(i & 60) + u64(imm.u2[i & 3])] }")
    yield Meant("vshufpd", "for i in dst.u64 { dst.u64[i] = ((i & 1) != 0 ? b : a).u64[(i & 62) + u64(imm[i])] }")
    yield Meant("vpshufb", "for i in dst.u8 { dst.u8[i] = b.u8[i][7] ? 0 : a.u8[(i & 48) + u64(b.u8[i][3:0])] }")
    yield Meant("vpblendw", "for i in dst.u16 { dst.u16[i] = imm[i & 7] ? b.u16[i] : a.u16[i] }")
    yield Meant("vmovshdup", "for i in dst.u32 { dst.u32[i] = src.u32[i | 1] }")
    yield Meant("vmovsldup", "for i in dst.u32 { dst.u32[i] = src.u32[i & 62] }")
    yield Meant("vmovddup", "for i in dst.u64 { dst.u64[i] = src.u64[i & 62] }")
    yield Meant("vmovhlps", "dst = cat(a.u64[1], b.u64[1])")
    yield Meant("vmovlhps", "dst = cat(b.u64[0], a.u64[0])")
    for e, n in (("d", 32), ("q", 64)):
        for way, first, second in (("l", "<<", ">>"), ("r", ">>", "<<")):
            turn = f"x = {{}}.u{n}[i]; c = u64({{}}) & {n - 1}; dst.u{n}[i] = (x {first} c) | (x {second} (u64({n}) - c))"
            yield Meant(f"vpro{way}{e}", f"for i in dst.u{n} {{ {turn.format('src', 'imm')} }}")
            yield Meant(f"vpro{way}v{e}", f"for i in dst.u{n} {{ {turn.format('a', f'b.u{n}[i]')} }}")
    for part, n, count in (("32x4", 32, 4), ("64x2", 64, 2), ("32x8", 32, 8), ("64x4", 64, 4)):
        for kind in "fi":
            yield Meant(f"vbroadcast{kind}{part}", f"for i in dst.u{n} {{ dst.u{n}[i] = src.u{n}[i & {count - 1}] }}")
    # fmt: on


def part_rows() -> Iterator[Meant]:
    """Parts of vectors."""
    # fmt: off
    yield Meant("vinsertps", "x = b.u32[<at_b>]; for i in dst.u32 { dst.u32[i] = "
                "imm[i] ? 0 : (i == u64(imm[5:4]) ? x : a.u32[i]) }")
    for e, n in ELEMENTS.items():
        yield Meant(f"vpextr{e}", f"dst = u<w>(src.u{n}[u64(imm & {128 // n - 1})])")
        yield Meant(f"vpinsr{e}", f"x = b.u{n}[0]; dst = a; dst.u{n}[u64(imm & {128 // n - 1})] = x")
    for name in ("vextractf128", "vextracti128"):
        yield Meant(name, "dst = src.u128[u64(imm[0])]")
    for name in ("vinsertf128", "vinserti128"):
        yield Meant(name, "x = b; dst = a; dst.u128[u64(imm[0])] = x")
    for part, n, count in (("f32x4", 32, 4), ("f64x2", 64, 2), ("f32x8", 32, 8), ("f64x4", 64, 4),
                           ("i32x4", 32, 4), ("i64x2", 64, 2), ("i32x8", 32, 8), ("i64x4", 64, 4)):
        yield Meant(f"vextract{part}", f"for i in dst.u{n} {{ dst.u{n}[i] = src.u{n}[u64(imm & <last>) * {count} + i] }}")
        yield Meant(f"vinsert{part}", f"for i in dst.u{n} {{ dst.u{n}[i] = (i >> {count.bit_length() - 1}) == u64(imm & <last_b>)"
                    f" ? b.u{n}[i & {count - 1}] : a.u{n}[i] }}")
    for name in ("vbroadcastf128", "vbroadcasti128"):
        yield Meant(name, "for i in dst.u128 { dst.u128[i] = src }")
    yield Meant("vzeroupper", "for i < 16 { vec.u128[i * 4 + 1] = 0; vec.u256[i * 2 + 1] = 0 }")
    # fmt: on


def _unpacked(t: str, high: int) -> str:
    """Elements of a and b in turn, from the low or high half of each 128 bits."""
    per = 128 // int(t[1:])
    place = f"(i & {0x3FFFFFFF & -per}) + ((i & {per - 1}) >> 1) + {high * per // 2}"
    return f"for i in dst.{t} {{ dst.{t}[i] = ((i & 1) != 0 ? b : a).{t}[{place}] }}"


def mask_rows() -> Iterator[Meant]:
    """Mask registers; gathers and scatters."""
    # fmt: off
    for e, n in ELEMENTS.items():
        t = f"u{n}"
        yield Meant(f"kmov{e}", f"dst = u<w>(src.{t}[0])")
        yield Meant(f"knot{e}", f"dst = u64(~src.{t}[0])")
        for name, text in (("kand", "A & B"), ("kandn", "~A & B"), ("kor", "A | B"), ("kxnor", "~(A ^ B)"),
                           ("kxor", "A ^ B"), ("kadd", "A + B")):
            yield Meant(name + e, f"dst = u64({_at(t, text, 'a b', '0')})")
        yield Meant(f"kshiftl{e}", f"dst = u64(src.{t}[0] << u64(imm))")
        yield Meant(f"kshiftr{e}", f"dst = u64(src.{t}[0] >> u64(imm))")
        flags = "; OF = 0; SF = 0; AF = 0; PF = 0"
        yield Meant(f"kortest{e}", f"r = a.{t}[0] | b.{t}[0]; ZF = r == 0; CF = ~r == 0" + flags)
        yield Meant(f"ktest{e}", f"ZF = (a.{t}[0] & b.{t}[0]) == 0; CF = (~a.{t}[0] & b.{t}[0]) == 0" + flags)
    for name, n in (("bw", 8), ("wd", 16), ("dq", 32)):
        yield Meant(f"kunpck{name}", f"dst = u64(cat(a.u{n}[0], b.u{n}[0]))")
    for name, n in (("vpgatherdd", 32), ("vpgatherdq", 64), ("vpgatherqd", 32), ("vpgatherqq", 64),
                    ("vgatherdps", 32), ("vgatherdpd", 64), ("vgatherqps", 32), ("vgatherqpd", 64)):
        one = f"dst.u{n}[i] = load(u{n}, address(src, i))"
        yield Meant(name, f"for i < <indices{n}> {{ if mask.i{n}[i] < 0 {{ {one} }} }}; mask = 0<rest_gather{n}>", "dst src mask")
        yield Meant(name, f"for i < <indices{n}> {{ {one} }}<rest_gather{n}>; k = 0")
        scatter = f"for i < <indices{n}> {{ if k[i] {{ store(address(dst, i), src.u{n}[i]) }} }}; k = 0"
        yield Meant(name.replace("gather", "scatter"), scatter)
    # fmt: on


def rows() -> Iterator[Meant]:
    """Every row."""
    for part in (scalar_rows, product_rows, shift_rows, packed_rows, lowest_rows, conversion_rows, integer_rows,
                 word_rows, logic_rows, move_rows, permute_rows, table_rows, part_rows, mask_rows):  # fmt: skip
        yield from part()
