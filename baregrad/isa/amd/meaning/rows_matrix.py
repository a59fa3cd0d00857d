"""Matrix products as meanings: one row a shape, one function that makes the text from it.

D = A * B + C over whole registers of a wave, whatever EXEC is. Where element [i][k] of block b lies is the
manual's formula (CDNA4 ISA 7.1.4, RDNA3 ISA 7.9), written into the text with the numbers of the shape:

    A   item (k / (Q * R)) * Q + k % Q of lane i + M * (b + blocks * (k / Q % R));  B likewise with j, N

where R lanes share a row of A and each has Q values of k side by side. Sums: the products are exact; they are
added in order of k, each sum rounded to the type of the accumulator, beginning with C (`fma`). The manuals
say "using FMA" and give neither order nor width; processors add some products at once before they round.
Integers are exact. A product of small floats sums 32 values of k from zero, then scales, then adds: that is
where the scales belong (7.2), and without scales it is the same with a scale of one. Results of 16 bits are
summed in f32 and rounded once. What is not here: MODE's FP16_OVFL, which makes overflow the largest number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from baregrad.isa.amd.forms import MATRIX
from baregrad.isa.amd.layout import Form, take
from baregrad.isa.amd.meaning.rows_given import Given

FORMATS = ("fp8", "bf8", "fp6", "bf6", "fp4")
"""The types that CBSZ (of A) and BLGP (of B) name for F8F6F4. Source: CDNA4 ISA 7.1.5."""
SCALED = 32  # values of k that share a scale
CDNA, RDNA = "CDNA4 ISA 7.1.4", "RDNA3 ISA 7.9"


class Shape(NamedTuple):
    """A product: blocks of M x N x K, types of A, B and of C and D, and what the name says it is."""

    kind: str
    m: int
    n: int
    k: int
    blocks: int
    a: str
    b: str
    d: str

    @property
    def small(self) -> bool:
        """Are the types of A and B said by the instruction's fields?"""
        return self.a in FORMATS and self.k * min(self.m, self.n) == 2048


def shape_of(name: str, fields: Mapping[str, int]) -> Shape | None:
    """What a product's name says; None for other names.

    >>> shape_of("V_MFMA_F32_32X32X4_2B_F16", {})
    Shape(kind='MFMA', m=32, n=32, k=4, blocks=2, a='f16', b='f16', d='f32')
    """
    match = MATRIX.fullmatch(name)
    if match is None:
        return None
    kind, d, types = match[1], match[2].lower(), match[7].lower()
    first, _, second = types.partition("_")
    if types == "f8f6f4":
        first, second = FORMATS[fields.get("cbsz", 0)], FORMATS[fields.get("blgp", 0)]
    return Shape(
        kind, int(match[3]), int(match[4]), int(match[5]), int(match[6] or 1), first, second or first, d
    )


def matrix(form: Form, fields: Mapping[str, int], constant: bool) -> Given | None:
    """The meaning of a product; `constant`: C is one number, which S2 has as an f32 operand has it."""
    shape = shape_of(form.entry.name, formats_of(form))
    if shape is None:
        return None
    widths = (("S2", 32),) if constant else ()
    if shape.kind == "WMMA":
        return Given("wave", wmma(shape, form.wave, fields, constant), RDNA, "", widths)
    text = sparse(shape, fields) if shape.kind == "SMFMAC" else dense(shape, fields, constant)
    return Given("wave", text, "CDNA4 ISA 7.5" if shape.kind == "SMFMAC" else CDNA, "", widths)


def formats_of(form: Form) -> dict[str, int]:
    """CBSZ and BLGP of a product of small floats, which its form fixes."""
    return {one.name: take(one.where, form.value) for one in form.modifiers if one.name in ("cbsz", "blgp")}


# -- where things lie ------------------------------------------------------------------------------


def bits_of(type: str) -> int:
    """How many bits a type has."""
    return int(type.lstrip("abcdefghijklmnopqrstuvwxyz"))


def log2(number: int) -> int:
    """The exponent of a power of two."""
    return number.bit_length() - 1


def element(type: str, register: str, item: str, lane: str, lanes: int = 64) -> str:
    """Item `item` of a lane's registers from `register` up, as this type.

    >>> element("f16", "a", "k", "i")
    'VGPR.f16[((a + (k >> 1)) * 64 + i) * 2 + (k & 1)]'
    """
    bits = bits_of(type)
    if bits == 64:
        at = register if item == "0" else f"{register} + ({item}) * 2"
        high, low = (f"VGPR.u32[({at} + {part}) * {lanes} + {lane}]" for part in (1, 0))
        return f"cat({high}, {low}).{type}"
    if bits == 6:
        word = f"({register} + (({item}) * 6 >> 5)) * {lanes} + {lane}"
        return f"(cat(VGPR.u32[{word} + {lanes}], VGPR.u32[{word}]) >> (({item}) * 6 & 31))[5:0].{type}"
    each = 32 // bits
    if each == 1:
        return f"VGPR.{type}[({register} + {item}) * {lanes} + {lane}]"
    cell = f"({register} + ({item} >> {log2(each)})) * {lanes} + {lane}"
    return f"VGPR.{type}[({cell}) * {each} + ({item} & {each - 1})]"


