"""Buffer loads and stores with formats: texts of ours, over a table of layouts and ways to read a component.

TBUFFER has its format in the instruction, so that its text is straight. BUFFER_LOAD_FORMAT and its kin have
it in the resource: their text looks it up in tables packed into constants, and chooses for each component.
A texel is read and written whole, or not at all where it does not end inside the buffer.

Sources: RDNA3 ISA 9.3, 9.4.1, 9.6, 10.7; CDNA4 ISA 9.1.2 to 9.1.5, 9.1.8. Choices, where those say nothing:
components stand in a texel from the lowest bit up, in the reverse order of the format's name (as drivers use
it: 2_10_10_10 has 10 bits of X lowest); normalised ones are rounded once to nearest even; f32 becomes f16 and
smaller by cutting (RDNA3 ISA 9.3.1 says so of D16); what is too large for a scaled or integer component
becomes the largest; a selector of a component that the format has not gives 0; what a store has no register
for is X (RDNA4 ISA 9.3), and what no selector names is 0. What is not here: names of formats
(isa/amd/formats.py), formats of images, swizzled buffers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from baregrad.isa.amd.formats import DATA, NUMBERS, unified
from baregrad.isa.amd.layout import Form
from baregrad.isa.amd.meaning.addresses import LIMITS, UNUSUAL
from baregrad.isa.amd.meaning.rows_given import Given, Refused
from baregrad.isa.amd.operands import family

ENTRY = re.compile(r"(T?)BUFFER_(LOAD|STORE)_(?:FORMAT_(D16_)?(HI_)?|(D16_)(HI_)?FORMAT_)(XYZW|XYZ|XY|X)")
SOURCE = "RDNA3 ISA 9.3, 10.7; CDNA4 ISA 9.1.2 to 9.1.5"
BYTES = (1, 2, 4, 8, 12, 16)
WHOLE = ("UINT", "SINT")
# A component as f64: `u` its bits, `s` those with their sign, M and G the greatest of both, `h` its f16.
READ = {
    "UNORM": "f64(u) / M", "SNORM": "(f64(s) < -G) ? f64(-1.0) : (f64(s) / G)",
    "USCALED": "f64(u)", "SSCALED": "f64(s)", "FLOAT": "f64(u16(h).f16)",
}  # fmt: skip
# The bits of a component: `x` what is stored, as f64, `d` and `e` as integers without and with a sign.
WRITE = {
    "UNORM": "u32(even(((x > 0.0) ? ((x < 1.0) ? x : f64(1.0)) : f64(0.0)) * M))",
    "SNORM": "i32(even(((x > -1.0) ? ((x < 1.0) ? x : f64(1.0)) : (x == x) ? f64(-1.0) : f64(0.0)) * G)).u",
    "USCALED": "u32((x < M) ? x : (x == x) ? M : f64(0.0))",
    "SSCALED": "i32((x < G) ? ((x > -G - 1.0) ? x : -G - 1.0) : (x == x) ? G : f64(0.0)).u",
    "UINT": "(d < m) ? d : m",
    "SINT": "((e < g) ? (e > -1 - g ? e : -1 - g) : g).u",
}  # fmt: skip
# f64 `x` cut to f16 `cut`; then to 11 and 10 bits, which have its exponent and no sign.
CUT = "near = f16(x).u; cut = (MAGNITUDE(f64(near.f16)) > MAGNITUDE(x)) ? near - 1 : near"
MAGNITUDE = re.compile(r"MAGNITUDE\((\w+(?:\([\w.]+\))?)\)")


class Entry(NamedTuple):
    """What a name says: format in the instruction, loads, 16 bits a component, upper half, how many."""

    typed: bool
    loads: bool
    half: bool
    high: bool
    items: int


class Format(NamedTuple):
    """A format: bits of the components from X on, and how each is read."""

    sizes: tuple[int, ...]
    kind: str

    @property
    def bytes(self) -> int:
        """Bytes of a texel."""
        return sum(self.sizes) // 8

    @property
    def known(self) -> bool:
        """Has it a meaning? Floats have 32, 16, 11 or 10 bits; what is normalised or scaled has no 32."""
        if self.kind == "FLOAT":
            return all(size in (10, 11, 16, 32) for size in self.sizes) and 2 not in self.sizes
        return self.kind in (*READ, *WHOLE) and (self.kind in WHOLE or max(self.sizes, default=0) <= 16)


def sizes_of(name: str) -> tuple[int, ...]:
    """The bits of a layout's components, from X on.

    >>> sizes_of("2_10_10_10"), sizes_of("INVALID")
    ((10, 10, 10, 2), ())
    """
    return tuple(int(size) for size in reversed(name.split("_"))) if name[0].isdigit() else ()


def format_of(fam: str, number: int) -> Format | None:
    """The format with a number: of RDNA's one table, or of CDNA's layout and kind (16 * kind + layout); None
    for one that buffers do not have.
    """
    if fam == "cdna":
        found = Format(sizes_of(DATA[number & 15]), NUMBERS[number >> 4])
    elif number < len(unified()):
        layout, _, kind = unified()[number].rpartition("_")
        found = Format(sizes_of(layout or kind), kind)
    else:
        return None
    return found if found.sizes and found.known else None


def entry_of(name: str) -> Entry | None:
    """What an entry's name says; None for other entries."""
    match = ENTRY.fullmatch(name)
    if match is None:
        return None
    half, high = bool(match[3] or match[5]), bool(match[4] or match[6])
    return Entry(bool(match[1]), match[2] == "LOAD", half, high, len(match[7]))


def formatted(form: Form, fields: Mapping[str, int]) -> Given | Refused | None:
    """The meaning of a load or store with a format; None for other entries, and for loads into local memory
    (rows_local.py makes them of the loads into registers).
    """
    entry, fam = entry_of(form.entry.name), family(form.arch)
    if entry is None or all(slot.role != "VDATA" for slot in form.slots):
        return None
    last = ""
    if fields.get("tfe", 0):
        bits = next(slot.bits for slot in form.slots if slot.role == "VDATA")
        last = f"; VDATA[{bits - 1}:{bits - 32}] = 0"
    if not entry.typed:
        text = address(fam, fields, "size") + (loads(entry) if entry.loads else stores(entry))
        return Given("lane", f"{resource(fam)}; {text}{last}", SOURCE)
    format = format_of(fam, fields.get("format", 0))
    if format is None:
        return Refused(f"format {fields.get('format', 0)} is none that buffers have")
    text = address(fam, fields, str(format.bytes))
    text += loads_typed(entry, format) if entry.loads else stores_typed(entry, format)
    return Given("lane", f"{text}{last}", SOURCE)


# -- addresses -------------------------------------------------------------------------------------


def address(fam: str, fields: Mapping[str, int], size: str) -> str:
    """Where a texel is (`at`), and whether all of it is inside (`inside`)."""
    offen, idxen = fields.get("offen", 0), fields.get("idxen", 0)
    offset = f"u64({'VADDR[63:32]' if idxen else 'VADDR'}) + u64(OFFSET)" if offen else "u64(OFFSET)"
    record = " + i * u64(SRSRC[61:48])" if idxen else ""
    limit = LIMITS[fam].replace("V[", "SRSRC[").replace("IDXEN", f"u1({idxen})")
    return (
        f"trap buffer_layout: {UNUSUAL[fam].replace('V[', 'SRSRC[')}; "
        f"i = {'u64(VADDR[31:0])' if idxen else 'u64(0)'}; {limit}; o = {offset}; "
        f"at = u64(SRSRC[47:0]) + u64(SOFFSET){record} + o; inside = o + {size} <= limit; "
    )


def moved(entry: Entry, size: str = "") -> str:
    """A texel is read or written, of one of the sizes if they are asked for."""
    steps = []
    for bytes_ in BYTES:
        type, high = f"u{8 * bytes_}", 8 * bytes_ - 1
        value = f"texel = u128(load({type}, at))" if entry.loads else f"store(at, texel[{high}:0])"
        steps.append(f"if inside & ({size} == {bytes_}) {{ {value} }}")
    return "; ".join(steps)


def place(entry: Entry, n: int) -> str:
    """Where the n-th component is in the registers."""
    if not entry.half:
        return f"VDATA[{32 * n + 31}:{32 * n}]"
    low = 16 * n + 16 * entry.high
    return f"VDATA[{low + 15}:{low}]"


# -- formats of the instruction --------------------------------------------------------------------