def place(shape: Shape, side: int, row: str, k: str, passes: int, sparse: int = 1) -> tuple[str, str]:
    """Item and lane of A[row][k] (side 0) or B[k][row] (side 1), `k` among those that are stored."""
    edge, depth = (shape.m, shape.n)[side], shape.k // sparse
    rows = 64 // (edge * shape.blocks)  # lanes that share a row
    each = depth // rows // passes
    item = k if rows == 1 else f"({k} & {each - 1})" if each > 1 else "0"
    if passes > 1:
        item = f"((({k} >> {log2(each * rows)}) << {log2(each)}) + {item})"
    block = f" + b * {edge}" if shape.blocks > 1 else ""
    part = f" + (({k} >> {log2(each)}) & {rows - 1}) * {edge * shape.blocks}" if rows > 1 else ""
    return item, f"({row}{block}{part})"


def passes_of(type: str, shape: Shape) -> int:
    """How many runs of k a lane has: a matrix of small floats is stored as two of half the depth, if its
    elements have 8 bits; with 6 and 4 bits a lane has 32 of them in one run. Source: CDNA4 ISA 7.1.5.1.
    """
    return 2 if shape.small and bits_of(type) == 8 else 1


def output(shape: Shape) -> tuple[str, str, int]:
    """Item and lane of D[b][i][j], and how many items a lane has. Source: CDNA4 ISA 7.1.4.2."""
    height = 1 if shape.d == "f64" else 4
    in_item = -(-64 // (shape.n * shape.m // height))  # blocks in an item over all lanes
    rows = 64 // in_item // shape.n
    groups = shape.m // (height * rows)
    many = shape.blocks > 1
    group = f" + (b >> {log2(in_item)}) * {groups * height}" if many else ""
    block = f" + (b & {in_item - 1}) * {rows * shape.n}" if many else ""
    item = f"((i & {height - 1}) + (i >> {log2(height * rows)}) * {height}{group})"
    lane = f"(j + ((i >> {log2(height)}) & {rows - 1}) * {shape.n}{block})"
    return item, lane, shape.m * shape.n * shape.blocks // 64


PERMUTED = (
    "{0}", "({0} & 31)", "({0} & 31) + 32", "(({0} + 16) & 63)", "({0} & 15)", "({0} & 15) + 16",
    "({0} & 15) + 32", "({0} & 15) + 48",
)  # fmt: skip
"""The lane that B is read from, by BLGP. Source: CDNA4 ISA table 29."""


def broadcast(lane: str, cbsz: int, abid: int) -> str:
    """The lane that A is read from. Source: CDNA4 ISA 7.1.6.1."""
    size = 64 >> cbsz
    return f"(({lane} & {size - 1}) + {size * abid})" if cbsz else lane


SMALL_INT = "(S2.i < 65) & (S2.i > -17)"
CONSTANTS = {
    "f32": "S2.f32",
    "i32": "S2.i32",
    "bf16": "S2[31:16].bf16",
    "f16": f"({SMALL_INT} ? u16(S2).f16 : f16(S2.f32))",
    "f64": f"({SMALL_INT} ? i64(S2.i).f64 : S2 == 0x3E22F983 ? u64(0x3FC45F306DC9C882).f64 : f64(S2.f32))",
}
"""C where it is a constant, by its type: integers are bits, floats are in that type (1 / 2 pi with all its
bits), bf16 is half of a float's bits. Source: RDNA3 ISA 7.5.1, CDNA4 ISA 6.2.1."""

# -- texts -----------------------------------------------------------------------------------------

WIDE = {"f32": "f32", "f64": "f64", "i32": "i32", "f16": "f32", "bf16": "f32"}
"""What sums are made in, by the type of D."""


def numbers(*roles: str) -> str:
    """The first registers of operands as names of the text: d, s0, s1 ..."""
    return "; ".join(f"{role.lower()} = u64({role}_NUMBER)" for role in roles)


def cell(shape: Shape, register: str, constant: bool = False) -> str:
    """C[b][i][j]."""
    item, lane, _ = output(shape)
    return CONSTANTS[shape.d] if constant else element(shape.d, register, item, lane)


def loops(shape: Shape, inside: str, setup: str) -> str:
    """The text of a product on CDNA: `inside` makes c from C; results are written when all are there."""
    item, lane, items = output(shape)
    bits = bits_of(shape.d)
    result = f"RESULT.{shape.d}[{item} * 64 + {lane}]"
    copy = (
        "; ".join(
            f"VGPR.u32[(d0 + {index}) * 64 + y] = RESULT.u32[{source}]"
            for index, source in zip(
                ("x * 2", "x * 2 + 1"), ("(x * 64 + y) * 2", "(x * 64 + y) * 2 + 1"), strict=True
            )
        )
        if bits == 64
        else "VGPR.u32[(d0 + x) * 64 + y] = RESULT.u32[x * 64 + y]"
    )
    each = f"for i < {shape.m} {{ for j < {shape.n} {{ {inside}; {result} = c }} }}"
    return f"""{setup}; RESULT = u{items * 64 * bits}(0);
        {each if shape.blocks == 1 else f"for b < {shape.blocks} {{ {each} }}"}
        for x < {items} {{ for y < 64 {{ {copy} }} }}"""


def product(shape: Shape, a: str, b: str, sum: str = "c") -> str:
    """A product added to a sum."""
    wide = WIDE[shape.d]
    if wide == "i32":
        return f"{sum} = {sum} + i32({a}) * i32({b})"
    return f"{sum} = fma({wide}({a}), {wide}({b}), {sum})"


def dense(shape: Shape, fields: Mapping[str, int], constant: bool) -> str:
    """V_MFMA_*."""
    if shape.small:
        return scaled(shape, fields, constant)
    cbsz, abid, blgp = (fields.get(name, 0) for name in ("cbsz", "abid", "blgp"))
    neg = fields.get("neg", 0)
    item, lane = place(shape, 0, "i", "k", 1)
    a = element(shape.a, "s0", item, broadcast(lane, cbsz, abid) if shape.d != "f64" else lane)
    item, lane = place(shape, 1, "j", "k", 1)
    b = element(shape.b, "s1", item, f"({PERMUTED[blgp].format(lane)})")
    signs = ["-" if neg >> at & 1 else "" for at in range(3)]
    inside = f"c = {signs[2]}{cell(shape, 's2', constant)}; for k < {shape.k} {{ "
    inside += product(shape, f"{signs[0]}{a}", f"{signs[1]}{b}") + " }"
    roles = ("D0", "S0", "S1") if constant else ("D0", "S0", "S1", "S2")
    return loops(shape, inside, numbers(*roles))


def scaled(shape: Shape, fields: Mapping[str, int], constant: bool) -> str:
    """V_MFMA_*_F8F6F4, with scales or without."""
    k = f"(s * {SCALED} + q)"
    item, lane = place(shape, 0, "i", k, passes_of(shape.a, shape))
    a = element(shape.a, "s0", item, lane)
    item, lane = place(shape, 1, "j", k, passes_of(shape.b, shape))
    b = element(shape.b, "s1", item, lane)
    roles = ["D0", "S0", "S1"] if constant else ["D0", "S0", "S1", "S2"]
    after = "c = c + t"
    if shape.kind == "MFMA_SCALE":
        roles += ["S3", "S4"]
        after = f"""{scale("e", "s3", f"i + s * {shape.m}", 0, fields)};
            {scale("g", "s4", f"j + s * {shape.n}", 1, fields)};
            n = (e == 255) | (g == 255); t = ldexp(t, i32(e) + i32(g) - 254);
            c = c + (n ? u32(0x7FC00000).f32 : t)"""
    inside = f"""c = {cell(shape, "s2", constant)}; for s < {shape.k // SCALED} {{
        t = f32(0.0); for q < {SCALED} {{ {product(shape, a, b, "t")} }}; {after} }}"""
    return loops(shape, inside, numbers(*roles))


def scale(name: str, register: str, lane: str, side: int, fields: Mapping[str, int]) -> str:
    """The scale of a row of A or a column of B: a byte of a register, which OP_SEL says."""
    byte = (fields.get("op_sel", 0) >> side & 1) | (fields.get("op_sel_hi", 0) >> side & 1) << 1
    return f"{name} = VGPR.u8[({register} * 64 + {lane}) * 4 + {byte}]"


def sparse(shape: Shape, fields: Mapping[str, int]) -> str:
    """V_SMFMAC_*: two of four values of k are there; bits of S2 say which. The pair of values 2g, 2g + 1 of a
    lane of A belongs to the values 4g .. 4g + 3 of the lanes of B that have the same k.
    """
    rows = 64 // shape.m
    held = shape.k // 2 // rows  # values of A in a lane
    passes = 2 if held * bits_of(shape.a) > 64 else 1
    each = held // passes
    bits = 2 * held
    sets = 32 // bits
    chosen = 0 if fields.get("cbsz", 0) & 3 else fields.get("abid", 0) & (sets - 1)
    item, lane = place(shape, 0, "i", "k", passes, 2)
    a = element(shape.a, "s0", item, lane)
    row = f"((k >> {log2(each)}) & {rows - 1})"
    b = element(shape.b, "s1", "o", f"(j + {row} * {shape.n})")
    which = f"VGPR.u32[s2 * 64 + {lane}] >> ({item} * 2 + {chosen * bits}) & 3"
    inside = f"""c = {cell(shape, "d0")}; for k < {shape.k // 2} {{
        o = ({item} >> 1) * 4 + u64({which}); {product(shape, a, b)} }}"""
    return loops(shape, inside, numbers("D0", "S0", "S1", "S2"))


def wmma(shape: Shape, lanes: int, fields: Mapping[str, int], constant: bool) -> str:
    """V_WMMA_*: row i of A and column j of B are in lanes i and j, and once more in each 16 lanes further,
    which is not looked at; D has 16 columns in 16 lanes, as many rows side by side as lanes allow.
    """
    low, high, half = (fields.get(name, 0) for name in ("neg_lo", "neg_hi", "op_sel"))
    half = half >> 2 & 1
    rows = lanes // 16
    d16 = bits_of(shape.d) == 16
    where = f"(i >> {log2(rows)})", f"((i & {rows - 1}) * 16 + j)"
    register, lane = where
    c = (
        f"VGPR.{shape.d}[((s2 + {register}) * {lanes} + {lane}) * 2 + {half}]"
        if d16
        else element(shape.d, "s2", register, lane, lanes)
    )
    c = CONSTANTS[shape.d] if constant else c
    if shape.d == "i32":
        inside = integers(shape, lanes, low, fields.get("clamp", 0), c)
    else:
        inside = floats(shape, lanes, low, high, c)
    stored = "u16" if d16 else "u32"
    items = 16 // rows
    target = (
        f"VGPR.u16[((d0 + x) * {lanes} + y) * 2 + {half}]" if d16 else f"VGPR.u32[(d0 + x) * {lanes} + y]"
    )
    roles = ("D0", "S0", "S1") if constant else ("D0", "S0", "S1", "S2")
    return f"""{numbers(*roles)}; RESULT = u{256 * bits_of(shape.d)}(0);
        for i < 16 {{ for j < 16 {{ {inside}; RESULT.{shape.d}[{register} * {lanes} + {lane}] = c }} }}
        for x < {items} {{ for y < {lanes} {{ {target} = RESULT.{stored}[x * {lanes} + y] }} }}"""


def integers(shape: Shape, lanes: int, signed: int, clamp: int, c: str) -> str:
    """A sum of integers: NEG says which of A and B have a sign; CLAMP keeps the sum in 32 bits."""
    bits = bits_of(shape.a)
    types = [f"{'i' if signed >> side & 1 else 'u'}{bits}" for side in (0, 1)]
    a, b = element(types[0], "s0", "k", "i", lanes), element(types[1], "s1", "k", "j", lanes)
    inside = f"n = i64({c}); for k < 16 {{ n = n + i64({a}) * i64({b}) }}"
    if clamp:
        inside += "; n = n > 0x7FFFFFFF ? i64(0x7FFFFFFF) : n; n = n < -0x80000000 ? i64(-0x80000000) : n"
    return f"{inside}; c = i32(n)"


def floats(shape: Shape, lanes: int, low: int, high: int, c: str) -> str:
    """A sum of floats: NEG is for even k, NEG_HI for odd k of A and B; of C they are the sign and ABS."""
    parts = []
    for side, (type, row) in enumerate(((shape.a, "i"), (shape.b, "j"))):
        value = element(type, f"s{side}", "k", row, lanes)
        even, odd = low >> side & 1, high >> side & 1
        parts.append(
            (f"-{value}" if even else value)
            if even == odd
            else f"((k & 1) == {0 if even else 1} ? -{value} : {value})"
        )
    bits = bits_of(shape.d)
    if high >> 2 & 1:
        c = f"({c}.u{bits} & {hex((1 << bits - 1) - 1)}).{shape.d}"
    inside = f"e = f32({'-' if low >> 2 & 1 else ''}{c}); for k < 16 {{ "
    inside += f"e = fma(f32({parts[0]}), f32({parts[1]}), e) }}"
    return f"{inside}; c = {shape.d}(e)" if bits == 16 else f"{inside}; c = e"