def filled(text: str, size: int) -> str:
    """A text with the greatest values of a component of this size."""
    most, signed = (1 << size) - 1, (1 << size - 1) - 1
    text = re.sub(r"\bM\b", f"f64({most}.0)", text)
    text = re.sub(r"\bG\b", f"f64({signed}.0)", text)
    return re.sub(r"\bm\b", f"u32({most})", re.sub(r"\bg\b", f"i32({signed})", text))


def magnitudes(text: str) -> str:
    """MAGNITUDE(x) as bits that are compared as floats."""
    return MAGNITUDE.sub(r"(\1.u & 0x7FFFFFFFFFFFFFFF).f64", text)


def loads_typed(entry: Entry, format: Format) -> str:
    """Each component of a known format, then 0."""
    bits = 8 * format.bytes
    steps = [f"texel = u{bits}(0); if inside {{ texel = load(u{bits}, at) }}"]
    low = 0
    for n in range(entry.items):
        if n >= len(format.sizes):
            steps.append(f"{place(entry, n)} = 0")
            continue
        size = format.sizes[n]
        part = f"texel[{low + size - 1}:{low}]"
        steps.append(f"{component(entry, format.kind, size, part)}; {place(entry, n)} = r")
        low += size
    return "; ".join(steps)


def component(entry: Entry, kind: str, size: int, part: str) -> str:
    """The statements that make `r` of a component of a texel."""
    bits = 16 if entry.half else 32
    if kind in WHOLE:
        if size > bits:
            return f"part = {part}; r = part[{bits - 1}:0]"
        return f"r = {f'i{bits}({part}.i).u' if kind == 'SINT' else f'u{bits}({part})'}"
    if size == 32:
        return f"x = f64({part}.f32); {magnitudes(CUT)}; r = cut" if entry.half else f"r = {part}"
    value = filled(READ[kind], size)
    steps = [f"u = u32({part})"] if "u" in re.findall(r"\w+", value) else []
    steps += [f"s = i32({part}.i)"] if "s" in re.findall(r"\w+", value) else []
    steps += [f"h = u32({part}) << {max(0, 15 - size)}"] if kind == "FLOAT" else []
    return "; ".join([*steps, f"r = f{bits}({value}).u"])


def stores_typed(entry: Entry, format: Format) -> str:
    """Each component of a known format from its register; of the first one where there is none."""
    bits, low = 8 * format.bytes, 0
    steps = [f"texel = u{bits}(0)"]
    for n, size in enumerate(format.sizes):
        data = place(entry, n if n < entry.items else 0)
        before, value = written(entry, format.kind, size, data)
        steps += [*before, f"{f'texel[{low + size - 1}:{low}]' if size != bits else 'texel'} = {value}"]
        low += size
    return "; ".join([*steps, "if inside { store(at, texel) }"])


def written(entry: Entry, kind: str, size: int, data: str) -> tuple[list[str], str]:
    """The bits of a component, of a register: statements before, and the value."""
    value = f"{data}.f{16 if entry.half else 32}"
    if kind in WHOLE and size == 32:
        return [], f"i32({data}.i).u" if kind == "SINT" else f"u32({data})"
    if kind == "FLOAT" and size == 32:
        return [], f"f32({value}).u" if entry.half else data
    low = f"k[{size - 1}:0]"
    if kind in WHOLE:
        first = f"e = i32({data}.i)" if kind == "SINT" else f"d = u32({data})"
        return [first, f"k = {filled(WRITE[kind], size)}"], low
    if kind == "FLOAT":
        cut = [f"x = f64({value})", magnitudes(CUT)]
        return (cut, "cut") if size == 16 else ([*cut, f"k = {unsigned(str(15 - size))}"], low)
    return [f"x = f64({value})", f"k = {filled(WRITE[kind], size)}"], low


def unsigned(drop: str) -> str:
    """A float without a sign, of the upper bits of an f16: 0 for what is negative; NaN stays."""
    return f"((cut[15] & (cut[14:0] <= 0x7C00)) ? u16(0) : cut & 0x7FFF) >> {drop}"


# -- formats of the resource -----------------------------------------------------------------------


def packed(values: list[int], width: int) -> str:
    """Numbers of so many bits each as one constant."""
    return f"u{width * len(values)}({sum(value << width * n for n, value in enumerate(values)):#x})"


def resource(fam: str) -> str:
    """The format that the resource has: `sizes` and `places` of components (a byte each), `kind`, `size` of a
    texel in bytes, 0 for one that is unbound. Formats without a meaning are a trap.
    """
    layouts = [sizes_of(name) for name in DATA]
    sizes = [sum(size << 8 * n for n, size in enumerate(each)) for each in layouts]
    places = [sum(sum(each[:n]) << 8 * n for n in range(len(each))) for each in layouts]
    if fam == "cdna":
        number = "layout = SRSRC[114:111]; kind = SRSRC[110:108]; format = cat(kind, layout)"
        known = [int(n % 16 == 0 or format_of("cdna", n) is not None) for n in range(128)]
        number += f"; trap buffer_format: ~({packed(known, 1)}[format])"
    else:
        rows = [name.rpartition("_") for name in unified()]
        at = [DATA.index(layout) if layout else 0 for layout, _, _ in rows]
        how = [NUMBERS.index(kind) if layout else 0 for layout, _, kind in rows]
        number = (
            f"format = SRSRC[113:108]; layout = ({packed(at, 8)}.u8[format])[3:0]; "
            f"kind = ({packed(how, 8)}.u8[format])[2:0]"
        )
    return (
        f"{number}; sizes = {packed(sizes, 32)}.u32[layout]; places = {packed(places, 32)}.u32[layout]; "
        f"size = u64({packed([sum(each) // 8 for each in layouts], 8)}.u8[layout])"
    )


GREATEST = (
    "m = u32((u64(1) << wide) - 1); M = f64(m)",
    "g = (m >> 1).i; G = f64(g)",
)


def by_kind(rows: Mapping[str, str]) -> str:
    """The choice between expressions by kind."""
    *first, last = [(NUMBERS.index(kind), text) for kind, text in rows.items()]
    return "".join(f"(kind == {n}) ? ({text}) : " for n, text in first) + f"({last[1]})"


def loads(entry: Entry) -> str:
    """Each register from the component that its selector names, or 0, or 1."""
    bits = 16 if entry.half else 32
    one = 0x3C00 if entry.half else 0x3F800000
    narrow = f"x = f64(u.f32); {magnitudes(CUT)}" if entry.half else ""
    full = "cut" if entry.half else "u"
    whole = "(kind == 5) ? s.u : u"
    target = f"VDATA.u{bits}[c]" if not entry.high else "VDATA[31:16]"
    return f"""texel = u128(0); {moved(entry, "size")}; floats = (kind != 4) & (kind != 5)
        ; for c < {entry.items} {{
        select = u32(SRSRC >> (c * 3 + 96)) & 7; trap buffer_selector: (select >> 1) == 1
        ; wide = sizes.u8[select & 3]; {"; ".join(GREATEST)}
        ; u = u32(texel >> places.u8[select & 3]) & m
        ; s = (u << (32 - wide)).i >> (32 - wide)
        ; h = u << ((wide < 15) ? 15 - wide : 0); y = {by_kind(READ)}; {narrow}
        ; k = {whole}; r = floats ? ((wide == 32) ? {full} : f{bits}(y).u) : k[{bits - 1}:0]
        ; {target} = (select >= 4) ? ((wide == 0) ? u{bits}(0) : r)
            : (select == 1) ? (floats ? u{bits}({one:#x}) : u{bits}(1)) : u{bits}(0) }}"""


def stores(entry: Entry) -> str:
    """Each component from the first register whose selector names it."""
    type = f"f{16 if entry.half else 32}"
    first = place(entry, 0)
    registers = [place(entry, n) if n < entry.items else first for n in range(4)]
    data = f"u{type[1:]}(0)"
    for n in reversed(range(4)):
        data = f"(SRSRC[{98 + 3 * n}:{96 + 3 * n}] == which) ? {registers[n]} : {data}"
    rows = WRITE | {"FLOAT": f"(wide == 32) ? f32(data.{type}).u : u32((wide == 16) ? cut : small)"}
    if not entry.half:
        rows["FLOAT"] = "(wide == 32) ? data : u32((wide == 16) ? cut : small)"
    return f"""texel = u128(0); for c < 4 {{
        which = u3(c) | 4; wide = sizes.u8[c]; {"; ".join(GREATEST)}; data = {data}
        ; x = f64(data.{type}); d = u32(data); e = i32(data.i); {magnitudes(CUT)}
        ; small = {unsigned("((wide < 15) ? 15 - wide : 0)")}; k = {by_kind(rows)}
        ; texel = texel | u128(k & m) << places.u8[c] }}; {moved(entry, "size")}"""
